//! Rollouts beside another manager of the same objects, such as Argo CD or Flux, as one suite for the lab's store, for its
//! Kubernetes API and for a real API server.

use canary_core::{
    DestinationRule, Verdict, VirtualService,
    cluster::{Cluster, Kubernetes, ObjectRef, Outcome, Patch, PreflightOptions, Typed, preflight},
    rollout::{
        Error,
        patch::{GitOps, STATE_ANNOTATION, locate},
    },
};
use canary_tests::{apiserver::ApiServer, parts};
use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each},
    rollouts::{APP, driver, live, plan, set_up, traffic, verdict, weights, written},
};

on_each!(
    after_a_promotion_a_sync_meets_no_conflict,
    after_a_rollback_a_sync_meets_no_conflict,
    a_driver_killed_before_the_hand_back_leaves_it_to_the_next,
    during_a_run_an_unforced_sync_is_refused_and_a_forced_one_is_named,
);

const ARGO_CD: &str = "argocd-controller";

/// The two objects as a repository states them, with these weights.
fn in_git(namespace: &str, [stable, canary]: [i32; 2]) -> (VirtualService, DestinationRule) {
    let routes = VirtualService::weighted(APP, [("lite0", stable), ("lite1", canary)])
        .hosts(["*"])
        .gateway("gateway")
        .namespace(namespace);
    (routes, DestinationRule::subsets(APP, ["lite0", "lite1"]).namespace(namespace))
}

/// A sync without force.
async fn sync<C: Cluster>(cluster: &C, namespace: &str, weights: [i32; 2]) -> Result<(), Error> {
    let (routes, subsets) = in_git(namespace, weights);
    cluster.apply_typed(&subsets).await?;
    cluster.apply_typed(&routes).await?;
    Ok(())
}

/// The managers and operations of the entries that own fields of a spec.
fn owners_of_spec(object: &Value) -> Vec<(String, String)> {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let owning = entries.iter().filter(|entry| entry["fieldsV1"].get("f:spec").is_some());
    owning.map(|entry| (text(entry, "manager"), text(entry, "operation"))).collect()
}

async fn run_to_the_end(backend: &impl Backend, failing: u64) -> Verdict {
    let driver = driver(backend.canary(), backend.namespace(), traffic(failing));
    let (mut run, _control) = driver.start().await.unwrap();
    let verdict = verdict(&mut run).await;
    let live = live(&backend.canary(), backend.namespace()).await;
    let canary = owners_of_spec(&live).into_iter().find(|(manager, _)| manager == "canary");
    assert_eq!(canary, None, "{live}");
    assert!(live["metadata"]["annotations"].get(STATE_ANNOTATION).is_some(), "{live}");
    verdict
}

async fn after_a_promotion_a_sync_meets_no_conflict(backend: &impl Backend) {
    let (argo, space) = (backend.handle(ARGO_CD, false), backend.namespace());
    set_up(&argo, space).await;
    let verdict = run_to_the_end(backend, u64::MAX).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert_eq!(weights(&argo, space).await.canary, 100, "giving up fields changes no value");
    sync(&argo, space, [40, 60]).await.unwrap();
    assert_eq!(weights(&argo, space).await.canary, 60);
    // The annotation is nobody's but the driver's, and a sync that does not state it leaves it.
    let after = live(&argo, space).await;
    assert!(after["metadata"]["annotations"].get(STATE_ANNOTATION).is_some(), "{after}");
}

async fn after_a_rollback_a_sync_meets_no_conflict(backend: &impl Backend) {
    let (argo, space) = (backend.handle(ARGO_CD, false), backend.namespace());
    set_up(&argo, space).await;
    let verdict = run_to_the_end(backend, 4).await;
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    sync(&argo, space, [70, 30]).await.unwrap();
    assert_eq!(weights(&argo, space).await.canary, 30);
}

/// The state is final, and the fields still belong to the driver's manager: as a kill before the last write leaves it.
async fn a_driver_killed_before_the_hand_back_leaves_it_to_the_next(backend: &impl Backend) {
    let (argo, space) = (backend.handle(ARGO_CD, false), backend.namespace());
    set_up(&argo, space).await;
    let first = run_to_the_end(backend, u64::MAX).await;
    let object = ObjectRef::virtual_service(space, APP);
    let before = live(&argo, space).await;
    let route = locate(&plan(space), &before).unwrap().rule;
    for weights in [[1, 99], [0, 100]] {
        let patch: Vec<Value> = (0..2)
            .map(|entry| {
                let path = format!("/spec/http/{route}/route/{entry}/weight");
                json!({"op": "add", "path": path, "value": weights[entry]})
            })
            .collect();
        let patch: Patch = serde_json::from_value(patch.into()).unwrap();
        backend.canary().patch(&object, &patch).await.unwrap();
    }
    let conflict = sync(&argo, space, [40, 60]).await.unwrap_err();
    assert!(matches!(conflict, Error::Conflict { .. }), "{conflict}");

    let again = run_to_the_end(backend, u64::MAX).await;
    assert_eq!(again.name(), first.name());
    sync(&argo, space, [40, 60]).await.unwrap();
}

async fn during_a_run_an_unforced_sync_is_refused_and_a_forced_one_is_named(
    backend: &impl Backend,
) {
    let (argo, space) = (backend.handle(ARGO_CD, false), backend.namespace());
    set_up(&argo, space).await;
    let (_recorder, source) = crate::rollouts::by_hand();
    let (mut run, _control) = driver(backend.canary(), space, source).start().await.unwrap();
    written(&mut run, 50).await;
    let conflict = argo.apply_typed(&in_git(space, [100, 0]).0).await.unwrap_err();
    assert!(matches!(&conflict, Error::Conflict { .. }), "{conflict}");
    assert_eq!(weights(&argo, space).await.canary, 50);

    // Argo CD and Flux force their applies.
    let forced = backend.handle(ARGO_CD, true);
    forced.apply_typed(&in_git(space, [100, 0]).0).await.unwrap();
    let verdict = verdict(&mut run).await;
    let Verdict::ExternalEdit { diff } = &verdict else { panic!("{verdict}") };
    assert_eq!(diff.gitops(), Some(GitOps::ArgoCd), "{verdict}");
    let by = diff.0[0].by.as_ref().unwrap();
    assert_eq!(by.manager, ARGO_CD, "{verdict}");
    let text = verdict.to_string();
    assert!(text.contains("written by argocd-controller (Argo CD)"), "{text}");
    assert!(text.contains("ignoreDifferences"), "{text}");
    assert_eq!(weights(&argo, space).await.canary, 0, "nothing is written over it");
    sync(&argo, space, [30, 70]).await.unwrap();
}

/// The check on a real API server, where the managers are recorded by the server.
#[tokio::test]
async fn preflight_names_the_tool_that_may_revert_the_weights() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "gitops-preflight";
    server.namespace(space).await;
    let cluster = server.connect("admin").await.unwrap();
    let check = async |cluster: &Kubernetes| {
        let options = PreflightOptions::new(space).virtual_service(APP);
        let report = preflight(cluster, &options).await.unwrap();
        report.checks.into_iter().find(|check| check.name == "GitOps")
    };
    assert_eq!(check(&cluster).await, None, "there is no VirtualService yet");
    set_up(&cluster, space).await;
    let found = check(&cluster).await.unwrap();
    assert_eq!((found.outcome, found.remedy.as_str()), (Outcome::Pass, ""), "{found:?}");

    let flux = cluster.clone().field_manager("kustomize-controller").force(true);
    let (routes, _) = in_git(space, [100, 0]);
    flux.apply_typed(&routes).await.unwrap();
    let found = check(&cluster).await.unwrap();
    assert_eq!(found.outcome, Outcome::Warn, "{found:?}");
    assert!(found.found.contains("Flux, kustomize-controller manages"), "{found:?}");
    assert!(found.remedy.contains("ssa: IfNotPresent"), "{found:?}");

    let routes = routes.annotation("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent");
    flux.apply_typed(&routes).await.unwrap();
    let found = check(&cluster).await.unwrap();
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.found.contains("Flux"), "{found:?}");
}

/// The manifests of the guide, with strict checking of fields.
#[tokio::test]
async fn the_istio_objects_of_the_guide_are_admitted() {
    let Some(server) = ApiServer::shared().await else { return };
    server.namespace("models").await;
    let cluster = server.connect("admin").await.unwrap();
    let guide = std::fs::read_to_string(parts::root().join("docs/guide/gitops.md")).unwrap();
    let blocks = guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut admitted = 0;
    for document in blocks.flat_map(|block| block.split("---\n")) {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        if object["apiVersion"] == "networking.istio.io/v1" {
            cluster.apply(&object).await.unwrap();
            admitted += 1;
        }
    }
    assert_eq!(admitted, 3, "a DestinationRule, and a VirtualService in two forms");
}
