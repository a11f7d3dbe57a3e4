//! The means of a bounded value in two arms, unpaired.
//!
//! **Observation.** The share ρ of the traffic that the canary gets, whether the canary served the request, and a value
//! x in a known range [low, high], such as a conversion or an amount of revenue.
//!
//! **Null.** With X = (x − low)/(high − low), or (high − x)/(high − low) where lower values are better: E[X | canary,
//! past] ≥ E[X | stable, past] − m, m the margin on the scale of X. Both means may change with every request.
//! *Assumption*: a request goes to the canary with probability ρ, given the past.
//!
//! **Construction.** With A = 1 for the canary and 0 for the stable version, and μ̂_c, μ̂_s the means of the arms *before*
//! this request,
//!
//! Z = (X − b)(A/ρ − (1 − A)/(1 − ρ)), b = (1 − ρ)μ̂_c + ρμ̂_s
//!
//! has the difference of the means, canary − stable, as its conditional mean for every b; this b makes its variance
//! small. Half of E is ∏ (1 − λ(Z + m)) with
//!
//! λ = g/(v̂_c/ρ + v̂_s/(1 − ρ) + g²), g = μ̂_s − μ̂_c − m, not below 0 nor above 0.9/M,
//!
//! M = max((1 − b)/ρ, b/(1 − ρ)) + m the largest value of Z + m, and v̂_c, v̂_s the variances before this request. Means
//! and variances begin with one value of ½ and the variance ¼. The other half is the mean over seven fixed
//! λ = 0.5·2^{−j}/M.
//!
//! **Proof.** Each factor is at least 0.1 and depends, except for Z, on the past alone; under the null E[Z + m | past] ≥ 0, so
//! that its conditional mean is at most 1. Source: I. Waudby-Smith, L. Wu, A. Ramdas, N. Karampatziakis, P. Mineiro,
//! "Anytime-valid off-policy inference for contextual bandits", ACM/IMS Journal of Data Science 1(3), 2024.
//!
//! **Mirror.** [`EProcess::excludes_harm`] is the same test with the arms exchanged: b stays, Z changes its sign.
//!
//! **Interval.** Both tests are kept for 33 differences δ, −m always one of them: M_j = max(…) − δ_j and λ_j = min(λ,
//! 0.9/M_j). For one Z every factor grows with δ_j, and so does the evidence. The ends are found as those of
//! [`bounded_mean`](super::bounded_mean): the alarm's by running maxima, the mirror's by the present evidence. Each end
//! alone holds at all times with probability 1 − α, for differences that stay the same.

use serde::{Deserialize, Serialize};

use super::{
    arm_values::ArmValues,
    capitals::{self, Capitals},
    e_process::{Alpha, EProcess, Interval},
    error::{Result, StatsError, check, closed_unit},
    exact, nodes,
};

/// The fixed values of λM: 0.5, 0.25, … 0.5/2⁶.
const FIXED: [f64; 7] = [0.5, 0.25, 0.125, 0.062_5, 0.031_25, 0.015_625, 0.007_812_5];
/// The largest λM.
const MOST: f64 = 0.9;
/// A margin keeps at least this part of the range between it and its end.
const LEAST: f64 = 1e-9;

/// Tests that the mean of a bounded value is not lower in the canary than in the stable version, except for a margin.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, MeanDifference, Random};
///
/// let mut revenue = MeanDifference::new(0.5, 0.0, 100.0)?; // half a unit less a request is allowed
/// let mut random = Random::new(7);
/// for _ in 0..4000 {
///     let canary = random.bernoulli(0.3);
///     let buys = random.bernoulli(if canary { 0.2 } else { 0.4 });
///     revenue.observe(0.3, canary, if buys { 60.0 } else { 0.0 })?;
/// }
/// let alpha = Alpha::new(0.05)?;
/// assert!(revenue.alarm(alpha));
/// assert!(revenue.interval(alpha).contains(-12.0)); // (0.2 − 0.4)·60
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct MeanDifference {
    allowed: f64,
    low: f64,
    high: f64,
    lower_is_better: bool,
    /// The margin of [`MeanDifference::with_margin`].
    margin: Option<f64>,
    canary: ArmValues,
    stable: ArmValues,
    /// Σ Z.
    sum: f64,
    undivided: u64,
    /// The evidence against the null "at least this difference", and against the null "at most this difference".
    alarm: Side,
    proof: Side,
}

/// The evidence of one direction at each of its nodes.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    /// The differences canary − stable in the unit of the values, positive where the canary is the better one, ascending;
    /// and the node whose λ is used at all.
    differences: Vec<f64>,
    aim: usize,
    /// The same as differences of X.
    scaled: Vec<f64>,
    capitals: Capitals<8>,
}

/// The estimates by which an observation is judged.
#[derive(Debug, Clone, Copy)]
struct Past {
    /// μ̂_c − μ̂_s, and the variance of Z there.
    difference: f64,
    variance: f64,
}

impl Side {
    fn new(differences: Vec<f64>, aim: usize, range: f64) -> Self {
        let scaled: Vec<f64> = differences.iter().map(|difference| difference / range).collect();
        Self { differences, aim, capitals: Capitals::new(scaled.len()), scaled }
    }

    /// Adds Z, at most `most`, with the sign for which large values are good: −1 with the arms exchanged.
    #[inline]
    fn observe(&mut self, sign: f64, z: f64, most: f64, past: Past) {
        let gap = sign * (self.scaled[self.aim] - past.difference);
        let lambda = (gap / (past.variance + gap * gap)).max(0.0);
        for (row, difference) in self.capitals.rows_mut().zip(&self.scaled) {
            let margin = -sign * difference;
            let most = most + margin;
            let taken = (z + margin) / most;
            let adaptive =
                if lambda * most < MOST { 1.0 - lambda * (z + margin) } else { 1.0 - MOST * taken };
            let mut factors = [adaptive; 8];
            for (factor, fixed) in factors[1..].iter_mut().zip(FIXED) {
                *factor = 1.0 - fixed * taken;
            }
            row.play(factors);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    allowed: f64,
    #[serde(with = "exact")]
    low: f64,
    #[serde(with = "exact")]
    high: f64,
    lower_is_better: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    margin: Option<f64>,
    canary: ArmValues,
    stable: ArmValues,
    #[serde(with = "exact")]
    sum: f64,
    undivided: u64,
    alarm: capitals::Saved,
    proof: capitals::Saved,
}

impl From<MeanDifference> for Saved {
    fn from(test: MeanDifference) -> Self {
        let MeanDifference { allowed, low, high, lower_is_better, margin, .. } = test;
        let MeanDifference { canary, stable, sum, undivided, alarm, proof, .. } = test;
        let (alarm, proof) = ((&alarm.capitals).into(), (&proof.capitals).into());
        Self {
            allowed,
            low,
            high,
            lower_is_better,
            margin,
            canary,
            stable,
            sum,
            undivided,
            alarm,
            proof,
        }
    }
}

impl TryFrom<Saved> for MeanDifference {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let mut test = Self::new(saved.allowed, saved.low, saved.high)?;
        test.lower_is_better = saved.lower_is_better;
        if let Some(margin) = saved.margin {
            test = test.with_margin(margin)?;
        }
        check("sum", saved.sum, "a finite number", saved.sum.is_finite())?;
        (test.canary, test.stable) = (saved.canary, saved.stable);
        (test.sum, test.undivided) = (saved.sum, saved.undivided);
        let values = test.values();
        for (side, saved) in [(&mut test.alarm, &saved.alarm), (&mut test.proof, &saved.proof)] {
            side.capitals = Capitals::restore(saved, side.differences.len(), values)?;
        }
        Ok(test)
    }
}

impl MeanDifference {
    /// The test of the null "the canary's mean is at most `margin` lower than the stable version's", for values from
    /// `low` to `high` of which high ones are good.
    ///
    /// # Errors
    /// When `low` or `high` is not finite, or `margin` is not from 0 to less than their distance.
    pub fn new(margin: f64, low: f64, high: f64) -> Result<Self> {
        check("low", low, "a finite number", low.is_finite())?;
        let range = high - low;
        check("high", high, "a finite number above `low`", range > 0.0 && range.is_finite())?;
        check_margin(margin, range)?;
        let bound = 0.0 - margin;
        let differences = nodes::grid(bound, -range, range);
        let aim = differences.partition_point(|difference| *difference < bound);
        let side = Side::new(differences, aim, range);
        Ok(Self {
            allowed: margin,
            low,
            high,
            lower_is_better: false,
            margin: None,
            canary: ArmValues::default(),
            stable: ArmValues::default(),
            sum: 0.0,
            undivided: 0,
            alarm: side.clone(),
            proof: side,
        })
    }

    /// Makes low values the good ones: the null is "the canary's mean is at most `margin` higher".
    ///
    /// # Errors
    /// When a value has been added already.
    pub fn lower_is_better(mut self) -> Result<Self> {
        self.check_unused()?;
        self.lower_is_better = true;
        Ok(self)
    }

    /// Makes `margin` the harm at which [`excludes_harm`](EProcess::excludes_harm) is the strongest, and a node of it.
    ///
    /// Without this call its λ is tuned for the margin of the null, and any other margin is decided at the next node of
    /// less harm: if that node is excluded, so is the margin.
    ///
    /// # Errors
    /// When `margin` is not from 0 to less than `high` − `low`, or a value has been added already.
    pub fn with_margin(mut self, margin: f64) -> Result<Self> {
        self.check_unused()?;
        let range = self.high - self.low;
        check_margin(margin, range)?;
        let mut differences = self.alarm.differences.clone();
        let aim = nodes::place(&mut differences, 0.0 - margin);
        self.proof = Side::new(differences, aim, range);
        self.margin = Some(margin);
        Ok(self)
    }

    fn check_unused(&self) -> Result<()> {
        let values = self.values();
        check("values", values as f64, "0 when the test is set up", values == 0).map(|_| ())
    }

    /// The fall of the mean, or its rise where lower is better, that is allowed.
    pub fn margin(&self) -> f64 {
        self.allowed
    }

    /// The least and the largest value allowed.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Returns true where low values are the good ones.
    pub fn is_lower_better(&self) -> bool {
        self.lower_is_better
    }

    /// The number of values seen while the traffic was divided.
    pub fn values(&self) -> u64 {
        self.canary.count().saturating_add(self.stable.count())
    }

    /// Adds the value of one request that was sent while the canary's share of the traffic was `share`.
    ///
    /// At a share of 0 or 1 there is nothing to compare: the value is counted separately and is not evidence.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1, or `value` not from `low` to `high`; then nothing is added.
    pub fn observe(&mut self, share: f64, canary: bool, value: f64) -> Result<()> {
        closed_unit("share", share)?;
        let holds = self.low <= value && value <= self.high;
        check("value", value, "a number in the range of the values", holds)?;
        let rest = 1.0 - share;
        if share <= 0.0 || rest <= 0.0 {
            self.undivided = self.undivided.saturating_add(1);
            return Ok(());
        }
        let up = if self.lower_is_better { self.high - value } else { value - self.low };
        let x = up / (self.high - self.low);
        let (of_canary, of_stable) = (self.canary.mean(), self.stable.mean());
        let b = rest * of_canary + share * of_stable;
        let z = if canary { (x - b) / share } else { (b - x) / rest };
        let past = Past {
            difference: of_canary - of_stable,
            variance: self.canary.variance() / share + self.stable.variance() / rest,
        };
        self.alarm.observe(1.0, z, f64::max((1.0 - b) / share, b / rest), past);
        self.proof.observe(-1.0, -z, f64::max((1.0 - b) / rest, b / share), past);
        if canary {
            self.canary.observe(x);
        } else {
            self.stable.observe(x);
        }
        self.sum += z;
        let values = self.values();
        self.alarm.capitals.settle(values);
        self.proof.capitals.settle(values);
        Ok(())
    }

    /// A difference that is positive where the canary is better as canary − stable, or the other way round.
    fn turned(&self, difference: f64) -> f64 {
        if self.lower_is_better { 0.0 - difference } else { difference }
    }

    /// The interval's ends as differences that are positive where the canary is better.
    fn ends(&self, alpha: Alpha) -> (f64, f64) {
        let threshold = alpha.ln_threshold();
        let (alarm, proof) = (&self.alarm, &self.proof);
        let lowest = nodes::lowest_excluded(alarm.differences.len(), alarm.aim, |node| {
            alarm.capitals.row(node).max_ln_e() >= threshold
        });
        let highest = nodes::excluded_from_below(proof.differences.len(), |node| {
            proof.capitals.row(node).ln_e() >= threshold
        });
        let range = self.high - self.low;
        let high = lowest.map_or(range, |node| alarm.differences[node].next_down());
        let low = highest.map_or(-range, |node| proof.differences[node].next_up());
        (low.min(high), high)
    }
}

fn check_margin(margin: f64, range: f64) -> Result<()> {
    let holds = 0.0 <= margin && range - margin >= LEAST * range;
    check("margin", margin, "a number from 0 to less than the range", holds).map(|_| ())
}

impl EProcess for MeanDifference {
    fn ln_e(&self) -> f64 {
        self.alarm.capitals.row(self.alarm.aim).ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.alarm.capitals.row(self.alarm.aim).max_ln_e()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("canary values", self.canary.count()),
            ("stable values", self.stable.count()),
            ("values at 0 or 100 %", self.undivided),
        ]
    }

    /// The difference of the means, canary − stable, as the mean of Z: each value weighted by the share at its time, so
    /// that changes of the traffic are not taken for a difference. `None` until both arms have a value.
    fn estimate(&self) -> Option<f64> {
        let both = self.canary.count() > 0 && self.stable.count() > 0;
        let mean = (self.sum / self.values() as f64).clamp(-1.0, 1.0);
        both.then(|| self.turned(mean * (self.high - self.low)))
    }

    /// −margin, or the margin where lower is better.
    fn bound(&self) -> f64 {
        self.turned(0.0 - self.allowed)
    }

    /// The differences of the means, canary − stable, that are not excluded.
    ///
    /// The end on the side of good values is the alarm's: it never moves back, and [`bound`](EProcess::bound) lies beyond
    /// it exactly when [`alarm`](EProcess::alarm) is true. The other end is that of
    /// [`excludes_harm`](EProcess::excludes_harm). Where the difference has changed so much that no single value is left,
    /// both ends are the alarm's.
    fn interval(&self, alpha: Alpha) -> Interval {
        let (low, high) = self.ends(alpha);
        let (low, high) = (self.turned(low), self.turned(high));
        Interval { low: low.min(high), high: low.max(high) }
    }

    /// Tests whether a fall of the mean by `margin` or more, or a rise where lower is better, is excluded now.
    ///
    /// The margin of [`with_margin`](MeanDifference::with_margin) is tested itself, any other at the next node of less
    /// harm. `margin` is from 0 to less than the range, in units of the values.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        check_margin(margin, self.high - self.low)?;
        Ok(0.0 - margin < self.ends(alpha).0)
    }
}

#[cfg(test)]
mod tests;
