//! The identity of the release behind a subset.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    Behind, Cluster, ObjectRef,
    presence::{Place, template},
};
use crate::{Error, Result};

/// Annotations and labels of a pod template that restart pods or belong to the mesh, and do not distinguish releases.
const NO_RELEASE: &[&str] = &[
    "controller-revision-hash",
    "istio.io/rev",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "pod-template-hash",
    "sidecar.istio.io/status",
];

/// The identity of the release behind a subset: 32 hexadecimal digits, or `None` when no workload is found.
///
/// It is XXH3 (128 bits) of the pod templates of every `Deployment` and `StatefulSet` behind the subset, with the
/// values that they take from `ConfigMap`s, as environment or as files. Another image, argument or model path is
/// another release; another number of replicas, a restart and the marks of the sidecar injector are not. It
/// distinguishes releases; it does not protect against forgery. For a subset that the rule does not define yet,
/// [`Behind::find`] accepts the labels.
///
/// # Errors
/// [`crate::Error::Cluster`] when the store cannot be reached or does not permit a look-up; the error names the verb
/// that is missing.
pub async fn release_id(
    cluster: &impl Cluster,
    namespace: &str,
    destination_rule: &Value,
    subset: &str,
) -> Result<Option<String>> {
    Behind::find(cluster, namespace, destination_rule, subset, None).await?.release_id().await
}

impl<C: Cluster> Behind<'_, C> {
    /// The identity of the release behind the subset, as [`release_id`] gives it.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when workloads or `ConfigMap`s cannot be read.
    pub async fn release_id(&mut self) -> Result<Option<String>> {
        let Place::Pods(selection) = &self.place else { return Ok(None) };
        let workloads = self.lists.workloads(selection).await?;
        let own: Vec<&Value> = workloads
            .iter()
            .filter_map(template)
            .filter(|template| selection.selects(template.pointer("/metadata/labels")))
            .collect();
        if own.is_empty() {
            return Ok(None);
        }
        let mut maps = BTreeMap::new();
        for name in own.iter().flat_map(|template| config_maps(template)).map(|used| used.name) {
            if !maps.contains_key(name) {
                let namespace = &selection.service.namespace;
                let map = ObjectRef::new("v1", "ConfigMap", namespace, name);
                let found = match self.lists.cluster.get(&map).await {
                    Err(Error::Unserved { .. }) => None,
                    found => found?,
                };
                maps.insert(name, found.unwrap_or_default());
            }
        }
        Ok(Some(digest(&own, &maps)))
    }
}

/// A digest of templates and of the values that they take from `ConfigMap`s. The names of workloads are not part of it.
fn digest(templates: &[&Value], maps: &BTreeMap<&str, Value>) -> String {
    let mut releases: Vec<String> = templates
        .iter()
        .map(|template| {
            let used: BTreeSet<Used<'_>> = config_maps(template).into_iter().collect();
            let contents: Vec<Value> = used.iter().map(|used| used.content(maps)).collect();
            // `Value` keeps keys sorted, so equal templates give equal texts.
            json!({"template": bare(template), "configMaps": contents}).to_string()
        })
        .collect();
    releases.sort();
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(json!(releases).to_string().as_bytes()))
}

/// A digest of one pod template, without the parts that do not distinguish releases.
pub(super) fn template_digest(template: &Value) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bare(template).to_string().as_bytes()))
}

/// A template without the parts that do not distinguish releases.
fn bare(template: &Value) -> Value {
    let mut template = without_nulls(template);
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else {
        return template;
    };
    for field in ["annotations", "labels"] {
        if let Some(Value::Object(values)) = metadata.get_mut(field) {
            values.retain(|name, _| !NO_RELEASE.contains(&name.as_str()));
        }
    }
    // A restart leaves an empty map behind where there was none.
    metadata.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
    template
}

/// API servers differ in whether they write an absent field, such as `creationTimestamp`, as null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_nulls(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The part of a `ConfigMap` that a template uses: all of it, or one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Used<'t> {
    name: &'t str,
    key: Option<&'t str>,
}

impl Used<'_> {
    fn content(&self, maps: &BTreeMap<&str, Value>) -> Value {
        let map = maps.get(self.name).unwrap_or(&Value::Null);
        let part = |field: &str| match self.key {
            Some(key) => map[field][key].clone(),
            None => map[field].clone(),
        };
        json!([self.name, self.key, part("data"), part("binaryData")])
    }
}

/// The `ConfigMap`s that the containers of a template take their environment or their files from.
fn config_maps(template: &Value) -> Vec<Used<'_>> {
    fn items<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
        value[field].as_array().into_iter().flatten()
    }
    fn whole(source: &Value) -> Option<Used<'_>> {
        Some(Used { name: source["name"].as_str()?, key: None })
    }
    let pod = &template["spec"];
    let mut used = Vec::new();
    for container in items(pod, "initContainers").chain(items(pod, "containers")) {
        used.extend(items(container, "envFrom").filter_map(|from| whole(&from["configMapRef"])));
        used.extend(items(container, "env").filter_map(|variable| {
            let source = &variable["valueFrom"]["configMapKeyRef"];
            Some(Used { name: source["name"].as_str()?, key: Some(source["key"].as_str()?) })
        }));
    }
    for volume in items(pod, "volumes") {
        used.extend(whole(&volume["configMap"]));
        used.extend(
            items(&volume["projected"], "sources").filter_map(|one| whole(&one["configMap"])),
        );
    }
    used
}

#[cfg(test)]
mod tests;
