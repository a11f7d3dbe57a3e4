//! The ratio of the canary's rate of bad requests to the stable version's.
//!
//! Used for errors and for slow requests (those over a frozen [`SlowThreshold`](super::SlowThreshold)).
//!
//! **Observation.** Only the bad requests, in order, each with the canary's share ρ of the traffic then in
//! force: y = 1 if the canary served it. Good requests carry no information beyond ρ.
//!
//! **Null.** Whatever came before, a request goes to the canary with probability ρ, and is bad with probability
//! at most r·p there when it is bad with probability p at the stable version. p is unknown and may change with
//! every request (a bad hour hits both versions alike).
//!
//! **Construction.** Given that a request is bad, the canary served it with probability at most
//! q0 = ρr/(ρr + 1 − ρ). With δ in {ln 1.25, ln 1.5, ln 2, ln 3, ln 5, ln 10, ln 20}, equally weighted,
//!
//! E = mean over δ of ∏ e^{δy} / (q0 e^δ + 1 − q0).
//!
//! **Proof sketch.** P(y = 1 | bad, past) = ρ c p/(ρ c p + (1 − ρ) p) with c ≤ r, which grows with c and is q0 at
//! c = r: the unknown p cancels. The factor e^{δy}/(q0 e^δ + 1 − q0) has mean (q e^δ + 1 − q)/(q0 e^δ + 1 − q0)
//! ≤ 1 for every q ≤ q0, δ > 0, so each product is a supermartingale and so is their mean, also when ρ changes
//! by a rule that looks only at the past. This is Wald's likelihood ratio of the Bernoulli y with odds
//! multiplied by e^δ (A. Wald, "Sequential tests of statistical hypotheses", 1945), mixed over δ.
//!
//! **Batches.** While ρ stays the same E depends on the counts alone, so counts per window (as from Prometheus)
//! may be taken in at the window's end; the maximum is then taken over the ends of windows.
//!
//! **Measured shares.** ρ may also be the share that the canary had of the window's requests, instead of the
//! weight configured, when r = 1 and within the window requests of one version are bad independently with one
//! probability: given all totals the canary's bad requests are then hypergeometric or stochastically fewer, and
//! E, convex and growing in that number, has no larger mean than under the binomial (W. Hoeffding, "Probability
//! inequalities for sums of bounded random variables", 1963, theorem 4).
//!
//! **Mirror.** [`EProcess::excludes_harm`] is the opposite test: the null is "the ratio is at least the margin",
//! the mixture is over factors e^δ of 1/1.02, … 1/20 ([`MIRROR`]). Its factors have a mean of at most 1 for every
//! q ≥ q0, δ < 0, for the same reason.
//!
//! **Interval.** The low end inverts the alarm: E of the same δ with r as the variable, at α. q0 grows with r, so
//! every factor and E fall with r; the ratios with E ≥ 1/α are those below one number. The high end inverts the
//! mirror at α: for δ < 0 every factor grows with the margin. Each end alone is right at all times with
//! probability 1 − α. The low end is never above the high one: the logarithm of the product is concave in δ and
//! 0 at δ = 0, so that no ratio has products above 1 for both signs of δ.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::{
    cached::Cached,
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, closed_unit, max_ln_e, positive},
    exact,
    portable::{exp, ln, ln_1p, ln_sum_exp},
    special::bisect,
    strata::{Strata, Stratum},
};

/// e^δ of the harms that the test is a mixture over.
pub const HARMS: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

/// e^{−δ} of the mixture that excludes harm: small steps too, so that it ever excludes more.
pub const MIRROR: [f64; 10] = [1.02, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

/// Room for rounding between the running sums and the closed form.
const SLACK: f64 = 1e-6;

/// Tests that the canary's rate of bad requests is at most `ratio` times the stable version's.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, RateRatio};
///
/// let mut test = RateRatio::new(1.0)?;
/// let alpha = Alpha::new(0.05)?;
/// // The canary gets 10 % of the traffic and yet serves every second error.
/// for error in 0..40 {
///     test.observe(0.1, error % 2 == 0)?;
/// }
/// assert!(test.alarm(alpha));
/// assert!(test.interval(alpha).low > 2.0);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct RateRatio {
    ratio: f64,
    strata: Strata,
    /// Bad requests seen while one version had all the traffic.
    uninformative: u64,
    max_ln_e: f64,
    running: Running,
    mirror: OnceLock<Mirrored>,
    cached: Cached,
}

/// The sums that an observation needs, derived from the strata; they do not change while the share stays the same.
#[derive(Debug, Clone, Default)]
struct Running {
    /// The share for which `at`, `others` and `step` hold; NaN before the first.
    share: f64,
    at: usize,
    /// ln of each product over the strata other than `at`.
    others: [f64; HARMS.len()],
    /// ln(q0 e^δ + 1 − q0) in the stratum `at`.
    step: [f64; HARMS.len()],
    /// The same for every stratum.
    steps: Vec<[f64; HARMS.len()]>,
    /// δ.
    delta: [f64; HARMS.len()],
}

/// The sums that [`EProcess::excludes_harm`] needs for its first margin, derived from the strata: it
/// does not change while the share stays the same.
#[derive(Debug, Clone)]
struct Mirrored {
    margin: f64,
    /// δ, and ln of the mean of e^{δy} in each stratum.
    delta: [f64; MIRROR.len()],
    steps: Vec<[f64; MIRROR.len()]>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    ratio: f64,
    strata: Strata,
    #[serde(default, skip_serializing_if = "is_zero")]
    uninformative: u64,
    #[serde(with = "exact")]
    max_ln_e: f64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<RateRatio> for Saved {
    fn from(test: RateRatio) -> Self {
        let RateRatio { ratio, strata, uninformative, max_ln_e, .. } = test;
        Self { ratio, strata, uninformative, max_ln_e }
    }
}

impl TryFrom<Saved> for RateRatio {
    type Error = super::StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { ratio, strata, uninformative, max_ln_e: maximum } = saved;
        let max_ln_e = max_ln_e(maximum)?;
        let mut test = Self { strata, uninformative, max_ln_e, ..Self::new(ratio)? };
        test.refresh_steps();
        Ok(test)
    }
}

/// Two tests are equal when their null, counts and maximum are.
impl PartialEq for RateRatio {
    fn eq(&self, other: &Self) -> bool {
        self.ratio == other.ratio
            && self.strata == other.strata
            && self.uninformative == other.uninformative
            && self.max_ln_e == other.max_ln_e
    }
}

impl RateRatio {
    /// The test of the null "the canary's rate is at most `ratio` times the stable version's".
    ///
    /// # Errors
    /// When `ratio` is not a finite number greater than 0.
    pub fn new(ratio: f64) -> Result<Self> {
        let ratio = positive("ratio", ratio)?;
        let running = Running { share: f64::NAN, delta: HARMS.map(ln), ..Running::default() };
        Ok(Self {
            ratio,
            strata: Strata::default(),
            uninformative: 0,
            max_ln_e: 0.0,
            running,
            mirror: OnceLock::new(),
            cached: Cached::default(),
        })
    }

    /// The ratio up to which the canary is no worse.
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// Takes one bad request in: `share` is the canary's share of the traffic then in force (0.05 for a weight
    /// of 5), `canary` whether the canary served it.
    ///
    /// While one version has all the traffic (a share of 0 or 1) there is nothing to compare: the request is
    /// counted apart and E stays as it is.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1; nothing is taken in then.
    #[inline]
    pub fn observe(&mut self, share: f64, canary: bool) -> Result<()> {
        self.observe_counts(share, u64::from(canary), u64::from(!canary))
    }

    /// Takes a batch of bad requests in that were served while the share stayed the same; the evidence is
    /// evaluated at its end.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1; nothing is taken in then.
    #[inline]
    pub fn observe_counts(&mut self, share: f64, canary: u64, stable: u64) -> Result<()> {
        // True for NaN too.
        if share != self.running.share {
            closed_unit("share", share)?;
            if share == 0.0 || share == 1.0 {
                self.uninformative =
                    self.uninformative.saturating_add(canary).saturating_add(stable);
                return Ok(());
            }
            self.enter(share);
        }
        self.cached.forget();
        let Some(stratum) = self.strata.get_mut(self.running.at) else { return Ok(()) };
        stratum.canary = stratum.canary.saturating_add(canary);
        stratum.stable = stratum.stable.saturating_add(stable);
        let (seen, total) = (stratum.canary as f64, stratum.total());
        let Running { others, step, delta, .. } = &self.running;
        let mut largest = f64::NEG_INFINITY;
        for i in 0..HARMS.len() {
            let product = others[i] + seen * delta[i] - total * step[i];
            largest = if product > largest { product } else { largest };
        }
        // The mean of the products is at most the largest of them.
        if largest + SLACK * (1.0 + largest.abs()) > self.max_ln_e {
            self.max_ln_e = self.max_ln_e.max(self.ln_e());
        }
        Ok(())
    }

    /// Prepares the running sums for another share.
    #[cold]
    fn enter(&mut self, share: f64) {
        self.mirror.take();
        let at = self.strata.place(share);
        self.refresh_steps();
        let mut others = [0.0; HARMS.len()];
        for (i, (stratum, steps)) in
            self.strata.as_slice().iter().zip(&self.running.steps).enumerate()
        {
            if i != at {
                for (k, other) in others.iter_mut().enumerate() {
                    *other +=
                        stratum.canary as f64 * self.running.delta[k] - stratum.total() * steps[k];
                }
            }
        }
        let step = self.running.steps.get(at).copied().unwrap_or_default();
        self.running = Running { share, at, others, step, ..std::mem::take(&mut self.running) };
    }

    fn refresh_steps(&mut self) {
        let step = |share| HARMS.map(|harm| ln_mean_factor(share, self.ratio, harm));
        self.running.steps = self.strata.as_slice().iter().map(|s| step(s.high)).collect();
    }

    /// ln E of the alarm, were `ratio` its bound.
    fn ln_e_at_most(&self, ratio: f64) -> f64 {
        let products = HARMS.map(|harm| {
            let delta = ln(harm);
            let mut product = 0.0;
            for stratum in self.strata.as_slice() {
                let step = ln_mean_factor(stratum.high, ratio, harm);
                product += stratum.canary as f64 * delta - stratum.total() * step;
            }
            product
        });
        ln_mean(&products)
    }

    fn mirrored(&self, margin: f64) -> Mirrored {
        let factors = MIRROR.map(|factor| 1.0 / factor);
        // The end of the range of shares that makes the evidence smaller.
        let step = |s: &Stratum| factors.map(|factor| ln_mean_factor(s.low, margin, factor));
        let steps = self.strata.as_slice().iter().map(step).collect();
        Mirrored { margin, delta: factors.map(ln), steps }
    }

    /// ln of each product of the null that the ratio is at least the margin.
    fn mirror_products(&self, mirrored: &Mirrored) -> [f64; MIRROR.len()] {
        let mut products = [0.0; MIRROR.len()];
        for (stratum, steps) in self.strata.as_slice().iter().zip(&mirrored.steps) {
            for (k, product) in products.iter_mut().enumerate() {
                *product += stratum.canary as f64 * mirrored.delta[k] - stratum.total() * steps[k];
            }
        }
        products
    }

    /// ln E of the null that the ratio is `ratio` or more.
    fn ln_e_at_least(&self, ratio: f64) -> f64 {
        ln_mean(&self.mirror_products(&self.mirrored(ratio)))
    }

    /// Returns true when that is at least `threshold`.
    fn reaches_at_least(&self, margin: f64, threshold: f64) -> bool {
        let mirrored = self.mirror.get_or_init(|| self.mirrored(margin));
        if mirrored.margin != margin {
            return self.ln_e_at_least(margin) >= threshold;
        }
        let products = self.mirror_products(mirrored);
        // The mean of the products is at most the largest of them.
        let largest = products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        largest + SLACK * (1.0 + largest.abs()) >= threshold && ln_mean(&products) >= threshold
    }

    fn totals(&self) -> (u64, u64) {
        self.strata.as_slice().iter().fold((0, 0), |(canary, stable), stratum| {
            (canary.saturating_add(stratum.canary), stable.saturating_add(stratum.stable))
        })
    }
}

/// The probability that the canary served a bad request when its rate is `ratio` times the stable version's.
fn null_probability(share: f64, ratio: f64) -> f64 {
    if ratio == f64::INFINITY {
        return 1.0;
    }
    let odds = share * ratio;
    odds / (odds + (1.0 - share))
}

/// ln of the mean of `factor`^y under that probability.
fn ln_mean_factor(share: f64, ratio: f64, factor: f64) -> f64 {
    ln_1p(null_probability(share, ratio) * (factor - 1.0))
}

/// ln of the mean of numbers that are given by their logarithms.
fn ln_mean(products: &[f64]) -> f64 {
    ln_sum_exp(products) - ln(products.len() as f64)
}

/// The range of the logarithm of the ratio in which the estimate is sought.
const LN_RANGE: f64 = 30.0;

impl EProcess for RateRatio {
    fn ln_e(&self) -> f64 {
        let mut products = [0.0; HARMS.len()];
        for (stratum, steps) in self.strata.as_slice().iter().zip(&self.running.steps) {
            for (k, product) in products.iter_mut().enumerate() {
                *product +=
                    stratum.canary as f64 * self.running.delta[k] - stratum.total() * steps[k];
            }
        }
        ln_mean(&products)
    }

    fn max_ln_e(&self) -> f64 {
        self.max_ln_e
    }

    /// The ratio up to which the canary is no worse.
    fn bound(&self) -> f64 {
        self.ratio
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let (canary, stable) = self.totals();
        vec![
            ("bad canary requests", canary),
            ("bad stable requests", stable),
            ("bad requests without a split", self.uninformative),
        ]
    }

    /// The ratio under which the observed bad requests are most likely; infinite when only the canary had any.
    fn estimate(&self) -> Option<f64> {
        match self.totals() {
            (0, 0) => None,
            (0, _) => Some(0.0),
            (_, 0) => Some(f64::INFINITY),
            (canary, _) => {
                let expected = |ln_ratio: f64| -> f64 {
                    let ratio = exp(ln_ratio);
                    let strata = self.strata.as_slice().iter();
                    strata
                        .map(|s| s.total() * null_probability(0.5 * (s.low + s.high), ratio))
                        .sum()
                };
                Some(exp(bisect(-LN_RANGE, LN_RANGE, |x| expected(x) < canary as f64)))
            }
        }
    }

    /// The ratios that are not excluded: above the low end those that the alarm leaves, below the high end those
    /// that [`excludes_harm`](EProcess::excludes_harm) leaves.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let range = (0.0, f64::INFINITY);
        let bound = (self.ratio, self.ln_e() >= threshold);
        Interval {
            low: ends::alarm_end(bound, range, |ratio| self.ln_e_at_most(ratio) >= threshold),
            high: ends::first_kept(range.1, range.0, |ratio| {
                self.ln_e_at_least(ratio) >= threshold
            }),
        }
    }

    /// Tests whether a ratio of `margin` or more (1.5: half as many again) is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let margin = positive("margin", margin)?;
        Ok(self.cached.or(margin, alpha, || self.reaches_at_least(margin, alpha.ln_threshold())))
    }
}
