//! A table with Envoy's look-up of hosts: exact name, then the longest suffix, then `*`.

use std::collections::HashMap;

use super::authority::{lower, split_authority};

/// Values by host name, where a name may begin with `*`.
#[derive(Clone, Debug)]
pub(crate) struct HostTable<T> {
    exact: HashMap<Box<str>, T>,
    /// By the length of what follows `*`, longest first.
    suffixes: Vec<(usize, HashMap<Box<str>, T>)>,
    any: Option<T>,
}

impl<T> Default for HostTable<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), suffixes: Vec::new(), any: None }
    }
}

impl<T> HostTable<T> {
    /// The value under a name, put there by `make` when there is none yet; case does not count.
    pub(crate) fn entry(&mut self, host: &str, make: impl FnOnce() -> T) -> &mut T {
        let host = lower(host);
        if host == "*" {
            return self.any.get_or_insert_with(make);
        }
        let Some(suffix) = host.strip_prefix('*') else {
            return self.exact.entry(host.into()).or_insert_with(make);
        };
        let at = match self.suffixes.binary_search_by(|(length, _)| suffix.len().cmp(length)) {
            Ok(at) => at,
            Err(at) => {
                self.suffixes.insert(at, (suffix.len(), HashMap::new()));
                at
            }
        };
        self.suffixes[at].1.entry(suffix.into()).or_insert_with(make)
    }

    /// The value for the host of a request; a port is ignored, and so is case.
    pub(crate) fn find(&self, authority: &str) -> Option<&T> {
        let host = lower(split_authority(authority).0);
        self.find_name(&host)
    }

    /// The value for a lower-case name without port.
    pub(crate) fn find_name(&self, host: &str) -> Option<&T> {
        if let Some(found) = self.exact.get(host) {
            return Some(found);
        }
        for (length, table) in &self.suffixes {
            // The `*` stands for one character at least.
            if host.len() > *length
                && let Some(tail) = host.get(host.len() - length..)
                && let Some(found) = table.get(tail)
            {
                return Some(found);
            }
        }
        self.any.as_ref()
    }

    /// The value for an exact name, without wildcards.
    pub(crate) fn exact(&self, host: &str) -> Option<&T> {
        self.exact.get(host)
    }

    /// The value for exactly the wildcard `*` followed by this text.
    pub(crate) fn wildcard(&self, suffix: &str) -> Option<&T> {
        let at = self.suffixes.binary_search_by(|(length, _)| suffix.len().cmp(length)).ok()?;
        self.suffixes[at].1.get(suffix)
    }

    /// Returns true when there is a name with a `*` before other text.
    pub(crate) fn has_wildcards(&self) -> bool {
        !self.suffixes.is_empty()
    }

    /// The values of the wildcards that stand for a lower-case name, longest first.
    pub(crate) fn wildcards<'t>(&'t self, host: &'t str) -> impl Iterator<Item = &'t T> {
        self.suffixes
            .iter()
            .filter_map(|(length, table)| {
                let tail = host.get(host.len().checked_sub(*length).filter(|at| *at > 0)?..)?;
                table.get(tail)
            })
            .chain(self.any.as_ref())
    }

    /// Returns true when there is no name at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.suffixes.is_empty() && self.any.is_none()
    }

    /// The value of a name itself; case does not count.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        let name = lower(name);
        if name == "*" {
            return self.any.as_ref();
        }
        match name.strip_prefix('*') {
            Some(suffix) => self.wildcard(suffix),
            None => self.exact(&name),
        }
    }

    /// Every name with its value.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (String, &T)> {
        let exact = self.exact.iter().map(|(name, value)| (name.to_string(), value));
        let suffixes = self.suffixes.iter().flat_map(|(_, table)| table);
        exact
            .chain(suffixes.map(|(suffix, value)| (format!("*{suffix}"), value)))
            .chain(self.any.as_ref().map(|value| ("*".to_owned(), value)))
    }

    /// Every name.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.entries().map(|(name, _)| name)
    }

    /// Every value, in no particular order.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.exact
            .values_mut()
            .chain(self.suffixes.iter_mut().flat_map(|(_, table)| table.values_mut()))
            .chain(self.any.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(hosts: &[&str]) -> HostTable<String> {
        let mut table = HostTable::default();
        for host in hosts {
            table.entry(host, || (*host).to_owned());
        }
        table
    }

    #[test]
    fn the_most_specific_name_wins() {
        let table = table(&["*", "*.foo.com", "*.a.foo.com", "x.foo.com"]);
        let find = |host| table.find(host).map(String::as_str);
        assert_eq!(find("x.foo.com"), Some("x.foo.com"));
        assert_eq!(find("X.FOO.com:8080"), Some("x.foo.com"));
        assert_eq!(find("y.foo.com"), Some("*.foo.com"));
        assert_eq!(find("y.a.foo.com"), Some("*.a.foo.com"));
        assert_eq!(find("foo.com"), Some("*"));
        assert_eq!(find(".foo.com"), Some("*"));
        assert_eq!(find(""), Some("*"));
    }

    #[test]
    fn without_a_catch_all_there_may_be_none() {
        let table = table(&["*.foo.com"]);
        assert_eq!(table.find("bar.com"), None);
        // A cut inside a character does not panic.
        assert_eq!(table.find("\u{e9}foo.com"), None);
    }
}
