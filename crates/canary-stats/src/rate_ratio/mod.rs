//! The ratio of the canary's rate of bad requests to the stable version's.
//!
//! Used for errors and for slow requests (those over a frozen [`SlowThreshold`](super::SlowThreshold)).
//!
//! **Observation.** Every request of both versions, in the order of sending: the canary's share ρ of the traffic when it
//! was sent, which version served it, whether it was bad. Where good requests are not all known, the bad ones alone
//! ([`RateRatio::bad_only`]).
//!
//! **Null.** Given the past, a request goes to the canary with probability ρ, and if it would be bad with probability p
//! at the stable version, it is bad with probability at most r·p at the canary. p is unknown and may change with every
//! request (a bad hour hits both versions alike).
//!
//! **Construction.** A mixture over sixteen odds ratios of harm from 1.03 to 24.5, each a product of one factor for
//! each request (`factors.rs` has the formulas and the proof). The guess of the stable rate that the factors need is
//! (failures + ½)/(requests + 1) of the stable version's past; it is frozen until the stable version has twice as many
//! requests, and 0 before its fifth failure, where only bad requests count. A wrong guess costs power, but not
//! validity. Good requests make the test insensitive to a share that is slightly wrong, because the outcome enters as
//! its difference from its expectation.
//!
//! **Steps.** Harm may begin late ([`RateRatio::starts`]): E = Σ w_j E_j, where E_j begins with step j and is 1 before,
//! and Σ w_j = 1. It is an e-process by linearity (the mixtures of J. Shin, A. Ramdas, A. Rinaldo, "E-detectors", NEJSDS
//! 2024, with weights that sum to 1).
//!
//! **Bursts.** [`RateRatio::bursts`] limits the evidence that one window of time can add; see `bursts.rs`.
//!
//! **Counts.** While ρ stays the same E depends on the counts of a window alone, so counts (as from Prometheus) may be
//! added at the window's end; the maximum is then taken over the ends of windows.
//!
//! **Promotion.** [`EProcess::excludes_harm`] is the opposite test: the null is "the ratio is at least the margin"; see
//! `proof.rs`.
//!
//! **Interval.** The low end is the largest of sixteen ratios that is excluded together with all smaller ones
//! (`rows.rs`); once an alarm has been raised, it stays above the bound. The high end is the smallest ratio that the
//! opposite test excludes now. Each end alone holds at all times with probability 1 − α.

mod builders;
mod bursts;
mod counts;
mod evidence;
mod factors;
mod grid;
mod proof;
mod rows;
mod saved;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::{
    bursts::{Bursts, Damped},
    counts::{Above, Counts},
    factors::Conditions,
    proof::Segments,
    rows::{Open, Row, Rows},
};
pub(crate) use self::{
    counts::CUTS,
    grid::{BOUND, NODES},
    saved::Saved,
};
use super::{
    dispersion::Dispersion,
    e_process::{Alpha, EProcess},
    error::{Result, check, closed_unit},
    portable::ln,
    stream::Window,
};

/// The stable version's failures before its rate is guessed.
const FAILURES_TO_GUESS: u64 = 5;
/// The number of windows that a proof needs while the guard against bursts is on.
const WINDOWS_TO_PROVE: u64 = 20;
/// The weight of the first step among those at which harm may begin.
const FIRST_START: f64 = 0.7;
/// When more than one request in this number is unknown, good requests no longer count.
const KNOWN_PER_LOST: u64 = 200;
/// The number of unknown requests that is always allowed.
const LOST: u64 = 2;
/// The largest ratio that the opposite test is evaluated at.
const MOST_RATIO: f64 = 1e6;

/// Tests that the canary's rate of bad requests is at most `ratio` times the stable version's.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, RateRatio, Window};
///
/// let mut test = RateRatio::new(1.0)?;
/// let alpha = Alpha::new(0.05)?;
/// // The canary gets 10 % of the traffic and yet serves every second error.
/// for _ in 0..40 {
///     test.observe_counts(0, 0.1, &Window { canary: 10, canary_bad: 1, stable: 90, stable_bad: 1 })?;
/// }
/// assert!(test.alarm(alpha));
/// assert!(test.interval(alpha).low > 2.0);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct RateRatio {
    rows: Rows,
    /// The number of steps at which harm may begin, and of those that have begun.
    starts: u32,
    begun: u32,
    /// The length of the guard's windows in milliseconds; none without the guard.
    window_millis: Option<u64>,
    bad_only: bool,
    /// The margin of the promotion.
    margin: Option<f64>,
    /// The conditions under which the open window's requests were sent; the share is NaN before the first.
    conditions: Conditions,
    /// When the open window began, and its requests.
    opened: u64,
    open: Counts,
    bursts: Bursts,
    /// The stable version's requests, the bad ones among them, and its requests at the last guess of its rate.
    stable: u64,
    stable_bad: u64,
    guessed_at: u64,
    /// Requests of the step, and those of them that are unknown.
    of_step: u64,
    lost: u64,
    segments: Segments,
    /// The evidence against the bound without the guard, where there is one.
    plain: Option<Plain>,
    /// Bad requests seen while one version had all the traffic.
    uninformative: u64,
    /// The dispersion of the bad requests, where it is measured.
    dispersion: Option<Box<Dispersion>>,
}

/// The evidence against the bound without the guard against bursts, and what follows from it.
#[derive(Debug, Clone, PartialEq)]
struct Plain {
    sums: Row,
    /// ln E at which harm is suspected.
    ln_threshold: f64,
    /// The number of windows after which unconfirmed harm is taken for a burst.
    until: Option<u64>,
}

impl RateRatio {
    /// The ratio up to which the canary is no worse.
    pub fn ratio(&self) -> f64 {
        self.rows.ratio()
    }

    /// The windows of the guard that have ended and had requests.
    pub fn windows(&self) -> u64 {
        self.bursts.windows
    }

    /// Returns true while failures may be either harm or a burst: the evidence without the guard has reached 1/α, and
    /// too few windows have ended since for the guarded test to reach it. The state ends with an alarm, or when the
    /// windows in which an alarm was possible have passed; then the failures were a burst. Do not promote meanwhile.
    pub fn is_unconfirmed(&self) -> bool {
        self.plain
            .as_ref()
            .is_some_and(|plain| plain.until.is_some() && self.max_ln_e() < plain.ln_threshold)
    }

    /// The dispersion of the bad requests, where it is measured.
    pub fn dispersion(&self) -> Option<&Dispersion> {
        self.dispersion.as_deref()
    }

    /// Adds one request that was sent at `at` milliseconds: `share` is the canary's share of the traffic then (0.05 for
    /// a weight of 5), `canary` whether the canary served it, `bad` whether it failed or was slow.
    ///
    /// Requests come in the order of sending. While one version has all the traffic (a share of 0 or 1) there is
    /// nothing to compare: a bad request is counted separately, and E does not change.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1; then nothing is added.
    #[inline]
    pub fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        let (canary, stable, bad) = (u64::from(canary), u64::from(!canary), u64::from(bad));
        let window = Window { canary, canary_bad: canary * bad, stable, stable_bad: stable * bad };
        self.observe_counts(at, share, &window)
    }

    /// Adds a batch of requests that were sent from `at` on at one share; the evidence is evaluated after the batch.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1, or there are more bad requests than requests; then nothing is added.
    #[inline]
    pub fn observe_counts(&mut self, at: u64, share: f64, counts: &Window) -> Result<()> {
        self.take(at, share, counts, None)
    }

    /// As above, with the canary's requests above each latency, for rows that differ in the latency.
    #[inline]
    pub(crate) fn take(
        &mut self,
        at: u64,
        share: f64,
        counts: &Window,
        above: Option<&Above>,
    ) -> Result<()> {
        let Window { canary, canary_bad, stable, stable_bad } = *counts;
        let holds = canary_bad <= canary && stable_bad <= stable;
        check("canary_bad", canary_bad as f64, "no more bad requests than requests", holds)?;
        // True for NaN too.
        if share != self.conditions.share {
            closed_unit("share", share)?;
            if share == 0.0 || share == 1.0 {
                let bad = canary_bad.saturating_add(stable_bad);
                self.uninformative = self.uninformative.saturating_add(bad);
                return Ok(());
            }
            self.enter(at, share);
        } else if self.window_millis.is_some_and(|millis| at >= self.opened.saturating_add(millis))
        {
            self.close(at);
        }
        self.guess();
        self.open.add(counts, above);
        self.stable = self.stable.saturating_add(stable);
        self.stable_bad = self.stable_bad.saturating_add(stable_bad);
        self.of_step = self.of_step.saturating_add(canary.saturating_add(stable));
        self.segments.add(self.conditions, counts, above);
        self.measure(at, share, counts);
        if canary_bad + stable_bad > 0 {
            self.evaluate();
        }
        Ok(())
    }

    /// Adds validated counts to the measurement.
    #[inline]
    fn measure(&mut self, at: u64, share: f64, counts: &Window) {
        if let Some(dispersion) = &mut self.dispersion {
            dispersion.take(at, share, counts);
        }
    }

    /// Counts requests whose version or outcome is not known. When they are more than one in two hundred of a step, good
    /// requests no longer count in it.
    pub fn lose(&mut self, requests: u64) {
        self.lost = self.lost.saturating_add(requests);
    }

    /// Begins a step of the rollout, at which harm may begin.
    pub fn begin_step(&mut self) {
        (self.of_step, self.lost) = (0, 0);
        if self.begun >= self.starts {
            return;
        }
        if self.conditions.share.is_nan() {
            return;
        }
        self.close(self.opened);
        self.begun += 1;
        let weight = ln(self.weight_of(self.begun));
        self.rows.begin(weight);
        if let Some(plain) = &mut self.plain {
            self.rows.begin_row(&mut plain.sums, weight);
        }
    }

    /// The weight of harm that begins at step `step`, from 1.
    fn weight_of(&self, step: u32) -> f64 {
        match (self.starts, step) {
            (1, _) => 1.0,
            (_, 1) => FIRST_START,
            (steps, _) => (1.0 - FIRST_START) / f64::from(steps - 1),
        }
    }

    /// ln of the weight of the steps that have not begun.
    fn ln_left(&self) -> f64 {
        let left = self.starts.saturating_sub(self.begun);
        if left == 0 { f64::NEG_INFINITY } else { ln(f64::from(left) * self.weight_of(2)) }
    }

    /// Begins another share.
    #[cold]
    fn enter(&mut self, at: u64, share: f64) {
        self.close(at);
        if !self.conditions.share.is_nan() {
            self.bursts.leave(self.conditions.share);
        }
        self.conditions.share = share;
        self.prepare();
    }

    /// Computes the factors for the current conditions.
    fn prepare(&mut self) {
        self.rows.set_conditions(self.conditions);
    }

    /// Updates the guess of the stable version's rate when that is due; with a guard, between two windows.
    #[inline]
    fn guess(&mut self) {
        let due = self.stable >= self.guessed_at.saturating_mul(2).max(1);
        let many = self.lost > LOST && self.lost.saturating_mul(KNOWN_PER_LOST) > self.of_step;
        let known = !self.bad_only && !many;
        let guesses = self.conditions.rate > 0.0;
        if (known && due && self.stable_bad >= FAILURES_TO_GUESS || guesses && !known)
            && (self.window_millis.is_none() || self.open.is_empty())
        {
            self.guess_anew(known);
        }
    }

    #[cold]
    fn guess_anew(&mut self, known: bool) {
        if self.segments.is_full() {
            return;
        }
        self.close(self.opened);
        self.conditions.rate = if known {
            self.guessed_at = self.stable;
            (self.stable_bad as f64 + 0.5) / (self.stable as f64 + 1.0)
        } else {
            self.guessed_at = 0;
            0.0
        };
        self.prepare();
    }

    /// The log factors of the open window after the guard.
    fn damped(&self) -> Damped {
        if self.window_millis.is_none() {
            return Damped::NONE;
        }
        Damped::new(&self.bursts, &self.open.window, self.conditions.share, self.rows.ratio())
    }

    /// Ends the open window; the next begins at `at`.
    fn close(&mut self, at: u64) {
        self.opened = at;
        if self.open.is_empty() {
            return;
        }
        let damped = self.damped();
        self.rows.close(&self.open, damped);
        if let Some(plain) = &mut self.plain {
            self.rows.close_row(&mut plain.sums, BOUND, &self.open, Damped::NONE);
        }
        if self.window_millis.is_some() {
            self.bursts = self.bursts.with(&self.open.window);
        }
        let windows = self.bursts.windows;
        if self.plain.as_ref().and_then(|plain| plain.until).is_some_and(|until| windows >= until) {
            self.forget_plain();
        }
        self.open = Counts::default();
        let smallest = self.smallest(NODES - 1);
        self.rows.keep(&smallest);
    }

    fn open(&self, damped: Damped) -> Open<'_> {
        Open { counts: &self.open, damped, ln_left: self.ln_left() }
    }

    /// The smallest ln E against the ratios up to each place, now.
    fn smallest(&self, upto: usize) -> [f64; NODES] {
        self.rows.smallest(upto, self.open(self.damped()))
    }

    /// Looks for a new maximum of the evidence.
    fn evaluate(&mut self) {
        let is_new = |row: &Row, damped, most: f64| {
            self.rows.ln_e(row, BOUND, self.open(damped), most) > most
        };
        let most = self.rows.largest[BOUND];
        let new = is_new(&self.rows.sums[BOUND], self.damped(), most);
        let suspected = self.plain.as_ref().is_some_and(|plain| {
            plain.until.is_none() && is_new(&plain.sums, Damped::NONE, plain.ln_threshold)
        });
        if new {
            let smallest = self.smallest(BOUND);
            self.rows.keep(&smallest);
        }
        if let Some(plain) = &mut self.plain
            && suspected
        {
            let each = bursts::most(self.conditions.share, self.rows.ratio());
            let windows = (plain.ln_threshold / each).ceil() as u64 + 1;
            plain.until = Some(self.bursts.windows.saturating_add(windows));
        }
    }

    /// The highest row that is excluded at α together with all lower ones; the bound's exactly when an alarm has been
    /// raised.
    pub(crate) fn excluded_row(&self, alpha: Alpha) -> Option<usize> {
        let threshold = alpha.ln_threshold();
        let now = self.smallest(NODES - 1);
        let excluded = |place: &usize| self.rows.largest[*place].max(now[*place]) >= threshold;
        // The bound is judged by the alarm itself.
        let alarms = self.alarm(alpha);
        let places = if alarms { NODES } else { BOUND };
        (0..places).rev().find(|place| alarms && *place == BOUND || excluded(place))
    }

    /// Begins the evidence without the guard again.
    fn forget_plain(&mut self) {
        let begun: f64 = (1..=self.begun).map(|step| self.weight_of(step)).sum();
        if let Some(plain) = &mut self.plain {
            (plain.sums, plain.until) = (self.rows.fresh_row(ln(begun)), None);
        }
    }

    /// φ of the opposite test.
    fn phi(&self) -> f64 {
        if self.window_millis.is_none() {
            return 1.0;
        }
        let bursts = self.bursts.with(&self.open.window);
        bursts.phi(self.conditions.share).max(bursts.phi_stable())
    }

    /// ln E of the null that the ratio is at least `margin`.
    fn ln_e_at_least(&self, margin: f64) -> f64 {
        self.ln_e_of_proof(None, self.rows.ratio(), margin)
    }

    /// The same with the bound that the alternatives are multiples of; with a `cut` the canary's requests above that
    /// latency are the bad ones.
    pub(crate) fn ln_e_of_proof(&self, cut: Option<usize>, ratio: f64, margin: f64) -> f64 {
        if self.window_millis.is_some() && self.bursts.windows < WINDOWS_TO_PROVE {
            return 0.0;
        }
        self.segments.ln_e(cut, ratio, margin, self.phi())
    }
}
