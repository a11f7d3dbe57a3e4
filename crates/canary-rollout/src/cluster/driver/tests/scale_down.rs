//! The old version's Deployment after a promotion, while the driver is killed and the store fails at any call.

use std::sync::atomic::Ordering::Relaxed;

use futures_util::StreamExt;

use super::{fixtures::keeping, *};
use crate::{CommandOutcome, ScaleDown, cluster::ObjectRef, evidence::Timestamp};

const AFTER: Duration = Duration::from_secs(300);

fn scaling_plan() -> Plan {
    plan().settle(Duration::from_secs(2)).scale_down_after(AFTER)
}

/// The same with little to see and a short wait.
fn short_plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .step(Step::new(50).hold(Hold::total_requests(60)))
        .step(Step::new(100))
        .settle(Duration::from_secs(2))
        .guardrail(Guardrail::error_ratio(1.0))
        .scale_down_after(Duration::from_secs(60))
}

fn deployment(version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": version, "namespace": "default", "uid": format!("uid-{version}"), "resourceVersion": "1"},
        "spec": {"replicas": 3, "template": {
            "metadata": {"labels": {"app": "image-classifier", "version": version}}, "spec": {"containers": []}}},
        "status": {"readyReplicas": 3},
    })
}

/// The seed's objects with the Deployments behind them.
fn store() -> Store {
    let store = Store::new(&scaling_plan());
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "image-classifier", "namespace": "default"},
        "spec": {"selector": {"app": "image-classifier"}}});
    for object in [service, deployment("resnet50"), deployment("resnet101")] {
        store.put(object);
    }
    store
}

fn old() -> ObjectRef {
    ObjectRef::new("apps/v1", "Deployment", "default", "resnet50")
}

fn replicas(store: &Store) -> u64 {
    store.inner().objects[&old()]["spec"]["replicas"].as_u64().unwrap()
}

/// A change by somebody else.
type Change = Box<dyn Fn(&Store)>;

/// The life of one driver: its end, and when it reported the wait and the scale-down.
#[derive(Debug, Default)]
struct Life {
    verdict: Option<Verdict>,
    awaited: Option<Timestamp>,
    outcome: Option<(ScaleDown, Timestamp)>,
}

/// Runs until the end, or until the driver hangs; `interfere` is called once, when the wait begins.
async fn live(
    driver: Driver<Store>,
    clock: &Jumping,
    mut interfere: Option<&mut dyn FnMut(&Control)>,
) -> Life {
    use futures_util::future::poll_immediate;
    let mut life = Life::default();
    let mut start = Box::pin(driver.start());
    let Some(started) = poll_immediate(&mut start).await else { return life };
    // The first call of a driver may fail: the person starts it again.
    let Ok((mut run, control)) = started else { return life };
    loop {
        let mut next = run.next();
        let mut polled = poll_immediate(&mut next).await;
        for _ in 0..1_000 {
            if polled.is_some() {
                break;
            }
            polled = poll_immediate(&mut next).await;
        }
        match polled {
            Some(Some(Ok(Progress::Finished { verdict, .. }))) => {
                life.verdict = Some(verdict);
                return life;
            }
            Some(Some(Ok(Progress::ScaleDownAwaited { at, deployment }))) => {
                assert_eq!(deployment, "Deployment default/resnet50");
                life.awaited = Some(at);
                if let Some(interfere) = interfere.take() {
                    interfere(&control);
                }
            }
            Some(Some(Ok(Progress::ScaledDown { outcome }))) => {
                life.outcome = Some((outcome, clock.now()));
            }
            Some(Some(Ok(Progress::Suspended { .. }))) | None => return life,
            Some(Some(Ok(_))) => {}
            Some(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_old_version_is_scaled_down_when_the_time_is_over() {
    run(async {
        let store = store();
        let (driver, clock) = keeping(&scaling_plan(), &store, GOOD);
        let mut written = Timestamp(0);
        let mut note = |_: &Control| {
            assert_eq!(store.canary_weight(), 100);
            written = clock.now();
        };
        let life = live(driver, &clock, Some(&mut note)).await;
        assert!(matches!(life.verdict, Some(Verdict::Promote { .. })), "{life:?}");
        let at = life.awaited.unwrap();
        assert!(at >= written.plus(AFTER), "{at} {written}");
        let (outcome, when) = life.outcome.unwrap();
        let deployment = old().to_string();
        assert_eq!(outcome, ScaleDown::Done { deployment, replicas: 3 });
        assert!(when >= at, "{when} {at}");
        assert_eq!((replicas(&store), store.inner().scaled.clone()), (0, vec![old()]));
        // The run is over: the same plan only tells its verdict.
        let (driver, clock) = keeping(&scaling_plan(), &store, GOOD);
        let again = live(driver, &clock, None).await;
        assert!(again.verdict.is_some() && again.outcome.is_none(), "{again:?}");
        assert_eq!(store.inner().scaled.len(), 1);
    });
}

/// At every call, before and after its effect, and with an effect whose response is lost: it is scaled down, and not
/// before its time.
#[test]
fn drivers_that_are_killed_at_every_boundary_scale_it_down_once_and_in_time() {
    run(async {
        let reference = store();
        let (driver, clock) = keeping(&short_plan(), &reference, GOOD);
        let mut waits_from = 0;
        let mut note = |_: &Control| waits_from = reference.inner().calls;
        live(driver, &clock, Some(&mut note)).await;
        let calls = reference.inner().calls;
        // From before the last weight: what comes earlier is killed by the tests of every rollout.
        let from = waits_from.saturating_sub(14);
        assert!(calls - from > 30, "{from} {calls}");
        for call in from..calls {
            for trouble in
                [Trouble::HangsBefore(call), Trouble::HangsAfter(call), Trouble::FailsAfter(call)]
            {
                let store = store();
                store.trouble(trouble);
                let (driver, clock) = keeping(&short_plan(), &store, GOOD);
                let first = live(driver, &clock, None).await;
                let mut lives = vec![first];
                store.trouble(Trouble::None);
                if lives[0].verdict.is_none() {
                    let (driver, later) = keeping(&short_plan(), &store, GOOD);
                    later.0.store(clock.passed(), Relaxed);
                    lives.push(live(driver, &later, None).await);
                }
                let last = lives.last().unwrap();
                assert!(
                    matches!(last.verdict, Some(Verdict::Promote { .. })),
                    "{trouble:?}: {lives:?}"
                );
                assert_eq!(replicas(&store), 0, "{trouble:?}: {lives:?}");
                assert_eq!(store.inner().scaled.len(), 1, "{trouble:?}: {lives:?}");
                let at = lives.iter().find_map(|life| life.awaited);
                let when = lives.iter().find_map(|life| life.outcome.as_ref());
                if let (Some(at), Some((outcome, when))) = (at, when) {
                    assert!(matches!(outcome, ScaleDown::Done { .. }), "{trouble:?}: {outcome}");
                    assert!(*when >= at, "{trouble:?}: {when} {at}");
                }
            }
        }
    });
}

/// The events during the wait, and the reports of them.
#[test]
fn what_comes_in_the_way_during_the_wait_leaves_it() {
    run(async {
        let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "resnet50", "namespace": "default"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "resnet50"}}});
        let mut other = deployment("resnet50");
        other["spec"]["template"]["spec"]["containers"] = json!([{"image": "resnet:2"}]);
        let mut again = deployment("resnet50");
        again["metadata"]["uid"] = "another".into();
        let more = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"name": "batch", "namespace": "default"},
            "spec": {"hosts": ["batch"], "http": [{"route": [
                {"destination": {"host": "image-classifier", "subset": "resnet50"}}]}]}});
        let table: [(Change, &str); 6] = [
            (Box::new(|store| store.inner().edit(50)), "somebody else has changed what it wrote"),
            (Box::new(|store| store.inner().relabel()), "somebody else has changed what it wrote"),
            (
                Box::new(move |store| store.put(scaler.clone())),
                "HorizontalPodAutoscaler resnet50 scales",
            ),
            (Box::new(move |store| store.put(other.clone())), "has another pod template"),
            (Box::new(move |store| store.put(again.clone())), "it was created again"),
            (
                Box::new(move |store| store.put(more.clone())),
                "VirtualService default/batch spec.http[0].route[0]",
            ),
        ];
        for (change, words) in table {
            let store = store();
            let (driver, clock) = keeping(&scaling_plan(), &store, GOOD);
            let life = live(driver, &clock, Some(&mut |_| change(&store))).await;
            assert!(matches!(life.verdict, Some(Verdict::Promote { .. })), "{words}: {life:?}");
            let Some((ScaleDown::Left { why }, _)) = &life.outcome else {
                panic!("{words}: {life:?}")
            };
            assert!(why.contains(words), "{why}");
            assert_eq!((replicas(&store), store.inner().scaled.len()), (3, 0), "{words}");
        }
    });
}

#[test]
fn without_permission_it_is_told_and_the_promotion_stands() {
    run(async {
        let store = store();
        let (driver, clock) = keeping(&scaling_plan(), &store, GOOD);
        let mut deny = |_: &Control| store.inner().denies_scale = true;
        let life = live(driver, &clock, Some(&mut deny)).await;
        assert!(matches!(life.verdict, Some(Verdict::Promote { .. })), "{life:?}");
        let Some((ScaleDown::Left { why }, _)) = &life.outcome else { panic!("{life:?}") };
        assert!(why.contains("not permitted"), "{why}");
    });
}

#[test]
fn an_abort_during_the_wait_goes_back_and_needs_pods_there() {
    run(async {
        let store = store();
        let (driver, clock) = keeping(&scaling_plan(), &store, GOOD);
        let mut abort = |control: &Control| assert!(control.abort("slower at night"));
        let life = live(driver, &clock, Some(&mut abort)).await;
        assert!(matches!(life.verdict, Some(Verdict::Rollback { .. })), "{life:?}");
        assert!(life.outcome.is_none());
        assert_eq!((store.canary_weight(), replicas(&store)), (Percent::NONE, 3));
        // Somebody has scaled it down by hand: everything would go to a version without pods.
        let store = self::store();
        let (driver, clock) = keeping(&scaling_plan(), &store, GOOD);
        let mut abort = |control: &Control| {
            let mut empty = deployment("resnet50");
            empty["spec"]["replicas"] = 0.into();
            empty["status"] = json!({});
            store.put(empty);
            assert!(control.abort("slower at night"));
        };
        let life = live(driver, &clock, Some(&mut abort)).await;
        assert!(matches!(life.verdict, Some(Verdict::Promote { .. })), "{life:?}");
        assert_eq!(store.canary_weight(), 100);
        let state: Value = serde_json::from_str(&store.state()).unwrap();
        let records: Vec<crate::CommandRecord> =
            serde_json::from_value(state["commands"].clone()).unwrap();
        let CommandOutcome::Refused(why) = &records.last().unwrap().outcome else { panic!() };
        assert!(why.contains("scaled to 0 replicas"), "{why}");
    });
}

#[test]
fn a_suspended_wait_goes_on_by_the_wall_clock() {
    run(async {
        let store = store();
        let (first, clock) = keeping(&scaling_plan(), &store, GOOD);
        let suspend = &mut |control: &Control| assert!(control.suspend());
        let first = live(first, &clock, Some(suspend)).await;
        assert!(first.verdict.is_none() && replicas(&store) == 3, "{first:?}");
        // Another plan of the same object is not kept waiting by that.
        let next = Plan { stable: "resnet101".into(), canary: "resnet50".into(), ..scaling_plan() };
        let (mut run, _control) = driver(&next, &store, GOOD, u64::MAX).start().await.unwrap();
        let Some(Ok(Progress::Started { anew: Some(why), .. })) = run.next().await else {
            panic!()
        };
        assert!(why.contains("Deployment default/resnet50 of its old version stays"), "{why}");
        drop(run);
        let (second, later) = keeping(&scaling_plan(), &store, GOOD);
        later.0.store(clock.passed() + 290_000, Relaxed);
        let second = live(second, &later, None).await;
        assert_eq!(second.awaited, first.awaited, "the time is that of the promotion");
        let (outcome, when) = second.outcome.unwrap();
        assert!(matches!(outcome, ScaleDown::Done { .. }) && when >= first.awaited.unwrap());
    });
}

/// Where no driver is running, an abort takes the lock itself: it goes back, or says why not and scales nothing.
#[test]
fn an_abort_without_a_driver_goes_back_or_says_why_not() {
    run(async {
        for served in [true, false] {
            let store = store();
            let (first, clock) = keeping(&scaling_plan(), &store, GOOD);
            let suspend = &mut |control: &Control| assert!(control.suspend());
            live(first, &clock, Some(suspend)).await;
            if !served {
                let mut empty = deployment("resnet50");
                empty["status"] = json!({});
                store.put(empty);
            }
            store.inner().annotate("abort 1");
            let (driver, later) = keeping(&scaling_plan(), &store, GOOD);
            later.0.store(clock.passed() + 3_600_000, Relaxed);
            let started = driver.aborting().start().await;
            if served {
                let verdict = to_the_end(&mut started.unwrap().0).await.unwrap().unwrap();
                assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
            } else {
                let error = started.unwrap_err().to_string();
                assert!(error.contains("no pod of the old version is ready"), "{error}");
            }
            assert_eq!(store.canary_weight(), if served { 0 } else { 100 });
            assert_eq!((replicas(&store), store.inner().scaled.len()), (3, 0));
        }
    });
}
