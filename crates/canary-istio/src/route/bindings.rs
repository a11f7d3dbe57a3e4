//! VirtualServices bound to a listener of a gateway.

use std::{collections::HashMap, sync::Arc};

use super::{
    address::Address,
    clusters::{ClusterLookup, Proxy},
    conditions::{Conditions, Listener, Unmet},
    destination_rules::Client,
    entry::Entry,
    rewrite::RedirectTo,
    routes::{Bound, Route},
    rule_ref::RuleRef,
    rules::{Action, Rule},
    virtual_host::Item,
};

/// Routes already made for one workload, so that servers share them.
#[derive(Default)]
pub(super) struct BoundRoutes(HashMap<(*const Entry, String, String), Arc<[Item]>>);

impl BoundRoutes {
    /// The routes of an entry for a gateway in one table, those that the first server with it made; `None` when the
    /// entry has none there.
    pub(super) fn items(
        &mut self,
        entry: &Arc<Entry>,
        listener: Listener<'_>,
        table: &str,
        tls: bool,
        lookup: &ClusterLookup,
    ) -> Option<Arc<[Item]>> {
        let key = (Arc::as_ptr(entry), listener.gateway.to_owned(), table.to_owned());
        if let Some(items) = self.0.get(&key) {
            return Some(Arc::clone(items));
        }
        let items: Arc<[Item]> = gateway_items(entry, listener, tls, lookup).into();
        if !items.iter().any(|item| matches!(item, Item::Live(_))) {
            return None;
        }
        self.0.insert(key, Arc::clone(&items));
        Some(items)
    }
}

/// A rule with its destinations as clusters, for the clients of a gateway's listener.
pub(super) fn bind(
    rule: &Arc<Rule>,
    listener: Listener<'_>,
    tls: bool,
    lookup: &ClusterLookup,
) -> Arc<Bound> {
    let label = |key: &str| listener.labels.get(key).map(String::as_str);
    let client = Client { namespace: listener.namespace, label: &label };
    let cluster = |address: &Address| {
        Arc::new(lookup.cluster(address, &client, listener.port, Proxy::Gateway))
    };
    Arc::new(Bound {
        clusters: rule.targets.iter().map(|target| cluster(&target.address)).collect(),
        mirrors: rule.mirrors.iter().map(|(address, _)| cluster(address)).collect(),
        redirect: match &rule.action {
            Action::Redirect(written) => RedirectTo::new(written, listener.port, tls),
            _ => None,
        },
        rule: Arc::clone(rule),
    })
}

/// The routes of an entry at a gateway's listener. Nothing is generated after the first catch-all.
fn gateway_items(
    entry: &Entry,
    listener: Listener<'_>,
    tls: bool,
    lookup: &ClusterLookup,
) -> Vec<Item> {
    let mut items = Vec::new();
    let mut catch_all: Option<Arc<RuleRef>> = None;
    let mut push = |place: &Arc<RuleRef>, judged: Result<Conditions, Unmet>, bound: &Arc<Bound>| {
        let item = match (&catch_all, judged) {
            (Some(earlier), _) => Item::Shadowed(Arc::clone(place), Arc::clone(earlier)),
            (None, Err(unmet)) => Item::Dead(Arc::clone(place), Arc::new(unmet)),
            (None, Ok(conditions)) => {
                let all = conditions.is_catch_all();
                if all {
                    catch_all = Some(Arc::clone(place));
                }
                let route =
                    Route { place: Arc::clone(place), conditions, bound: Arc::clone(bound) };
                Item::Live(Arc::new(route))
            }
        };
        items.push(item);
    };
    for rule in &entry.rules {
        let bound = bind(rule, listener, tls, lookup);
        if rule.matches.is_empty() {
            push(&rule.place, Ok(Conditions::none()), &bound);
        }
        for (conditions, place) in &rule.matches {
            push(place, conditions.at_gateway(listener, &place.path), &bound);
        }
    }
    items
}
