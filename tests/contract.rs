//! Rules that every store of objects must keep, as one suite for the lab's store, for its Kubernetes API and
//! for a real API server.

use std::time::Duration;

use canary_core::{
    DestinationRule, VirtualService,
    cluster::{Change, Cluster, Effect, ObjectRef, Patch, Typed, WatchEvent, apply_all, tear_down},
    rollout::Error,
    serving::Workload,
};
use futures_util::{Stream, StreamExt, future::join_all};
use serde_json::{Value, json};

use crate::backend::{Backend, on_each};

on_each!(
    absent_applied_and_read_back,
    applying_the_same_again_changes_nothing,
    a_patch_is_whole_or_not_at_all,
    a_patch_of_what_is_not_there_says_so,
    a_patch_that_does_not_fit_is_no_conflict,
    of_many_patches_at_once_one_wins,
    another_manager_s_field_is_a_conflict,
    managers_of_different_fields_live_together,
    a_field_that_is_not_stated_any_more_goes,
    a_stale_version_is_a_conflict,
    only_the_spec_counts_for_the_generation,
    status_is_not_for_writers,
    what_is_invalid_is_named_and_not_stored,
    a_name_that_cannot_be_is_refused,
    every_version_of_the_group_shows_the_object,
    lists_are_of_one_type_and_namespace,
    deleted_once_and_then_gone,
    a_watch_misses_nothing,
    a_watch_sees_the_object_come_and_go,
    typed_objects_are_read_as_they_were_written,
    several_objects_are_applied_and_exactly_those_taken_down,
);

/// The same with an `HTTPRoute`.
mod http_routes {
    use super::*;

    crate::backend::on_each_as!(
        crate::backend::OfHttpRoute;
        absent_applied_and_read_back,
        applying_the_same_again_changes_nothing,
        a_patch_is_whole_or_not_at_all,
        a_patch_of_what_is_not_there_says_so,
        a_patch_that_does_not_fit_is_no_conflict,
        of_many_patches_at_once_one_wins,
        another_manager_s_field_is_a_conflict,
        a_stale_version_is_a_conflict,
        only_the_spec_counts_for_the_generation,
        status_is_not_for_writers,
        what_is_invalid_is_named_and_not_stored,
        a_name_that_cannot_be_is_refused,
        every_version_of_the_group_shows_the_object,
        lists_are_of_one_type_and_namespace,
        deleted_once_and_then_gone,
        a_watch_misses_nothing,
        a_watch_sees_the_object_come_and_go,
        several_objects_are_applied_and_exactly_those_taken_down,
    );
}

fn config_map(namespace: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "image-classifier-resnet50-configs", "namespace": namespace}, "data": data,
    })
}

fn patch(operations: Value) -> Patch {
    serde_json::from_value(operations).unwrap()
}

fn split(backend: &impl Backend, weights: [u64; 2]) -> Value {
    backend.subject().split(backend.namespace(), weights)
}

fn of(backend: &impl Backend) -> ObjectRef {
    backend.subject().object(backend.namespace())
}

/// The next event, which must come soon.
async fn soon<S: Stream + Unpin>(events: &mut S) -> S::Item {
    let next = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
    next.expect("an event comes").expect("a watch does not end")
}

async fn absent_applied_and_read_back(backend: &impl Backend) {
    let cluster = backend.canary();
    assert_eq!(cluster.get(&of(backend)).await.unwrap(), None);
    let made = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    assert_eq!(made["spec"], split(backend, [100, 0])["spec"]);
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(made["metadata"][field].as_str().is_some_and(|text| !text.is_empty()), "{made}");
    }
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(cluster.get(&of(backend)).await.unwrap(), Some(made));
}

async fn applying_the_same_again_changes_nothing(backend: &impl Backend) {
    let cluster = backend.canary();
    let first = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    let second = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    assert_eq!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    let third = cluster.apply(&split(backend, [70, 30])).await.unwrap();
    assert_ne!(first["metadata"]["resourceVersion"], third["metadata"]["resourceVersion"]);
    assert_eq!(first["metadata"]["uid"], third["metadata"]["uid"]);
}

async fn a_patch_is_whole_or_not_at_all(backend: &impl Backend) {
    let cluster = backend.canary();
    let first = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    let weights = patch(json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": first["metadata"]["resourceVersion"]},
        {"op": "test", "path": backend.subject().weight(1), "value": 0},
        {"op": "replace", "path": backend.subject().weight(0), "value": 70},
        {"op": "replace", "path": backend.subject().weight(1), "value": 30},
        {"op": "add", "path": "/metadata/annotations", "value": {"a/b": "c"}},
    ]));
    let second = cluster.patch(&of(backend), &weights).await.unwrap();
    assert_eq!(second["spec"], split(backend, [70, 30])["spec"]);
    assert_eq!(second["metadata"]["annotations"]["a/b"], "c");

    let refused = cluster.patch(&of(backend), &weights).await.unwrap_err();
    let Error::Conflict { object, diff, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(object, &of(backend).to_string());
    assert!(
        diff.contains(&format!("{}: expected 0, found 30", backend.subject().weight_in_words(1))),
        "{diff}"
    );
    assert_eq!(cluster.get(&of(backend)).await.unwrap().unwrap(), second);

    // The tests come in any place, and one that fails last undoes all before it.
    let late = patch(json!([
        {"op": "replace", "path": backend.subject().weight(1), "value": 31},
        {"op": "test", "path": "/metadata/annotations/a~1b", "value": "d"},
    ]));
    let refused = cluster.patch(&of(backend), &late).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
    assert_eq!(cluster.get(&of(backend)).await.unwrap().unwrap(), second);
}

async fn a_patch_of_what_is_not_there_says_so(backend: &impl Backend) {
    let cluster = backend.canary();
    let add = patch(json!([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]));
    let error = cluster.patch(&of(backend), &add).await.unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { object, .. } if object == &of(backend).to_string()),
        "{error:?}"
    );
}

async fn a_patch_that_does_not_fit_is_no_conflict(backend: &impl Backend) {
    let cluster = backend.canary();
    let before = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    for operations in [
        json!([{"op": "replace", "path": backend.subject().missing(), "value": []}]),
        json!([{"op": "replace", "path": "/metadata/name", "value": "other"}]),
        json!([{"op": "replace", "path": "/kind", "value": "Gateway"}]),
    ] {
        let error = cluster.patch(&of(backend), &patch(operations.clone())).await.unwrap_err();
        assert!(!matches!(error, Error::Conflict { .. }), "{operations}: {error:?}");
        assert!(!error.is_retryable(), "{operations}: {error:?}");
        assert_eq!(
            cluster.get(&of(backend)).await.unwrap().as_ref(),
            Some(&before),
            "{operations}"
        );
    }
}

async fn of_many_patches_at_once_one_wins(backend: &impl Backend) {
    let cluster = backend.canary();
    let before = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    let writers = (1..=8).map(|weight| {
        let (cluster, before) = (cluster.clone(), &before);
        async move {
            let write = patch(json!([
                {"op": "test", "path": "/metadata/resourceVersion", "value": before["metadata"]["resourceVersion"]},
                {"op": "replace", "path": backend.subject().weight(1), "value": weight},
            ]));
            cluster.patch(&of(backend), &write).await
        }
    });
    let results = join_all(writers).await;
    let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    }
    assert_eq!(cluster.get(&of(backend)).await.unwrap().as_ref(), Some(won[0]));
}

async fn another_manager_s_field_is_a_conflict(backend: &impl Backend) {
    let cluster = backend.canary();
    let first = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    let error = backend.handle("gitops", false).apply(&split(backend, [50, 50])).await.unwrap_err();
    let Error::Conflict { object, diff, help } = &error else { panic!("{error:?}") };
    assert_eq!(object, &of(backend).to_string());
    assert!(diff.contains(backend.subject().rules()) && diff.contains("canary"), "{diff}");
    assert!(help.contains("`force`"), "{help}");
    assert_eq!(cluster.get(&of(backend)).await.unwrap(), Some(first));

    // By force it is taken over; then the first owner is the one who conflicts.
    let forced = backend.handle("gitops", true).apply(&split(backend, [50, 50])).await.unwrap();
    assert_eq!(forced["spec"], split(backend, [50, 50])["spec"]);
    let error = cluster.apply(&split(backend, [100, 0])).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict { diff, .. } if diff.contains("gitops")), "{error:?}");
    // Stating the same as the other is no conflict: both own it.
    cluster.apply(&split(backend, [50, 50])).await.unwrap();
}

async fn managers_of_different_fields_live_together(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let target = ObjectRef::new("v1", "ConfigMap", space, "image-classifier-resnet50-configs");
    cluster.apply(&config_map(space, &json!({"MODEL_NAME": "m"}))).await.unwrap();
    let other = backend.handle("other", false);
    let both = other.apply(&config_map(space, &json!({"EXTRA": "x"}))).await.unwrap();
    assert_eq!(both["data"], json!({"MODEL_NAME": "m", "EXTRA": "x"}));
    let changed = cluster.apply(&config_map(space, &json!({"MODEL_NAME": "n"}))).await.unwrap();
    assert_eq!(changed["data"], json!({"MODEL_NAME": "n", "EXTRA": "x"}));
    assert_eq!(cluster.get(&target).await.unwrap(), Some(changed));
}

async fn a_field_that_is_not_stated_any_more_goes(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    cluster.apply(&config_map(space, &json!({"a": "1", "b": "2", "c": "3"}))).await.unwrap();
    backend.handle("other", false).apply(&config_map(space, &json!({"c": "3"}))).await.unwrap();
    let left = cluster.apply(&config_map(space, &json!({"a": "1"}))).await.unwrap();
    assert_eq!(left["data"], json!({"a": "1", "c": "3"}), "what another states too stays");
}

async fn a_stale_version_is_a_conflict(backend: &impl Backend) {
    let cluster = backend.canary();
    let first = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    cluster.apply(&split(backend, [90, 10])).await.unwrap();
    let mut stale = split(backend, [70, 30]);
    stale["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"].clone();
    let error = cluster.apply(&stale).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    let live = cluster.get(&of(backend)).await.unwrap().unwrap();
    assert_eq!(live["spec"], split(backend, [90, 10])["spec"]);
}

async fn only_the_spec_counts_for_the_generation(backend: &impl Backend) {
    let cluster = backend.canary();
    cluster.apply(&split(backend, [100, 0])).await.unwrap();
    let label =
        patch(json!([{"op": "add", "path": "/metadata/labels", "value": {"team": "vision"}}]));
    let labelled = cluster.patch(&of(backend), &label).await.unwrap();
    assert_eq!(labelled["metadata"]["generation"], 1);
    let weight =
        patch(json!([{"op": "replace", "path": backend.subject().weight(0), "value": 99}]));
    let weighted = cluster.patch(&of(backend), &weight).await.unwrap();
    assert_eq!(weighted["metadata"]["generation"], 2);
    assert_eq!(weighted["metadata"]["labels"]["team"], "vision");
}

async fn status_is_not_for_writers(backend: &impl Backend) {
    let cluster = backend.canary();
    cluster.apply(&split(backend, [100, 0])).await.unwrap();
    // A status that the schema of every kind here admits.
    let status = patch(json!([{"op": "add", "path": "/status", "value": {"parents": []}}]));
    let after = cluster.patch(&of(backend), &status).await.unwrap();
    assert_eq!(after.get("status"), None, "{after}");
}

async fn what_is_invalid_is_named_and_not_stored(backend: &impl Backend) {
    let cluster = backend.canary();
    let subject = backend.subject();
    let mut timeout = split(backend, [100, 0]);
    let (field, value, path) = subject.wrong_timeout();
    subject.rule(&mut timeout)[field] = value.clone();
    let error = cluster.apply(&timeout).await.unwrap_err();
    let Error::Istio(canary_core::manifest::Error::Invalid(findings)) = &error else {
        panic!("{error:?}")
    };
    assert!(findings.iter().any(|finding| finding.path == path), "{findings}");

    let mut unknown = split(backend, [100, 0]);
    subject.rule(&mut unknown)["timeuot"] = json!("1s");
    let error = cluster.apply(&unknown).await.unwrap_err();
    assert!(error.to_string().contains("timeuot") && !error.is_retryable(), "{error:?}");
    assert_eq!(cluster.get(&of(backend)).await.unwrap(), None);

    // A patch is checked as well.
    let before = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    let place = format!("/{}/0/{field}", subject.rules().replace('.', "/"));
    let wrong = patch(json!([{"op": "add", "path": place, "value": value}]));
    let error = cluster.patch(&of(backend), &wrong).await.unwrap_err();
    assert!(matches!(error, Error::Istio(_)), "{error:?}");
    assert_eq!(cluster.get(&of(backend)).await.unwrap(), Some(before));
}

async fn a_name_that_cannot_be_is_refused(backend: &impl Backend) {
    let cluster = backend.canary();
    for name in ["Upper", "under_score", "../gateways", "a b"] {
        let mut object = split(backend, [100, 0]);
        object["metadata"]["name"] = json!(name);
        let error = cluster.apply(&object).await.unwrap_err();
        assert!(!error.is_retryable() && error.to_string().contains(name), "{name}: {error:?}");
    }
}

async fn every_version_of_the_group_shows_the_object(backend: &impl Backend) {
    let cluster = backend.canary();
    cluster.apply(&split(backend, [100, 0])).await.unwrap();
    for version in backend.subject().versions() {
        let api_version = format!("{}/{version}", backend.subject().group());
        let ObjectRef { kind, namespace, name, .. } = of(backend);
        let object = ObjectRef::new(&api_version, kind, namespace, name);
        let found = cluster.get(&object).await.unwrap().unwrap();
        assert_eq!(found["apiVersion"], api_version.as_str());
        assert_eq!(found["spec"], split(backend, [100, 0])["spec"]);
    }
}

async fn lists_are_of_one_type_and_namespace(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let ObjectRef { api_version, kind, .. } = of(backend);
    let list = async |kind: &str| cluster.list(&api_version, kind, Some(space)).await.unwrap();
    assert_eq!(list(&kind).await, Vec::<Value>::new());
    for number in 0..3 {
        let mut object = split(backend, [100, 0]);
        object["metadata"]["name"] = json!(format!("vs-{number}"));
        cluster.apply(&object).await.unwrap();
    }
    let found = list(&kind).await;
    let names: Vec<_> = found.iter().map(|o| o["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["vs-0", "vs-1", "vs-2"]);
    for object in &found {
        assert_eq!(object["kind"], kind.as_str());
        assert_eq!(object["apiVersion"], api_version.as_str());
    }
    assert_eq!(list("Gateway").await, Vec::<Value>::new());
    let everywhere = cluster.list(&api_version, &kind, None).await.unwrap();
    assert!(found.iter().all(|object| everywhere.contains(object)));
    let elsewhere = cluster.list(&api_version, &kind, Some("elsewhere")).await.unwrap();
    assert_eq!(elsewhere, Vec::<Value>::new());
}

async fn deleted_once_and_then_gone(backend: &impl Backend) {
    let cluster = backend.canary();
    let first = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    assert!(cluster.delete(&of(backend)).await.unwrap());
    assert!(!cluster.delete(&of(backend)).await.unwrap());
    assert_eq!(cluster.get(&of(backend)).await.unwrap(), None);
    let again = cluster.apply(&split(backend, [100, 0])).await.unwrap();
    assert_ne!(first["metadata"]["uid"], again["metadata"]["uid"], "another object");
    assert_eq!(again["metadata"]["generation"], 1);
}

async fn a_watch_misses_nothing(backend: &impl Backend) {
    let cluster = backend.canary();
    let mut version =
        cluster.apply(&split(backend, [100, 0])).await.unwrap()["metadata"]["resourceVersion"]
            .clone();
    let mut events = Box::pin(cluster.watch(&of(backend)));
    let WatchEvent::Applied(now) = soon(&mut events).await.unwrap() else { panic!("deleted") };
    assert_eq!(now["metadata"]["resourceVersion"], version, "it begins with the present state");
    for weight in 1..=20 {
        let write = patch(json!([
            {"op": "replace", "path": backend.subject().weight(1), "value": weight},
        ]));
        version = cluster.patch(&of(backend), &write).await.unwrap()["metadata"]["resourceVersion"]
            .clone();
        // Another object's changes are not reported.
        let mut other = split(backend, [weight, 1]);
        other["metadata"]["name"] = json!("other");
        cluster.apply(&other).await.unwrap();
    }
    let mut seen = Vec::new();
    loop {
        let WatchEvent::Applied(object) = soon(&mut events).await.unwrap() else {
            panic!("deleted")
        };
        assert_eq!(object["metadata"]["name"], "image-classifier");
        seen.push(object.pointer(&backend.subject().weight(1)).unwrap().as_u64().unwrap());
        if object["metadata"]["resourceVersion"] == version {
            break;
        }
    }
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
}

async fn a_watch_sees_the_object_come_and_go(backend: &impl Backend) {
    let cluster = backend.canary();
    let mut events = Box::pin(cluster.watch(&of(backend)));
    // An absent object gives no event; the watch is begun before it is created or just after, and sees it either way.
    let object = split(backend, [100, 0]);
    let (made, first) = tokio::join!(cluster.apply(&object), soon(&mut events));
    assert_eq!(first.unwrap(), WatchEvent::Applied(made.unwrap()));
    assert!(cluster.delete(&of(backend)).await.unwrap());
    assert!(matches!(soon(&mut events).await.unwrap(), WatchEvent::Deleted(_)));
    let again = cluster.apply(&split(backend, [90, 10])).await.unwrap();
    assert_eq!(soon(&mut events).await.unwrap(), WatchEvent::Applied(again));
}

async fn typed_objects_are_read_as_they_were_written(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let rule = DestinationRule::subsets("image-classifier", ["resnet50"]).namespace(space);
    let routes = VirtualService::weighted("image-classifier", [("resnet50", 100)])
        .hosts(["*"])
        .gateway("image-classifier-gateway")
        .namespace(space);
    assert_eq!(cluster.apply_typed(&rule).await.unwrap().spec, rule.spec);
    let mut changes = Box::pin(cluster.watch_typed::<VirtualService>(space, "image-classifier"));
    let (applied, seen) = tokio::join!(cluster.apply_typed(&routes), soon(&mut changes));
    assert_eq!(applied.unwrap().spec, routes.spec);
    assert!(matches!(seen.unwrap(), Change::Applied(object) if object.spec == routes.spec));
    let read = cluster.get_typed::<VirtualService>(space, "image-classifier").await.unwrap();
    assert_eq!(read.unwrap().spec, routes.spec);
    let rules = cluster.list_typed::<DestinationRule>(Some(space)).await.unwrap();
    assert_eq!(rules.iter().map(|found| &found.spec).collect::<Vec<_>>(), [&rule.spec]);
    let workload =
        Workload::new("image-classifier", "resnet50").model("m", "/models/m").namespace(space);
    cluster.apply_typed(&workload.deployment().unwrap()).await.unwrap();
    let deployment = cluster
        .get_typed::<k8s_openapi::api::apps::v1::Deployment>(space, &workload.deployment_name())
        .await
        .unwrap()
        .unwrap();
    let pod = deployment.spec.template.spec.unwrap();
    assert_eq!(pod.containers[0].env_from.as_ref().map(Vec::len), Some(1));
    assert!(cluster.delete_typed::<VirtualService>(space, "image-classifier").await.unwrap());
    assert!(
        cluster.get_typed::<VirtualService>(space, "image-classifier").await.unwrap().is_none()
    );
}

async fn several_objects_are_applied_and_exactly_those_taken_down(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    // The ConfigMap was there before, so it is not ours to delete.
    let workload =
        Workload::new("image-classifier", "resnet50").model("m", "/models/m").namespace(space);
    cluster.apply(&serde_json::to_value(workload.config_map().unwrap()).unwrap()).await.unwrap();
    let mut objects = vec![split(backend, [100, 0])];
    objects.extend(workload.objects().unwrap());
    let mut reported = Vec::new();
    let applied =
        apply_all(&cluster, &objects, |one| reported.push((one.object.kind.clone(), one.effect)))
            .await
            .unwrap();
    let kind = |kind: &str, effect| (kind.to_owned(), effect);
    assert_eq!(
        reported,
        [
            kind("ConfigMap", Effect::Unchanged),
            kind("Service", Effect::Created),
            kind("Deployment", Effect::Created),
            kind(&of(backend).kind, Effect::Created),
        ]
    );
    let again = apply_all(&cluster, &objects, |_| {}).await.unwrap();
    assert!(again.iter().all(|one| one.effect == Effect::Unchanged), "{again:?}");

    // Somebody has put another object in the place of one of ours.
    cluster.delete(&of(backend)).await.unwrap();
    cluster.apply(&split(backend, [1, 99])).await.unwrap();
    let deleted = tear_down(&cluster, &applied).await.unwrap();
    let kinds: Vec<_> = deleted.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["Deployment", "Service"]);
    assert!(cluster.get(&of(backend)).await.unwrap().is_some());
    let map = ObjectRef::new("v1", "ConfigMap", space, workload.config_map_name());
    assert!(cluster.get(&map).await.unwrap().is_some());
    assert_eq!(tear_down(&cluster, &applied).await.unwrap(), []);
}
