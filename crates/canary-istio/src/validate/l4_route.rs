//! The TLS and TCP rules of a `VirtualService`.

use super::{
    address::{check_subnet, is_ip},
    destination, duration, gateway_names, labels,
    sink::Sink,
};
use crate::names::MESH;
use crate::names::{check_gateway_domain, check_wildcard_domain, covers};
use crate::networking::{
    L4MatchAttributes, RouteDestination, TcpRoute, TlsMatchAttributes, TlsRoute, VirtualServiceSpec,
};
use crate::path::Path;

/// Checks a TLS rule of `spec`.
pub(super) fn check_tls(
    route: &TlsRoute,
    spec: &VirtualServiceSpec,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let matches = route.matches.as_deref().unwrap_or_default();
    let list = path.field("match");
    if matches.is_empty() {
        sink.error("V078", &list, "a TLS rule needs at least one match")
            .help("match on `sniHosts`");
    }
    for (index, condition) in matches.iter().enumerate() {
        check_tls_match(condition, spec, &list.index(index), sink);
    }
    check_destinations(route.route.as_deref(), "V078", path, sink);
}

fn check_tls_match(
    condition: &TlsMatchAttributes,
    spec: &VirtualServiceSpec,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let hosts = condition.sni_hosts.as_deref().unwrap_or_default();
    let list = path.field("sniHosts");
    if hosts.is_empty() {
        sink.error("V078", &list, "a TLS match needs at least one SNI host");
    }
    for (index, host) in hosts.iter().enumerate() {
        check_sni_host(host, spec, &list.index(index), sink);
    }
    check_subnets(condition.destination_subnets.as_deref(), path, sink);
    check_port(condition.port, path, sink);
    labels::check(condition.source_labels.as_ref(), &path.field("sourceLabels"), sink);
    gateway_names::check(condition.gateways.as_deref(), &path.field("gateways"), sink);
}

fn check_sni_host(host: &str, spec: &VirtualServiceSpec, path: &Path<'_>, sink: &mut Sink<'_>) {
    // Istio looks only for `mesh` here, so a VirtualService without gateways counts as bound to one.
    let to_gateway = !spec.gateways.iter().flatten().any(|name| name == MESH);
    let checked =
        if to_gateway { check_gateway_domain(host, true) } else { check_wildcard_domain(host) };
    match checked {
        Err(_) if is_ip(host) => sink
            .warning("V078", path, "an IP address is not an SNI host; most clients do not send one")
            .found(host)
            .help("match on `destinationSubnets` in a TCP rule"),
        Err(reason) => {
            sink.error("V078", path, format!("not a host name: {reason}")).found(host);
        }
        Ok(()) => {
            let hosts = spec.hosts.as_deref().unwrap_or_default();
            if !hosts.iter().any(|outer| covers(outer, host)) {
                sink.error(
                    "V078",
                    path,
                    "the SNI host is not among the hosts of the VirtualService",
                )
                .found(host)
                .help(format!("add it to spec.hosts, which are {}", hosts.join(", ")));
            }
        }
    }
}

/// Checks a TCP rule.
pub(super) fn check_tcp(route: &TcpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    let list = path.field("match");
    for (index, condition) in route.matches.iter().flatten().enumerate() {
        check_tcp_match(condition, &list.index(index), sink);
    }
    check_destinations(route.route.as_deref(), "V079", path, sink);
}

fn check_tcp_match(condition: &L4MatchAttributes, path: &Path<'_>, sink: &mut Sink<'_>) {
    check_subnets(condition.destination_subnets.as_deref(), path, sink);
    check_port(condition.port, path, sink);
    labels::check(condition.source_labels.as_ref(), &path.field("sourceLabels"), sink);
    sink.where_warnings_are_lost(|sink| {
        gateway_names::check(condition.gateways.as_deref(), &path.field("gateways"), sink);
    });
}

fn check_subnets(subnets: Option<&[String]>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let list = path.field("destinationSubnets");
    for (index, subnet) in subnets.unwrap_or_default().iter().enumerate() {
        if let Err(reason) = check_subnet(subnet) {
            sink.error("V007", &list.index(index), reason).found(subnet);
        }
    }
}

fn check_port(port: Option<u32>, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(port) = port
        && port != 0
    {
        duration::check_port(port, &path.field("port"), sink);
    }
}

fn check_destinations(
    list: Option<&[RouteDestination]>,
    code: &'static str,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let list = list.unwrap_or_default();
    let place = path.field("route");
    if list.is_empty() {
        sink.error(code, &place, "the rule leads nowhere").help("give it at least one destination");
    }
    for (index, entry) in list.iter().enumerate() {
        let at = place.index(index);
        destination::check(&entry.destination, &at.field("destination"), sink);
    }
    destination::check_weights(&list.iter().map(|entry| entry.weight), &place, sink);
}
