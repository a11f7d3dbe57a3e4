//! An index of pods by label.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::core::v1::Pod;

/// Pods by label.
pub(super) struct PodIndex<'i> {
    pods: Vec<&'i Pod>,
    by_label: HashMap<(&'i str, &'i str), Vec<usize>>,
}

impl<'i> PodIndex<'i> {
    pub(super) fn new(pods: &'i [Pod]) -> Self {
        let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, pod) in pods.iter().enumerate() {
            for (key, value) in pod.metadata.labels.iter().flatten() {
                by_label.entry((key.as_str(), value.as_str())).or_default().push(index);
            }
        }
        Self { pods: pods.iter().collect(), by_label }
    }

    /// The pods that have every label of `selector`; all of them when it is empty.
    pub(super) fn select<'s>(
        &'s self,
        selector: &'s BTreeMap<String, String>,
    ) -> impl Iterator<Item = &'i Pod> + 's {
        // The rarest label leaves the fewest pods to check.
        let rarest = selector
            .iter()
            .map(|(key, value)| {
                self.by_label.get(&(key.as_str(), value.as_str())).map_or(&[][..], Vec::as_slice)
            })
            .min_by_key(|pods| pods.len());
        let all = if rarest.is_none() { self.pods.as_slice() } else { &[] };
        rarest
            .unwrap_or_default()
            .iter()
            .map(|index| self.pods[*index])
            .chain(all.iter().copied())
            .filter(|pod| has_labels(pod, selector))
    }
}

/// Returns true when the pod has every label of `selector`.
pub(super) fn has_labels(pod: &Pod, selector: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(key, value)| {
        pod.metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(key))
            .is_some_and(|found| found == value)
    })
}

/// The selector as Kubernetes writes it: `app=a,tier=b`.
pub(super) fn text(selector: &BTreeMap<String, String>) -> String {
    let parts: Vec<_> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    parts.join(",")
}
