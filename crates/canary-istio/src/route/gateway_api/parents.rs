//! The parents that a route attaches to (`extractParentReferenceInfo` and `referenceAllowed` of
//! `pilot/pkg/config/kube/gateway/conversion.go`).

use std::collections::HashMap;

use super::{listeners::ListenerParent, routes::Route};
use crate::{
    gateway_api::ParentRef,
    names::{covers, overlap, server_host, service_name},
};

/// A parent that accepts a route.
pub(super) enum Attached<'p> {
    /// A listener, with the others of its gateway that share its port and protocol.
    Listener { listener: &'p ListenerParent, siblings: Vec<&'p ListenerParent> },
    /// A service of the mesh: its hosts and its namespace, with the port and the place of the reference to it.
    Mesh { hosts: Vec<String>, namespace: String, port: Option<(u32, String)> },
}

/// The parents to which routes can attach: listeners of gateways, and hosts of the mesh.
pub(super) struct Parents<'p> {
    /// The listeners of each gateway, by `namespace/name`.
    pub(super) listeners: HashMap<String, Vec<ListenerParent>>,
    /// The hosts of each `ServiceEntry`, by `namespace/name`.
    pub(super) service_entries: HashMap<String, Vec<String>>,
    /// The domain of the cluster.
    pub(super) domain: &'p str,
}

impl Parents<'_> {
    /// The parents that accept a route; for references that none accepts the reasons are added to `notes`.
    pub(super) fn of(&self, route: &Route, notes: &mut Vec<String>) -> Vec<Attached<'_>> {
        let mut attached = Vec::new();
        let mut references: Vec<(usize, &ParentRef)> = route.parents().iter().enumerate().collect();
        // Istio's order.
        references.sort_by_cached_key(|(_, one)| text(one, &route.namespace));
        for (index, reference) in references {
            let at = format!("spec.parentRefs[{index}]");
            let namespace = reference.namespace.as_deref().unwrap_or(&route.namespace);
            let full = format!("{namespace}/{}", reference.name);
            let group = reference.group_or_default();
            let found = match (group, reference.kind_or_default()) {
                _ if reference.is_gateway() => {
                    self.gateway(route, reference, &full, &mut attached).err()
                }
                _ if reference.is_service() => {
                    let hosts = vec![service_name(&reference.name, namespace, self.domain)];
                    attached.push(mesh(hosts, namespace, reference, &at));
                    None
                }
                ("networking.istio.io", "ServiceEntry") => match self.service_entries.get(&full) {
                    Some(hosts) => {
                        attached.push(mesh(hosts.clone(), namespace, reference, &at));
                        None
                    }
                    None => Some(format!("there is no ServiceEntry {full}")),
                },
                (group, kind) => Some(format!(
                    "parents of kind {kind} and group {group:?} are not evaluated here"
                )),
            };
            if let Some(reason) = found {
                notes.push(format!("{} {at} is not in force: {reason}", route.object()));
            }
        }
        attached
    }

    /// Adds the listeners of a gateway that accept a route; the error says why none does.
    fn gateway<'p>(
        &'p self,
        route: &Route,
        reference: &ParentRef,
        full: &str,
        attached: &mut Vec<Attached<'p>>,
    ) -> Result<(), String> {
        let listeners = self.listeners.get(full);
        let listeners =
            listeners.ok_or_else(|| format!("there is no Gateway {full} of Istio's"))?;
        let mut reasons = Vec::new();
        for listener in listeners {
            match admits(listener, route, reference) {
                Ok(()) => {
                    let siblings = listeners.iter().filter(|other| {
                        !std::ptr::eq(*other, listener)
                            && other.port == listener.port
                            && other.protocol == listener.protocol
                    });
                    attached.push(Attached::Listener { listener, siblings: siblings.collect() });
                }
                Err(reason) => reasons.push(format!("listener {}: {reason}", listener.name)),
            }
        }
        if reasons.len() < listeners.len() {
            return Ok(());
        }
        let reasons =
            if reasons.is_empty() { "it has no listener".to_owned() } else { reasons.join("; ") };
        Err(format!("Gateway {full} does not accept the route: {reasons}"))
    }
}

/// The text by which Istio orders references (`parentRefString`).
fn text(reference: &ParentRef, own: &str) -> String {
    format!(
        "{}/{}/{}/{}/{}.{}",
        reference.group_or_default(),
        reference.kind_or_default(),
        reference.name,
        reference.section_name.as_deref().unwrap_or_default(),
        reference.port.unwrap_or(0),
        reference.namespace.as_deref().unwrap_or(own)
    )
}

fn mesh<'p>(hosts: Vec<String>, namespace: &str, reference: &ParentRef, at: &str) -> Attached<'p> {
    let port = reference.port.map(|port| (port, format!("{at}.port")));
    Attached::Mesh { hosts, namespace: namespace.to_owned(), port }
}

/// Tests whether a listener admits a route by this reference; the error says why not.
fn admits(listener: &ListenerParent, route: &Route, reference: &ParentRef) -> Result<(), String> {
    if let Some(port) = reference.port.filter(|port| *port != 0 && *port != listener.port) {
        return Err(format!("its port is {}, not {port}", listener.port));
    }
    let section = reference.section_name.as_deref().filter(|name| !name.is_empty());
    if section.is_some_and(|name| name != listener.name) {
        return Err(format!("the reference is to listener {}", section.unwrap_or_default()));
    }
    let mut named = false;
    let mut admitted = false;
    for hostname in route.hostnames() {
        for host in &listener.hosts {
            let (namespace, name) = server_host(host);
            let fits = overlap(name, &hostname);
            named |= fits;
            admitted |= fits && namespace.is_none_or(|one| one == "*" || one == route.namespace);
        }
    }
    if !named {
        return Err(format!(
            "its hostname {} has nothing in common with those of the route, {}",
            if listener.hostname.is_empty() { "*" } else { &listener.hostname },
            route.hostnames().join(", ")
        ));
    }
    if !admitted {
        return Err(format!("it does not admit routes of namespace {}", route.namespace));
    }
    if !listener.kinds.contains(&route.kind) {
        return Err(format!("it does not admit {}s", route.kind.name()));
    }
    Ok(())
}

/// Returns true when a listener serves a host name of a route: none of its siblings has it more exactly
/// (`hostnameAllowedByIsolation`).
pub(super) fn serves(listener: &ListenerParent, siblings: &[&ListenerParent], host: &str) -> bool {
    let own = listener.hostname.as_str();
    if !own.is_empty() && !own.starts_with('*') {
        return true;
    }
    if !own.is_empty() && !overlap(host, own) {
        return false;
    }
    let mut others = siblings.iter().map(|other| other.hostname.as_str());
    !others.any(|other| other != own && own.len() <= other.len() && covers(other, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(hostname: &str) -> ListenerParent {
        ListenerParent {
            internal: String::new(),
            name: String::new(),
            port: 80,
            protocol: "HTTP".to_owned(),
            hostname: hostname.to_owned(),
            hosts: Vec::new(),
            kinds: Vec::new(),
            made: None,
        }
    }

    #[test]
    fn a_name_is_served_by_the_listener_that_has_it_most_exactly() {
        let names = ["bar.com", "foo.bar.com", "*.bar.com", ""];
        let all: Vec<ListenerParent> = names.iter().map(|name| listener(name)).collect();
        let serving = |host: &str| -> Vec<&str> {
            let each = all.iter().enumerate().filter(|(index, one)| {
                let others: Vec<_> = all
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| other != index)
                    .map(|(_, one)| one)
                    .collect();
                serves(one, &others, host)
            });
            each.map(|(_, one)| one.hostname.as_str()).collect()
        };
        // Listeners for one name are not asked whether others have it: their servers have that name alone.
        assert_eq!(serving("x.bar.com"), ["bar.com", "foo.bar.com", "*.bar.com"]);
        assert_eq!(serving("foo.bar.com"), ["bar.com", "foo.bar.com"]);
        assert_eq!(serving("other.org"), ["bar.com", "foo.bar.com", ""]);
        assert_eq!(serving("*"), ["bar.com", "foo.bar.com", "*.bar.com", ""]);
    }
}
