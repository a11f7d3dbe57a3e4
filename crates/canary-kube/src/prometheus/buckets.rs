//! The bucket boundaries of a histogram: requests above a threshold can be counted only if it is one of them.

use std::{collections::BTreeSet, time::Duration};

use super::metrics::Unit;

/// The values of the label `le` that denote a threshold. Prometheus 2 keeps `100`, Prometheus 3 writes `100.0`; a store
/// may hold both.
///
/// # Errors
/// The boundaries of the histogram, when the threshold is none of them.
pub(super) fn at_edge(
    edges: &BTreeSet<String>,
    unit: Unit,
    threshold: Duration,
) -> Result<Vec<&str>, Vec<Duration>> {
    #[expect(clippy::cast_precision_loss, reason = "compared to within a nanosecond")]
    let wanted = threshold.as_nanos() as f64;
    let same = |edge: &&str| {
        edge.parse::<f64>().is_ok_and(|edge| (unit.nanoseconds(edge) - wanted).abs() < 1.0)
    };
    let found: Vec<&str> = edges.iter().map(String::as_str).filter(same).collect();
    if found.is_empty() { Err(times(edges, unit)) } else { Ok(found) }
}

/// The boundaries as times, lowest first, without `+Inf`.
pub(super) fn times(edges: &BTreeSet<String>, unit: Unit) -> Vec<Duration> {
    let all: BTreeSet<Duration> = edges
        .iter()
        .filter_map(|edge| edge.parse::<f64>().ok())
        .filter_map(|edge| unit.time(edge))
        .collect();
    all.into_iter().collect()
}

/// Returns `true` for `+Inf`, the boundary of the bucket that holds every request.
pub(super) fn is_infinite(edge: &str) -> bool {
    edge.parse::<f64>() == Ok(f64::INFINITY)
}
