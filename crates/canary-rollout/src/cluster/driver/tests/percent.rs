//! Releases that begin below one percent.

use super::*;

fn half() -> Percent {
    Percent::new(0.5).unwrap()
}

fn careful() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .weights([half(), 50.into(), 100.into()], Hold::total_requests(1_200))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0).minimum(3))
        .guardrail(Guardrail::agreement(0.95))
}

fn weights(store: &Store) -> Vec<u64> {
    let routes = routes(store);
    let entries = routes["http"].as_array().unwrap().last().unwrap()["route"].clone();
    let entries = entries.as_array().unwrap().iter();
    entries.map(|entry| entry["weight"].as_u64().unwrap()).collect()
}

/// After each kill it continues from its state, and its last driver promotes.
#[test]
fn a_release_from_half_a_percent_survives_the_death_of_its_drivers() {
    run(async {
        let store = Store::new(&careful());
        let mut deaths = 0;
        let verdict = loop {
            match finish(driver(&careful(), &store, GOOD, 250 * (deaths + 1))).await {
                Some(verdict) => break verdict.unwrap(),
                None => deaths += 1,
            }
            if store.canary_weight() == half() {
                let live = store.virtual_service();
                let stored = live["metadata"]["annotations"][STATE_ANNOTATION].as_str().unwrap();
                assert!(stored.contains(r#""written":{"canary":0.5}"#), "{stored}");
                assert_eq!(weights(&store), [199, 1]);
            }
        };
        assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
        assert!(deaths > 5, "{deaths}");
        let mut splits = store.inner().splits.clone();
        splits.dedup();
        let expected = [Split::STABLE, Split::new(half()), Split::new(50), Split::CANARY];
        assert_eq!(splits, expected);
    });
}

#[test]
fn a_dead_canary_gets_no_more_than_half_a_percent() {
    run(async {
        let store = Store::new(&careful());
        let dead = Canary { failures: 1_000, ..GOOD };
        let verdict = finish(driver(&careful(), &store, dead, u64::MAX)).await.unwrap().unwrap();
        let Verdict::Rollback { guardrail, .. } = &verdict else { panic!("{verdict}") };
        assert_eq!(guardrail, "errorRatio");
        assert!(store.inner().splits.iter().all(|split| split.canary <= half()));
        assert_eq!(routes(&store), routes(&Store::new(&careful())), "percent, as they were");
    });
}

#[test]
fn another_part_of_a_percent_is_somebody_elses_edit() {
    use futures_util::StreamExt;
    run(async {
        let store = Store::new(&careful());
        let (mut run, _control) = driver(&careful(), &store, GOOD, 800).start().await.unwrap();
        while store.canary_weight() != half() {
            run.next().await.unwrap().unwrap();
        }
        store.inner().edit(1);
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        let Verdict::ExternalEdit { diff } = &verdict else { panic!("{verdict}") };
        let words = diff.to_string();
        for (subset, share, found) in [("resnet50", "99.5", 99), ("resnet101", "0.5", 1)] {
            let expected =
                format!("expected {share} % of what both versions have ({subset}), found {found}");
            assert!(words.contains(&expected), "{words}");
        }
        assert_eq!(weights(&store), [99, 1], "nothing is overwritten");
    });
}
