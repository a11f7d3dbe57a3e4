//! Routes that move together: every kill, every conflict and every edit between two writes.

use super::*;
use crate::{Route, Routes, cluster::ObjectRef, patch::WRITTEN_ANNOTATION};

const EDGE: &str = "edge";

/// The seed's `VirtualService` with two rules, and one in another namespace.
fn plan() -> Plan {
    let first = Route::virtual_service("image-classifier").all_rules();
    let edge = Route::virtual_service("pets").namespace(EDGE);
    super::plan().target(Routes::of([first, edge]))
}

fn edge() -> ObjectRef {
    ObjectRef::virtual_service(EDGE, "pets")
}

fn entry(host: &str, subset: &str, weight: u64) -> Value {
    json!({"destination": {"host": host, "subset": subset}, "weight": weight})
}

fn store() -> Store {
    let store = Store::new(&plan());
    let mut first = store.virtual_service();
    first["spec"]["http"].as_array_mut().unwrap().insert(
        0,
        json!({
            "name": "grpc", "match": [{"uri": {"prefix": "/tensorflow.serving."}}],
            "route": [entry("image-classifier", "resnet50", 100)],
        }),
    );
    store.put(first);
    store.put(json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "pets", "namespace": EDGE, "resourceVersion": "1"},
        "spec": {"hosts": ["pets.example.com"], "http": [
            {"route": [entry("image-classifier.default.svc.cluster.local", "resnet50", 100)]}]},
    }));
    store.inner().seen.clear();
    store
}

fn of_edge(store: &Store) -> Value {
    store.inner().objects[&edge()].clone()
}

/// The canary's share in each route, after each write, is of a step or of the one before.
fn together(store: &Store, when: &dyn std::fmt::Debug) {
    let allowed: Vec<_> = plan().splits().iter().map(|split| split.canary).collect();
    let at = |share: Option<Percent>| {
        let share = share.unwrap_or_else(|| panic!("{when:?}: rules of one object differ"));
        allowed.iter().position(|one| *one == share).unwrap_or_else(|| panic!("{when:?}: {share}"))
    };
    for shares in &store.inner().seen {
        let at: Vec<usize> = shares.iter().map(|share| at(*share)).collect();
        let (low, high) = (at.iter().min().unwrap(), at.iter().max().unwrap());
        // Back to the stable version is one step from everywhere.
        assert!(high - low <= 1 || *low == 0, "{when:?}: {shares:?}");
    }
}

/// Nothing of the run is left in the second route beside its weights.
fn ended_alike(store: &Store, reference: &Store, when: &dyn std::fmt::Debug) {
    assert_eq!(routes(store), routes(reference), "{when:?}");
    assert_eq!(of_edge(store)["spec"], of_edge(reference)["spec"], "{when:?}");
    let annotations = &of_edge(store)["metadata"]["annotations"];
    assert!(annotations.get(WRITTEN_ANNOTATION).is_none(), "{when:?}: {annotations}");
    together(store, when);
}

async fn quiet(canary: Canary) -> (Verdict, Store, usize) {
    let store = store();
    let verdict = finish(driver(&plan(), &store, canary, u64::MAX)).await.unwrap().unwrap();
    let calls = store.inner().calls;
    (verdict, store, calls)
}

#[test]
fn every_route_moves_with_the_first() {
    run(async {
        let (verdict, store, _) = quiet(GOOD).await;
        assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
        let of =
            |route: &Value| route["route"].as_array().unwrap().last().unwrap()["weight"].clone();
        assert_eq!(of(&of_edge(&store)["spec"]["http"][0]), 100);
        assert_eq!([0, 2].map(|index| of(&routes(&store)["http"][index])), [100, 100]);
        ended_alike(&store, &store, &"promoted");
        for canary in [FAILING, WRONG] {
            let (verdict, store, _) = quiet(canary).await;
            assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
            ended_alike(&store, &self::store(), &verdict);
        }
    });
}

/// Kills the driver at every call: before its effect, after it, and with an effect whose answer is lost.
#[test]
fn a_driver_killed_at_every_boundary_leaves_no_mixed_state() {
    run(async {
        for canary in [GOOD, FAILING, WRONG] {
            let (expected, reference, calls) = quiet(canary).await;
            assert!(calls > 25, "{calls}");
            for call in 0..calls {
                for trouble in [
                    Trouble::HangsBefore(call),
                    Trouble::HangsAfter(call),
                    Trouble::FailsAfter(call),
                    Trouble::Away(call, 3),
                    Trouble::Silent(call, 2),
                ] {
                    let store = store();
                    store.trouble(trouble);
                    let first = finish(driver(&plan(), &store, canary, u64::MAX)).await;
                    store.trouble(Trouble::None);
                    let verdict = match first {
                        Some(Ok(verdict)) => verdict,
                        _ => finish(driver(&plan(), &store, canary, u64::MAX))
                            .await
                            .unwrap()
                            .unwrap_or_else(|error| panic!("{trouble:?}: {error}")),
                    };
                    alike(&verdict, &expected, &trouble);
                    ended_alike(&store, &reference, &trouble);
                }
            }
        }
    });
}

/// Somebody else moves the second route while the driver writes, at any call: the run is over, and the first route is
/// taken back to the weights before where only it had been moved.
#[test]
fn an_edit_of_one_route_takes_the_others_back() {
    run(async {
        let (_, _, calls) = quiet(GOOD).await;
        let mut taken_back = 0;
        for call in 8..calls {
            let store = store();
            store.trouble(Trouble::EditOther(call));
            let Some(Ok(verdict)) = finish(driver(&plan(), &store, GOOD, u64::MAX)).await else {
                continue;
            };
            if !matches!(verdict, Verdict::ExternalEdit { .. }) {
                continue;
            }
            assert!(verdict.to_string().contains("VirtualService edge/pets"), "{verdict}");
            let Inner { seen, edited_at, .. } = &*store.inner();
            // The share of the first route at the edit; a step that was begun after it is taken back.
            let none = Some(Percent::NONE);
            let before =
                edited_at.map_or(none, |at| at.checked_sub(1).map_or(none, |at| seen[at][0]));
            let last = seen.last().unwrap()[0];
            let higher = seen[edited_at.unwrap()..].iter().any(|shares| shares[0] > before);
            taken_back += usize::from(higher);
            assert!(last <= before, "{call}: {last:?} after {before:?}");
        }
        assert!(taken_back > 0, "no edit came between two writes");
    });
}

/// The cluster refuses a write of the second route: the first one does not stay alone at the new weight.
#[test]
fn a_refusal_of_one_route_takes_the_others_back() {
    use futures_util::StreamExt;
    run(async {
        let store = store();
        store.inner().refuses = Some((edge(), 20.into()));
        let (mut run, _control) = driver(&plan(), &store, GOOD, u64::MAX).start().await.unwrap();
        let mut waits = 0;
        while waits < 3 {
            match run.next().await.unwrap() {
                Ok(Progress::Waiting { problem, .. }) => {
                    assert!(problem.contains("not permitted"), "{problem}");
                    waits += 1;
                    let shares = store.inner().seen.last().unwrap().clone();
                    assert_eq!(
                        shares,
                        [Some(Percent::NONE); 2],
                        "both at the stable version while it waits"
                    );
                }
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
        store.inner().refuses = None;
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    });
}

#[test]
fn two_releases_do_not_share_a_route() {
    run(async {
        let store = store();
        let mut theirs = of_edge(&store);
        theirs["metadata"]["annotations"] = json!({WRITTEN_ANNOTATION:
            "{\"plan\":\"another\",\"split\":{\"canary\":0,\"mirror\":0},\"headerRoute\":false}"});
        store.put(theirs);
        let error = driver(&plan(), &store, GOOD, 0).start().await.unwrap_err().to_string();
        assert!(error.contains("VirtualService edge/pets is moved by another release"), "{error}");
    });
}
