//! Host names, in full and by suffix.

use std::collections::HashMap;

/// The domain of the cluster.
pub(super) const CLUSTER_DOMAIN: &str = "svc.cluster.local";

/// The full name of `host` as seen from `namespace`: only a name without dots is completed.
pub(super) fn full_name(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.starts_with('*') {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.{CLUSTER_DOMAIN}")
    }
}

/// Values by host, where some hosts begin with `*`: every look-up takes time by the length of the name only.
pub(super) struct HostMap<T> {
    exact: HashMap<String, Vec<T>>,
    /// By what follows the `*`.
    suffixes: HashMap<String, Vec<T>>,
}

impl<T> Default for HostMap<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), suffixes: HashMap::new() }
    }
}

impl<T> HostMap<T> {
    pub(super) fn insert(&mut self, host: &str, value: T) {
        let (map, key) = match host.strip_prefix('*') {
            Some(suffix) => (&mut self.suffixes, suffix),
            None => (&mut self.exact, host),
        };
        map.entry(key.to_owned()).or_default().push(value);
    }

    /// The values whose host is `host` or covers it, the nearest first.
    pub(super) fn covering<'m, 'h>(
        &'m self,
        host: &'h str,
    ) -> impl Iterator<Item = &'m T> + use<'m, 'h, T> {
        let (bare, exact) = match host.strip_prefix('*') {
            Some(suffix) => (suffix, None),
            None => (host, self.exact.get(host)),
        };
        let suffixes = bare
            .char_indices()
            .map(|(start, _)| &bare[start..])
            .chain(std::iter::once(""))
            .filter_map(|suffix| self.suffixes.get(suffix));
        exact.into_iter().chain(suffixes).flatten()
    }
}

/// Host names in an order that brings those with the same ending together.
pub(super) struct Endings<T> {
    sorted: Vec<(String, T)>,
}

impl<T: Ord> Endings<T> {
    pub(super) fn new(hosts: impl IntoIterator<Item = (String, T)>) -> Self {
        let reverse = |host: String| host.chars().rev().collect::<String>();
        let mut sorted: Vec<_> =
            hosts.into_iter().map(|(host, value)| (reverse(host), value)).collect();
        sorted.sort();
        Self { sorted }
    }

    /// The values whose host ends in `suffix`.
    pub(super) fn ending_in<'e>(&'e self, suffix: &str) -> impl Iterator<Item = &'e T> {
        let key: String = suffix.chars().rev().collect();
        let start = self.sorted.partition_point(|(host, _)| *host < key);
        self.sorted[start..]
            .iter()
            .take_while(move |(host, _)| host.starts_with(&key))
            .map(|(_, value)| value)
    }
}
