//! A `DestinationRule` as a whole.

use std::collections::HashSet;

use super::{Options, Validate, export_to, labels, metadata, sink::Sink, traffic_policy};
use crate::names::{check_wildcard_domain, is_label};
use crate::path::Path;
use crate::{
    finding::Findings,
    networking::{DestinationRule, DestinationRuleSpec, Subset, WorkloadSelector},
};

impl Validate for DestinationRule {
    fn validate_with(&self, options: &Options) -> Findings {
        let namespace = self.metadata.namespace.as_deref().unwrap_or(&options.namespace);
        let mut sink = Sink::new(options, namespace);
        if metadata::check(&self.metadata, &mut sink) {
            check(&self.spec, &mut sink);
        }
        sink.finish(|| super::object_name("DestinationRule", namespace, self.name()))
    }
}

fn check(spec: &DestinationRuleSpec, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    if let Err(reason) = check_wildcard_domain(&spec.host) {
        sink.error("V083", &root.field("host"), format!("not a host name: {reason}"))
            .found(&spec.host)
            .help("name the service, such as `reviews` or `reviews.prod.svc.cluster.local`");
    }
    if let Some(policy) = &spec.traffic_policy {
        traffic_policy::check(policy, &root.field("trafficPolicy"), sink);
    }
    let list = root.field("subsets");
    let mut names = HashSet::new();
    for (index, subset) in spec.subsets.iter().flatten().enumerate() {
        let place = list.index(index);
        if !names.insert(subset.name.as_str()) {
            sink.error("V085", &place.field("name"), "the name is used by an earlier subset")
                .found(&subset.name);
        }
        check_subset(subset, &place, sink);
    }
    let selector = spec.workload_selector.as_ref();
    export_to::check(spec.export_to.as_deref(), selector.is_some(), &root.field("exportTo"), sink);
    if let Some(selector) = selector {
        check_selector(selector, &root.field("workloadSelector"), sink);
    }
}

fn check_subset(subset: &Subset, path: &Path<'_>, sink: &mut Sink<'_>) {
    if subset.name.is_empty() {
        sink.error("V085", &path.field("name"), "a subset needs a name");
    } else if !is_label(&subset.name) {
        sink.error("V085", &path.field("name"), "the name of a subset must be a DNS label: letters, digits and inner hyphens, 63 at most")
            .found(&subset.name);
    }
    labels::check(subset.labels.as_ref(), &path.field("labels"), sink);
    if let Some(policy) = &subset.traffic_policy {
        sink.where_warnings_are_lost(|sink| {
            traffic_policy::check(policy, &path.field("trafficPolicy"), sink);
        });
    }
}

fn check_selector(selector: &WorkloadSelector, path: &Path<'_>, sink: &mut Sink<'_>) {
    let list = path.field("matchLabels");
    let labels = selector.match_labels.as_ref();
    if labels.is_none_or(std::collections::BTreeMap::is_empty) {
        sink.warning(
            "V087",
            &list,
            "a selector without labels selects every workload of the namespace",
        )
        .help("name labels, or remove workloadSelector");
    }
    for (key, value) in labels.into_iter().flatten() {
        let place = list.key(key);
        if key.is_empty() {
            sink.error("V087", &place, "the key of a label must not be empty");
        }
        if key.contains('*') || value.contains('*') {
            sink.error("V087", &place, "a selector knows no wildcards").found(value);
        }
        if value.chars().count() > 63 {
            sink.error(
                "S008",
                &place,
                "the value of a selected label must have 63 characters at most",
            )
            .found(value);
        }
    }
    if labels.is_some_and(|labels| labels.len() > 4096) {
        sink.error("S008", &list, "a selector can name 4096 labels at most")
            .found(labels.map(std::collections::BTreeMap::len));
    }
}
