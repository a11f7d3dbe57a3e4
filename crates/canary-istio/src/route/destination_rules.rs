//! Which DestinationRule holds for a client and a service.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::policy::{DeclaredSubset, MergedRule};
use crate::{
    names::{Exports, HostTable, qualify},
    networking::DestinationRule,
};

/// Rules on one host with the same selector and the same exports, merged.
#[derive(Debug)]
struct Group {
    selector: BTreeMap<String, String>,
    exports: Exports,
    namespace: String,
    merged: Arc<MergedRule>,
}

/// Every DestinationRule, by namespace and host.
#[derive(Debug, Default)]
pub(super) struct DestinationRules {
    by_namespace: HashMap<String, HostTable<Vec<Group>>>,
    root_namespace: String,
}

/// The client for which a rule is looked up.
pub(super) struct Client<'c> {
    /// The namespace of its proxy.
    pub(super) namespace: &'c str,
    /// The labels of its proxy.
    pub(super) label: &'c dyn Fn(&str) -> Option<&'c str>,
}

impl DestinationRules {
    /// Indexes rules that are sorted oldest first.
    pub(super) fn new(
        rules: &[(String, String, DestinationRule)],
        domain: &str,
        root: &str,
    ) -> Self {
        let mut by_namespace: HashMap<String, HostTable<Vec<Group>>> = HashMap::new();
        for (namespace, name, rule) in rules {
            let object = format!("DestinationRule {namespace}/{name}");
            let host = qualify(&rule.spec.host, namespace, domain);
            let exports =
                Exports::new(rule.spec.export_to.iter().flatten().map(String::as_str), namespace);
            let selector = rule
                .spec
                .workload_selector
                .as_ref()
                .and_then(|selector| selector.match_labels.clone())
                .unwrap_or_default();
            let groups = by_namespace.entry(namespace.clone()).or_default().entry(&host, Vec::new);
            let same = groups
                .iter()
                .position(|group| group.selector == selector && group.exports == exports);
            let at = same.unwrap_or_else(|| {
                let merged = Arc::default();
                groups.push(Group { selector, exports, namespace: namespace.clone(), merged });
                groups.len() - 1
            });
            if let Some(merged) = Arc::get_mut(&mut groups[at].merged) {
                merge(merged, &object, rule);
            }
        }
        Self { by_namespace, root_namespace: root.to_owned() }
    }

    /// The rule for a client and a service: that of the client's namespace, else of the service's, else of the mesh's
    /// root namespace; the first namespace with a visible match counts.
    pub(super) fn find(
        &self,
        client: &Client<'_>,
        host: &str,
        service_namespace: Option<&str>,
    ) -> Option<&Arc<MergedRule>> {
        let root = self.root_namespace.as_str();
        let own = self.find_in(client.namespace, client, host, client.namespace == root);
        own.or_else(|| self.find_in(service_namespace?, client, host, false))
            .or_else(|| self.find_in(root, client, host, false))
    }

    /// In the root namespace a client of its own sees first only what is private there.
    fn find_in(
        &self,
        namespace: &str,
        client: &Client<'_>,
        host: &str,
        private_only: bool,
    ) -> Option<&Arc<MergedRule>> {
        let groups = self.by_namespace.get(namespace)?.find_name(host)?;
        let visible = |group: &&Group| {
            (!private_only || group.exports.only(&group.namespace))
                && group.exports.seen_from(client.namespace, &group.namespace).is_some()
        };
        let selected = |group: &&Group| {
            !group.selector.is_empty()
                && group.namespace == client.namespace
                && group
                    .selector
                    .iter()
                    .all(|(key, value)| (client.label)(key) == Some(value.as_str()))
        };
        let plain = |group: &&Group| group.selector.is_empty();
        let candidates = || groups.iter().filter(visible);
        candidates().find(selected).or_else(|| candidates().find(plain)).map(|group| &group.merged)
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

    #[test]
    fn rules_on_one_host_merge_but_not_across_selectors() {
        let selected = |spec: &mut DestinationRuleSpec| {
            let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
            spec.workload_selector = Some(WorkloadSelector { match_labels: Some(labels) });
        };
        let rules = [
            rule("shop", "one", "a", "v1", |_| {}),
            rule("shop", "two", "a", "v2", |_| {}),
            rule("shop", "three", "a", "v3", selected),
        ];
        assert_eq!(subsets(&rules, "shop", None), ["v1", "v2"]);
        assert_eq!(subsets(&rules, "shop", Some(("app", "web"))), ["v3"]);
    }
}
