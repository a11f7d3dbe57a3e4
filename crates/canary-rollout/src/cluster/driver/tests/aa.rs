//! A/A runs on a cluster: after any failure of the driver, the users are at the stable version.

use super::*;

fn aa() -> Plan {
    plan().aa()
}

/// Nothing is at the canary, the canary never had everything, and the objects are as they were.
fn back(store: &Store, when: &Trouble) {
    assert_eq!(live_weight(store), 0, "{when:?}");
    assert!(store.inner().splits.iter().all(|split| split.canary < 100), "{when:?}");
    let before = Store::new(&aa());
    assert_eq!(routes(store), routes(&before), "{when:?}");
    assert_eq!(store.rule()["spec"], before.rule()["spec"], "{when:?}");
}

/// The guardrails that alarmed.
fn alarmed(verdict: &Verdict) -> Vec<String> {
    let report = verdict.aa().unwrap_or_else(|| panic!("{verdict}"));
    assert!(report.is_complete(), "{verdict}");
    report.alarms.iter().map(|alarm| alarm.guardrail.clone()).collect()
}

#[test]
fn a_driver_killed_at_every_boundary_leaves_nothing_at_the_canary() {
    run(async {
        for (canary, expected) in [(GOOD, &[][..]), (FAILING, &["errorRatio"])] {
            let store = Store::new(&aa());
            let verdict = finish(driver(&aa(), &store, canary, u64::MAX)).await.unwrap().unwrap();
            assert_eq!(alarmed(&verdict), expected, "{verdict}");
            back(&store, &Trouble::None);
            let calls = store.inner().calls;
            for call in 0..calls {
                for trouble in
                    [Trouble::HangsBefore(call), Trouble::HangsAfter(call), Trouble::Away(call, 40)]
                {
                    let store = Store::new(&aa());
                    store.trouble(trouble);
                    let first = finish(driver(&aa(), &store, canary, u64::MAX)).await;
                    store.trouble(Trouble::None);
                    let verdict = match first {
                        Some(Ok(verdict)) => verdict,
                        _ => {
                            finish(driver(&aa(), &store, canary, u64::MAX)).await.unwrap().unwrap()
                        }
                    };
                    assert_eq!(alarmed(&verdict), expected, "{trouble:?}: {verdict}");
                    back(&store, &trouble);
                }
            }
        }
    });
}
