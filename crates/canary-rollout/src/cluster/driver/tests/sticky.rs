//! Users who stay with a version on routes that move together: at every boundary each route has the rules of its own
//! weights or none, and at every end nobody is kept anywhere.

use super::*;
use crate::{Check, Percent, Route, Routes, Sticky, cluster::ObjectRef, patch::RouteOf};

const EDGE: &str = "edge";

/// A plan that judges pairs, so that users need not be counted.
fn plan() -> Plan {
    let first = Route::virtual_service("image-classifier");
    let edge = Route::virtual_service("pets").namespace(EDGE);
    let mut plan = super::plan().target(Routes::of([first, edge])).sticky(Sticky::cookie("pets"));
    plan.steps[0].hold = Hold::total_requests(60).and_pairs(20);
    plan.guardrails.retain(|one| matches!(one.check, Check::Agreement(_)));
    plan
}

fn edge() -> ObjectRef {
    ObjectRef::virtual_service(EDGE, "pets")
}

fn store() -> Store {
    let store = Store::new(&plan());
    store.put(json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "pets", "namespace": EDGE, "resourceVersion": "1"},
        "spec": {"hosts": ["pets.example.com"], "http": [{"route": [{
            "destination": {"host": "image-classifier.default.svc.cluster.local", "subset": "resnet50"}, "weight": 100}]}]},
    }));
    store
}

/// The draw that all cookies and rules of an object name.
fn draw_of(object: &Value, when: &dyn std::fmt::Debug) -> Option<String> {
    let rules = object["spec"]["http"].as_array().unwrap();
    let pins = rules
        .iter()
        .filter(|rule| rule["name"].as_str().is_some_and(|name| name.contains(".sticky-")));
    let mut names = Vec::new();
    let mut draws = std::collections::BTreeSet::new();
    for pin in pins {
        let regex = pin["match"][0]["headers"]["cookie"]["regex"].as_str().unwrap();
        draws.insert(regex.split_once("pets=").unwrap().1[..12].to_owned());
        names.push(pin["name"].as_str().unwrap());
    }
    let text = object["spec"].to_string();
    let set: Vec<&str> = text.split("\"pets=").skip(1).map(|rest| &rest[..12]).collect();
    draws.extend(set.iter().map(|draw| (*draw).to_owned()));
    assert!(draws.len() <= 1, "{when:?}: {object:#}");
    assert!([0, 2].contains(&names.len()) && names.len() == set.len(), "{when:?}: {object:#}");
    draws.pop_first()
}

/// Each route keeps users if and only if it divides them, and two routes at one share keep them alike.
fn consistent(store: &Store, when: &dyn std::fmt::Debug) {
    let both = RouteOf::all(&plan())
        .map(|of| {
            let live = store.inner().objects[&of.object()].clone();
            let share = crate::patch::locate(of, &live).unwrap().split.unwrap().canary;
            (share, draw_of(&live, when))
        })
        .collect::<Vec<_>>();
    for (share, draw) in &both {
        assert_eq!(draw.is_some(), share.is_part(), "{when:?}: {both:?}");
    }
    if both[0].0 == both[1].0 {
        assert_eq!(both[0].1, both[1].1, "{when:?}");
    } else {
        assert!(both[0].1.is_none() || both[0].1 != both[1].1, "{when:?}: {both:?}");
    }
}

fn kept(store: &Store) -> bool {
    let of =
        |object: &ObjectRef| store.inner().objects[object]["spec"].to_string().contains("pets=");
    of(&edge()) || of(&ObjectRef::virtual_service("default", "image-classifier"))
}

#[test]
fn every_step_has_a_draw_of_its_own() {
    use futures_util::StreamExt;
    run(async {
        let store = store();
        let (mut run, _control) = driver(&plan(), &store, GOOD, u64::MAX).start().await.unwrap();
        let mut draws = Vec::new();
        while let Some(progress) = run.next().await {
            if let Progress::Written { split, .. } = progress.unwrap() {
                consistent(&store, &split);
                draws.push((split.canary, draw_of(&store.virtual_service(), &split)));
            }
        }
        let shares: Vec<Percent> = draws.iter().map(|(share, _)| *share).collect();
        assert_eq!(shares[..2], [20, 50], "{draws:?}");
        assert!(draws[0].1.is_some() && draws[1].1.is_some() && draws[0].1 != draws[1].1);
        assert!(!kept(&store));
        assert_eq!(store.canary_weight(), 100);
    });
}

/// Kills the driver at every call: what it leaves is consistent, and the next driver ends the same way.
#[test]
fn a_driver_killed_at_every_boundary_leaves_nobody_with_a_version() {
    run(async {
        for canary in [GOOD, WRONG] {
            let reference = store();
            let expected =
                finish(driver(&plan(), &reference, canary, u64::MAX)).await.unwrap().unwrap();
            let calls = reference.inner().calls;
            assert!(calls > 25 && !kept(&reference), "{calls}");
            for call in 0..calls {
                for trouble in [
                    Trouble::HangsBefore(call),
                    Trouble::HangsAfter(call),
                    Trouble::FailsAfter(call),
                    Trouble::Silent(call, 2),
                ] {
                    let store = store();
                    store.trouble(trouble);
                    let first = finish(driver(&plan(), &store, canary, u64::MAX)).await;
                    store.trouble(Trouble::None);
                    consistent(&store, &trouble);
                    let verdict = match first {
                        Some(Ok(verdict)) => verdict,
                        _ => finish(driver(&plan(), &store, canary, u64::MAX))
                            .await
                            .unwrap()
                            .unwrap_or_else(|error| panic!("{trouble:?}: {error}")),
                    };
                    alike(&verdict, &expected, &trouble);
                    assert_eq!(routes(&store), routes(&reference), "{trouble:?}");
                    let of = |store: &Store| store.inner().objects[&edge()]["spec"].clone();
                    assert_eq!(of(&store), of(&reference), "{trouble:?}");
                }
            }
        }
    });
}

/// An abort at any moment, and an end that keeps the weights, leave nobody with a version.
#[test]
fn no_end_keeps_users() {
    use futures_util::StreamExt;
    run(async {
        let mut divided = 0;
        for after in 0..30 {
            let store = store();
            let (mut run, control) = driver(&plan(), &store, GOOD, u64::MAX).start().await.unwrap();
            let mut over = false;
            for _ in 0..after {
                match run.next().await {
                    None | Some(Ok(Progress::Finished { .. })) => over = true,
                    Some(progress) => drop(progress.unwrap()),
                }
            }
            divided += u32::from(kept(&store));
            if !over && control.abort("enough") {
                to_the_end(&mut run).await.unwrap().unwrap();
            }
            consistent(&store, &after);
            assert!(!kept(&store), "after {after}");
        }
        assert!(divided > 3, "{divided}");
        let store = store();
        let silent = Canary { observations: 150, ..GOOD };
        let verdict = finish(driver(&plan(), &store, silent, u64::MAX)).await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::Inconclusive { .. }), "{verdict}");
        assert!(live_share(&store) > 0 && !kept(&store), "{verdict}");
    });
}

fn live_share(store: &Store) -> Percent {
    crate::patch::locate(&plan(), &store.virtual_service()).unwrap().split.unwrap().canary
}

/// Somebody else's edit at any call ends the run, and takes no user along.
#[test]
fn after_an_edit_nobody_is_kept() {
    run(async {
        let undisturbed = store();
        finish(driver(&plan(), &undisturbed, GOOD, u64::MAX)).await.unwrap().unwrap();
        let calls = undisturbed.inner().calls;
        let mut ended = 0;
        for call in 8..calls {
            for trouble in [Trouble::EditOther(call), Trouble::Edit(call, 77)] {
                let store = store();
                store.trouble(trouble);
                let Some(Ok(verdict)) = finish(driver(&plan(), &store, GOOD, u64::MAX)).await
                else {
                    continue;
                };
                ended += usize::from(matches!(verdict, Verdict::ExternalEdit { .. }));
                assert!(!kept(&store), "{trouble:?}: {verdict}");
            }
        }
        assert!(ended > 10, "{ended}");
    });
}

/// Somebody takes the rule of the canary's users away while the step is held.
#[test]
fn a_missing_rule_is_an_edit() {
    use futures_util::StreamExt;
    run(async {
        let store = store();
        let (mut run, _control) = driver(&plan(), &store, GOOD, u64::MAX).start().await.unwrap();
        while store.canary_weight() == 0 {
            run.next().await.unwrap().unwrap();
        }
        let mut live = store.virtual_service();
        let rules = live["spec"]["http"].as_array_mut().unwrap();
        rules.retain(|rule| rule["name"] != "canary-rollout-resnet101.sticky-canary");
        store.put(live);
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        assert!(verdict.to_string().contains("keeps users with the cookie"), "{verdict}");
        assert!(!kept(&store));
    });
}

/// A rule without a place for the cookie is an error before anything is written.
#[test]
fn an_obstacle_is_found_before_any_write() {
    run(async {
        let store = store();
        let mut live = store.inner().objects[&edge()].clone();
        live["spec"]["http"][0]["headers"] = json!({"response": {"remove": ["set-cookie"]}});
        store.put(live);
        let before = store.virtual_service();
        let error = finish(driver(&plan(), &store, GOOD, u64::MAX)).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("VirtualService edge/pets: spec.http[0]"), "{error}");
        assert_eq!(store.virtual_service(), before);
    });
}
