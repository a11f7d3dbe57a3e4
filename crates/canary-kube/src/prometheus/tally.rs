//! Adds up series to the counts of a window.

use std::time::Duration;

use canary_rollout::evidence::{Arm, Counts, Subsets, Timestamp, Window};

use super::{
    answer::Series,
    buckets,
    increase::{Increase, NewTargets, NotCounts, increases},
    metrics::Metrics,
};

/// The time of a window, and the treatment of new targets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) new_targets: NewTargets,
}

impl Span {
    /// Its duration.
    pub(super) fn length(&self) -> Duration {
        self.until.since(self.since)
    }
}

/// The counts of a window; `None` when nothing was scraped in it.
pub(super) fn tally(
    metrics: &Metrics,
    subsets: &Subsets,
    requests: &[Series],
    buckets: &[Series],
    span: Span,
) -> Result<Option<Window>, NotCounts> {
    let Span { since, until, new_targets } = span;
    let mut window =
        Window { since: until, ended: true, apart: metrics.apart, ..Window::default() };
    let mut samples = 0;
    let mut seen = |window: &mut Window, grown: &Increase| {
        samples += grown.samples;
        window.since = window.since.min(grown.since.unwrap_or(until));
    };
    for (series, grown) in requests.iter().zip(increases(requests, since, until, new_targets)?) {
        seen(&mut window, &grown);
        let failed = metrics.is_failure(&series.labels);
        // A request of unknown subset or outcome counts for neither subset. One that found no endpoint is known to have
        // failed: the sending proxy counts it under the version `unknown`.
        match (counts(&mut window, arm(metrics, subsets, series)), failed) {
            (Some(counts), Some(failed)) => {
                counts.requests += grown.amount;
                counts.failed += if failed { grown.amount } else { 0 };
            }
            (_, failed) => {
                window.unknown += grown.amount;
                window.unknown_failed += if failed == Some(true) { grown.amount } else { 0 };
            }
        }
    }
    // The slow requests are all requests less those up to the threshold.
    let mut quick = Window::default();
    for (series, grown) in buckets.iter().zip(increases(buckets, since, until, new_targets)?) {
        seen(&mut window, &grown);
        let all = series.labels.get("le").is_some_and(|edge| buckets::is_infinite(edge));
        let place = if all { &mut window } else { &mut quick };
        if let Some(counts) = counts(place, arm(metrics, subsets, series)) {
            counts.slow += grown.amount;
        }
    }
    window.stable.slow = window.stable.slow.saturating_sub(quick.stable.slow);
    window.canary.slow = window.canary.slow.saturating_sub(quick.canary.slow);
    Ok((samples > 0).then_some(window))
}

fn arm(metrics: &Metrics, subsets: &Subsets, series: &Series) -> Arm {
    subsets.arm(series.labels.get(&metrics.subset).map(String::as_str))
}

fn counts(window: &mut Window, arm: Arm) -> Option<&mut Counts> {
    match arm {
        Arm::Stable => Some(&mut window.stable),
        Arm::Canary => Some(&mut window.canary),
        Arm::Unknown => None,
    }
}
