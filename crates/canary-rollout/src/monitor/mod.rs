//! The running test of one guardrail.

mod beside;
mod observe;

use serde::{Deserialize, Serialize};

use self::beside::Beside;
use super::{
    aa,
    guardrail::{Check, ErrorRate, ErrorRatio, Guardrail, SlowRatio},
    looks,
    plan::{Plan, ProvenOn},
    reading::Reading,
};
use crate::{Error, Result};
use canary_stats::{
    Agreement, Alpha, AnyTest, BoundedMean, Dispersion, Drift, EProcess, Interval, Labelled,
    MeanDifference, RateRatio, SlowThreshold, Split, StatsError,
};

/// The state of one guardrail's test: sufficient statistics only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Monitor {
    test: AnyTest,
    /// A second test that the alarm depends on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beside: Option<Beside>,
    /// The same test begun at the last step that had evidence, where promotion needs the proof of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<AnyTest>,
    /// The threshold of slow requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<Threshold>,
    /// The observations judged at the step in force, by version; for pairs and values both are the same.
    #[serde(default, skip_serializing_if = "Judged::is_empty")]
    judged: Judged,
}

/// Observations that a test has judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judged {
    pub(super) stable: u64,
    pub(super) canary: u64,
}

impl Judged {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, stable: u64, canary: u64) {
        self.stable = self.stable.saturating_add(stable);
        self.canary = self.canary.saturating_add(canary);
    }
}

/// The latency above which a request is slow, in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Threshold {
    /// The stable subset's latencies choose it.
    Learning(SlowThreshold),
    /// Latencies above it are slow.
    Frozen(#[serde(with = "canary_stats::exact")] f64),
}

impl Monitor {
    /// A test that has seen nothing.
    ///
    /// # Errors
    /// [`Error::Plan`] when a number of the guardrail is outside its test's range; a validated plan has none.
    pub(super) fn new(plan: &Plan, guardrail: &Guardrail) -> Result<Self> {
        let wrong =
            |error: StatsError| Error::Plan(format!("guardrail {}: {error}", guardrail.name));
        let threshold = match &guardrail.check {
            Check::SlowRatio(check) => Some(match check.threshold {
                #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
                Some(threshold) => Threshold::Frozen(threshold.as_micros() as f64),
                None => Threshold::Learning(
                    SlowThreshold::new(check.quantile, check.warmup).map_err(wrong)?,
                ),
            }),
            _ => None,
        };
        let beside = match &guardrail.check {
            Check::ErrorRate(ErrorRate { and_worse: Some(at_most), .. }) => {
                let ratio = ratio(plan, guardrail, (*at_most, None, None)).map_err(wrong)?;
                Some(Beside::Ratio { ratio: Box::new(ratio), both: 0.0 })
            }
            _ => looks::of(plan, guardrail)
                .map_err(wrong)?
                .map(|looks| Beside::Looks(Box::new(looks))),
        };
        let test = test_of(plan, guardrail).map_err(wrong)?;
        let proof = (plan.proven_on == ProvenOn::LastStep
            && guardrail.check.proven_bound().is_some())
        .then(|| test.clone());
        Ok(Self { test, beside, proof, threshold, judged: Judged::default() })
    }

    /// Returns `true` when the state has the shape that the guardrail gives it.
    pub(super) fn fits(&self, plan: &Plan, guardrail: &Guardrail) -> bool {
        Self::new(plan, guardrail).is_ok_and(|fresh| {
            std::mem::discriminant(&fresh.test) == std::mem::discriminant(&self.test)
                && fresh.threshold.is_some() == self.threshold.is_some()
                && fresh.beside.as_ref().map(std::mem::discriminant)
                    == self.beside.as_ref().map(std::mem::discriminant)
                && fresh.proof.is_some() == self.proof.is_some()
        })
    }

    /// Begins to count what is judged at a step of the plan, where it `has_evidence`.
    pub(super) fn begin_step(&mut self, plan: &Plan, guardrail: &Guardrail, has_evidence: bool) {
        self.judged = Judged::default();
        if has_evidence
            && let Some(proof) = &mut self.proof
            && let Ok(fresh) = test_of(plan, guardrail)
        {
            *proof = fresh;
        }
        for ratio in self.ratios() {
            ratio.begin_step();
        }
        for quantile in self.quantiles() {
            quantile.begin_step();
        }
    }

    /// Counts requests of unknown version.
    pub(super) fn lose(&mut self, requests: u64) {
        for ratio in self.ratios() {
            ratio.lose(requests);
        }
        for quantile in self.quantiles() {
            quantile.lose(requests);
        }
    }

    /// The ratios of quantiles among its tests.
    fn quantiles(&mut self) -> impl Iterator<Item = &mut canary_stats::QuantileRatio> {
        let tests = [Some(&mut self.test), self.proof.as_mut()].into_iter().flatten();
        tests.filter_map(|test| match test {
            AnyTest::QuantileRatio(quantile) => Some(quantile),
            _ => None,
        })
    }

    /// The ratios of rates among its tests.
    fn ratios(&mut self) -> impl Iterator<Item = &mut RateRatio> {
        let tests = [Some(&mut self.test), self.proof.as_mut()].into_iter().flatten();
        let own = tests.filter_map(|test| match test {
            AnyTest::RateRatio(ratio) => Some(ratio),
            _ => None,
        });
        own.chain(self.beside.as_mut().and_then(Beside::ratio))
    }

    /// Returns `true` while failures are either harm or a burst.
    pub(super) fn is_unconfirmed(&self) -> bool {
        match &self.test {
            AnyTest::RateRatio(ratio) => ratio.is_unconfirmed(),
            AnyTest::QuantileRatio(quantile) => quantile.is_unconfirmed(),
            test => self.beside.as_ref().is_some_and(|beside| beside.is_unconfirmed(test.ln_e())),
        }
    }

    /// The dispersion of the bad requests, in A/A mode.
    pub(super) fn dispersion(&self) -> Option<&Dispersion> {
        let AnyTest::RateRatio(ratio) = &self.test else { return None };
        ratio.dispersion()
    }

    /// The observations judged at the step in force.
    pub(super) fn judged(&self) -> Judged {
        self.judged
    }

    /// The largest ln E at any moment.
    pub(super) fn max_ln_e(&self) -> f64 {
        let max_ln_e = self.test.max_ln_e();
        self.beside.as_ref().map_or(max_ln_e, |beside| beside.max_ln_e(max_ln_e))
    }

    /// Begins the split's test again when the weight differs; `share` is from 0 to 1. At the ends nothing is divided, and
    /// the test keeps what it has seen at the weight before.
    pub(super) fn set_share(&mut self, share: f64) {
        if let AnyTest::Split(split) = &mut self.test
            && share > 0.0
            && share < 1.0
        {
            // Only a share outside 0 to 1 is an error.
            let _ = split.set_weight(share);
        }
    }

    /// Returns `true` when harm as large as the plan wants excluded is excluded; `None` where the plan wants none.
    pub(super) fn proven(&self, check: &Check, alpha: f64) -> Option<bool> {
        let bound = check.proven_bound()?;
        let margin = match check {
            Check::NumericDrift(_) | Check::Accuracy(_) | Check::PairErrors(_) => -bound,
            Check::Mean(_) => bound.abs(),
            _ => bound,
        };
        let test = self.proof.as_ref().unwrap_or(&self.test);
        let excluded = Alpha::new(alpha).and_then(|alpha| test.excludes_harm(margin, alpha));
        Some(excluded.unwrap_or(false))
    }

    /// The guardrail's reading now: `alpha` is its part of the plan's, and `proof` the level of a promotion.
    pub(super) fn reading(&self, guardrail: &Guardrail, alpha: f64, proof: f64) -> Reading {
        let max_ln_e = self.max_ln_e();
        let alarm = Alpha::new(alpha).is_ok_and(|alpha| max_ln_e >= alpha.ln_threshold());
        let ln_e = self.test.ln_e();
        let ln_e = self.beside.as_ref().map_or(ln_e, |beside| beside.ln_e(ln_e));
        let mut counts = self.counts(&guardrail.check);
        counts.extend(self.beside.as_ref().map(Beside::counts).unwrap_or_default());
        Reading {
            guardrail: guardrail.name.clone(),
            test: guardrail.check.kind().to_owned(),
            quantity: match guardrail.check {
                Check::PairErrors(_) => "difference of the success rates in pairs, canary - stable",
                _ => self.test.quantity(),
            }
            .to_owned(),
            e: Reading::finite_e(ln_e),
            p_value: canary_stats::portable::exp(-max_ln_e).min(1.0),
            alpha,
            proof_alpha: proof,
            alarm,
            estimate: self.test.estimate().filter(|value| value.is_finite()),
            interval: self.interval(alpha, proof, alarm),
            proven: self.proven(&guardrail.check, proof),
            counts,
        }
    }

    /// The values that are not excluded, each end at the level of the test that it inverts.
    ///
    /// If a second test takes part in the alarm (an absolute limit with a ratio, or planned looks, which exclude every
    /// ratio up to the bound), the alarm's end excludes the bound exactly when the combined alarm has been raised.
    fn interval(&self, alpha: f64, proof: f64, alarm: bool) -> Interval {
        let all = Interval { low: 0.0, high: f64::INFINITY };
        let at = |test: &AnyTest, level: f64| {
            Alpha::new(level).map_or(all, |level| test.interval(level))
        };
        let of_proof = at(self.proof.as_ref().unwrap_or(&self.test), proof);
        let of_alarm = at(&self.test, alpha);
        match &self.test {
            AnyTest::Split(_) => of_alarm,
            AnyTest::RateRatio(_) | AnyTest::QuantileRatio(_) | AnyTest::ErrorRate(_) => {
                let low = match &self.beside {
                    None => of_alarm.low,
                    Some(_) if alarm => of_alarm.low.max(self.test.bound().next_up()),
                    Some(_) => of_alarm.low.min(self.test.bound()),
                };
                Interval { low, high: of_proof.high.max(low) }
            }
            AnyTest::MeanDifference(mean) if mean.is_lower_better() => {
                Interval { low: of_alarm.low, high: of_proof.high.max(of_alarm.low) }
            }
            _ => Interval { low: of_proof.low.min(of_alarm.high), high: of_alarm.high },
        }
    }

    fn counts(&self, check: &Check) -> Vec<(String, u64)> {
        let named = |what: &str| {
            match (check, what) {
                (Check::PairErrors(_), "only stable right") => {
                    "pairs in which only the canary failed"
                }
                (Check::PairErrors(_), "only canary right") => "pairs in which only stable failed",
                (Check::PairErrors(_), "both right or both wrong") => "other pairs",
                _ => return what.to_owned(),
            }
            .to_owned()
        };
        self.test.counts().into_iter().map(|(what, n)| (named(what), n)).collect()
    }
}

/// The test of a guardrail, which has seen nothing.
fn test_of(plan: &Plan, guardrail: &Guardrail) -> canary_stats::Result<AnyTest> {
    Ok(match &guardrail.check {
        Check::ErrorRatio(check) => {
            let ErrorRatio { at_most, proven_below, harm } = *check;
            ratio(plan, guardrail, (at_most, proven_below, harm))?.into()
        }
        Check::SlowRatio(check) => {
            let SlowRatio { at_most, proven_below, harm, .. } = *check;
            ratio(plan, guardrail, (at_most, proven_below, harm))?.into()
        }
        Check::QuantileRatio(check) => {
            let mut test = canary_stats::QuantileRatio::new(check.quantile, check.at_most)?
                .warmup(check.warmup)?
                .starts(dividing_steps(plan));
            if let Some(margin) = check.proven_below {
                test = test.margin(margin)?;
            }
            if let Some((millis, alpha)) = guard(plan, guardrail)? {
                test = test.bursts(millis, alpha)?;
            }
            test.into()
        }
        Check::ErrorRate(check) => canary_stats::ErrorRate::new(check.at_most)?.into(),
        Check::Agreement(check) => Agreement::new(check.at_least)?.into(),
        Check::Accuracy(_) | Check::PairErrors(_) => Labelled::new().into(),
        Check::ObservedSplit(_) => Split::new(0.0)?.into(),
        Check::NumericDrift(check) => {
            let drift = Drift::new(check.margin)?;
            match check.proven_above {
                Some(bound) => drift.with_margin(-bound)?,
                None => drift,
            }
            .into()
        }
        Check::Custom(check) => {
            let mean = BoundedMean::new(check.at_least, 0.0, 1.0)?;
            match check.proven_above {
                Some(bound) => mean.with_margin(bound)?,
                None => mean,
            }
            .into()
        }
        Check::Mean(check) => {
            let mut mean = MeanDifference::new(check.margin, check.range[0], check.range[1])?;
            if check.lower_is_better {
                mean = mean.lower_is_better()?;
            }
            match check.proven_within {
                Some(margin) => mean.with_margin(margin)?,
                None => mean,
            }
            .into()
        }
    })
}

/// The test of a ratio with a bound, a margin of the promotion and a harm to find.
fn ratio(
    plan: &Plan,
    guardrail: &Guardrail,
    (at_most, margin, harm): (f64, Option<f64>, Option<f64>),
) -> canary_stats::Result<RateRatio> {
    let mut test = RateRatio::new(at_most)?.starts(dividing_steps(plan));
    if let Some(harm) = harm {
        test = test.tuned(harm)?;
    }
    if let Some(margin) = margin {
        test = test.margin(margin)?;
    }
    if plan.aa {
        test = test.measured(aa::millis(plan))?;
    }
    match guard(plan, guardrail)? {
        Some((millis, alpha)) => test.bursts(millis, alpha),
        None => Ok(test),
    }
}

/// The number of steps that divide the traffic, at each of which harm may begin.
fn dividing_steps(plan: &Plan) -> u32 {
    let steps = plan.steps.iter().filter(|step| step.weight.is_part()).count();
    u32::try_from(steps).unwrap_or(u32::MAX)
}

/// The windows of the guard against bursts in milliseconds, and the level at which it looks; none without it.
fn guard(plan: &Plan, guardrail: &Guardrail) -> canary_stats::Result<Option<(u64, Alpha)>> {
    let Some(window) = plan.burst_window() else { return Ok(None) };
    let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    Alpha::new(plan.alpha_of(guardrail)).map(|alpha| Some((millis, alpha)))
}

#[cfg(test)]
mod tests;
