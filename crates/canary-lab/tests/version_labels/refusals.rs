//! Releases that are refused before anything is written.

use canary_core::{
    Plan,
    cluster::{Cluster, ObjectRef},
    rollout::{Guardrail, Hold, Step, VersionLabels, patch::STATE_ANNOTATION},
    serving::{ModelServerConfig, VersionPolicy},
};
use canary_lab::model::Scripted;
use serde_json::json;

use super::scene::{Scene, before};

/// The error with which a release of the scene does not begin; nothing is written.
async fn refused(scene: &Scene) -> String {
    let (result, labels) = (scene.start().await, scene.labels("canary").await);
    let Err(error) = result else { panic!("the release is not refused") };
    let error = error.to_string();
    assert_eq!(labels, [None, None]);
    let annotations = scene.config_map().await["metadata"]["annotations"].clone();
    assert!(annotations.get(STATE_ANNOTATION).is_none(), "{annotations}");
    error
}

async fn with_file(config: ModelServerConfig) -> Scene {
    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    set(&scene, "/data/models.config", config.to_text().into()).await;
    scene
}

async fn set(scene: &Scene, path: &str, value: serde_json::Value) {
    let object = scene.plan.target.state_object();
    change(scene, &object, path, value).await;
}

async fn change(scene: &Scene, object: &ObjectRef, place: &str, value: serde_json::Value) {
    let operation = json!([{"op": "add", "path": place, "value": value}]);
    let operation = serde_json::from_value(operation).unwrap();
    scene.store.patch(object, &operation).await.unwrap();
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused() {
    let mut unlabelled = before();
    unlabelled.models[1].labels.clear();
    let mut promoted = before().with_version("pets", 42).unwrap();
    promoted.models[1].labels.insert("stable".to_owned(), 42);
    let mut taken = before();
    taken.models[1].labels.insert("canary".to_owned(), 41);
    let mut latest = before();
    latest.models[1].policy = VersionPolicy::Latest(1);
    let mut missing = before();
    missing.models.pop();
    for (config, said) in [
        (unlabelled, "has no label \"stable\""),
        (promoted, "at version 42 already"),
        (taken, "has the label \"canary\" at version 41"),
        (latest, "model_version_policy is latest 1"),
        (missing, "model \"pets\" not found; the config has \"cars\""),
    ] {
        let scene = with_file(config).await;
        let error = refused(&scene).await;
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[tokio::test]
async fn objects_that_would_undo_the_release_are_refused() {
    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    set(&scene, "/immutable", true.into()).await;
    let error = refused(&scene).await;
    assert!(error.contains("is immutable"), "{error}");

    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let deployment = ObjectRef::new("apps/v1", "Deployment", "default", "classifiers-v1");
    let path = "/spec/template/spec/containers/0/args/-";
    change(&scene, &deployment, path, "--model_config_file_poll_wait_seconds=30".into()).await;
    let error = refused(&scene).await;
    assert!(error.contains("undoes every reload"), "{error}");

    let mut scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let labels = VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers");
    scene.plan.target = labels.file("classifiers-v1-configs", "other.config").into();
    let error = refused(&scene).await;
    assert!(error.contains("has no key \"other.config\" in data"), "{error}");
}

#[tokio::test]
async fn a_service_without_servers_is_waited_for_and_then_told() {
    let mut scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let labels = VersionLabels::new("pets", 42).deployment("classifiers-v1").service("elsewhere");
    scene.plan.target = labels.into();
    let verdict = scene.verdict().await.to_string();
    assert!(verdict.contains("Service default/elsewhere has no endpoint"), "{verdict}");
    assert_eq!(scene.labels("canary").await, [None, None]);
}

#[test]
fn a_plan_that_asks_for_what_labels_cannot_give_is_refused_with_the_reason() {
    let target =
        || VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers");
    let plan = || Plan::version_labels(target(), 100).guardrail(Guardrail::agreement(0.9));
    assert!(plan().validate().is_empty(), "{}", plan().validate());
    let divided = Step::new(30).hold(Hold::requests(100));
    let mut halfway = plan();
    halfway.steps.insert(1, divided);
    let mut held = plan();
    held.steps[1].hold = Hold::pairs(30);
    for (plan, path, said) in [
        (
            halfway,
            "steps[1].weight",
            "a mesh cannot divide traffic between the labels of one server",
        ),
        (held, "steps[1].hold", "nothing is left to compare"),
        (plan().header("user-group", "canary"), "header", "a label is in the path"),
        (
            plan().guardrail(Guardrail::error_ratio(1.0)),
            "guardrails[1].errorRatio",
            "no traffic is divided",
        ),
        (
            plan().guardrail(Guardrail::slow_ratio(1.0)),
            "guardrails[1].slowRatio",
            "their latencies cannot be told apart",
        ),
        (
            plan().scale_down_after(std::time::Duration::from_secs(60)),
            "scaleDownAfter",
            "no Deployment is left over",
        ),
        (
            Plan::version_labels(VersionLabels::new("", -1), 100)
                .guardrail(Guardrail::agreement(0.9)),
            "target.versionLabels.version",
            "not a version number",
        ),
    ] {
        let findings = plan.validate();
        let found = findings.iter().any(|one| one.path == path && one.to_string().contains(said));
        assert!(found, "{path} {said}: {findings}");
        assert!(plan.validated().is_err());
    }
}

#[test]
fn a_plan_is_written_as_it_was_read() {
    let target = VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers");
    let plan =
        Plan::version_labels(target.namespace("models"), 100).guardrail(Guardrail::agreement(0.9));
    let text = plan.to_yaml().unwrap();
    assert!(text.contains("versionLabels:\n    model: pets\n    version: 42\n"), "{text}");
    assert_eq!(Plan::from_yaml(&text).unwrap(), plan);
    let both = text.replace("  versionLabels:", "  virtualService: pets\n  versionLabels:");
    let error = Plan::from_yaml(&both).unwrap_err().to_string();
    assert!(error.contains("both versionLabels and virtualService"), "{error}");
}
