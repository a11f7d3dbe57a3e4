//! The hosts of a server, laid out so that those which fit the host of a VirtualService are found without a look at
//! each.

use std::collections::{HashMap, HashSet};

use super::{host_names::Names, tables::dns_part};

/// Hosts, in lower case, a part of them for VirtualServices of one namespace only.
#[derive(Debug, Default)]
pub(super) struct ServerHosts {
    shared: Names,
    of_namespace: HashMap<String, Names>,
}

impl ServerHosts {
    /// The hosts as a Gateway of namespace `own` writes them: `host` and `*/host` for all, `./host` for its own
    /// namespace, `namespace/host` for another.
    pub(super) fn new<'h>(written: impl IntoIterator<Item = &'h String>, own: &str) -> Self {
        let mut hosts = Self::default();
        for host in written {
            let (namespace, name) = dns_part(host);
            let names = match namespace {
                None | Some("*") => &mut hosts.shared,
                Some(namespace) => {
                    let namespace = if namespace == "." { own } else { namespace };
                    hosts.of_namespace.entry(namespace.to_owned()).or_default()
                }
            };
            names.add(&name.to_ascii_lowercase());
        }
        hosts
    }

    /// The hosts that a VirtualService of `namespace` with `hosts` is for at this server: of each pair that fit one
    /// another the narrower, each once.
    pub(super) fn of(&self, hosts: &[String], namespace: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        for wanted in hosts {
            for names in
                [Some(&self.shared), self.of_namespace.get(namespace)].into_iter().flatten()
            {
                let mut take = |name: &str| {
                    if known.insert(name.to_owned()) {
                        found.push(name.to_owned());
                    }
                };
                if names.narrowest(wanted).is_some() {
                    take(wanted);
                }
                names.narrower(wanted, take);
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
    use crate::route::names::intersect;

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
                            wanted.iter().filter_map(|wanted| intersect(host, wanted)).map(str::to_owned),
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
