//! The sizes that the Gateway API allows a route.

use serde_json::Value;

use super::route_of::RouteOf;
use crate::{Error, Result};

/// The most rules of a route, matches of a rule, matches of a route, and headers of a match (schema of the Gateway API).
pub(super) const MOST_RULES: usize = 16;
const MOST_MATCHES: usize = 64;
const MOST_MATCHES_OF_ALL: usize = 128;
const MOST_HEADERS: usize = 16;

/// Checks that a route would have no more rules, matches and headers than it may, `with` the rules that a run adds.
///
/// # Errors
/// [`Error::Plan`] with the number that is too large.
pub(super) fn within_limits(of: RouteOf<'_>, rules: &[&Value], with: &str) -> Result<()> {
    let matches = |rule: &&Value| rule["matches"].as_array().map_or(1, Vec::len);
    let headers = rules.iter().flat_map(|rule| rule["matches"].as_array().into_iter().flatten());
    let headers = headers.map(|one| one["headers"].as_array().map_or(0, Vec::len));
    let counts = [
        ("rules", rules.len(), MOST_RULES),
        ("matches in one rule", rules.iter().map(matches).max().unwrap_or(0), MOST_MATCHES),
        ("matches in all rules", rules.iter().map(matches).sum(), MOST_MATCHES_OF_ALL),
        ("headers in one match", headers.max().unwrap_or(0), MOST_HEADERS),
    ];
    match counts.into_iter().find(|(_, count, most)| count > most) {
        Some((what, count, most)) => Err(Error::Plan(format!(
            "{}: with {with} it would have {count} {what}, and the Gateway API allows {most}; divide the route into two",
            of.title(),
        ))),
        None => Ok(()),
    }
}
