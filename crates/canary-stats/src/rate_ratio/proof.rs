//! The opposite test: that the ratio is at least a margin. Its rejection is what a promotion may require.
//!
//! **Construction.** The requests are kept as counts under each share and each guess of the stable rate. With S the sum
//! of the log factors of one alternative below the margin,
//!
//! E = Σ w e^{S/φ}
//!
//! over alternatives aimed at a healthy canary, the ratios r·{0.7, 0.85, 1, 1.1} with weights 0.9·{0.15, 0.2, 0.5, 0.15}
//! (r is the bound of the alarm), and with a tenth of the weight over the general prior, mirrored. An alternative that
//! is not at least 3 % below the margin keeps the capital of its weight.
//!
//! **Proof.** Each product has a mean of at most 1 (see the factors), and so has their mixture (Robbins 1970). For
//! φ ≥ 1, Σ w e^{S/φ} ≥ 1/α implies Σ w e^S ≥ 1/α by Jensen's inequality, so any φ is valid; the one that is used
//! compensates for bursts of failures.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::{
    counts::{Above, CUTS, Counts},
    factors::{Alternative, Conditions, Factors},
};
use crate::{
    error::{Result, StatsError, check, closed_unit},
    exact,
    portable::{ln, ln_sum_exp},
    prior::{PRIOR, SIZES},
    stream::Window,
};

/// The ratios of a healthy canary, as multiples of the bound, each with its weight.
const TARGETS: [(f64, f64); 4] = [(0.7, 0.15), (0.85, 0.2), (1.0, 0.5), (1.1, 0.15)];
/// The part of the weight on these ratios.
const AIMED: f64 = 0.9;
/// An alternative must be below the margin by this factor.
const APART: f64 = 1.03;
/// The most segments that are kept.
pub(super) const MOST: usize = 64;
/// The number of alternatives.
const TERMS: usize = TARGETS.len() + SIZES;

/// The requests that were sent under the same conditions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    pub(super) conditions: Conditions,
    pub(super) counts: Counts,
}

/// A segment as text: share, rate, four counts, and the canary's above each latency.
#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    share: f64,
    #[serde(with = "exact")]
    rate: f64,
    counts: [u64; 4],
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    above: Vec<u64>,
}

/// All requests, by the conditions under which they were sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Saved>", into = "Vec<Saved>")]
pub(super) struct Segments {
    list: Vec<Segment>,
    /// The sums over all except the last segment, for the first margin that was asked for.
    sums: OnceLock<Sums>,
}

/// ln of each product over the segments before the last, and the factors of the last.
#[derive(Debug, Clone)]
struct Sums {
    ratio: f64,
    margin: f64,
    /// One row, or one for each latency.
    before: Vec<[f64; TERMS]>,
    last: [Option<Factors>; TERMS],
}

impl PartialEq for Segments {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl From<Segments> for Vec<Saved> {
    fn from(segments: Segments) -> Self {
        let saved = |segment: &Segment| {
            let Segment { conditions: Conditions { share, rate }, counts } = *segment;
            let Window { canary, canary_bad, stable, stable_bad } = counts.window;
            let above = counts.saved_above();
            Saved { share, rate, counts: [canary, canary_bad, stable, stable_bad], above }
        };
        segments.list.iter().map(saved).collect()
    }
}

impl TryFrom<Vec<Saved>> for Segments {
    type Error = StatsError;

    fn try_from(saved: Vec<Saved>) -> Result<Self> {
        check("segments", saved.len() as f64, "a list of at most 64", saved.len() <= MOST)?;
        let mut list = Vec::with_capacity(saved.len());
        for Saved { share, rate, counts, above } in saved {
            closed_unit("share", share)?;
            closed_unit("rate", rate)?;
            let counts = Counts::restore(counts, &above).ok_or(StatsError {
                name: "above",
                value: above.len() as f64,
                expected: "a count for each of 17 latencies, or none",
            })?;
            list.push(Segment { conditions: Conditions { share, rate }, counts });
        }
        Ok(Self { list, sums: OnceLock::new() })
    }
}

impl Segments {
    pub(super) fn as_slice(&self) -> &[Segment] {
        &self.list
    }

    /// All requests together.
    pub(super) fn totals(&self) -> Window {
        let mut totals = Window::default();
        for segment in &self.list {
            totals.add(&segment.counts.window);
        }
        totals
    }

    /// Returns true when no segment can be added.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// Adds requests; those that no segment has room for are left out, independently of their outcome.
    pub(super) fn add(&mut self, conditions: Conditions, window: &Window, above: Option<&Above>) {
        let same = self.list.last().is_some_and(|last| last.conditions == conditions);
        if !same {
            if self.is_full() {
                return;
            }
            self.sums.take();
            self.list.push(Segment { conditions, counts: Counts::default() });
        }
        let Some(Segment { counts, .. }) = self.list.last_mut() else { return };
        counts.add(window, above);
    }

    /// ln E of the null that the ratio is at least `margin`; `ratio` is the bound of the alarm. With a `cut` the canary's
    /// requests above that latency are the bad ones.
    pub(super) fn ln_e(&self, cut: Option<usize>, ratio: f64, margin: f64, phi: f64) -> f64 {
        let rows = if cut.is_some() { CUTS } else { 1 };
        let kept = self.sums.get_or_init(|| Sums::new(&self.list, ratio, margin, rows));
        let other;
        let sums = if (kept.ratio, kept.margin) == (ratio, margin) {
            kept
        } else {
            other = Sums::new(&self.list, ratio, margin, rows);
            &other
        };
        let before = &sums.before[cut.unwrap_or(0)];
        let last = self.list.last().map(|last| seen(&last.counts, cut)).unwrap_or_default();
        let mut terms = [0.0; TERMS];
        for (i, term) in terms.iter_mut().enumerate() {
            let sum =
                sums.last[i].map_or(0.0, |last_factors| before[i] + last_factors.ln_product(&last));
            *term = ln_weight(i) + sum / phi;
        }
        ln_sum_exp(&terms)
    }
}

/// The requests, bad as the factors see them.
fn seen(counts: &Counts, cut: Option<usize>) -> Window {
    cut.map_or(counts.window, |cut| counts.at(cut))
}

/// ln of the weight of an alternative.
fn ln_weight(place: usize) -> f64 {
    match TARGETS.get(place) {
        Some((_, weight)) => ln(AIMED * weight),
        None => ln(1.0 - AIMED) + PRIOR.ln_weight[place - TARGETS.len()],
    }
}

/// The alternative at a place; none when it is not below the margin.
fn alternative(place: usize, ratio: f64, margin: f64) -> Option<Alternative> {
    match TARGETS.get(place) {
        Some((target, _)) => {
            let target = target * ratio;
            (target * APART <= margin).then_some(Alternative::Ratio(target))
        }
        None => Some(Alternative::LnOdds(-PRIOR.d[place - TARGETS.len()])),
    }
}

impl Sums {
    fn new(list: &[Segment], ratio: f64, margin: f64, rows: usize) -> Self {
        let factors = |place: usize, segment: &Segment| {
            let alternative = alternative(place, ratio, margin)?;
            Some(Factors::new(segment.conditions, margin, alternative))
        };
        let (newest, before) = match list.split_last() {
            Some((newest, before)) => (Some(newest), before),
            None => (None, list),
        };
        let mut sums = vec![[0.0; TERMS]; rows];
        for segment in before {
            for place in 0..TERMS {
                let Some(factors) = factors(place, segment) else { continue };
                for (cut, row) in sums.iter_mut().enumerate() {
                    let cut = (rows > 1).then_some(cut);
                    row[place] += factors.ln_product(&seen(&segment.counts, cut));
                }
            }
        }
        Self {
            ratio,
            margin,
            before: sums,
            last: std::array::from_fn(|place| newest.and_then(|newest| factors(place, newest))),
        }
    }
}
