//! A `VirtualService` as a whole.

use super::{
    Options, Validate, address::is_ip, export_to, gateway_names, header::is_jwt_claim, http_route,
    l4_route, metadata, reachability, sink::Sink,
};
use crate::names::{check_gateway_domain, check_wildcard_domain, overlap};
use crate::path::Path;
use crate::{
    finding::Findings,
    names::applies_to_mesh,
    networking::{VirtualService, VirtualServiceSpec},
};

impl Validate for VirtualService {
    fn validate_with(&self, options: &Options) -> Findings {
        let namespace = self.metadata.namespace.as_deref().unwrap_or(&options.namespace);
        let mut sink = Sink::new(options, namespace);
        if metadata::check(&self.metadata, &mut sink) {
            check(&self.spec, &mut sink);
        }
        sink.finish(|| super::object_name("VirtualService", namespace, self.name()))
    }
}

/// Returns true when the rules apply at gateways only: gateways are named, and `mesh` is not among them.
fn is_bound_to_gateway(spec: &VirtualServiceSpec) -> bool {
    !applies_to_mesh(spec.gateways.as_deref())
}

fn check(spec: &VirtualServiceSpec, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let hosts = spec.hosts.as_deref().unwrap_or_default();
    let http = spec.http.as_deref().unwrap_or_default();
    let tls = spec.tls.as_deref().unwrap_or_default();
    let tcp = spec.tcp.as_deref().unwrap_or_default();
    let gateways = spec.gateways.as_deref().unwrap_or_default();
    let delegate = hosts.is_empty();
    if delegate {
        check_delegate(gateways.is_empty(), tls.is_empty(), tcp.is_empty(), sink);
    }
    gateway_names::check(spec.gateways.as_deref(), &root.field("gateways"), sink);
    let to_gateway = is_bound_to_gateway(spec);
    if !to_gateway {
        check_claims(spec, sink);
    }
    check_hosts(spec, hosts, to_gateway, sink);
    if http.is_empty() && tls.is_empty() && tcp.is_empty() {
        sink.error("V051", &root, "a VirtualService needs at least one rule")
            .help("give it `http`, `tls` or `tcp` rules");
    }
    let list = root.field("http");
    for (index, route) in http.iter().enumerate() {
        http_route::check(route, delegate, &list.index(index), sink);
    }
    let list = root.field("tls");
    for (index, route) in tls.iter().enumerate() {
        l4_route::check_tls(route, spec, &list.index(index), sink);
    }
    let list = root.field("tcp");
    for (index, route) in tcp.iter().enumerate() {
        l4_route::check_tcp(route, &list.index(index), sink);
    }
    export_to::check(spec.export_to.as_deref(), false, &root.field("exportTo"), sink);
    reachability::check(spec, sink);
}

fn check_delegate(no_gateways: bool, no_tls: bool, no_tcp: bool, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    for (missing, field) in [(no_gateways, "gateways"), (no_tls, "tls"), (no_tcp, "tcp")] {
        if !missing {
            sink.error("V045", &root.field(field), format!("a VirtualService without hosts is one that others delegate to and cannot have {field}"))
                .help("add `hosts` if it is not a delegate");
        }
    }
}

fn check_claims(spec: &VirtualServiceSpec, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let list = root.field("http");
    for (rule, route) in spec.http.iter().flatten().enumerate() {
        let at_rule = list.index(rule);
        let matches = at_rule.field("match");
        for (index, condition) in route.matches.iter().flatten().enumerate() {
            let at_match = matches.index(index);
            for (field, map) in
                [("headers", &condition.headers), ("withoutHeaders", &condition.without_headers)]
            {
                let place = at_match.field(field);
                for name in map.iter().flat_map(|map| map.keys()).filter(|name| is_jwt_claim(name))
                {
                    sink.error(
                        "V052",
                        &place.key(name),
                        "claims of a token can be matched at a gateway only",
                    )
                    .found(name)
                    .help("bind the VirtualService to a gateway, without `mesh`");
                }
            }
        }
    }
}

fn check_hosts(spec: &VirtualServiceSpec, hosts: &[String], to_gateway: bool, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let list = root.field("hosts");
    let has_sni = spec
        .tls
        .iter()
        .flatten()
        .flat_map(|route| route.matches.iter().flatten())
        .any(|condition| condition.sni_hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()));
    let mut valid = true;
    for (index, host) in hosts.iter().enumerate() {
        let checked = if to_gateway {
            check_gateway_domain(host, has_sni)
        } else {
            check_wildcard_domain(host)
        };
        match checked {
            Err(_) if is_ip(host) => {}
            Err(reason) => {
                valid = false;
                sink.error("V048", &list.index(index), format!("not a host name: {reason}"))
                    .found(host);
            }
            Ok(()) if host == "*" && !to_gateway => {
                valid = false;
                sink.error(
                    "V049",
                    &list.index(index),
                    "host `*` is for gateways, not for the mesh",
                )
                .found(host)
                .help("name gateways in spec.gateways, without `mesh`, or name the hosts");
            }
            Ok(()) => {}
        }
    }
    if valid {
        check_duplicates(hosts, &list, sink);
    }
}

/// Reports hosts that overlap; linear for exact names, so that long lists stay cheap.
fn check_duplicates(hosts: &[String], list: &Path<'_>, sink: &mut Sink<'_>) {
    if hosts.len() < 2 {
        return;
    }
    let mut exact = std::collections::HashMap::new();
    let mut wildcards: Vec<usize> = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        let earlier = if host.starts_with('*') {
            // A wildcard is compared with everything before it.
            let earlier = hosts[..index].iter().position(|other| overlap(other, host));
            wildcards.push(index);
            earlier
        } else {
            let among = wildcards.iter().copied().find(|at| overlap(&hosts[*at], host));
            let same = exact.get(host.as_str()).copied();
            exact.entry(host.as_str()).or_insert(index);
            same.into_iter().chain(among).min()
        };
        if let Some(earlier) = earlier {
            sink.error(
                "V050",
                &list.index(index),
                format!("the host overlaps `{}`, which is listed before", hosts[earlier]),
            )
            .found(host)
            .help("remove one of them");
        }
    }
}
