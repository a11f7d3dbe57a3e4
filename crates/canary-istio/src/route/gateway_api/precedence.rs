//! The order of the matches of all routes for one host (`sortHTTPRoutes` of
//! `pilot/pkg/config/kube/gateway/conversion.go`).

use std::{cmp::Reverse, collections::BTreeMap};

use crate::networking::{HttpMatchRequest, StringMatch};

/// The place of a match among those of all routes: a smaller one is tried first. Equal ones keep the order of their
/// routes, and within a route that of rules and matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Precedence {
    /// Rules without a match are last.
    unconditional: bool,
    kind: Reverse<PathKind>,
    length: Reverse<usize>,
    method: Reverse<bool>,
    headers: Reverse<usize>,
    query: Reverse<usize>,
}

/// The kinds of conditions on the path, the least specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PathKind {
    None,
    Regex,
    Prefix,
    Exact,
}

impl Precedence {
    /// The precedence of a match; of a rule without one for `None`.
    pub(super) fn of(found: Option<&HttpMatchRequest>) -> Self {
        let (kind, length) = match found.and_then(|found| found.uri.as_ref()) {
            None | Some(StringMatch::Present) => (PathKind::None, 0),
            Some(StringMatch::Regex(text)) => (PathKind::Regex, text.len()),
            Some(StringMatch::Prefix(text)) => (PathKind::Prefix, text.len()),
            Some(StringMatch::Exact(text)) => (PathKind::Exact, text.len()),
        };
        let headers = found.and_then(|found| found.headers.as_ref()).map_or(0, BTreeMap::len);
        let query = found.and_then(|found| found.query_params.as_ref()).map_or(0, BTreeMap::len);
        Self {
            unconditional: found.is_none(),
            kind: Reverse(kind),
            length: Reverse(length),
            method: Reverse(found.is_some_and(|found| found.method.is_some())),
            headers: Reverse(headers),
            query: Reverse(query),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(uri: StringMatch) -> HttpMatchRequest {
        HttpMatchRequest { uri: Some(uri), ..HttpMatchRequest::default() }
    }

    fn map(names: &[&str]) -> BTreeMap<String, StringMatch> {
        names.iter().map(|name| ((*name).to_owned(), StringMatch::exact("v"))).collect()
    }

    #[test]
    fn the_more_specific_match_is_tried_first() {
        let base = path(StringMatch::prefix("/a"));
        let in_order = [
            Some(path(StringMatch::exact("/"))),
            Some(path(StringMatch::prefix("/long"))),
            Some(HttpMatchRequest { method: Some(StringMatch::exact("GET")), ..base.clone() }),
            Some(HttpMatchRequest { headers: Some(map(&["a", "b"])), ..base.clone() }),
            Some(HttpMatchRequest {
                headers: Some(map(&["a"])),
                query_params: Some(map(&["x"])),
                ..base.clone()
            }),
            Some(HttpMatchRequest { headers: Some(map(&["a"])), ..base.clone() }),
            Some(HttpMatchRequest { query_params: Some(map(&["x", "y"])), ..base.clone() }),
            Some(base),
            Some(path(StringMatch::prefix("/"))),
            Some(path(StringMatch::regex("/very/long/expression"))),
            Some(path(StringMatch::regex("/.*"))),
            Some(HttpMatchRequest {
                headers: Some(map(&["a", "b", "c"])),
                ..HttpMatchRequest::default()
            }),
            None,
        ];
        let found: Vec<Precedence> =
            in_order.iter().map(|one| Precedence::of(one.as_ref())).collect();
        assert!(found.is_sorted_by(|one, other| one < other), "{found:?}");
    }
}
