//! Routes for one host, merged into one list of rules (`mergeHTTPRoutes` of
//! `pilot/pkg/config/kube/gateway/route_collections.go`).

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use super::{
    super::{
        entry::{Entry, Origin},
        rules::Rule,
        sorted::Age,
    },
    precedence::Precedence,
    routes::Route,
};
use crate::names::Exports;

/// The rules of one route, as far as they are for one parent.
pub(super) type Rules = Arc<[(Precedence, Arc<Rule>)]>;

/// The routes that are merged, by the key under which Istio merges them.
#[derive(Default)]
pub(super) struct Merger<'r> {
    groups: BTreeMap<String, Group<'r>>,
    rules: usize,
}

/// The routes of one host at one listener, or of one service.
struct Group<'r> {
    host: String,
    gateway: String,
    origin: Origin,
    routes: Vec<(&'r Route, Rules)>,
}

impl<'r> Merger<'r> {
    /// Adds the rules of a route for a host. `scope` is the part of the key before the host.
    pub(super) fn add(
        &mut self,
        scope: &str,
        host: &str,
        gateway: &str,
        origin: Origin,
        route: &'r Route,
        rules: &Rules,
    ) {
        let group = self.groups.entry(format!("{scope}/{host}")).or_insert_with(|| Group {
            host: host.to_owned(),
            gateway: gateway.to_owned(),
            origin,
            routes: Vec::new(),
        });
        // Two references of a route to one parent add the same rules, of which the second ones are never reached.
        let known = group.routes.iter().any(|(other, _)| std::ptr::eq(*other, route));
        if !known {
            self.rules += rules.len();
            group.routes.push((route, Arc::clone(rules)));
        }
    }

    /// The number of rules of all groups.
    pub(super) fn rules(&self) -> usize {
        self.rules
    }

    /// One entry for each group, with the age by which Istio orders it.
    pub(super) fn entries(self) -> Vec<(Age, Entry)> {
        self.groups.into_iter().filter_map(|(key, group)| entry(&key, group)).collect()
    }
}

/// The entry of a group; `None` when it has no route.
fn entry(key: &str, mut group: Group<'_>) -> Option<(Age, Entry)> {
    group.routes.sort_by(|(one, _), (other, _)| older(one, other));
    let (oldest, _) = group.routes.first()?;
    let namespace = oldest.namespace.clone();
    // Istio's name of the object decides between those of one second.
    let age = (oldest.time.clone(), key.replace('/', "~"), namespace.clone());
    let mut rules: Vec<&(Precedence, Arc<Rule>)> =
        group.routes.iter().flat_map(|(_, rules)| rules.iter()).collect();
    rules.sort_by_key(|(precedence, _)| *precedence);
    let objects: Vec<String> = group.routes.iter().map(|(route, _)| route.object()).collect();
    let entry = Entry {
        origin: group.origin,
        object: objects.join(", "),
        exports: Exports::new([], &namespace),
        namespace,
        hosts: vec![group.host],
        gateways: vec![group.gateway],
        rules: rules.into_iter().map(|(_, rule)| Arc::clone(rule)).collect(),
        tls: Vec::new(),
        tcp: Vec::new(),
        notes: Vec::new(),
    };
    Some((age, entry))
}

/// Orders routes by creation time, then namespace, then name; those without a time come last.
fn older(one: &Route, other: &Route) -> Ordering {
    let times = match (&one.time, &other.time) {
        (Some(one), Some(other)) => one.0.cmp(&other.0),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    times.then_with(|| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)))
}
