//! Whole rollouts by the driver, as one suite for the lab's store, for its Kubernetes API and for a real
//! API server.

use std::time::{Duration, Instant};

use canary_core::{
    DestinationRule, Plan, Verdict, VirtualService,
    cluster::{Cluster, Control, Driver, ObjectRef, Patch, Progress, Run, Typed, status},
    evidence::{
        Arm, Kind, Recorded, Recorder, Request, Seen, Source, Subsets, Timestamp, from_iter,
    },
    rollout::{
        Error, Guardrail, HeaderRoute, Hold, Split,
        patch::{DESTINATION_ANNOTATION, STATE_ANNOTATION, locate},
    },
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::backend::{Backend, on_each};

on_each!(
    a_healthy_canary_is_promoted,
    a_failing_canary_is_rolled_back_without_a_trace,
    a_killed_driver_is_resumed_by_another,
    two_drivers_do_not_run_at_once,
    an_external_edit_is_noticed_at_once_and_kept,
    an_edit_of_something_else_disturbs_nothing,
    a_deleted_object_ends_the_rollout,
    other_pods_in_a_subset_are_noticed_at_once,
    an_edit_of_another_subset_disturbs_nothing,
    the_status_tells_how_far_it_is,
);

pub(crate) const APP: &str = "image-classifier";

pub(crate) fn plan(namespace: &str) -> Plan {
    Plan::new(APP, "lite0", "lite1")
        .bursts(canary_core::rollout::Bursts::None)
        .namespace(namespace)
        .header("user-group", "canary")
        .weights([50, 100], Hold::requests(400))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
}

/// The objects before a rollout: everything to the stable subset, a route that is none of its business, a label.
pub(crate) async fn set_up(cluster: &impl Cluster, namespace: &str) {
    let mut split = VirtualService::weighted(APP, [("lite0", 100)])
        .hosts(["*"])
        .gateway("gateway")
        .namespace(namespace)
        .label("team", "vision");
    let health = json!({"name": "health", "match": [{"uri": {"exact": "/health"}}],
        "route": [{"destination": {"host": "health"}}]});
    split.spec.http.get_or_insert_default().insert(0, serde_json::from_value(health).unwrap());
    cluster.apply_typed(&split).await.unwrap();
    let subsets = DestinationRule::subsets(APP, ["lite0"]).namespace(namespace);
    cluster.apply_typed(&subsets).await.unwrap();
}

/// Alternating requests, of which the canary fails every `failing`th.
pub(crate) fn traffic(failing: u64) -> impl Source + 'static {
    let requests = (0..4_000).map(move |number| request(number, failing));
    from_iter("log", [Kind::Requests], requests)
}

fn request(number: u64, failing: u64) -> (Timestamp, Seen) {
    let arm = if number.is_multiple_of(2) { Arm::Canary } else { Arm::Stable };
    let failed = arm == Arm::Canary && (number / 2) % failing == failing - 1;
    (Timestamp::now(), Seen::Request(Request { failed, ..Request::served(arm, None) }))
}

/// A source that a test feeds by hand.
pub(crate) fn by_hand() -> (Recorder, Recorded) {
    Recorder::channel("hand", Subsets::new("lite0", "lite1"), [Kind::Requests], 4_096)
}

/// Records requests, half of them at the canary.
pub(crate) fn feed(recorder: &Recorder, number: u64, failing: u64) {
    for number in 0..number {
        let (at, seen) = request(number, failing);
        assert!(recorder.try_record(at, seen), "the channel is full");
    }
}

pub(crate) fn driver<C: Cluster + 'static>(
    cluster: C,
    namespace: &str,
    source: impl Source + 'static,
) -> Driver<C> {
    Driver::new(cluster, plan(namespace))
        .unwrap()
        .source(source)
        .probe(|| async { Ok(()) })
        .tick(Duration::from_millis(50))
        .holder("test")
}

/// The next progress that the caller looks for; all else is passed over.
pub(crate) async fn until<T>(run: &mut Run, mut wanted: impl FnMut(Progress) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut last = None;
    loop {
        assert!(Instant::now() < deadline, "what is waited for does not come after {last:?}");
        let progress = run.next().await.expect("the run continues").unwrap();
        if !matches!(progress, Progress::Seen(_)) {
            last = Some(progress.clone());
        }
        if let Progress::Finished { verdict, .. } = &progress {
            let text = verdict.to_string();
            return wanted(progress).unwrap_or_else(|| panic!("{text}"));
        }
        if let Some(found) = wanted(progress) {
            return found;
        }
    }
}

pub(crate) async fn verdict(run: &mut Run) -> Verdict {
    let finished = |progress| match progress {
        Progress::Finished { verdict, .. } => Some(verdict),
        _ => None,
    };
    until(run, finished).await
}

pub(crate) async fn written(run: &mut Run, canary: u32) {
    let wanted = move |progress| match progress {
        Progress::Written { split, .. } if split.canary == canary => Some(()),
        _ => None,
    };
    until(run, wanted).await;
}

pub(crate) async fn live(cluster: &impl Cluster, namespace: &str) -> Value {
    cluster.get(&ObjectRef::virtual_service(namespace, APP)).await.unwrap().unwrap()
}

pub(crate) async fn weights(cluster: &impl Cluster, namespace: &str) -> Split {
    locate(&plan(namespace), &live(cluster, namespace).await).unwrap().split.unwrap()
}

async fn lease_holder(cluster: &impl Cluster, namespace: &str) -> String {
    let name = format!("canary-rollout-{APP}");
    let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", namespace, name);
    let lease = cluster.get(&lease).await.unwrap().unwrap();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

async fn start<C: Cluster + 'static>(driver: Driver<C>) -> (Run, Control) {
    driver.start().await.unwrap()
}

async fn a_healthy_canary_is_promoted(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let (mut run, _control) = start(driver(cluster.clone(), space, traffic(u64::MAX))).await;
    assert_eq!(lease_holder(&cluster, space).await, "test");
    written(&mut run, 50).await;
    let half = live(&cluster, space).await;
    assert_eq!(weights(&cluster, space).await.canary, 50);
    assert_eq!(half["spec"]["http"].as_array().unwrap().len(), 3, "the header route is there");
    let verdict = verdict(&mut run).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert!(run.next().await.is_none());

    let after = live(&cluster, space).await;
    assert_eq!(weights(&cluster, space).await, Split::CANARY);
    assert_eq!(after["metadata"]["labels"]["team"], "vision");
    let routes = after["spec"]["http"].as_array().unwrap();
    assert_eq!(routes.len(), 2, "the header route is gone: {after}");
    assert_eq!(routes[0]["name"], "health");
    assert_eq!(lease_holder(&cluster, space).await, "", "the lock is given back");
    let rule = cluster.get_typed::<DestinationRule>(space, APP).await.unwrap().unwrap();
    let expected = DestinationRule::subsets(APP, ["lite0", "lite1"]);
    assert_eq!(rule.spec.subsets, expected.spec.subsets);
}

async fn a_failing_canary_is_rolled_back_without_a_trace(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let before = live(&cluster, space).await;
    let (mut run, _control) = start(driver(cluster.clone(), space, traffic(4))).await;
    let verdict = verdict(&mut run).await;
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    assert_eq!(live(&cluster, space).await["spec"], before["spec"]);
    let rule = cluster.get_typed::<DestinationRule>(space, APP).await.unwrap().unwrap();
    assert_eq!(rule.spec, DestinationRule::subsets(APP, ["lite0"]).spec, "the subset is gone");
}

/// Killed in the middle of a step, at another holder's hands later: the same experiment continues.
async fn a_killed_driver_is_resumed_by_another(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let (recorder, source) = by_hand();
    let first = driver(cluster.clone(), space, source).save_every(Duration::ZERO);
    let (mut run, control) = start(first.lease(Duration::from_secs(1))).await;
    written(&mut run, 50).await;
    feed(&recorder, 600, u64::MAX);
    until(&mut run, |progress| match progress {
        Progress::Seen(seen) if (seen.requests, seen.canary) == (600, 300) => Some(()),
        _ => None,
    })
    .await;
    // The next tick stores it; then the process dies without a word.
    until(&mut run, |progress| matches!(progress, Progress::Seen(_)).then_some(())).await;
    until(&mut run, |progress| matches!(progress, Progress::Seen(_)).then_some(())).await;
    drop((run, control));

    let (recorder, source) = by_hand();
    let second = driver(cluster.clone(), space, source).holder("another");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let (mut run, _control) = start(second).await;
    let resumed = until(&mut run, |progress| match progress {
        Progress::Started { resumed, step, .. } => Some((resumed, step)),
        _ => None,
    })
    .await;
    assert_eq!(resumed, (true, 0));
    // A hundred more of the canary complete the four hundred of the step.
    feed(&recorder, 200, u64::MAX);
    written(&mut run, 100).await;
    let verdict = verdict(&mut run).await;
    let Verdict::Promote { exposure, stable, .. } = &verdict else { panic!("{verdict}") };
    // The canary's come first, and the step is over with the last of them.
    assert_eq!((*exposure, *stable), (400, 399), "the requests of before are counted");
}

async fn two_drivers_do_not_run_at_once(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let lease = Duration::from_secs(2);
    let of =
        |holder: &str, source| driver(cluster.clone(), space, source).holder(holder).lease(lease);
    // Both begin at the same moment: one of them gets it.
    let (one, other) = tokio::join!(of("a", silent()).start(), of("b", silent()).start());
    let (mut run, _control, loser) = match (one, other) {
        (Ok((run, control)), Err(error)) => (run, control, ("b", error)),
        (Err(error), Ok((run, control))) => (run, control, ("a", error)),
        (one, other) => panic!("{:?} {:?}", one.is_ok(), other.is_ok()),
    };
    let (name, error) = loser;
    assert!(
        matches!(&error, Error::Plan(message) if message.contains("another driver")),
        "{error}"
    );

    // As long as the first one lives, it renews its lock, and the second is refused.
    let began = Instant::now();
    while began.elapsed() < lease + Duration::from_millis(500) {
        run.next().await.unwrap().unwrap();
    }
    let winner = if name == "a" { "b" } else { "a" };
    let error = of(name, silent()).start().await.unwrap_err().to_string();
    assert!(error.contains(&format!("held by {winner}")), "{error}");

    // It dies; after the lock has run out, the second takes over and continues.
    drop(run);
    tokio::time::sleep(lease + Duration::from_millis(100)).await;
    let second = driver(cluster.clone(), space, traffic(u64::MAX)).holder(name);
    let (mut run, _control) = start(second).await;
    let verdict = verdict(&mut run).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
}

async fn an_external_edit_is_noticed_at_once_and_kept(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    // It stores nothing by itself for an hour, so only the watch can report the change.
    let driver = driver(cluster.clone(), space, silent()).save_every(Duration::from_secs(3_600));
    let (mut run, _control) = start(driver).await;
    written(&mut run, 50).await;
    let route = locate(&plan(space), &live(&cluster, space).await).unwrap().rule;
    let edit: Patch = serde_json::from_value(json!([
        {"op": "replace", "path": format!("/spec/http/{route}/route/0/weight"), "value": 11},
        {"op": "replace", "path": format!("/spec/http/{route}/route/1/weight"), "value": 89},
    ]))
    .unwrap();
    let edited = backend
        .handle("kubectl", false)
        .patch(&ObjectRef::virtual_service(space, APP), &edit)
        .await
        .unwrap();
    let began = Instant::now();
    let verdict = verdict(&mut run).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let Verdict::ExternalEdit { diff } = &verdict else { panic!("{verdict}") };
    assert!(diff.to_string().contains("89"), "{diff}");
    nothing_but_its_own_is_taken_away(&edited, &live(&cluster, space).await);
    assert_eq!(lease_holder(&cluster, space).await, "");
}

/// At somebody else's edit the run's own header route goes, the canary's destination is the route's from now on, and the
/// state says how the run ended; all else is as it was.
fn nothing_but_its_own_is_taken_away(before: &Value, after: &Value) {
    let (mut expected, mut found) = (before.clone(), after.clone());
    let header_route = HeaderRoute::route_name("lite1");
    let routes = expected["spec"]["http"].as_array_mut().unwrap();
    assert_eq!(routes.iter().filter(|route| route["name"] == *header_route).count(), 1);
    routes.retain(|route| route["name"] != *header_route);
    assert_eq!(found["spec"], expected["spec"], "nothing is overwritten");
    let state = found["metadata"]["annotations"][STATE_ANNOTATION].take();
    assert!(state.as_str().unwrap().contains(r#""done":{"verdict":"externalEdit""#), "{state}");
    let annotations = expected["metadata"]["annotations"].as_object_mut().unwrap();
    annotations.insert(STATE_ANNOTATION.to_owned(), Value::Null);
    assert!(annotations.remove(DESTINATION_ANNOTATION).is_some(), "the run added it");
    for field in ["resourceVersion", "generation", "managedFields"] {
        expected["metadata"][field].take();
        found["metadata"][field].take();
    }
    assert_eq!(found, expected);
}

async fn an_edit_of_something_else_disturbs_nothing(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let (recorder, source) = by_hand();
    let (mut run, _control) = start(driver(cluster.clone(), space, source)).await;
    written(&mut run, 50).await;
    let edit: Patch = serde_json::from_value(json!([
        {"op": "add", "path": "/metadata/labels/owner", "value": "somebody"},
        {"op": "add", "path": "/spec/http/0", "value": {"name": "new", "match": [{"uri": {"exact": "/new"}}],
            "route": [{"destination": {"host": "new"}}]}},
    ]))
    .unwrap();
    let object = ObjectRef::virtual_service(space, APP);
    backend.handle("kubectl", false).patch(&object, &edit).await.unwrap();
    feed(&recorder, 1_000, u64::MAX);
    let verdict = verdict(&mut run).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    let after = live(&cluster, space).await;
    assert_eq!(after["metadata"]["labels"], json!({"team": "vision", "owner": "somebody"}));
    assert_eq!(after["spec"]["http"][0]["name"], "new");
}

async fn a_deleted_object_ends_the_rollout(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let (mut run, _control) = start(driver(cluster.clone(), space, silent())).await;
    written(&mut run, 50).await;
    assert!(cluster.delete(&ObjectRef::virtual_service(space, APP)).await.unwrap());
    let verdict = verdict(&mut run).await;
    let Verdict::ExternalEdit { diff } = &verdict else { panic!("{verdict}") };
    assert!(diff.to_string().contains("no such object"), "{diff}");
    assert_eq!(cluster.get(&ObjectRef::virtual_service(space, APP)).await.unwrap(), None);
}

/// A subset that is removed, one of other labels, a host of other pods, and no `DestinationRule` at all.
async fn other_pods_in_a_subset_are_noticed_at_once(backend: &impl Backend) {
    let edits = [
        (json!([{"op": "remove", "path": "/spec/subsets/1"}]), "a subset lite1, found none"),
        (
            json!([{"op": "replace", "path": "/spec/subsets/1/labels/version", "value": "lite2"}]),
            "spec.subsets[1].labels",
        ),
        (
            json!([{"op": "replace", "path": "/spec/subsets/0/labels/version", "value": "lite2"}]),
            "spec.subsets[0].labels",
        ),
        (json!([{"op": "replace", "path": "/spec/host", "value": "other"}]), "spec.host"),
        (json!(null), "no such object"),
    ];
    let (cluster, space) = (backend.canary(), backend.namespace());
    let theirs = backend.handle("kubectl", true);
    let object = ObjectRef::destination_rule(space, APP);
    for (edit, part) in edits {
        cluster.delete(&object).await.unwrap();
        cluster.delete(&ObjectRef::virtual_service(space, APP)).await.unwrap();
        set_up(&cluster, space).await;
        // It stores nothing by itself for an hour, so only the watch can report the change.
        let driver =
            driver(cluster.clone(), space, silent()).save_every(Duration::from_secs(3_600));
        let (mut run, _control) = start(driver).await;
        written(&mut run, 50).await;
        // The watches begin when the run waits for the first time.
        let mut ticks = 0;
        until(&mut run, |progress| {
            ticks += u32::from(matches!(progress, Progress::Seen(_)));
            (ticks == 20).then_some(())
        })
        .await;
        let before = live(&cluster, space).await;
        let began = Instant::now();
        if edit.is_null() {
            assert!(theirs.delete(&object).await.unwrap());
        } else {
            let edit: Patch = serde_json::from_value(edit).unwrap();
            theirs.patch(&object, &edit).await.unwrap();
        }
        let verdict = verdict(&mut run).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let Verdict::ExternalEdit { diff } = &verdict else { panic!("{part}: {verdict}") };
        let diff = diff.to_string();
        assert!(diff.contains(part) && diff.contains("DestinationRule"), "{part}: {diff}");
        nothing_but_its_own_is_taken_away(&before, &live(&cluster, space).await);
        assert_eq!(lease_holder(&cluster, space).await, "");
    }
}

async fn an_edit_of_another_subset_disturbs_nothing(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let (recorder, observed) = by_hand();
    let (mut run, _control) = start(driver(cluster.clone(), space, observed)).await;
    written(&mut run, 50).await;
    let edit: Patch = serde_json::from_value(json!([
        {"op": "add", "path": "/spec/subsets/0", "value": {"name": "lite9", "labels": {"version": "lite9"}}},
        {"op": "add", "path": "/spec/trafficPolicy", "value": {"loadBalancer": {"simple": "ROUND_ROBIN"}}},
    ]))
    .unwrap();
    let object = ObjectRef::destination_rule(space, APP);
    backend.handle("kubectl", false).patch(&object, &edit).await.unwrap();
    feed(&recorder, 1_000, u64::MAX);
    let verdict = verdict(&mut run).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    let rule = cluster.get_typed::<DestinationRule>(space, APP).await.unwrap().unwrap();
    assert_eq!(rule.spec.subsets.map(|subsets| subsets.len()), Some(3));
}

async fn the_status_tells_how_far_it_is(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let before = status(&cluster, space, APP, None).await.unwrap();
    assert_eq!((before.driver.as_deref(), before.rollout.is_none()), (None, true));
    assert!(before.to_string().contains("no rollout is stored"), "{before}");

    let (recorder, source) = by_hand();
    let driver = driver(cluster.clone(), space, source).save_every(Duration::ZERO);
    let (mut run, _control) = start(driver).await;
    written(&mut run, 50).await;
    feed(&recorder, 200, u64::MAX);
    until(&mut run, |progress| match progress {
        Progress::Seen(seen) if seen.requests == 200 => Some(()),
        _ => None,
    })
    .await;
    until(&mut run, |progress| matches!(progress, Progress::Seen(_)).then_some(())).await;
    until(&mut run, |progress| matches!(progress, Progress::Seen(_)).then_some(())).await;
    let plan = plan(space);
    let during = status(&cluster, space, APP, Some(&plan)).await.unwrap();
    let rollout = during.rollout.clone().unwrap();
    assert_eq!(during.driver.as_deref(), Some("test"));
    assert_eq!((rollout.step, rollout.split.map(|split| split.canary)), (0, Some(50.into())));
    assert_eq!((rollout.totals.stable, rollout.totals.canary), (100, 100));
    assert_eq!(rollout.readings.len(), plan.guardrails.len());
    let (share, interval) = rollout.observed_share().unwrap();
    assert!((share - 0.5).abs() < 1e-9 && interval.low < 0.5 && 0.5 < interval.high);
    let text = during.to_string();
    for part in ["image-classifier/lite1 50", "driven by test", "errorRatio", "continue: step 0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Another plan's readings are not available, and the status says so.
    let other = Plan::new(APP, "lite0", "lite2").namespace(space);
    let found = status(&cluster, space, APP, Some(&other)).await.unwrap();
    assert!(found.problem.is_some_and(|problem| problem.contains("plan was changed")));

    feed(&recorder, 800, u64::MAX);
    verdict(&mut run).await;
    let after = status(&cluster, space, APP, None).await.unwrap();
    assert!(after.to_string().contains("verdict so far: promote"), "{after}");
    assert_eq!(after.driver, None);
    assert!(live(&cluster, space).await["metadata"]["annotations"][STATE_ANNOTATION].is_string());
    let missing = status(&cluster, space, "other", None).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }));
}

/// A source that has nothing to say and never ends.
pub(crate) fn silent() -> impl Source + 'static {
    canary_core::evidence::from_stream("silent", [Kind::Requests], stream::pending())
}
