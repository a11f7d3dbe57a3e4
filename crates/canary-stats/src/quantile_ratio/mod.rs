//! The ratio of a quantile of the canary's latency to the same quantile of the stable version's.
//!
//! **Observation.** Every request of both versions, in the order of sending: the canary's share ρ of the traffic when it
//! was sent, which version served it, and its latency. A failed request counts as slower than any latency. The first
//! latencies of the stable version (500, which may come before the canary has any traffic) only choose the threshold x,
//! the upper edge of the bucket of their quantile, and are not judged.
//!
//! **Null.** Given the past, a request goes to the canary with probability ρ, and P(L_c > κx) ≤ P(L_s > x), where κ is
//! the ratio of the quantiles that is allowed. Where x is the stable version's true p-quantile and its law is
//! continuous, this says exactly that the canary's p-quantile is at most κ times the stable version's. The latencies
//! may depend on each other through what is common to both versions, and their laws may change with every request.
//!
//! **Construction.** [`RateRatio`] with the ratio 1: a request of the stable version is bad above x, one of the canary
//! above κx. The guess of the stable rate begins with 1 − p. Steps at which harm may begin, the guard against bursts and
//! its `is_unconfirmed` are those of that test.
//!
//! **Proof.** x is chosen by requests before the first one that is judged. Given the past, whether a request is bad is one
//! event with the probability p_c at the canary and p_s at the stable version, and p_c ≤ p_s is the null of [`RateRatio`],
//! whose factors have a mean of at most 1 for every such pair, however it changes with the past. So E is at most a
//! nonnegative supermartingale, and Ville's inequality bounds the false alarms. Nothing is assumed to be identically
//! distributed. Comparing a confidence sequence of each version's own quantile (S. Howard, A. Ramdas, "Sequential
//! estimation of quantiles with applications to A/B testing and best-arm identification", Bernoulli 28(3), 2022) assumes
//! that: when the share grows while everything becomes slower, the canary's latencies are the later ones, and it alarms
//! though both versions are alike. [`Quantiles`] has these sequences for display.
//!
//! **Interval.** The same evidence is kept for sixteen values κ_j = κ·2^{j/8}, j = −7 … 8: only the canary's counts
//! above κ_j·x differ. A larger κ_j turns bad requests of the canary into good ones and lowers E. The low end is the
//! largest κ_j that is excluded together with all smaller ones; it lies beyond κ exactly when an alarm has been raised.
//!
//! **Promotion.** [`EProcess::excludes_harm`] has the null P(L_c > mx) ≥ P(L_s > x) for a margin m: the opposite test
//! of [`RateRatio`] with the canary's counts above mx. A canary as fast as the stable version has fewer bad requests
//! there; the factor is estimated from the first latencies. The margin of [`QuantileRatio::margin`] is tested itself,
//! any other at the largest κ_j below it. The high end is the smallest of these values that is excluded now together
//! with all larger ones. Each end alone holds at all times with probability 1 − α, for a ratio that stays the same.

mod saved;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::saved::Saved;
use super::{
    e_process::{Alpha, EProcess, Interval},
    error::{Result, check, closed_unit, positive},
    quantile::{Quantiles, SlowThreshold, edge, upper_edge},
    rate_ratio::{BOUND, CUTS, NODES, RateRatio},
    stream::Window,
};

/// The stable version's latencies that choose the threshold.
const WARMUP: u64 = 500;
/// The margin that the promotion is tuned for if none is stated, as a multiple of the bound: 2^{1/4}.
const AIMED: i16 = 4;
/// The smallest and the largest ratio of rates that a healthy canary is expected to have above the margin.
const HEALTHY: (f64, f64) = (0.05, 0.95);

/// Tests that a quantile of the canary's latency is at most `at_most` times the stable version's.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, QuantileRatio, Random};
///
/// let mut p95 = QuantileRatio::new(0.95, 1.1)?; // 10 % slower is allowed
/// let mut random = Random::new(1);
/// for at in 0..6000 {
///     let canary = random.bernoulli(0.3);
///     let slower = if canary { 1.5 } else { 1.0 };
///     p95.observe(at, 0.3, canary, Some(slower * random.log_normal(3.0, 0.4)))?; // milliseconds
/// }
/// let alpha = Alpha::new(0.05)?;
/// assert!(p95.alarm(alpha));
/// let interval = p95.interval(alpha);
/// assert!(interval.low > 1.1 && interval.contains(1.5));
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct QuantileRatio {
    quantile: f64,
    at_most: f64,
    warmup: u64,
    margin: Option<f64>,
    threshold: Threshold,
    test: RateRatio,
    /// For display: the latencies judged.
    canary: Latencies,
    stable: Latencies,
}

/// x: still being learned, or frozen.
#[derive(Debug, Clone, PartialEq)]
enum Threshold {
    Learning(SlowThreshold),
    Frozen(Box<Frozen>),
}

/// The threshold and what follows from it.
#[derive(Debug, Clone, PartialEq)]
struct Frozen {
    /// The bucket whose upper edge x is.
    bucket: i16,
    /// The ratio of rates above the margin that the proof is tuned for.
    aim: f64,
    x: f64,
    /// κ_j·x, and the margin's.
    cuts: [f64; CUTS],
}

/// The latencies of one version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latencies {
    served: Quantiles,
    failed: u64,
}

impl Latencies {
    fn observe(&mut self, latency: Option<f64>) -> Result<()> {
        match latency {
            Some(latency) => self.served.observe(latency)?,
            None => self.failed = self.failed.saturating_add(1),
        }
        Ok(())
    }
}

impl QuantileRatio {
    /// The test of the null "the canary's `quantile` of the latency is at most `at_most` times the stable version's".
    ///
    /// The threshold is chosen by the first 500 latencies of the stable version, or by as many as have one above the
    /// quantile; harm is looked for from the beginning; without a guard against bursts.
    ///
    /// # Errors
    /// When `quantile` is not strictly between 0 and 1, or `at_most` is not a finite number greater than 0.
    pub fn new(quantile: f64, at_most: f64) -> Result<Self> {
        let warmup = WARMUP.max((1.0 / (1.0 - quantile)).ceil() as u64);
        Self::with_warmup(quantile, positive("at_most", at_most)?, warmup)
    }

    fn with_warmup(quantile: f64, at_most: f64, warmup: u64) -> Result<Self> {
        Ok(Self {
            quantile,
            at_most,
            warmup,
            margin: None,
            threshold: Threshold::Learning(SlowThreshold::new(quantile, warmup)?),
            test: RateRatio::of_levels(1.0 - quantile, warmup),
            canary: Latencies::default(),
            stable: Latencies::default(),
        })
    }

    /// Chooses the threshold by the first `latencies` of the stable version. Call it before the other settings.
    ///
    /// # Errors
    /// When they are too few to have one above the quantile, or an observation has been added already.
    pub fn warmup(self, latencies: u64) -> Result<Self> {
        self.check_unused()?;
        Self::with_warmup(self.quantile, self.at_most, latencies)
    }

    /// Looks for harm that begins at any of so many steps; [`begin_step`](Self::begin_step) says when one begins. Call
    /// it before the first observation.
    #[must_use]
    pub fn starts(mut self, steps: u32) -> Self {
        self.test = self.test.starts(steps);
        self
    }

    /// States the margin of the promotion, a ratio of the quantiles: it is then tested itself.
    ///
    /// # Errors
    /// When `margin` is not a finite number greater than 0, or an observation has been added already.
    pub fn margin(mut self, margin: f64) -> Result<Self> {
        self.check_unused()?;
        self.margin = Some(positive("margin", margin)?);
        Ok(self)
    }

    /// Limits what the requests of any `millis` milliseconds can say, so that slow requests that come together are not
    /// taken for harm; see [`RateRatio::bursts`]. Call it before the first observation.
    ///
    /// # Errors
    /// When `millis` is 0.
    pub fn bursts(mut self, millis: u64, alpha: Alpha) -> Result<Self> {
        self.test = self.test.bursts(millis, alpha)?;
        Ok(self)
    }

    fn check_unused(&self) -> Result<()> {
        let seen = match &self.threshold {
            Threshold::Learning(learned) => learned.seen().len(),
            Threshold::Frozen(_) => self.warmup,
        };
        check("latencies", seen as f64, "0 when the test is set up", seen == 0).map(|_| ())
    }

    /// The quantile, strictly between 0 and 1.
    pub fn quantile(&self) -> f64 {
        self.quantile
    }

    /// The threshold x in the unit of the latencies; `None` until it is frozen.
    pub fn threshold(&self) -> Option<f64> {
        match &self.threshold {
            Threshold::Learning(_) => None,
            Threshold::Frozen(frozen) => Some(frozen.x),
        }
    }

    /// The latencies of the stable version still to come before the threshold is frozen.
    pub fn missing(&self) -> u64 {
        match &self.threshold {
            Threshold::Learning(learned) => learned.missing(),
            Threshold::Frozen(_) => 0,
        }
    }

    /// The windows of the guard that have ended and had requests.
    pub fn windows(&self) -> u64 {
        self.test.windows()
    }

    /// Returns true while slow requests are either harm or a burst; see [`RateRatio::is_unconfirmed`].
    pub fn is_unconfirmed(&self) -> bool {
        self.test.is_unconfirmed()
    }

    /// Adds one request that was sent at `at` milliseconds: `share` is the canary's share of the traffic then, `canary`
    /// whether the canary served it, `latency` how long it took in any unit, `None` when it failed.
    ///
    /// Requests come in the order of sending. Until the threshold is frozen, the stable version's latencies determine
    /// it, and everything else is ignored. Afterwards, while one version has all the traffic (a share of 0 or 1), there
    /// is nothing to compare: a bad request is counted separately, and E does not change.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1, or `latency` not a finite number of at least 0; then nothing is added.
    pub fn observe(
        &mut self,
        at: u64,
        share: f64,
        canary: bool,
        latency: Option<f64>,
    ) -> Result<()> {
        closed_unit("share", share)?;
        if let Some(latency) = latency {
            let holds = latency >= 0.0 && latency.is_finite();
            check("latency", latency, "a finite number of at least 0", holds)?;
        }
        let frozen = match &mut self.threshold {
            Threshold::Frozen(frozen) => frozen,
            Threshold::Learning(learned) => {
                if let (false, Some(latency)) = (canary, latency) {
                    learned.observe(latency)?;
                    if let Some(bucket) = learned.bucket() {
                        let aim = aim(learned.seen(), bucket, self.margin, self.at_most);
                        let frozen = Frozen::new(bucket, aim, self.margin, self.at_most);
                        self.threshold = Threshold::Frozen(Box::new(frozen));
                    }
                }
                return Ok(());
            }
        };
        let is_above = |cut: f64| u64::from(latency.is_none_or(|latency| latency > cut));
        // Most requests are not above any of them.
        let (window, above) = if canary && latency.is_none_or(|latency| latency > frozen.least()) {
            let above = frozen.cuts.map(is_above);
            (Window { canary: 1, canary_bad: above[BOUND], ..Window::default() }, Some(above))
        } else if canary {
            (Window { canary: 1, ..Window::default() }, None)
        } else {
            (Window { stable: 1, stable_bad: is_above(frozen.x), ..Window::default() }, None)
        };
        if share > 0.0 && share < 1.0 {
            let arm = if canary { &mut self.canary } else { &mut self.stable };
            arm.observe(latency)?;
        }
        self.test.take(at, share, &window, above.as_ref())
    }

    /// Counts requests whose version or latency is not known. When they are more than one in two hundred of a step, the
    /// requests that are not bad no longer count in it.
    pub fn lose(&mut self, requests: u64) {
        self.test.lose(requests);
    }

    /// Begins a step of the rollout, at which harm may begin.
    pub fn begin_step(&mut self) {
        self.test.begin_step();
    }

    /// The ratios for which the promotion's evidence is kept, ascending, each with the place of its counts.
    fn margins(&self) -> Vec<(f64, usize)> {
        let nodes = (0..NODES).map(|place| (node(self.at_most, place), place));
        let mut margins: Vec<_> = nodes.chain(self.margin.map(|margin| (margin, NODES))).collect();
        margins.sort_by(|a, b| a.0.total_cmp(&b.0));
        margins
    }

    /// Returns true when the ratio whose counts are at a place, or a larger one, is excluded.
    fn is_proven(&self, cut: usize, alpha: Alpha) -> bool {
        let Threshold::Frozen(frozen) = &self.threshold else { return false };
        self.test.ln_e_of_proof(Some(cut), frozen.aim, 1.0) >= alpha.ln_threshold()
    }

    /// The low end of the interval.
    fn low(&self, alpha: Alpha) -> f64 {
        self.test.excluded_row(alpha).map_or(0.0, |place| node(self.at_most, place).next_up())
    }

    /// The smallest ratio that is excluded together with all larger ones; infinite when none is.
    fn least_proven(&self, alpha: Alpha) -> f64 {
        let margins = self.margins().into_iter().rev();
        let proven = margins.take_while(|(_, cut)| self.is_proven(*cut, alpha));
        proven.last().map_or(f64::INFINITY, |(margin, _)| margin)
    }
}

/// κ_j at a place.
fn node(at_most: f64, place: usize) -> f64 {
    at_most * edge(2 * (place as i16 - BOUND as i16))
}

/// The ratio of the rates of a canary as fast as the stable version, above the margin's cut and above x.
fn aim(seen: &Quantiles, bucket: i16, margin: Option<f64>, at_most: f64) -> f64 {
    let x = upper_edge(bucket);
    let margin = margin.unwrap_or(at_most * edge(AIMED));
    let (above, bad) = (seen.from(margin * x) as f64, seen.from(x) as f64);
    ((above + 0.5) / (bad + 1.0)).clamp(HEALTHY.0, HEALTHY.1)
}

impl Frozen {
    fn new(bucket: i16, aim: f64, margin: Option<f64>, at_most: f64) -> Self {
        let x = upper_edge(bucket);
        let margin = margin.unwrap_or(f64::INFINITY);
        let of = |place| if place < NODES { node(at_most, place) } else { margin };
        Self { bucket, aim, x, cuts: std::array::from_fn(|place| of(place) * x) }
    }

    /// The lowest of the canary's thresholds.
    fn least(&self) -> f64 {
        self.cuts[0].min(self.cuts[NODES])
    }
}

impl EProcess for QuantileRatio {
    fn ln_e(&self) -> f64 {
        self.test.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.test.max_ln_e()
    }

    /// The bad requests are those above the version's threshold.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts = self.test.counts();
        counts.push(("stable requests before the threshold", self.warmup - self.missing()));
        counts
    }

    /// The ratio of the two versions' observed quantiles since the threshold is frozen, for display: it is not
    /// corrected for changes of the traffic between the shares.
    fn estimate(&self) -> Option<f64> {
        let of = |arm: &Latencies| arm.served.estimate_with(self.quantile, arm.failed);
        let ratio = of(&self.canary)? / of(&self.stable)?;
        (!ratio.is_nan()).then_some(ratio)
    }

    /// The ratio of the quantiles up to which the canary is no slower.
    fn bound(&self) -> f64 {
        self.at_most
    }

    fn interval(&self, alpha: Alpha) -> Interval {
        let (low, proven) = (self.low(alpha), self.least_proven(alpha));
        let high = if proven.is_finite() { proven.next_down() } else { proven };
        Interval { low, high: high.max(low) }
    }

    /// Tests whether a ratio of the quantiles of `margin` or more is excluded now, and an alarm does not exclude a
    /// ratio of `margin`.
    ///
    /// The margin of [`margin`](Self::margin) is tested itself, any other at the largest κ_j that is not above it.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        positive("margin", margin)?;
        let margins = self.margins();
        let place = margins.partition_point(|(kept, _)| *kept <= margin);
        let Some(&(kept, cut)) = margins[..place].last() else { return Ok(false) };
        // The larger ones, and what the alarm excludes, are looked at only when this one is excluded.
        Ok(self.is_proven(cut, alpha)
            && self.least_proven(alpha) <= kept
            && margin > self.low(alpha))
    }
}
