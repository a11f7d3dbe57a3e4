//! The kinds that are served, as `kubectl` asks for them.

use std::collections::BTreeMap;

use canary_core::cluster::ObjectRef;
use serde_json::{Value, json};

use super::target::versions_of;

/// The document at a path of discovery; `None` elsewhere.
pub(super) fn document(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(json!({
            "major": "1", "minor": "0", "gitVersion": concat!("v1.0.0-canary-lab.", env!("CARGO_PKG_VERSION")),
            "platform": std::env::consts::OS,
        })),
        ["livez" | "readyz" | "healthz"] => Some("ok".into()),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => {
            let groups: Vec<Value> = groups().iter().map(|(name, all)| group(name, all)).collect();
            Some(json!({"apiVersion": "v1", "kind": "APIGroupList", "groups": groups}))
        }
        ["apis", name] => {
            let groups = groups();
            let mut found = group(name, groups.get(name)?);
            found["apiVersion"] = "v1".into();
            found["kind"] = "APIGroup".into();
            Some(found)
        }
        ["api", version] => resources(version),
        ["apis", group, version] => resources(&format!("{group}/{version}")),
        _ => None,
    }
}

/// The versions of each group but the core's, the preferred one first.
fn groups() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for version in ObjectRef::known_kinds().flat_map(versions_of) {
        let Some((group, _)) = version.split_once('/') else { continue };
        let versions = groups.entry(group).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    groups
}

fn group(name: &str, versions: &[&str]) -> Value {
    let version = |all: &str| {
        let version = all.rsplit('/').next().unwrap_or(all);
        json!({"groupVersion": all, "version": version})
    };
    let all: Vec<Value> = versions.iter().map(|all| version(all)).collect();
    json!({"name": name, "versions": all, "preferredVersion": all[0]})
}

/// The kinds of a group and version; `None` when it has none.
fn resources(version: &str) -> Option<Value> {
    let mut found = Vec::new();
    for kind in ObjectRef::known_kinds().filter(|kind| versions_of(kind).contains(&version)) {
        let plural = ObjectRef::plural_of(kind)?;
        let verbs: &[&str] = match kind {
            "SelfSubjectAccessReview" => &["create"],
            _ => &["create", "delete", "get", "list", "patch", "update", "watch"],
        };
        found.push(json!({
            "name": plural, "singularName": kind.to_lowercase(), "kind": kind, "verbs": verbs,
            "namespaced": !ObjectRef::is_cluster_wide(kind), "shortNames": short_names(kind),
        }));
        if kind == "Deployment" {
            found.push(json!({
                "name": format!("{plural}/scale"), "singularName": "", "kind": "Scale", "group": "autoscaling",
                "version": "v1", "namespaced": true, "verbs": ["get", "patch"],
            }));
        }
    }
    let list = json!({
        "apiVersion": "v1", "kind": "APIResourceList", "groupVersion": version, "resources": found,
    });
    (!found.is_empty()).then_some(list)
}

/// The abbreviations that people type.
fn short_names(kind: &str) -> &'static [&'static str] {
    match kind {
        "ConfigMap" => &["cm"],
        "Deployment" => &["deploy"],
        "DestinationRule" => &["dr"],
        "Event" => &["ev"],
        "Gateway" => &["gw"],
        "HorizontalPodAutoscaler" => &["hpa"],
        "Namespace" => &["ns"],
        "Node" => &["no"],
        "Pod" => &["po"],
        "ReplicaSet" => &["rs"],
        "Service" => &["svc"],
        "ServiceAccount" => &["sa"],
        "StatefulSet" => &["sts"],
        "VirtualService" => &["vs"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_group_and_version() {
        let document = |path: &str| document(path).unwrap_or_default();
        let groups = document("/apis");
        let names: Vec<&str> = groups["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| g["name"].as_str().unwrap())
            .collect();
        assert!(names.contains(&"networking.istio.io") && names.contains(&"apps"), "{names:?}");
        let routes = document("/apis/networking.istio.io/v1alpha3");
        assert_eq!(routes["resources"][2]["shortNames"][0], "vs", "{routes}");
        let apps = document("/apis/apps/v1");
        assert_eq!(apps["resources"][1]["kind"], "Scale", "{apps}");
        assert_eq!(document("/apis/apps")["preferredVersion"]["version"], "v1");
        assert_eq!(document("/apis/kittens/v1"), Value::Null);
    }
}
