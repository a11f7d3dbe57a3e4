//! A host of a listener and its routes, which hosts with the same VirtualServices share.

use std::{collections::HashMap, sync::Arc};

use super::{
    conditions::Unmet,
    guards::{Guards, Hashes},
    request::RequestView,
    routes::Route,
    rule_ref::RuleRef,
    seen::Seen,
};
use crate::{Finding, names::HostTable};

/// A route of a virtual host, or one that is not generated there, with the reason.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Live(Arc<Route>),
    /// The listener does not fulfil a condition.
    Dead(Arc<RuleRef>, Arc<Unmet>),
    /// A rule of the same object before it matches everything.
    Shadowed(Arc<RuleRef>, Arc<RuleRef>),
}

impl Item {
    /// Catch-all routes, and the routes that they shadow.
    fn goes_last(&self) -> bool {
        match self {
            Self::Live(route) => route.conditions.is_catch_all(),
            Self::Dead(..) => false,
            Self::Shadowed(..) => true,
        }
    }
}

/// The hosts of one listener.
pub(super) type Hosts = HostTable<VirtualHost>;

/// One host of a listener.
#[derive(Debug, Default)]
pub(super) struct VirtualHost {
    pub(super) name: String,
    pub(super) require_tls: bool,
    /// The routes of each VirtualService for the host.
    parts: Vec<Arc<[Item]>>,
    pub(super) table: Arc<RouteTable>,
}

/// Routes in the order in which they are tried.
#[derive(Debug, Default)]
pub(super) struct RouteTable {
    pub(super) items: Vec<Item>,
    pub(super) routes: Vec<Arc<Route>>,
    guards: Guards,
}

impl VirtualHost {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds the routes of one more VirtualService.
    pub(super) fn push(&mut self, items: &Arc<[Item]>) {
        self.parts.push(Arc::clone(items));
    }

    /// The first route whose conditions hold.
    pub(super) fn find<R: RequestView>(&self, seen: &mut Seen<'_, R>) -> Option<&Arc<Route>> {
        let RouteTable { routes, guards, .. } = &*self.table;
        let mut hashes = Hashes::new();
        let mut from = 0;
        while let Some(at) = guards.next(from, &mut hashes, seen) {
            let route = routes.get(at)?;
            if route.conditions.hold(seen) {
                return Some(route);
            }
            from = at + 1;
        }
        None
    }
}

impl RouteTable {
    /// Catch-all routes go to the end, in their order, so that the rules of other VirtualServices come first.
    fn new(parts: &[Arc<[Item]>]) -> Self {
        let all = parts.iter().flat_map(|items| items.iter().cloned());
        let (last, mut items): (Vec<_>, Vec<_>) = all.partition(Item::goes_last);
        items.extend(last);
        let routes: Vec<Arc<Route>> = items
            .iter()
            .filter_map(|item| match item {
                Item::Live(route) => Some(Arc::clone(route)),
                Item::Dead(..) | Item::Shadowed(..) => None,
            })
            .collect();
        let mut guards = Guards::default();
        for route in &routes {
            guards.push(&route.conditions);
        }
        Self { items, routes, guards }
    }
}

/// The number of routes that the hosts of a mesh may have in all, hosts that share theirs counted once.
const MAX_ROUTES: usize = 1_000_000;

/// The hosts of these gateways' servers with the rules for them make more routes than [`MAX_ROUTES`].
#[derive(Debug)]
pub(super) struct TooManyRoutes {
    object: String,
}

impl From<TooManyRoutes> for Finding {
    fn from(found: TooManyRoutes) -> Self {
        let message = format!(
            "the hosts with the rules of the VirtualServices and routes for them make more than {MAX_ROUTES} routes"
        );
        Self::error("C904", "spec.servers", message)
            .object(found.object)
            .help("split the mesh into several, or write fewer hosts and rules")
    }
}

/// Counts the routes of all hosts of a mesh, so that hosts times VirtualServices times rules stays bounded.
#[derive(Debug, Default)]
pub(super) struct Size(usize);

impl Size {
    /// Adds to the count.
    ///
    /// # Errors
    /// When there are more than [`MAX_ROUTES`].
    pub(super) fn add(&mut self, count: usize, gateways: &str) -> Result<(), TooManyRoutes> {
        self.add_for(count, format!("Gateway {gateways}"))
    }

    /// As [`Size::add`], for any object.
    ///
    /// # Errors
    /// As [`Size::add`].
    pub(super) fn add_for(&mut self, count: usize, object: String) -> Result<(), TooManyRoutes> {
        self.0 = self.0.saturating_add(count);
        if self.0 <= MAX_ROUTES { Ok(()) } else { Err(TooManyRoutes { object }) }
    }

    /// Lays out the routes of every host; those with the same VirtualServices share them.
    ///
    /// # Errors
    /// As [`Size::add`].
    pub(super) fn finish<'h>(
        &mut self,
        hosts: impl Iterator<Item = &'h mut VirtualHost>,
        gateways: &str,
    ) -> Result<(), TooManyRoutes> {
        let mut known: HashMap<Vec<*const Item>, Arc<RouteTable>> = HashMap::new();
        for host in hosts {
            let parts = std::mem::take(&mut host.parts);
            let key = parts.iter().map(|items| items.as_ptr()).collect();
            if let Some(table) = known.get(&key) {
                host.table = Arc::clone(table);
                continue;
            }
            self.add(parts.iter().map(|items| items.len()).sum(), gateways)?;
            host.table = Arc::new(RouteTable::new(&parts));
            known.insert(key, Arc::clone(&host.table));
        }
        Ok(())
    }
}
