//! A canary that is refused after its probe: no weight is written, and none of its objects stays.

use futures_util::StreamExt;

use super::*;

#[test]
fn an_unreachable_canary_gets_no_weight_and_leaves_no_trace() {
    run(async {
        let (with_header, mut without) = (plan(), plan());
        without.header = None;
        without.guardrails.truncate(2);
        without.steps[1].hold.pairs = None;
        for plan in [with_header, without] {
            let store = Store::new(&plan);
            let (routes, rule) = (store.virtual_service(), store.rule());
            let driver = driver(&plan, &store, GOOD, u64::MAX)
                .probe(|| async { Err("503 no healthy upstream".to_owned()) })
                .tick(Duration::from_secs(60));
            let (run, _control) = driver.start().await.unwrap();
            let events: Vec<Progress> = run.map(Result::unwrap).collect().await;
            let Some(Progress::Finished { verdict, .. }) = events.last() else {
                panic!("{events:?}")
            };
            assert!(
                matches!(verdict, Verdict::Rollback { evidence: Cause::NotReady(_), .. }),
                "{verdict}"
            );
            let written = |event: &Progress| matches!(event, Progress::Written { .. });
            assert!(!events.iter().any(written), "{events:?}");
            assert_eq!(store.virtual_service()["spec"], routes["spec"]);
            assert_eq!(store.rule()["spec"], rule["spec"]);
        }
    });
}

/// The driver is killed at each call of a refusal, and the next one carries it out.
#[test]
fn a_refusal_that_is_interrupted_leaves_no_trace_either() {
    let refused = |store: &Store| {
        let driver = driver(&plan(), store, GOOD, u64::MAX);
        driver.probe(|| async { Err("503 no healthy upstream".to_owned()) }).tick(MINUTE)
    };
    run(async {
        let mut calls = 0;
        for call in 0.. {
            let store = Store::new(&plan());
            let (routes, rule) = (store.virtual_service(), store.rule());
            store.trouble(Trouble::HangsAfter(call));
            let killed = finish(refused(&store)).await.is_none();
            store.trouble(Trouble::None);
            let verdict = finish(refused(&store)).await.unwrap().unwrap();
            assert_eq!(verdict.name(), "rollback", "{call}: {verdict}");
            assert_eq!(store.virtual_service()["spec"], routes["spec"], "{call}");
            assert_eq!(store.rule()["spec"], rule["spec"], "{call}");
            if !killed {
                break;
            }
            calls = call;
        }
        assert!(calls > 8, "{calls}");
    });
}

const MINUTE: Duration = Duration::from_secs(60);
