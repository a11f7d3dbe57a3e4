//! The DestinationRule that applies to a client and a service.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::policy::{DeclaredSubset, MergedRule};
use crate::{
    names::{HostIndex, export_namespace, qualify},
    networking::DestinationRule,
};

/// The `exportTo` of a rule as it is written: Istio compares the texts, so that `.` and the namespace's own name differ
/// when rules merge, and an absent list differs from `*`.
type ExportTo = BTreeSet<String>;

/// Rules on one host that Istio merges into one.
#[derive(Debug)]
struct Group {
    selector: Option<BTreeMap<String, String>>,
    exports: ExportTo,
    namespace: String,
    merged: Arc<MergedRule>,
}

/// The rules of one namespace, by host.
type ByHost = HostIndex<Vec<Group>>;

/// Every DestinationRule, in the three indexes in which Istio keeps them (`setDestinationRules` of
/// `pilot/pkg/model/push_context.go`): a rule can be in several, and merges in each on its own.
#[derive(Debug, Default)]
pub(crate) struct DestinationRules {
    /// The rules that apply in their own namespace.
    local: HashMap<String, ByHost>,
    /// The rules that apply in other namespaces too.
    exported: HashMap<String, ByHost>,
    /// The rules of the root namespace that apply nowhere else.
    root_local: ByHost,
    root_namespace: String,
}

/// The client for which a rule is looked up.
pub(crate) struct Client<'c> {
    /// The namespace of its proxy.
    pub(crate) namespace: &'c str,
    /// The labels of its proxy.
    pub(crate) label: &'c dyn Fn(&str) -> Option<&'c str>,
}

impl DestinationRules {
    /// Indexes rules that are sorted oldest first.
    pub(crate) fn new(
        rules: &[(String, String, DestinationRule)],
        domain: &str,
        root: &str,
    ) -> Self {
        let mut all = Self { root_namespace: root.to_owned(), ..Self::default() };
        // Rules with a selector are merged before those without, independently of their age.
        let (selecting, plain): (Vec<_>, Vec<_>) =
            rules.iter().partition(|(_, _, rule)| rule.spec.workload_selector.is_some());
        for (namespace, name, rule) in selecting.into_iter().chain(plain) {
            let written = Incoming::new(namespace, name, rule, domain);
            let exports = &written.exports;
            let own = |entry: &String| export_namespace(entry, namespace) == namespace;
            if exports.is_empty() || exports.iter().any(|entry| entry == "*" || own(entry)) {
                written.add(all.local.entry(namespace.clone()).or_default());
            }
            if exports.len() == 1 && exports.iter().all(own) {
                if namespace == root {
                    written.add(&mut all.root_local);
                }
            } else {
                written.add(all.exported.entry(namespace.clone()).or_default());
            }
        }
        all
    }

    /// Returns true when a client finds a subset of a host declared.
    pub(crate) fn declares(
        &self,
        client: &Client<'_>,
        host: &str,
        service_namespace: Option<&str>,
        subset: &str,
    ) -> bool {
        let found = self.find(client, host, service_namespace);
        found.is_some_and(|rule| rule.subsets.contains_key(subset))
    }

    /// The rule for a client and a service: that of the client's namespace, else of the service's, else of the mesh's
    /// root namespace. In each namespace the most specific host is selected first; after that, its rules that the
    /// client does not see are left out (`destinationRule` of `pilot/pkg/model/push_context.go`).
    pub(super) fn find(
        &self,
        client: &Client<'_>,
        host: &str,
        service_namespace: Option<&str>,
    ) -> Option<&Arc<MergedRule>> {
        // In the root namespace a client of its own sees first only what is private there.
        let own = if client.namespace == self.root_namespace {
            Some(&self.root_local)
        } else {
            self.local.get(client.namespace)
        };
        if let Some(groups) = own.and_then(|rules| rules.covering(host).next()) {
            return choose(groups.iter(), client);
        }
        let seen = |group: &&Group| {
            group.exports.is_empty()
                || group.exports.contains("*")
                || group.exports.contains(client.namespace)
        };
        for namespace in service_namespace.into_iter().chain([self.root_namespace.as_str()]) {
            let found = self.exported.get(namespace).and_then(|rules| rules.covering(host).next());
            if let Some(groups) = found.filter(|groups| groups.iter().any(|group| seen(&group))) {
                return choose(groups.iter().filter(seen), client);
            }
        }
        None
    }
}

/// Among the rules on one host, the first whose selector matches the client, otherwise the last without a selector.
fn choose<'g>(
    groups: impl Iterator<Item = &'g Group>,
    client: &Client<'_>,
) -> Option<&'g Arc<MergedRule>> {
    let mut for_all = None;
    for group in groups {
        let Some(selector) = &group.selector else {
            for_all = Some(&group.merged);
            continue;
        };
        let fulfilled = selector.iter().all(|(key, value)| (client.label)(key) == Some(value));
        if group.namespace == client.namespace && fulfilled {
            return Some(&group.merged);
        }
    }
    for_all
}

/// A rule on its way into the indexes.
struct Incoming<'r> {
    namespace: &'r str,
    object: String,
    host: String,
    exports: ExportTo,
    rule: &'r DestinationRule,
}

impl<'r> Incoming<'r> {
    fn new(namespace: &'r str, name: &str, rule: &'r DestinationRule, domain: &str) -> Self {
        let exports = match rule.spec.workload_selector {
            // Such a rule applies only in its own namespace.
            Some(_) => BTreeSet::from([".".to_owned()]),
            None => rule.spec.export_to.iter().flatten().cloned().collect(),
        };
        Self {
            namespace,
            object: format!("DestinationRule {namespace}/{name}"),
            host: qualify(&rule.spec.host, namespace, domain),
            exports,
            rule,
        }
    }

    /// Merges the rule into those on its host, or puts it beside them (`mergeDestinationRule` of
    /// `pilot/pkg/model/destination_rule.go`). A merged rule uses the exports and the selector of the older one, even
    /// if its own are different.
    fn add(&self, rules: &mut ByHost) {
        let selector =
            self.rule.spec.workload_selector.as_ref().map(|selector| &selector.match_labels);
        let selector = selector.map(|labels| labels.clone().unwrap_or_default());
        let groups = rules.entry(&self.host);
        let mut beside = true;
        for group in groups.iter_mut() {
            beside = self.exports != group.exports;
            let wider = !group.exports.is_empty() && self.exports.is_superset(&group.exports);
            if beside && !wider {
                continue;
            }
            match (&group.selector, &selector) {
                (Some(one), Some(other)) if one != other => {
                    beside = true;
                    continue;
                }
                (Some(_), Some(_)) | (None, None) => beside = false,
                (Some(_), None) | (None, Some(_)) => {}
            }
            merge(Arc::make_mut(&mut group.merged), &self.object, self.rule);
        }
        if beside {
            let mut merged = MergedRule::default();
            merge(&mut merged, &self.object, self.rule);
            groups.push(Group {
                selector,
                exports: self.exports.clone(),
                namespace: self.namespace.to_owned(),
                merged: Arc::new(merged),
            });
        }
    }
}

fn merge(merged: &mut MergedRule, object: &str, rule: &DestinationRule) {
    merged.objects.push(object.to_owned());
    for (index, subset) in rule.spec.subsets.iter().flatten().enumerate() {
        let source = format!("{object} spec.subsets[{index}].trafficPolicy");
        merged
            .subsets
            .entry(subset.name.clone())
            .or_insert_with(|| DeclaredSubset { subset: subset.clone(), source });
    }
    if merged.policy.is_none()
        && let Some(policy) = &rule.spec.traffic_policy
    {
        merged.policy = Some((policy.clone(), format!("{object} spec.trafficPolicy")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networking::{DestinationRuleSpec, Subset, WorkloadSelector};

    fn rule(
        namespace: &str,
        name: &str,
        host: &str,
        subset: &str,
        change: impl FnOnce(&mut DestinationRuleSpec),
    ) -> (String, String, DestinationRule) {
        let mut rule = DestinationRule::default();
        rule.spec.host = host.to_owned();
        rule.spec.subsets = Some(vec![Subset { name: subset.to_owned(), ..Subset::default() }]);
        change(&mut rule.spec);
        (namespace.to_owned(), name.to_owned(), rule)
    }

    fn subsets(
        rules: &[(String, String, DestinationRule)],
        client: &str,
        label: Option<(&str, &str)>,
    ) -> Vec<String> {
        let rules = DestinationRules::new(rules, "cluster.local", "istio-system");
        let find = |key: &str| label.filter(|(found, _)| *found == key).map(|(_, value)| value);
        let client = Client { namespace: client, label: &find };
        rules
            .find(&client, "a.shop.svc.cluster.local", Some("shop"))
            .map(|merged| merged.subsets.keys().cloned().collect())
            .unwrap_or_default()
    }

    const HOST: &str = "a.shop.svc.cluster.local";

    #[test]
    fn the_clients_namespace_hides_the_services() {
        let rules = [
            rule("shop", "a", "a", "of-service", |_| {}),
            rule("web", "a", HOST, "of-client", |_| {}),
            rule("istio-system", "a", "*.local", "of-root", |_| {}),
        ];
        assert_eq!(subsets(&rules, "web", None), ["of-client"]);
        assert_eq!(subsets(&rules, "other", None), ["of-service"]);
        assert_eq!(subsets(&rules, "istio-system", None), ["of-service"]);
        assert_eq!(subsets(&rules[2..], "other", None), ["of-root"]);
    }

    #[test]
    fn an_exact_host_comes_before_a_wildcard_and_exports_count() {
        let rules = [
            rule("shop", "wide", "*.shop.svc.cluster.local", "wide", |_| {}),
            rule("shop", "exact", "a", "exact", |_| {}),
        ];
        assert_eq!(subsets(&rules, "web", None), ["exact"]);
        let private = [rule("shop", "a", "a", "private", |spec| {
            spec.export_to = Some(vec![".".to_owned()]);
        })];
        assert_eq!(subsets(&private, "shop", None), ["private"]);
        assert!(subsets(&private, "web", None).is_empty());
    }

    fn exported(to: &'static [&'static str]) -> impl FnOnce(&mut DestinationRuleSpec) {
        move |spec| spec.export_to = Some(to.iter().map(|entry| (*entry).to_owned()).collect())
    }

    fn selecting(spec: &mut DestinationRuleSpec) {
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        spec.workload_selector = Some(WorkloadSelector { match_labels: Some(labels) });
    }

    #[test]
    fn the_most_specific_host_is_picked_before_anybody_looks_who_sees_it() {
        let hidden = [
            rule("shop", "wide", "*.shop.svc.cluster.local", "wide", exported(&["*"])),
            rule("shop", "exact", "a", "exact", exported(&["other"])),
        ];
        assert!(subsets(&hidden, "web", None).is_empty());
        // One that holds in its own namespace alone is in no index for others.
        let private = [
            rule("shop", "wide", "*.shop.svc.cluster.local", "wide", |_| {}),
            rule("shop", "exact", "a", "exact", exported(&["."])),
        ];
        assert_eq!(subsets(&private, "web", None), ["wide"]);
        assert_eq!(subsets(&private, "shop", None), ["exact"]);
        let root = [
            rule("istio-system", "exact", HOST, "exact", |_| {}),
            rule("istio-system", "wide", "*.shop.svc.cluster.local", "wide", exported(&["."])),
        ];
        assert_eq!(subsets(&root, "istio-system", None), ["wide"]);
        assert_eq!(subsets(&root, "web", None), ["exact"]);
    }

    #[test]
    fn rules_that_are_exported_differently_stay_apart_and_the_last_counts() {
        let rules = |first, second| {
            [
                rule("shop", "one", "a", "v1", exported(first)),
                rule("shop", "two", "a", "v2", exported(second)),
            ]
        };
        assert_eq!(subsets(&rules(&["*"], &["."]), "shop", None), ["v2"]);
        assert_eq!(subsets(&rules(&["."], &["*"]), "shop", None), ["v2"]);
        // The texts are compared, not their meaning.
        assert_eq!(subsets(&rules(&["."], &["shop"]), "shop", None), ["v2"]);
        assert_eq!(subsets(&rules(&["."], &["."]), "shop", None), ["v1", "v2"]);
    }

    #[test]
    fn a_rule_that_is_exported_further_merges_into_the_older_one_and_is_lost_elsewhere() {
        let rules = [
            rule("shop", "one", "a", "v1", exported(&["web"])),
            rule("shop", "two", "a", "v2", exported(&["web", "desk"])),
        ];
        assert_eq!(subsets(&rules, "web", None), ["v1", "v2"]);
        assert!(subsets(&rules, "desk", None).is_empty());
        // In the opposite order nothing merges.
        let narrower = [
            rule("shop", "one", "a", "v1", exported(&["web", "desk"])),
            rule("shop", "two", "a", "v2", exported(&["web"])),
        ];
        assert_eq!(subsets(&narrower, "web", None), ["v2"]);
        assert_eq!(subsets(&narrower, "desk", None), ["v1"]);
    }

    #[test]
    fn a_rule_for_other_workloads_hides_the_rest() {
        let rules =
            [rule("shop", "all", "a", "v1", |_| {}), rule("web", "some", HOST, "v2", selecting)];
        assert!(subsets(&rules, "web", None).is_empty());
        assert_eq!(subsets(&rules, "web", Some(("app", "web"))), ["v2"]);
        assert_eq!(subsets(&rules, "desk", None), ["v1"]);
        let root = [
            rule("shop", "all", "a", "v1", |_| {}),
            rule("istio-system", "some", "*.shop.svc.cluster.local", "v2", selecting),
        ];
        assert!(subsets(&root, "istio-system", None).is_empty());
        assert_eq!(subsets(&root, "web", None), ["v1"]);
    }

    #[test]
    fn a_private_rule_merges_into_one_with_a_selector_and_is_lost_for_others() {
        let rules = [
            rule("shop", "plain", "a", "v1", exported(&["."])),
            rule("shop", "some", "a", "v2", selecting),
        ];
        assert!(subsets(&rules, "shop", None).is_empty());
        assert_eq!(subsets(&rules, "shop", Some(("app", "web"))), ["v1", "v2"]);
    }

    #[test]
    fn rules_on_one_host_merge_but_not_across_selectors() {
        let rules = [
            rule("shop", "one", "a", "v1", |_| {}),
            rule("shop", "two", "a", "v2", |_| {}),
            rule("shop", "three", "a", "v3", selecting),
        ];
        assert_eq!(subsets(&rules, "shop", None), ["v1", "v2"]);
        assert_eq!(subsets(&rules, "shop", Some(("app", "web"))), ["v3"]);
    }
}
