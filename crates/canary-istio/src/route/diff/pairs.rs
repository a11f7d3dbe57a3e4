//! The pairs of a route before and a route after that can share requests.
//!
//! A request that comes to the route number `i` of a list fits its conditions. If the other list has a route with
//! the same conditions, or one that takes everything, the request goes no further there than to that one. This leaves
//! few pairs of two lists that have most of their rules in common.

use std::collections::{BTreeMap, BTreeSet};

use super::super::witness::Atoms;

/// The conditions of one list of routes, numbered so that equal ones have the same number.
pub(super) struct Numbered {
    /// The number of each route; `None` when it cannot be judged.
    numbers: Vec<Option<usize>>,
    /// The first route of each number.
    first: BTreeMap<usize, usize>,
    /// The first route that takes everything, or the place after the last.
    end: usize,
}

/// Numbers the conditions of two lists of routes alike.
pub(super) fn number(lists: [&[Option<Atoms<'_>>]; 2]) -> [Numbered; 2] {
    let mut known: BTreeMap<&Atoms<'_>, usize> = BTreeMap::new();
    lists.map(|list| {
        let mut first = BTreeMap::new();
        let numbers: Vec<Option<usize>> = list
            .iter()
            .enumerate()
            .map(|(at, atoms)| {
                let next = known.len();
                let number = *known.entry(atoms.as_ref()?).or_insert(next);
                first.entry(number).or_insert(at);
                Some(number)
            })
            .collect();
        let everything = |atoms: &Option<Atoms<'_>>| atoms.as_ref().is_some_and(Vec::is_empty);
        let end = list.iter().position(everything).unwrap_or(list.len());
        Numbered { numbers, first, end }
    })
}

impl Numbered {
    /// Returns true when requests can come to a route, or past the last one, as far as equal conditions tell.
    fn is_reached(&self, at: usize) -> bool {
        at <= self.end && self.number(at).is_none_or(|number| self.first.get(&number) == Some(&at))
    }

    pub(super) fn number(&self, at: usize) -> Option<usize> {
        self.numbers.get(at).copied().flatten()
    }

    /// The last route that a request can come to which is at route `at` of `other`.
    fn last_for(&self, other: &Self, at: usize) -> usize {
        let same = other.number(at).and_then(|number| self.first.get(&number));
        same.map_or(self.end, |same| self.end.min(*same))
    }
}

/// The pairs, in order; the place after the last route stands for no route.
pub(super) fn pairs([before, after]: &[Numbered; 2]) -> impl Iterator<Item = (usize, usize)> {
    // Those of `after` by the last of `before` that shares requests with them.
    let mut leaving: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut present: BTreeSet<usize> = BTreeSet::new();
    for second in (0..=after.end).filter(|second| after.is_reached(*second)) {
        leaving.entry(before.last_for(after, second)).or_default().push(second);
        present.insert(second);
    }
    (0..=before.end).filter(|first| before.is_reached(*first)).flat_map(move |first| {
        while let Some(entry) = leaving.first_entry().filter(|entry| *entry.key() < first) {
            for gone in entry.remove() {
                present.remove(&gone);
            }
        }
        let last = after.last_for(before, first);
        let seconds: Vec<usize> = present.range(..=last).copied().collect();
        seconds.into_iter().map(move |second| (first, second))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analyze::overlap::{Condition, Test},
        route::witness::Part,
    };

    /// Routes on one path each; `*` takes everything, `?` cannot be judged.
    fn list(paths: &str) -> Vec<Option<Atoms<'_>>> {
        paths
            .split(' ')
            .map(|path| match path {
                "?" => None,
                "*" => Some(Vec::new()),
                _ => Some(vec![(Part::Path, Condition::is(Test::Exact(path)))]),
            })
            .collect()
    }

    fn found(before: &str, after: &str) -> Vec<(usize, usize)> {
        let (before, after) = (list(before), list(after));
        pairs(&number([&before, &after])).collect()
    }

    #[test]
    fn equal_lists_share_along_the_diagonal_alone() {
        assert_eq!(found("a b c", "a b c"), [(0, 0), (1, 1), (2, 2), (3, 3)]);
        assert_eq!(found("a b *", "a b *"), [(0, 0), (1, 1), (2, 2)]);
    }

    #[test]
    fn a_new_route_is_held_against_all_that_it_may_take_from() {
        // `a` has its requests before `x`, `b` and the rest may lose some to it.
        assert_eq!(found("a b *", "a x b *"), [(0, 0), (1, 1), (1, 2), (2, 1), (2, 3)]);
    }

    #[test]
    fn what_comes_after_its_equal_is_never_reached() {
        assert_eq!(found("a a *", "a * b"), [(0, 0), (2, 1)]);
    }

    #[test]
    fn what_cannot_be_judged_is_held_against_everything() {
        assert_eq!(found("? a", "a"), [(0, 0), (0, 1), (1, 0), (2, 1)]);
    }
}
