//! A release decides by its observations of the same release, and its end is carried out.

use futures_util::StreamExt;

use super::*;
use crate::cluster::ObjectRef;

fn deployment(version: &str, image: &str, ready: u32) -> Value {
    let labels = json!({"app": "image-classifier", "version": version});
    let containers = json!([{"name": "serving", "image": image}]);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": format!("image-classifier-{version}"), "namespace": "default"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {"readyReplicas": ready, "updatedReplicas": ready, "replicas": 1},
    })
}

fn put(store: &Store, object: Value) {
    store.inner().objects.insert(ObjectRef::of(&object).unwrap(), object);
}

/// The store with a Service and the Deployments of both versions; the canary's has so many ready pods.
fn deployed(plan: &Plan, canary: Option<u32>) -> Store {
    let store = Store::new(plan);
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "image-classifier", "namespace": "default"},
        "spec": {"selector": {"app": "image-classifier"}, "ports": [{"port": 8501}]},
    });
    put(&store, service);
    put(&store, deployment("resnet50", "serving:1", 1));
    if let Some(ready) = canary {
        put(&store, deployment("resnet101", "serving:2", ready));
    }
    store
}

async fn verdict_on(store: &Store, canary: Canary) -> Verdict {
    finish(driver(&plan(), store, canary, u64::MAX)).await.unwrap().unwrap()
}

/// All events of a run.
async fn events_on(store: &Store, canary: Canary) -> Vec<Progress> {
    let (run, _control) = driver(&plan(), store, canary, u64::MAX).start().await.unwrap();
    run.map(Result::unwrap).collect().await
}

/// A run that has given the canary this weight.
async fn run_at(driver: Driver<Store>, store: &Store, weight: u32) -> Run {
    let (mut run, _control) = driver.start().await.unwrap();
    while store.canary_weight() < weight {
        run.next().await.unwrap().unwrap();
    }
    run
}

fn routes_left(store: &Store) -> usize {
    routes(store)["http"].as_array().unwrap().len()
}

#[test]
fn a_canary_that_is_not_deployed_is_refused_before_anything_is_written() {
    run(async {
        for canary in [None, Some(0)] {
            let store = deployed(&plan(), canary);
            let (routes, rule) = (store.virtual_service(), store.rule());
            let verdict = verdict_on(&store, GOOD).await;
            let Verdict::Rollback { evidence: Cause::NotReady(why), exposure: 0, .. } = &verdict
            else {
                panic!("{verdict}")
            };
            assert!(why.contains("resnet101"), "{why}");
            assert_eq!((store.virtual_service(), store.rule()), (routes, rule), "{canary:?}");
        }
        let store = deployed(&plan(), Some(1));
        assert!(matches!(verdict_on(&store, GOOD).await, Verdict::Promote { .. }));
    });
}

#[test]
fn a_verdict_holds_for_its_release_and_its_weights_and_says_that_it_is_an_earlier_one() {
    run(async {
        let store = deployed(&plan(), Some(1));
        let first = verdict_on(&store, GOOD).await;
        assert!(matches!(first, Verdict::Promote { .. }), "{first}");

        let events = events_on(&store, FAILING).await;
        let Some(Progress::Finished { verdict, stored: Some(at) }) = events.last() else {
            panic!("{events:?}")
        };
        let Progress::Started { resumed: false, anew: None, stored: Some(began_with), .. } =
            &events[0]
        else {
            panic!("{:?}", events[0])
        };
        assert_eq!(began_with, at, "the first event says that it is over");
        same(verdict, &first, &"the same release with the same weights");

        let begins_anew = |events: &[Progress], message: &str| {
            let Progress::Started { resumed: false, anew: Some(why), .. } = &events[0] else {
                panic!("{:?}", events[0])
            };
            assert!(why.contains(message), "{why}");
            let Some(Progress::Finished { verdict, stored: None }) = events.last() else {
                panic!("{:?}", events.last())
            };
            verdict.name()
        };
        // Everything back at the stable version.
        store.inner().reset_weights();
        let events = events_on(&store, FAILING).await;
        assert_eq!(begins_anew(&events, "weights"), "rollback");

        // Another image behind the same name.
        put(&store, deployment("resnet101", "serving:3", 1));
        let events = events_on(&store, GOOD).await;
        assert_eq!(begins_anew(&events, "another release"), "promote");
    });
}

#[test]
fn another_release_behind_the_subset_gets_no_more_weight() {
    run(async {
        let store = deployed(&plan(), Some(1));
        let mut run = run_at(driver(&plan(), &store, GOOD, u64::MAX), &store, 20).await;
        put(&store, deployment("resnet101", "serving:3", 1));
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        let Verdict::ExternalEdit { diff } = &verdict else { panic!("{verdict}") };
        assert!(diff.to_string().contains("pod template"), "{diff}");
        assert_eq!(store.canary_weight(), 20, "the weights stay for a person to decide");
        assert_eq!(routes_left(&store), 2, "the header route is gone");
    });
}

#[test]
fn a_canary_whose_pods_vanish_between_steps_goes_back() {
    run(async {
        let store = deployed(&plan(), Some(1));
        let mut run = run_at(driver(&plan(), &store, GOOD, u64::MAX), &store, 20).await;
        put(&store, deployment("resnet101", "serving:2", 0));
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        assert!(verdict.to_string().contains("not ready for its next weight"), "{verdict}");
        assert_eq!(store.canary_weight(), 0);
    });
}

#[test]
fn credentials_that_run_out_delay_a_rollback_and_end_nothing() {
    run(async {
        for call in 0..30 {
            let store = Store::new(&plan());
            let mut run = run_at(driver(&plan(), &store, FAILING, u64::MAX), &store, 20).await;
            store.trouble(Trouble::Denied(call, 60));
            let verdict = to_the_end(&mut run).await.unwrap().unwrap();
            assert!(matches!(verdict, Verdict::Rollback { .. }), "{call}: {verdict}");
            assert_eq!(store.canary_weight(), 0, "{call}");
        }
    });
}

#[test]
fn a_deleted_lock_is_created_again_and_reported() {
    run(async {
        let store = Store::new(&plan());
        let driver = driver(&plan(), &store, FAILING, u64::MAX).lease(Duration::from_secs(1));
        let mut run = run_at(driver, &store, 20).await;
        let lease = lease_of("default", "image-classifier");
        store.inner().objects.remove(&lease);
        let mut reported = false;
        while let Some(progress) = run.next().await {
            if let Progress::Waiting { problem, .. } = progress.unwrap() {
                reported |= problem.contains("Lease");
            }
        }
        assert!(reported);
        assert_eq!(store.canary_weight(), 0);
        assert!(store.inner().objects.contains_key(&lease));
    });
}

#[test]
fn a_run_whose_own_question_is_wrong_writes_nothing() {
    struct Wrong;
    impl Probe for Wrong {
        fn reach(&self) -> futures_util::future::BoxFuture<'_, Result<(), Missing>> {
            Box::pin(async { Ok(()) })
        }
        fn stable(&self) -> futures_util::future::BoxFuture<'_, Result<(), String>> {
            Box::pin(async { Err("127.0.0.1:1: connection refused".to_owned()) })
        }
    }
    run(async {
        let store = Store::new(&plan());
        let before = store.virtual_service();
        let started = driver(&plan(), &store, GOOD, u64::MAX).probe(Wrong).start().await;
        let message = started.unwrap_err().to_string();
        assert!(message.contains("127.0.0.1:1: connection refused"), "{message}");
        assert!(
            message.contains("resnet50") && message.contains("Nothing was written"),
            "{message}"
        );
        assert_eq!(store.virtual_service(), before);
        assert_eq!(verdict_on(&store, GOOD).await.name(), "promote", "the lock was given back");
    });
}

#[test]
fn an_edit_ends_the_run_and_its_header_route_goes_while_the_edit_stays() {
    run(async {
        let store = Store::new(&plan());
        let mut run = run_at(driver(&plan(), &store, GOOD, u64::MAX), &store, 50).await;
        store.trouble(Trouble::Edit(0, 7));
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::ExternalEdit { .. }), "{verdict}");
        assert_eq!(live_weight(&store), 7);
        assert_eq!(routes_left(&store), 2, "the header route is gone");
    });
}

#[test]
fn a_plan_without_a_header_probes_the_canary_by_a_route_that_goes_with_the_first_weight() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    run(async {
        let mut plain = plan();
        plain.header = None;
        plain.guardrails.truncate(2);
        plain.steps[1].hold.pairs = None;
        let store = Store::new(&plain);
        let sent = Arc::new(AtomicUsize::new(0));
        let (live, count) = (store.clone(), Arc::clone(&sent));
        let probing = driver(&plain, &store, GOOD, u64::MAX).probe(move || {
            count.fetch_add(1, Ordering::Relaxed);
            let routes = routes(&live)["http"].as_array().unwrap().clone();
            async move {
                let made = routes.iter().find(|one| one["name"] == "canary-rollout-resnet101");
                let condition = &made.unwrap()["match"][0]["headers"]["x-canary-probe"]["exact"];
                assert_eq!(condition.as_str().unwrap().len(), 16);
                Ok(())
            }
        });
        let mut run = run_at(probing, &store, 20).await;
        assert_eq!(routes_left(&store), 2, "it goes in the same write");
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    });
}
