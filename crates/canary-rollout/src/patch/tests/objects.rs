//! Subsets of the DestinationRule, other controllers, and the owners of fields.

use serde_json::json;

use super::*;
use crate::patch::{Author, GitOps, give_up_spec, state_manager};

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

#[test]
fn gitops_tools_are_recognised_and_told_from_controllers_of_weights() {
    let labelled = |key: &str| json!({"metadata": {"labels": {key: "models"}}});
    let annotated = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
    let managed = |manager: &str| json!({"metadata": {"managedFields": [{"manager": manager}]}});
    for (object, tool) in [
        (annotated("argocd.argoproj.io/tracking-id", "models:x"), GitOps::ArgoCd),
        (labelled("argocd.argoproj.io/instance"), GitOps::ArgoCd),
        (managed("argocd-controller"), GitOps::ArgoCd),
        (labelled("kustomize.toolkit.fluxcd.io/name"), GitOps::FluxKustomize),
        (managed("kustomize-controller"), GitOps::FluxKustomize),
        (labelled("helm.toolkit.fluxcd.io/name"), GitOps::FluxHelm),
        (managed("helm-controller"), GitOps::FluxHelm),
    ] {
        assert_eq!(GitOps::of(&object), Some(tool), "{object}");
        assert_eq!(foreign_controller(&object), None, "{object}");
    }
    // A label that Helm and others set, too.
    assert_eq!(GitOps::of(&labelled("app.kubernetes.io/instance")), None);
    for (key, value, alone) in [
        ("kustomize.toolkit.fluxcd.io/reconcile", "disabled", true),
        ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent", true),
        ("kustomize.toolkit.fluxcd.io/ssa", "Merge", false),
    ] {
        let object = annotated(key, value);
        assert_eq!(GitOps::FluxKustomize.leaves_alone(&object), alone, "{key}: {value}");
        assert!(!GitOps::ArgoCd.leaves_alone(&object));
    }
}

#[test]
fn the_spec_is_given_up_and_the_author_of_an_edit_is_another_manager() {
    let state = format!("f:{STATE_ANNOTATION}");
    let owned = json!({"f:metadata": {"f:annotations": {state: {}}}, "f:spec": {"f:http": {}}});
    let entry = |manager: &str, operation: &str, time: &str, fields: &Value| json!({"manager": manager, "operation": operation, "time": time, "fieldsV1": fields});
    let http = json!({"f:spec": {"f:http": {}}});
    let entries = [
        entry("canary", "Apply", "2026-11-30T08:00:00Z", &json!({"f:spec": {"f:hosts": {}}})),
        entry("kubectl-edit", "Update", "2026-11-30T08:30:00Z", &http),
        entry("argocd-controller", "Apply", "2026-11-30T09:00:00Z", &http),
        entry("canary", "Update", "2026-11-30T09:30:00Z", &owned),
    ];
    let object = json!({"metadata": {"resourceVersion": "7", "managedFields": entries}});

    let mut edits = Differences::default();
    edits.push("spec.http[0].route[1].weight", "30", "0");
    edits.push(format!("metadata.annotations[{STATE_ANNOTATION}]"), "this one", "another");
    edits.push("spec.gateways", "a", "b");
    let authors: Vec<_> = edits.signed(&object).0.into_iter().map(|edit| edit.by).collect();
    let author = |manager: &str, at: &str| {
        Some(Author { manager: manager.to_owned(), at: Some(at.to_owned()) })
    };
    assert_eq!(
        authors,
        [
            author("argocd-controller", "2026-11-30T09:00:00Z"),
            author("canary", "2026-11-30T09:30:00Z"),
            None
        ]
    );

    assert_eq!(state_manager(&object), Some("canary"));
    let patch = give_up_spec(&object, "it", "canary").unwrap().unwrap();
    let after = apply(&object, &patch);
    let left = after["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(left[..3], entries[..3], "the entries of others, and of its own applies");
    assert_eq!(left[3]["fieldsV1"], json!({"f:metadata": owned["f:metadata"]}));
    assert_eq!(give_up_spec(&after, "it", "canary").unwrap(), None, "once is enough");
    // An entry with nothing else goes, unless it is the only one, whose removal the server would ignore.
    let rule =
        |entries: &[Value]| json!({"metadata": {"resourceVersion": "7", "managedFields": entries}});
    let subsets = entry("canary", "Update", "", &json!({"f:spec": {"f:subsets": {}}}));
    let both = rule(&[entries[1].clone(), subsets.clone()]);
    let patch = give_up_spec(&both, "it", "canary").unwrap().unwrap();
    assert_eq!(apply(&both, &patch)["metadata"]["managedFields"], json!([entries[1]]));
    assert_eq!(give_up_spec(&rule(&[subsets]), "it", "canary").unwrap(), None);
}
