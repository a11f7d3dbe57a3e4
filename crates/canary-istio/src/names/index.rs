//! Values by host name, with look-ups of the names that cover a host and of those that a wildcard covers.

use std::collections::{BTreeSet, HashMap};

use super::wildcard::covers;

/// Values by host name, where a name may begin with `*`.
///
/// Unlike [`HostTable`](super::HostTable), which answers requests as Envoy does, it relates names to names: `*` stands
/// for any text, an empty one included. The time of a look-up depends on the length of the name, not on the number of
/// names.
#[derive(Debug)]
pub(crate) struct HostIndex<T> {
    exact: HashMap<String, T>,
    /// By the text after the `*`.
    wildcards: HashMap<String, T>,
    /// The lengths of the texts after the `*`.
    lengths: BTreeSet<usize>,
    /// Every name with its bytes in reverse order, so that names with a common end lie together.
    reversed: BTreeSet<Vec<u8>>,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            wildcards: HashMap::new(),
            lengths: BTreeSet::new(),
            reversed: BTreeSet::new(),
        }
    }
}

impl<T> HostIndex<T> {
    /// The number of names.
    pub(crate) fn len(&self) -> usize {
        self.reversed.len()
    }

    /// The values whose name is `host` or covers it, the most specific first.
    pub(crate) fn covering<'m, 'h>(
        &'m self,
        host: &'h str,
    ) -> impl Iterator<Item = &'m T> + use<'m, 'h, T> {
        let (end, exact) = match host.strip_prefix('*') {
            Some(end) => (end, None),
            None => (host, self.exact.get(host)),
        };
        let wider = self
            .lengths
            .range(..=end.len())
            .rev()
            .filter_map(move |length| end.get(end.len() - length..))
            .filter_map(|suffix| self.wildcards.get(suffix));
        exact.into_iter().chain(wider)
    }

    /// The names, other than `wide` itself, that `wide` covers, with their values; none unless it is a wildcard.
    pub(crate) fn covered<'m, 'h>(
        &'m self,
        wide: &'h str,
    ) -> impl Iterator<Item = (String, &'m T)> + use<'m, 'h, T> {
        let end: Option<Vec<u8>> = wide.strip_prefix('*').map(|end| end.bytes().rev().collect());
        end.into_iter().flat_map(move |end| {
            self.reversed
                .range(end.clone()..)
                .take_while(move |reversed| reversed.starts_with(&end))
                .filter_map(|reversed| {
                    String::from_utf8(reversed.iter().rev().copied().collect()).ok()
                })
                .filter(move |name| name != wide && covers(wide, name))
                .filter_map(|name| self.get(&name).map(|value| (name, value)))
        })
    }

    /// The value of a name itself.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        match name.strip_prefix('*') {
            Some(suffix) => self.wildcards.get(suffix),
            None => self.exact.get(name),
        }
    }
}

impl<T: Default> HostIndex<T> {
    /// The value of a name, its default when the name is new. Names are compared without folding their case: pass them
    /// in lower case.
    pub(crate) fn entry(&mut self, name: &str) -> &mut T {
        self.reversed.insert(name.bytes().rev().collect());
        match name.strip_prefix('*') {
            Some(suffix) => {
                self.lengths.insert(suffix.len());
                self.wildcards.entry(suffix.to_owned()).or_default()
            }
            None => self.exact.entry(name.to_owned()).or_default(),
        }
    }
}

/// Each name is its own value.
impl<'n> FromIterator<&'n String> for HostIndex<String> {
    fn from_iter<I: IntoIterator<Item = &'n String>>(names: I) -> Self {
        let mut index = Self::default();
        for name in names {
            index.entry(name).clone_from(name);
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(all: &str) -> HostIndex<String> {
        all.split(' ').map(str::to_owned).collect::<Vec<_>>().iter().collect()
    }

    #[test]
    fn covering_names_come_the_most_specific_first() {
        let index = index("* *.foo.com *.a.foo.com x.foo.com");
        let covering = |name| index.covering(name).map(String::as_str).collect::<Vec<_>>();
        assert_eq!(covering("x.foo.com"), ["x.foo.com", "*.foo.com", "*"]);
        assert_eq!(covering("y.a.foo.com"), ["*.a.foo.com", "*.foo.com", "*"]);
        assert_eq!(covering("*.b.foo.com"), ["*.foo.com", "*"]);
        assert_eq!(covering("*.foo.com"), ["*.foo.com", "*"]);
        assert_eq!(covering("bar.com"), ["*"]);
        assert_eq!(index.len(), 4);
    }

    #[test]
    fn a_wildcard_finds_the_names_that_it_covers() {
        let index = index("* *.foo.com *.a.foo.com x.foo.com foo.com \u{e9}.foo.com");
        let covered = |wide| {
            let mut found: Vec<_> = index.covered(wide).collect();
            found.sort();
            assert!(found.iter().all(|(name, value)| name == *value));
            found.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(covered("*.foo.com"), ["*.a.foo.com", "x.foo.com", "\u{e9}.foo.com"]);
        assert_eq!(covered("*").len(), 5);
        assert!(covered("x.foo.com").is_empty());
    }
}
