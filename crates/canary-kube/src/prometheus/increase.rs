//! The increase of each counter within a window, computed from its raw samples.

use std::collections::{BTreeMap, BTreeSet};

use canary_rollout::evidence::Timestamp;

use super::answer::{Sample, Series};

/// The treatment of the first values of a target that was never scraped before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewTargets {
    /// They are the baseline, because they may be older than the window. Requests that a new pod counted before its first
    /// scrape are left out.
    #[default]
    Baseline,
    /// They are counted from 0: for pods that are scraped from their start. A pod that served for a long time before
    /// its first scrape would be counted with its whole past.
    FromZero,
}

/// The increase of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Increase {
    /// The increase.
    pub(super) amount: u64,
    /// The earliest time at which the first counted request can have ended; `None` without an increase.
    pub(super) since: Option<Timestamp>,
    /// The number of samples within the window.
    pub(super) samples: usize,
}

/// The reason why samples are not those of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotCounts {
    /// The value is not a whole number.
    Fraction(String),
    /// The same thing is counted by two series.
    Twice(String),
}

/// Labels in which two series may differ that count the same requests: the names of scrape jobs and of the members
/// of a highly available pair of Prometheus servers.
const COPIES: &[&str] = &["job", "prometheus", "prometheus_replica", "replica"];

/// The increase of each series in the window from `since` (excluded) to `until` (included), in the order given.
pub(super) fn increases(
    series: &[Series],
    since: Timestamp,
    until: Timestamp,
    new_targets: NewTargets,
) -> Result<Vec<Increase>, NotCounts> {
    refuse_copies(series)?;
    let mut scrapes: BTreeMap<Target<'_>, BTreeSet<Timestamp>> = BTreeMap::new();
    for one in series {
        let times = scrapes.entry(target(one)).or_default();
        times.extend(one.samples.iter().map(|sample| sample.at));
    }
    series.iter().map(|one| grow(one, &scrapes[&target(one)], since, until, new_targets)).collect()
}

/// The scrape target of a series; all series of a target are scraped together.
type Target<'a> = (Option<&'a String>, Option<&'a String>);

fn target(series: &Series) -> Target<'_> {
    (series.labels.get("job"), series.labels.get("instance"))
}

fn grow(
    series: &Series,
    scrapes: &BTreeSet<Timestamp>,
    since: Timestamp,
    until: Timestamp,
    new_targets: NewTargets,
) -> Result<Increase, NotCounts> {
    let mut grown = Increase::default();
    let mut before: Option<Sample> = None;
    let mut total = 0.0;
    for sample in series.samples.iter().filter(|sample| sample.at <= until) {
        if sample.at <= since {
            before = Some(*sample);
            continue;
        }
        grown.samples += 1;
        let (from, amount) = match before {
            Some(last) if sample.at == last.at => continue,
            Some(last) if sample.value >= last.value => (last.at, sample.value - last.value),
            // A restart: the whole value was counted after it.
            Some(last) => (last.at, sample.value),
            None => match (scrapes.range(..sample.at).next_back(), new_targets) {
                // The target was scraped before without this series, so the series has begun at 0 since.
                (Some(last), _) => (*last, sample.value),
                (None, NewTargets::FromZero) => (since, sample.value),
                (None, NewTargets::Baseline) => (sample.at, 0.0),
            },
        };
        before = Some(*sample);
        if amount > 0.0 {
            total += amount;
            grown.since = Some(grown.since.map_or(from, |earliest| earliest.min(from)));
        }
    }
    grown.amount = whole(total).ok_or_else(|| NotCounts::Fraction(describe(series)))?;
    Ok(grown)
}

/// The number, when it is one that a counter can have counted.
fn whole(total: f64) -> Option<u64> {
    let fits = total.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&total);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    fits.then_some(total as u64)
}

fn refuse_copies(series: &[Series]) -> Result<(), NotCounts> {
    let mut seen = BTreeSet::new();
    for one in series {
        let own: Vec<(&String, &String)> =
            one.labels.iter().filter(|(label, _)| !COPIES.contains(&label.as_str())).collect();
        if !seen.insert(own) {
            return Err(NotCounts::Twice(describe(one)));
        }
    }
    Ok(())
}

/// A series as PromQL writes it.
fn describe(series: &Series) -> String {
    let name = series.labels.get("__name__").map_or("", String::as_str);
    let labels: Vec<String> = series
        .labels
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    let text: String = labels.join(",").chars().take(400).collect();
    format!("{name}{{{text}}}")
}
