//! Messages about a subset without pods.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    lists::Pods,
    objects::{is_live, is_ready, labels, name, ready_replicas, template_labels, title, wanted},
    selection::{Labels, Selection, meant},
};

/// The number of things that are listed; more are counted.
const LISTED: usize = 6;

/// Some of many texts, and how many more there are.
pub(super) fn few(all: &[String], between: &str) -> String {
    let more = all.len().saturating_sub(LISTED);
    let mut text = all[..all.len() - more].join(between);
    if more > 0 {
        text = format!("{text}{between}{more} more");
    }
    text
}

/// `1 pod` or `2 pods`.
pub(super) fn pods(number: usize) -> String {
    if number == 1 { "1 pod".to_owned() } else { format!("{number} pods") }
}

/// Labels as a selector of `kubectl` writes them.
fn selector(labels: &Labels) -> String {
    let all: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    all.join(",")
}

/// The labels of a pod that the subset restricts, with the pod's own values.
fn restricted(selection: &Selection, labels: Option<&Value>) -> String {
    let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let all: Vec<String> = selection
        .labels
        .keys()
        .map(|key| match value(key) {
            Some(value) => format!("{key}={value}"),
            None => format!("no label {key}"),
        })
        .collect();
    all.join(",")
}

/// The sentence for a subset with no pod, and no workload that would create one.
pub(super) fn nothing(
    selection: &Selection,
    pods: &Pods,
    workloads: &[Value],
    ending: &[&str],
) -> String {
    let Selection { what, service, .. } = selection;
    let by = selector(&selection.selector);
    let head = if selection.labels.is_empty() {
        format!("{what} would serve nothing: no pod is behind {service} ({by})")
    } else {
        let wanted = selector(&selection.labels);
        format!(
            "{what} would serve nothing: no pod behind {service} ({by}) has {wanted}, and no workload creates one"
        )
    };
    let mut parts = vec![head];
    if !ending.is_empty() {
        let names: Vec<String> = ending.iter().map(|name| (*name).to_owned()).collect();
        parts.push(format!("still shutting down: {}", few(&names, ", ")));
    }
    let outside = outside_service(selection, pods, workloads);
    if outside.is_empty() {
        parts.push(there(selection, pods, workloads));
        parts.push(
            "deploy pods with these labels, or correct the subset's name and labels".to_owned(),
        );
    } else {
        let lacking = few(&outside, "; ");
        parts.push(format!("{lacking}; add what is missing to the labels of the pod template"));
    }
    parts.join("; ")
}

/// The pods and workloads behind the `Service` instead, the nearest of them.
fn there(selection: &Selection, pods: &Pods, workloads: &[Value]) -> String {
    if selection.labels.is_empty() {
        return "no workload creates one".to_owned();
    }
    let versions = versions(selection, pods, workloads);
    if versions.is_empty() {
        return "the Service has no pods at all".to_owned();
    }
    let all: Vec<String> = versions
        .iter()
        .map(|(text, (ready, all))| format!("{text} ({ready} of {all} ready)"))
        .collect();
    let meant: String = selection
        .labels
        .iter()
        .map(|(key, value)| {
            let known = values(selection, key, pods, workloads);
            let free = |one: &&str| {
                !selection.claimed.iter().any(|labels| labels.get(key).is_some_and(|v| v == one))
            };
            let free: Vec<&str> = known.iter().map(String::as_str).filter(free).collect();
            if known.contains(value) { String::new() } else { meant(value, &free) }
        })
        .collect();
    format!("the Service has {}{meant}", few(&all, ", "))
}

/// The values of a label behind the `Service`.
fn values(selection: &Selection, key: &str, pods: &Pods, workloads: &[Value]) -> BTreeSet<String> {
    let of_pods = pods.related.iter().map(labels);
    let all = of_pods.chain(workloads.iter().map(template_labels));
    all.filter(|labels| selection.in_service(*labels))
        .filter_map(|labels| Some(labels?.get(key)?.as_str()?.to_owned()))
        .collect()
}

/// Workloads, or pods of none, that have the subset's labels and that the `Service` does not select.
fn outside_service(selection: &Selection, pods: &Pods, workloads: &[Value]) -> Vec<String> {
    let stray = |labels: Option<&Value>| {
        !selection.labels.is_empty() && selection.in_subset(labels) && !selection.in_service(labels)
    };
    let lacks = |of: String, labels: Option<&Value>| {
        let has = |key: &str, value: &str| {
            labels.and_then(|labels| labels.get(key)).and_then(Value::as_str) == Some(value)
        };
        let lacking: Labels = selection
            .selector
            .iter()
            .filter(|(key, value)| !has(key, value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let (subset, lacking) = (selector(&selection.labels), selector(&lacking));
        format!("{of} has {subset} but not {lacking}, by which {} selects", selection.service)
    };
    let makers: Vec<String> = workloads
        .iter()
        .filter(|one| stray(template_labels(one)))
        .map(|one| lacks(title(one), template_labels(one)))
        .collect();
    if !makers.is_empty() {
        return makers;
    }
    let pods = pods.related.iter().filter(|pod| stray(labels(pod)));
    pods.map(|pod| lacks(format!("pod {}", name(pod)), labels(pod))).collect()
}

/// The number of pods behind a `Service` with each set of the subset's labels: ready ones, and all.
fn versions(
    selection: &Selection,
    pods: &Pods,
    workloads: &[Value],
) -> BTreeMap<String, (usize, usize)> {
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for pod in pods.related.iter().filter(|pod| is_live(pod)) {
        if selection.in_service(labels(pod)) {
            let count = found.entry(restricted(selection, labels(pod))).or_default();
            count.0 += usize::from(is_ready(pod));
            count.1 += 1;
        }
    }
    let seen: BTreeSet<String> = found.keys().cloned().collect();
    for workload in workloads {
        let text = restricted(selection, template_labels(workload));
        if selection.in_service(template_labels(workload)) && !seen.contains(&text) {
            let count = found.entry(text).or_default();
            let ready = if pods.kept { 0 } else { ready_replicas(workload) };
            let wanted = usize::try_from(wanted(workload)).unwrap_or(usize::MAX);
            *count = (count.0.saturating_add(ready), count.1.saturating_add(wanted));
        }
    }
    found
}
