//! Host names, laid out so that those which fit another are found without a look at each.

use std::collections::{BTreeSet, HashSet};

use super::names::covers;

/// Host names, laid out so that those which fit another are found without a look at each.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashSet<String>,
    /// Those that begin with `*`.
    wildcards: HashSet<String>,
    /// The lengths of what follows the `*`.
    lengths: BTreeSet<usize>,
    /// Every name, its bytes in reverse order: those with a common end lie together.
    reversed: BTreeSet<Vec<u8>>,
}

impl Names {
    /// Adds a name in lower case.
    pub(super) fn add(&mut self, name: &str) {
        match name.strip_prefix('*') {
            Some(suffix) => {
                self.wildcards.insert(name.to_owned());
                self.lengths.insert(suffix.len());
            }
            None => {
                self.exact.insert(name.to_owned());
            }
        }
        self.reversed.insert(name.bytes().rev().collect());
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.reversed.len()
    }

    /// The name that covers `name` and that no narrower one does.
    pub(super) fn narrowest(&self, name: &str) -> Option<&str> {
        if let Some(exact) = self.exact.get(name) {
            return Some(exact);
        }
        let end = name.strip_prefix('*').unwrap_or(name);
        self.lengths
            .range(..=end.len())
            .rev()
            .filter_map(|length| end.get(end.len() - length..))
            .find_map(|suffix| self.wildcards.get(&format!("*{suffix}")))
            .map(String::as_str)
    }

    /// Calls `take` with each name, other than `wide` itself, that `wide` covers; none unless it is a wildcard.
    pub(super) fn narrower(&self, wide: &str, mut take: impl FnMut(&str)) {
        let Some(end) = wide.strip_prefix('*') else { return };
        let start: Vec<u8> = end.bytes().rev().collect();
        for reversed in self.reversed.range(start.clone()..) {
            if !reversed.starts_with(&start) {
                break;
            }
            let name: Vec<u8> = reversed.iter().rev().copied().collect();
            if let Ok(name) = std::str::from_utf8(&name)
                && name != wide
                && covers(wide, name)
            {
                take(name);
            }
        }
    }
}

impl<'n> FromIterator<&'n String> for Names {
    fn from_iter<I: IntoIterator<Item = &'n String>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.add(name);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &str) -> Names {
        all.split(' ').map(str::to_owned).collect::<Vec<_>>().iter().collect()
    }

    #[test]
    fn the_narrowest_name_is_found() {
        let names = names("* *.foo.com *.a.foo.com x.foo.com");
        assert_eq!(names.narrowest("x.foo.com"), Some("x.foo.com"));
        assert_eq!(names.narrowest("y.a.foo.com"), Some("*.a.foo.com"));
        assert_eq!(names.narrowest("*.b.foo.com"), Some("*.foo.com"));
        assert_eq!(names.narrowest("bar.com"), Some("*"));
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn what_a_wildcard_covers_lies_together() {
        let names = names("* *.foo.com *.a.foo.com x.foo.com foo.com \u{e9}.foo.com");
        let narrower = |wide| {
            let mut found = Vec::new();
            names.narrower(wide, |name| found.push(name.to_owned()));
            found.sort();
            found
        };
        assert_eq!(narrower("*.foo.com"), ["*.a.foo.com", "x.foo.com", "\u{e9}.foo.com"]);
        assert_eq!(narrower("*").len(), 5);
        assert!(narrower("x.foo.com").is_empty());
    }
}
