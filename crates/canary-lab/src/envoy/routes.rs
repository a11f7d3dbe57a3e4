//! The routes of a gateway's ports: one route configuration each, as istiod sends them by RDS.

use std::collections::{BTreeMap, BTreeSet};

use canary_core::{
    istio::{HttpMatchRequest, HttpRoute, Server},
    names::{Nearness, intersection, server_host, server_host_for},
};
use serde_json::{Map, Value, json};

use super::{
    action, answer, filters,
    headers::Operations,
    inventory::{Inventory, by_age, is_plain_http, namespace},
    matches::{is_catch_all, route_match},
    rules::{Prepared, prepare},
};

/// The largest body of a direct response, as istiod sets it.
const MAX_DIRECT_BODY: u32 = 1 << 20;

/// A virtual host that is being built.
#[derive(Debug, Default)]
struct VirtualHost {
    routes: Vec<Value>,
    require_tls: bool,
}

/// The listener that routes are rendered for.
#[derive(Clone, Copy, Debug)]
struct Listener<'l> {
    gateway: &'l str,
    port: u16,
    tls: bool,
}

/// The route configuration of each port with a server for plain HTTP.
pub(super) fn render(inventory: &Inventory) -> BTreeMap<u16, Value> {
    let sorted = by_age(&inventory.virtual_services, |service| &service.metadata);
    let prepared = prepare(inventory, &sorted);
    let mut ports: BTreeMap<u16, BTreeMap<String, VirtualHost>> =
        inventory.ports().into_iter().map(|port| (port, BTreeMap::new())).collect();
    // A server with TLS settings is left out if an earlier server of the port has one of its hosts.
    let mut taken: BTreeSet<(u16, String, String)> = BTreeSet::new();
    for gateway in by_age(&inventory.gateways, |gateway| &gateway.metadata) {
        let own = namespace(&gateway.metadata);
        let name = format!("{own}/{}", gateway.name());
        let services = candidates(inventory, &prepared, &name);
        // The first server of a port determines the routes for all servers of a Gateway.
        let mut made = RoutesByPort::new();
        for server in gateway.spec.servers.iter().flatten().filter(|server| is_plain_http(server)) {
            let number = server.port.number.unwrap_or_default();
            let Ok(port) = u16::try_from(number) else { continue };
            let Some(hosts) = ports.get_mut(&port) else { continue };
            let listener = Listener { gateway: &name, port, tls: server.tls.is_some() };
            if listener.tls {
                let bind = server.bind.clone().unwrap_or_default();
                let written = full_hosts(server, own).into_iter();
                let claims: Vec<_> = written.map(|host| (port, bind.clone(), host)).collect();
                if claims.iter().any(|claim| taken.contains(claim)) {
                    continue;
                }
                taken.extend(claims);
            }
            add_server(inventory, server, own, listener, &services, (hosts, &mut made));
        }
    }
    let finish = |(port, hosts)| (port, configuration(port, hosts));
    ports.into_iter().map(finish).collect()
}

/// The services bound to a gateway that its proxies can see: private ones first, public ones last.
fn candidates<'p>(inventory: &Inventory, all: &'p [Prepared], gateway: &str) -> Vec<&'p Prepared> {
    let mut seen: Vec<(Nearness, &Prepared)> = all
        .iter()
        .filter(|service| service.gateways.iter().any(|name| name == gateway))
        .filter_map(|service| {
            let nearness = service.exports.seen_from(&inventory.namespace, &service.namespace)?;
            Some((nearness, service))
        })
        .collect();
    seen.sort_by_key(|(nearness, _)| *nearness);
    seen.into_iter().map(|(_, service)| service).collect()
}

fn add_server(
    inventory: &Inventory,
    server: &Server,
    own: &str,
    listener: Listener<'_>,
    services: &[&Prepared],
    (hosts, made): (&mut BTreeMap<String, VirtualHost>, &mut RoutesByPort),
) {
    let redirect =
        server.tls.as_ref().is_some_and(|settings| settings.https_redirect.unwrap_or(false));
    for (position, service) in services.iter().enumerate() {
        let open: Vec<String> = server
            .hosts
            .iter()
            .flatten()
            .filter_map(|host| server_host_for(host, own, &service.namespace))
            .map(str::to_ascii_lowercase)
            .collect();
        let common = in_common(&open, &service.hosts);
        if common.is_empty() {
            continue;
        }
        let key = (listener.port, position);
        let routes = match made.get(&key) {
            Some(routes) => routes.clone(),
            None => routes_of(inventory, service, listener),
        };
        if routes.is_empty() {
            continue;
        }
        made.insert(key, routes.clone());
        for name in common {
            let host = hosts.entry(name).or_default();
            host.routes.extend(routes.iter().cloned());
            host.require_tls |= redirect;
        }
    }
    if redirect {
        // The host of a request never has a namespace before it.
        for host in full_hosts(server, own).iter().filter(|host| !host.contains('/')) {
            hosts.entry(host.to_ascii_lowercase()).or_default().require_tls = true;
        }
    }
}

/// The routes of services at one Gateway, by port and the service's position.
type RoutesByPort = BTreeMap<(u16, usize), Vec<Value>>;

/// The hosts of a server, each with the namespace that it is for; `None` for all namespaces.
fn full_hosts(server: &Server, own: &str) -> Vec<String> {
    let written: Vec<_> = server.hosts.iter().flatten().map(|host| server_host(host)).collect();
    if written.contains(&(Some("*"), "*")) {
        return vec!["*".to_owned()];
    }
    let full = |(namespace, name): (Option<&str>, &str)| match namespace {
        None | Some("*") => name.to_owned(),
        Some(".") => format!("{own}/{name}"),
        Some(namespace) => format!("{namespace}/{name}"),
    };
    written.into_iter().map(full).collect()
}

/// The host names common to a server and a `VirtualService`: of each pair in which one covers the other, the narrower.
fn in_common(server: &[String], wanted: &[String]) -> Vec<String> {
    let mut common: Vec<String> = Vec::new();
    for one in server {
        for narrow in wanted.iter().filter_map(|other| intersection(one, other)) {
            if !common.iter().any(|known| known == narrow) {
                common.push(narrow.to_owned());
            }
        }
    }
    common
}

/// The routes of a service at a listener, up to the first that matches everything.
fn routes_of(inventory: &Inventory, service: &Prepared, listener: Listener<'_>) -> Vec<Value> {
    let mut routes = Vec::new();
    for rule in &service.http {
        let matches = rule.matches.as_deref().unwrap_or_default();
        if matches.is_empty() {
            routes.push(route(inventory, rule, None, listener));
            return routes;
        }
        for entry in matches.iter().filter(|entry| applies(inventory, entry, listener)) {
            let rendered = route(inventory, rule, Some(entry), listener);
            let last = is_catch_all(&rendered["match"]);
            routes.push(rendered);
            if last {
                return routes;
            }
        }
    }
    routes
}

/// Evaluates the conditions that istiod evaluates itself: port, gateways, and the proxy's labels and namespace.
fn applies(inventory: &Inventory, entry: &HttpMatchRequest, listener: Listener<'_>) -> bool {
    if entry.port.is_some_and(|port| port != 0 && port != u32::from(listener.port)) {
        return false;
    }
    match entry.gateways.as_deref().unwrap_or_default() {
        [] => {
            let labels = entry.source_labels.iter().flatten();
            let namespace = entry.source_namespace.as_deref().unwrap_or_default();
            labels.into_iter().all(|(key, value)| inventory.labels.get(key) == Some(value))
                && (namespace.is_empty() || namespace == inventory.namespace)
        }
        gateways => gateways.iter().any(|name| name == listener.gateway),
    }
}

fn route(
    inventory: &Inventory,
    rule: &HttpRoute,
    entry: Option<&HttpMatchRequest>,
    listener: Listener<'_>,
) -> Value {
    let mut out = Map::new();
    let mut name = rule.name.clone().unwrap_or_default();
    if let Some(of_entry) =
        entry.and_then(|entry| entry.name.as_deref()).filter(|name| !name.is_empty())
    {
        name = format!("{name}.{of_entry}");
    }
    out.insert("name".to_owned(), json!(name));
    out.insert("match".to_owned(), route_match(entry));
    let operations = Operations::new(rule.headers.as_ref());
    if let Some(redirect) = &rule.redirect {
        operations.write(&mut out);
        if let Some(action) = answer::redirect(redirect, listener.port, listener.tls) {
            out.insert("redirect".to_owned(), action);
        }
    } else if let Some(direct) = &rule.direct_response {
        operations.write(&mut out);
        out.insert("direct_response".to_owned(), answer::direct(direct));
    } else {
        action::write(inventory, rule, operations, listener.port, &mut out);
    }
    let mut of_filters = Map::new();
    if let Some(fault) = rule.fault.as_ref().and_then(filters::fault) {
        of_filters.insert(filters::FAULT.to_owned(), fault);
    }
    if let Some(cors) = &rule.cors_policy {
        of_filters.insert(filters::CORS.to_owned(), filters::cors(cors));
    }
    if !of_filters.is_empty() {
        out.insert("typed_per_filter_config".to_owned(), Value::Object(of_filters));
    }
    Value::Object(out)
}

/// The route configuration of a port; in each host the routes that match everything come last.
fn configuration(port: u16, hosts: BTreeMap<String, VirtualHost>) -> Value {
    let mut virtual_hosts: Vec<Value> = hosts
        .into_iter()
        .map(|(name, host)| {
            let (last, mut routes): (Vec<_>, Vec<_>) =
                host.routes.into_iter().partition(|route| is_catch_all(&route["match"]));
            routes.extend(last);
            let mut out = json!({
                "name": format!("{name}:{port}"),
                "domains": [name],
                "routes": routes,
                "include_request_attempt_count": true,
            });
            if host.require_tls {
                out["require_tls"] = json!("ALL");
            }
            out
        })
        .collect();
    if virtual_hosts.is_empty() {
        virtual_hosts.push(json!({"name": format!("blackhole:{port}"), "domains": ["*"]}));
    }
    json!({
        "name": format!("http.{port}"),
        "virtual_hosts": virtual_hosts,
        "validate_clusters": false,
        "ignore_port_in_host_matching": true,
        "max_direct_response_body_size_bytes": MAX_DIRECT_BODY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrow_name_is_common() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            in_common(&names(&["*.foo.com"]), &names(&["a.foo.com", "*"])),
            ["a.foo.com", "*.foo.com"]
        );
        assert!(in_common(&names(&["foo.com"]), &names(&["*.foo.com"])).is_empty());
    }
}
