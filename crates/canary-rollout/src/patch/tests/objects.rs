//! Subsets of the DestinationRule, and other controllers.

use serde_json::json;

use super::*;

fn rule() -> Value {
    json!({
        "metadata": {"name": "image-classifier", "resourceVersion": "3", "annotations": {"team": "ml"}},
        "spec": {"host": "image-classifier", "subsets": [{"name": "resnet50", "labels": {"version": "resnet50"}}]},
    })
}

#[test]
fn a_subset_is_created_once_and_only_ours_is_removed() {
    let patch = add_subset(&plan(), &rule()).unwrap().unwrap();
    let with = apply(&rule(), &patch);
    assert_eq!(
        with["spec"]["subsets"][1],
        json!({"name": "resnet101", "labels": {"version": "resnet101"}})
    );
    assert_eq!(add_subset(&plan(), &with).unwrap(), None);
    let without = apply(&with, &remove_subset(&plan(), &with).unwrap().unwrap());
    assert_eq!(without, rule());
    // A subset kept by a rollout that leaves the canary traffic is removed by no later one.
    let kept = apply(&with, &keep_subset(&plan(), &with).unwrap().unwrap());
    assert_eq!((&kept["spec"], &kept["metadata"]), (&with["spec"], &rule()["metadata"]));
    assert_eq!(keep_subset(&plan(), &kept).unwrap(), None);
    assert_eq!(remove_subset(&plan(), &kept).unwrap(), None);
    let mut theirs = with;
    theirs["metadata"]["annotations"] = json!({});
    assert_eq!(remove_subset(&plan(), &theirs).unwrap(), None);
}

#[test]
fn unknown_and_contradicting_subsets_are_refused() {
    let unknown = Plan { stable: "resnet18".into(), ..plan() };
    assert!(add_subset(&unknown, &rule()).unwrap_err().to_string().contains("resnet18"));
    let mut other = rule();
    other["spec"]["subsets"][0]["name"] = json!("resnet101");
    let mut stable = plan();
    stable.stable = "resnet101".into();
    stable.canary = "resnet50".into();
    assert!(add_subset(&stable, &other).is_ok());
    let mut labelled = plan();
    labelled.canary_labels.insert("version".into(), "v2".into());
    let with = apply(&rule(), &add_subset(&plan(), &rule()).unwrap().unwrap());
    assert!(add_subset(&labelled, &with).unwrap_err().to_string().contains("labels"));
}

#[test]
fn other_controllers_are_recognised() {
    let argo = json!({"metadata": {"labels": {"rollouts.argoproj.io/managed-by": "x"}}});
    assert!(foreign_controller(&argo).unwrap().starts_with("Argo Rollouts"));
    let by_field = json!({"metadata": {"managedFields": [
        {"manager": "kubectl", "fieldsV1": {"f:spec": {}}},
        {"manager": "rollouts-controller", "fieldsV1": {"f:spec": {}}}]}});
    assert!(foreign_controller(&by_field).unwrap().contains("field manager"));
    let helm = json!({"metadata": {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}]}});
    assert_eq!(foreign_controller(&helm), None);
}
