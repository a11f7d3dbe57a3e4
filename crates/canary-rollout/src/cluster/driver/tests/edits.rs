//! Edits by others of the objects of a rollout, and of its lock, while it continues.

use super::*;

#[test]
fn a_concurrent_edit_is_never_overwritten() {
    run(async {
        for canary in [GOOD, FAILING] {
            let (expected, _, calls) = undisturbed(canary).await;
            for call in 0..calls {
                let store = Store::new(&plan());
                store.trouble(Trouble::Edit(call, 77));
                let verdict = finish(driver(&plan(), &store, canary, u64::MAX)).await.unwrap();
                assert_eq!(live_weight(&store), 77, "at call {call}: {verdict:?}");
                match verdict {
                    Ok(Verdict::ExternalEdit { diff }) => {
                        assert!(diff.to_string().contains("found 77"), "{diff}");
                    }
                    // Before the rollout had begun, or after its last write.
                    Err(Error::Plan(message)) => {
                        assert!(message.contains("already has traffic"), "{message}");
                    }
                    Ok(verdict) => same(&verdict, &expected, &call),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
}

#[test]
fn edits_elsewhere_are_kept_and_disturb_nothing() {
    run(async {
        let (expected, _, calls) = undisturbed(GOOD).await;
        for call in 0..calls {
            let store = Store::new(&plan());
            store.trouble(Trouble::EditElsewhere(call));
            let verdict = finish(driver(&plan(), &store, GOOD, u64::MAX)).await.unwrap().unwrap();
            same(&verdict, &expected, &call);
            let live = store.virtual_service();
            assert_eq!(live["metadata"]["labels"], json!({"team": "vision"}));
            assert_eq!(live["spec"]["http"][0]["name"], "health", "at call {call}");
        }
    });
}

/// Somebody gives the canary's subset other pods, at any call; only the check before each write shows it.
#[test]
fn a_subset_of_other_pods_gets_no_weight() {
    run(async {
        for canary in [GOOD, FAILING] {
            let (_, _, calls) = undisturbed(canary).await;
            let mut noticed = 0;
            for call in 0..calls {
                let store = Store::new(&plan());
                store.trouble(Trouble::Relabel(call));
                let verdict =
                    finish(driver(&plan(), &store, canary, u64::MAX)).await.unwrap().unwrap();
                let Some(before) = store.inner().relabelled else { continue };
                let splits: Vec<_> =
                    store.inner().splits.iter().map(|split| split.canary).collect();
                // The state is stored too; what counts is a larger weight than the one in force.
                let mut after = splits[before..].to_vec();
                after.dedup();
                after.retain(|weight| before == 0 || *weight != splits[before - 1]);
                match &verdict {
                    Verdict::ExternalEdit { diff } => {
                        noticed += 1;
                        let text = diff.to_string();
                        assert!(
                            text.contains("spec.subsets[1].labels") && text.contains("another"),
                            "{text}"
                        );
                        // At most one write was in flight.
                        assert!(after.len() <= 1, "at call {call}: {after:?}");
                    }
                    // The way back does not depend on the canary's subset.
                    Verdict::Rollback { .. } => {
                        assert_eq!(splits.last(), Some(&Percent::NONE), "{call}");
                    }
                    // The last write was in flight, or done.
                    Verdict::Promote { .. } => assert!(after.len() <= 1, "{call}: {after:?}"),
                    other => panic!("at call {call}: {other}"),
                }
            }
            assert!(noticed >= 3, "{noticed}");
        }
    });
}

#[test]
fn a_subset_of_other_pods_is_noticed_when_a_rollout_goes_on() {
    run(async {
        for removed in [false, true] {
            let store = Store::new(&plan());
            assert!(finish(driver(&plan(), &store, GOOD, 100)).await.is_none(), "killed");
            let rule = crate::cluster::ObjectRef::destination_rule("default", "image-classifier");
            if removed {
                store.inner().objects.remove(&rule);
                let error = driver(&plan(), &store, GOOD, u64::MAX).start().await.unwrap_err();
                assert!(matches!(error, Error::NotFound { .. }), "{error}");
            } else {
                store.trouble(Trouble::Relabel(0));
                let verdict =
                    finish(driver(&plan(), &store, GOOD, u64::MAX)).await.unwrap().unwrap();
                assert!(matches!(verdict, Verdict::ExternalEdit { .. }), "{verdict}");
            }
            assert_eq!(store.canary_weight(), 20, "nothing was written");
        }
    });
}

#[test]
fn an_edit_found_at_the_start_is_reported_and_kept() {
    run(async {
        let store = Store::new(&plan());
        assert!(finish(driver(&plan(), &store, GOOD, 100)).await.is_none(), "killed under load");
        assert_eq!(store.canary_weight(), 20);
        store.trouble(Trouble::Edit(0, 60));
        let verdict = finish(driver(&plan(), &store, GOOD, u64::MAX)).await.unwrap().unwrap();
        assert!(matches!(&verdict, Verdict::ExternalEdit { .. }), "{verdict}");
        assert_eq!(live_weight(&store), 60);
    });
}

#[test]
fn a_second_driver_is_refused_until_the_lock_runs_out() {
    run(async {
        let store = Store::new(&plan());
        let clock = Jumping::default();
        let (first, _) = driver(&plan(), &store, GOOD, 0)
            .holder("a")
            .clock(clock.clone())
            .start()
            .await
            .unwrap();
        let second = || driver(&plan(), &store, GOOD, u64::MAX).holder("b").clock(clock.clone());
        let message = second().start().await.unwrap_err().to_string();
        assert!(message.contains("held by a"), "{message}");
        drop(first);
        clock.0.fetch_add(31_000, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(finish(second()).await.unwrap().unwrap(), Verdict::Promote { .. }));
    });
}

#[test]
fn a_driver_that_lost_its_lock_writes_nothing_more() {
    run(async {
        let store = Store::new(&plan());
        let clock = Jumping::default();
        let late = |holder: &str, hangs| {
            driver(&plan(), &store, GOOD, hangs).holder(holder).clock(clock.clone())
        };
        let (mut first, _) = late("a", u64::MAX).start().await.unwrap();
        clock.0.fetch_add(31_000, std::sync::atomic::Ordering::Relaxed);
        let (_second, _) = late("b", 0).start().await.unwrap();
        let error = to_the_end(&mut first).await.unwrap().unwrap_err().to_string();
        assert!(error.contains("held by b"), "{error}");
        assert_eq!(store.canary_weight(), 0, "it had not come to its first weight");
    });
}

#[test]
fn objects_of_other_controllers_are_refused() {
    run(async {
        let store = Store::new(&plan());
        let name = crate::cluster::ObjectRef::virtual_service("default", "image-classifier");
        store.inner().objects.get_mut(&name).unwrap()["metadata"]["ownerReferences"] = json!([
            {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "image-classifier"}]);
        let error = driver(&plan(), &store, GOOD, 0).start().await.unwrap_err().to_string();
        assert!(error.contains("Flagger (Canary image-classifier)"), "{error}");
        store.inner().objects.remove(&name);
        let error = driver(&plan(), &store, GOOD, 0).start().await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
    });
}
