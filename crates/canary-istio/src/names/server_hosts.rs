//! The hosts of a Gateway's servers, which may be reserved for VirtualServices of one namespace.

use std::collections::{HashMap, HashSet};

use super::index::HostIndex;

/// Splits the host of a server into the namespace before `/`, if there is one, and the name.
///
/// ```
/// use canary_core::names::server_host;
///
/// assert_eq!(server_host("shop/a.example"), (Some("shop"), "a.example"));
/// assert_eq!(server_host("a.example"), (None, "a.example"));
/// ```
pub fn server_host(written: &str) -> (Option<&str>, &str) {
    match written.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, written),
    }
}

/// The name of a server's host when VirtualServices of `namespace` may use it; `own` is the Gateway's namespace.
///
/// See <https://istio.io/latest/docs/reference/config/networking/gateway/#Server-hosts>.
///
/// ```
/// use canary_core::names::server_host_for;
///
/// assert_eq!(server_host_for("./a.example", "shop", "shop"), Some("a.example"));
/// assert_eq!(server_host_for("./a.example", "shop", "edge"), None);
/// ```
pub fn server_host_for<'h>(written: &'h str, own: &str, namespace: &str) -> Option<&'h str> {
    match server_host(written) {
        (None | Some("*"), name) => Some(name),
        (Some("."), name) => (own == namespace).then_some(name),
        (Some(wanted), name) => (wanted == namespace).then_some(name),
    }
}

/// The hosts of a server as Istio holds them: `./host` with the namespace of the Gateway written out, `*/host` without
/// one; `*/*` stands for them all (`sanitizeServerHostNamespace` of `pilot/pkg/model/gateway.go`).
pub(crate) fn full_server_hosts<'h>(
    written: impl IntoIterator<Item = &'h String>,
    own: &str,
) -> Vec<String> {
    let mut hosts = Vec::new();
    for host in written {
        match server_host(host) {
            (Some("*"), "*") => return vec!["*".to_owned()],
            (Some("*"), name) => hosts.push(name.to_owned()),
            (Some("."), name) => hosts.push(format!("{own}/{name}")),
            _ => hosts.push(host.clone()),
        }
    }
    hosts
}

/// The hosts of a server in lower case, a part of them for VirtualServices of one namespace only. The look-up of the
/// hosts that fit a VirtualService does not visit each host.
#[derive(Debug, Default)]
pub(crate) struct ServerHosts {
    shared: HostIndex<()>,
    of_namespace: HashMap<String, HostIndex<()>>,
}

impl ServerHosts {
    /// The hosts as a Gateway of namespace `own` writes them: `host` and `*/host` for all, `./host` for its own
    /// namespace, `namespace/host` for another.
    pub(crate) fn new<'h>(written: impl IntoIterator<Item = &'h String>, own: &str) -> Self {
        let mut hosts = Self::default();
        for host in written {
            let (namespace, name) = server_host(host);
            let names = match namespace {
                None | Some("*") => &mut hosts.shared,
                Some(namespace) => {
                    let namespace = if namespace == "." { own } else { namespace };
                    hosts.of_namespace.entry(namespace.to_owned()).or_default()
                }
            };
            names.entry(&name.to_ascii_lowercase());
        }
        hosts
    }

    /// The hosts that a VirtualService of `namespace` with `hosts` is for at this server: of each pair that fit one
    /// another the narrower, each once.
    pub(crate) fn of(&self, hosts: &[String], namespace: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        for wanted in hosts {
            for names in
                [Some(&self.shared), self.of_namespace.get(namespace)].into_iter().flatten()
            {
                let itself = names.covering(wanted).next().map(|()| wanted.clone());
                let narrower = names.covered(wanted).map(|(name, ())| name);
                found.extend(
                    itself.into_iter().chain(narrower).filter(|name| known.insert(name.clone())),
                );
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::names::intersection;

    fn host() -> impl Strategy<Value = String> {
        "(\\*|\\*\\.|\\*a)?(a|b|ab|ba)?(\\.(a|b)){0,2}"
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_look_at_each_pair_finds(
            servers in prop::collection::vec(("(x/|y/|\\./|\\*/)?", host()), 0..6),
            wanted in prop::collection::vec(host(), 0..4),
        ) {
            let written: Vec<String> =
                servers.iter().map(|(namespace, host)| format!("{namespace}{host}")).collect();
            let index = ServerHosts::new(&written, "x");
            for namespace in ["x", "y", "z"] {
                let mut expected = BTreeSet::new();
                for (prefix, host) in &servers {
                    let visible = match prefix.trim_end_matches('/') {
                        "" | "*" => true,
                        "." => namespace == "x",
                        other => other == namespace,
                    };
                    if visible {
                        expected.extend(
                            wanted.iter().filter_map(|wanted| intersection(host, wanted)).map(str::to_owned),
                        );
                    }
                }
                let found = index.of(&wanted, namespace);
                prop_assert_eq!(found.len(), expected.len());
                prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
            }
        }
    }
}
