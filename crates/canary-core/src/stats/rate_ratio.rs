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
//! **Mirror.** The confidence sequence of the ratio inverts the test for every r, with both signs of δ and a
//! finer grid ([`MIRROR`]); each side has α/2. [`EProcess::excludes_harm`] is the opposite test: the null is
//! "the ratio is at least the margin".

use serde::{Deserialize, Serialize};

use super::{
    e_process::{Alpha, EProcess, Interval},
    error::{Result, closed_unit, max_ln_e, positive},
    exact,
    portable::{exp, ln, ln_1p, ln_sum_exp},
    special::bisect,
    strata::{Strata, Stratum},
};

/// e^δ of the harms that the test is a mixture over.
pub const HARMS: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

/// e^{|δ|} of the mixture behind the confidence sequence: small steps too, so that it keeps shrinking.
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
}

/// What an observation needs, derived from the strata: sums that do not change while the share stays the same.
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
        Ok(Self { ratio, strata: Strata::default(), uninformative: 0, max_ln_e: 0.0, running })
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
        let odds = |stratum: &Stratum| null_probability(stratum.high, self.ratio);
        self.running.steps = self
            .strata
            .as_slice()
            .iter()
            .map(|stratum| HARMS.map(|harm| ln_1p(odds(stratum) * (harm - 1.0))))
            .collect();
    }

    /// ln of the mixture over e^δ in [`MIRROR`] (`worse`) or its inverses, for the null that the ratio is
    /// `ratio` or less (`worse`) or `ratio` or more.
    fn ln_mirror(&self, ratio: f64, worse: bool) -> f64 {
        let products = MIRROR.map(|factor| {
            let factor = if worse { factor } else { 1.0 / factor };
            let delta = ln(factor);
            let mut product = 0.0;
            for stratum in self.strata.as_slice() {
                // The end of the range of shares that makes the evidence smaller.
                let share = if worse { stratum.high } else { stratum.low };
                let step = ln_1p(null_probability(share, ratio) * (factor - 1.0));
                product += stratum.canary as f64 * delta - stratum.total() * step;
            }
            product
        });
        ln_sum_exp(&products) - ln(MIRROR.len() as f64)
    }

    fn totals(&self) -> (u64, u64) {
        self.strata.as_slice().iter().fold((0, 0), |(canary, stable), stratum| {
            (canary.saturating_add(stratum.canary), stable.saturating_add(stratum.stable))
        })
    }
}

/// The probability that the canary served a bad request when its rate is `ratio` times the stable version's.
fn null_probability(share: f64, ratio: f64) -> f64 {
    let odds = share * ratio;
    odds / (odds + (1.0 - share))
}

/// The range of the logarithm of a ratio that is looked at: beyond 10^±13 a limit counts as none.
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
        ln_sum_exp(&products) - ln(HARMS.len() as f64)
    }

    fn max_ln_e(&self) -> f64 {
        self.max_ln_e
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

    /// The ratios that are not excluded.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.half().ln_threshold();
        let above = |x: f64| self.ln_mirror(exp(x), true) >= threshold;
        let below = |x: f64| self.ln_mirror(exp(x), false) >= threshold;
        Interval {
            low: if above(-LN_RANGE) { exp(bisect(-LN_RANGE, LN_RANGE, above)) } else { 0.0 },
            high: if below(LN_RANGE) {
                exp(bisect(-LN_RANGE, LN_RANGE, |x| !below(x)))
            } else {
                f64::INFINITY
            },
        }
    }

    /// Whether a ratio of `margin` or more (1.5: half as many again) is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        Ok(self.ln_mirror(positive("margin", margin)?, false) >= alpha.ln_threshold())
    }
}
