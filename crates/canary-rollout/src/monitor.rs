//! The running test of one guardrail.

use serde::{Deserialize, Serialize};

use super::{
    guardrail::{Check, ErrorRatio, Guardrail, SlowRatio},
    plan::Plan,
    reading::Reading,
};
use crate::{
    Error, Result,
    evidence::{Answer, Arm, Counts, Pair, Request, Timestamp, Window},
};
use canary_stats::{
    Agreement, Alpha, AnyTest, BoundedMean, Dispersion, Drift, EProcess, ErrorRate, Labelled,
    RateRatio, SlowThreshold, Split, StatsError,
};

/// The state of one guardrail's test: sufficient statistics only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Monitor {
    test: AnyTest,
    /// For slow requests: what counts as slow.
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
        let mut threshold = None;
        let test = match &guardrail.check {
            Check::ErrorRatio(check) => {
                let ErrorRatio { at_most, proven_below, harm } = *check;
                ratio(plan, guardrail, (at_most, proven_below, harm)).map_err(wrong)?.into()
            }
            Check::SlowRatio(check) => {
                threshold = Some(match check.threshold {
                    #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
                    Some(threshold) => Threshold::Frozen(threshold.as_micros() as f64),
                    None => Threshold::Learning(
                        SlowThreshold::new(check.quantile, check.warmup).map_err(wrong)?,
                    ),
                });
                let SlowRatio { at_most, proven_below, harm, .. } = *check;
                ratio(plan, guardrail, (at_most, proven_below, harm)).map_err(wrong)?.into()
            }
            Check::ErrorRate(check) => ErrorRate::new(check.at_most).map_err(wrong)?.into(),
            Check::Agreement(check) => Agreement::new(check.at_least).map_err(wrong)?.into(),
            Check::Accuracy(_) | Check::PairErrors(_) => Labelled::new().into(),
            Check::ObservedSplit(_) => Split::new(0.0).map_err(wrong)?.into(),
            Check::NumericDrift(check) => {
                let mut drift = Drift::new(check.margin).map_err(wrong)?;
                if let Some(bound) = check.proven_above {
                    drift = drift.with_margin(-bound).map_err(wrong)?;
                }
                drift.into()
            }
            Check::Custom(check) => {
                let mut mean = BoundedMean::new(check.at_least, 0.0, 1.0).map_err(wrong)?;
                if let Some(bound) = check.proven_above {
                    mean = mean.with_margin(bound).map_err(wrong)?;
                }
                mean.into()
            }
        };
        Ok(Self { test, threshold, judged: Judged::default() })
    }

    /// Returns `true` when the state has the shape that the guardrail gives it.
    pub(super) fn fits(&self, plan: &Plan, guardrail: &Guardrail) -> bool {
        Self::new(plan, guardrail).is_ok_and(|fresh| {
            std::mem::discriminant(&fresh.test) == std::mem::discriminant(&self.test)
                && fresh.threshold.is_some() == self.threshold.is_some()
        })
    }

    /// Begins to count what is judged at a step.
    pub(super) fn begin_step(&mut self) {
        self.judged = Judged::default();
        if let AnyTest::RateRatio(ratio) = &mut self.test {
            ratio.begin_step();
        }
    }

    /// Counts requests of unknown version.
    pub(super) fn lose(&mut self, requests: u64) {
        if let AnyTest::RateRatio(ratio) = &mut self.test {
            ratio.lose(requests);
        }
    }

    /// Returns `true` while failures are either harm or a burst.
    pub(super) fn is_unconfirmed(&self) -> bool {
        matches!(&self.test, AnyTest::RateRatio(ratio) if ratio.is_unconfirmed())
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
        self.test.max_ln_e()
    }

    /// Begins the split's test anew when the weight differs; `share` is from 0 to 1. At the ends nothing is divided, and
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

    /// Takes one request in.
    #[inline]
    pub(super) fn request(
        &mut self,
        check: &Check,
        (at, share): (Timestamp, f64),
        request: &Request,
    ) {
        let canary = request.arm == Arm::Canary;
        let divided = share > 0.0 && share < 1.0;
        let Self { test, threshold, judged } = self;
        match (test, check) {
            (AnyTest::Split(split), _) if divided => {
                split.observe(canary);
                judged.add(u64::from(!canary), u64::from(canary));
            }
            (AnyTest::RateRatio(ratio), Check::ErrorRatio(_)) => {
                // Only a share outside 0 to 1 is an error.
                let _ = ratio.observe(at.0, share, canary, request.failed);
                if divided {
                    judged.add(u64::from(!canary), u64::from(canary));
                }
            }
            (AnyTest::ErrorRate(rate), _) if canary => {
                rate.observe(request.failed);
                judged.add(0, 1);
            }
            (AnyTest::RateRatio(ratio), Check::SlowRatio(_)) => {
                #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
                let micros = request.latency.map(|latency| latency.as_micros() as f64);
                match threshold {
                    Some(Threshold::Frozen(threshold)) => {
                        let slow = match micros {
                            // A failure is no response within the threshold, however soon it came.
                            _ if request.failed => true,
                            Some(micros) => micros > *threshold,
                            None => return ratio.lose(1),
                        };
                        let _ = ratio.observe(at.0, share, canary, slow);
                        if divided {
                            judged.add(u64::from(!canary), u64::from(canary));
                        }
                    }
                    Some(Threshold::Learning(learned)) => {
                        if let (Arm::Stable, false, Some(micros)) =
                            (request.arm, request.failed, micros)
                            && learned.observe(micros).is_ok()
                            && let Some(found) = learned.get()
                        {
                            *threshold = Some(Threshold::Frozen(found));
                        }
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// Counts requests that say nothing of this test as judged, where nothing better comes: those of both versions that
    /// were not counted together say nothing of the split.
    pub(super) fn pass_over(&mut self, stable: Counts, canary: Counts) {
        self.judged.add(stable.requests, canary.requests);
    }

    /// Takes the counts of a window in.
    #[inline]
    pub(super) fn window(&mut self, check: &Check, share: f64, window: &Window) {
        let Window { since, stable, canary, .. } = *window;
        let divided = share > 0.0 && share < 1.0;
        match (&mut self.test, check) {
            (AnyTest::Split(split), _) if divided => {
                split.observe_counts(canary.requests, stable.requests);
            }
            (AnyTest::RateRatio(ratio), Check::ErrorRatio(_)) => {
                let of = |counts: Counts| (counts.requests, counts.failed);
                let _ = ratio.observe_counts(since.0, share, &counted(of(canary), of(stable)));
            }
            (AnyTest::ErrorRate(rate), _) => {
                let failed = canary.failed.min(canary.requests);
                rate.observe_counts(failed, canary.requests - failed);
                self.judged.add(0, canary.requests);
                return;
            }
            // The source and the plan share the threshold; a plan that learns its own cannot use counts.
            (AnyTest::RateRatio(ratio), Check::SlowRatio(slow)) if slow.threshold.is_some() => {
                let of = |counts: Counts| (counts.requests, counts.slow);
                let _ = ratio.observe_counts(since.0, share, &counted(of(canary), of(stable)));
            }
            _ => return,
        }
        if divided {
            self.judged.add(stable.requests, canary.requests);
        }
    }

    /// Takes a pair in; `false` when a number in it is outside its range.
    ///
    /// A canary half that failed disagrees, is wrong, and has a score of 0. A stable half that failed leaves nothing to
    /// compare with; it counts for the failures in pairs alone.
    pub(super) fn pair(&mut self, check: &Check, pair: &Pair) -> bool {
        let Pair { stable, canary, label, .. } = pair;
        let comparable = stable.is_served();
        match (&mut self.test, check) {
            (AnyTest::Labelled(labelled), Check::PairErrors(_)) => {
                labelled.observe(stable.is_served(), canary.is_served());
            }
            (AnyTest::Agreement(agreement), _) if comparable => agreement.observe(pair.agrees()),
            (AnyTest::Labelled(labelled), _) if comparable && label.is_some() => {
                let right = |half: &Answer| half.is_served() && Some(&half.class) == label.as_ref();
                labelled.observe(right(stable), right(canary));
            }
            (AnyTest::Drift(drift), Check::NumericDrift(_)) if comparable => {
                let of_canary = if canary.is_served() { canary.score } else { Some(0.0) };
                let Some((canary, stable)) = of_canary.zip(stable.score) else { return true };
                if drift.observe(canary - stable).is_err() {
                    return false;
                }
            }
            _ => return true,
        }
        self.judged.add(1, 1);
        true
    }

    /// Takes in which models were right, where the label came after the pair.
    pub(super) fn labelled(&mut self, stable_right: bool, canary_right: bool) {
        if let AnyTest::Labelled(labelled) = &mut self.test {
            labelled.observe(stable_right, canary_right);
            self.judged.add(1, 1);
        }
    }

    /// Takes a value of a custom score in; `false` when it is not from 0 to 1.
    pub(super) fn score(&mut self, value: f64) -> bool {
        let AnyTest::BoundedMean(mean) = &mut self.test else { return false };
        let taken = mean.observe(value).is_ok();
        self.judged.add(u64::from(taken), u64::from(taken));
        taken
    }

    /// Returns `true` when harm as large as the plan wants excluded is excluded; `None` where the plan wants none.
    pub(super) fn proven(&self, check: &Check, alpha: f64) -> Option<bool> {
        let bound = check.proven_bound()?;
        let margin = match check {
            Check::NumericDrift(_) | Check::Accuracy(_) | Check::PairErrors(_) => -bound,
            _ => bound,
        };
        let excluded = Alpha::new(alpha).and_then(|alpha| self.test.excludes_harm(margin, alpha));
        Some(excluded.unwrap_or(false))
    }

    /// The guardrail's reading now: `alpha` is its part of the plan's, and `proof` the level of a promotion.
    pub(super) fn reading(&self, guardrail: &Guardrail, alpha: f64, proof: f64) -> Reading {
        let level = Alpha::new(alpha);
        let all = canary_stats::Interval { low: 0.0, high: f64::INFINITY };
        let at = |level: &Result<Alpha, StatsError>| {
            level.as_ref().map_or(all, |level| self.test.interval(*level))
        };
        let (of_alarm, of_proof) = (at(&level), at(&Alpha::new(proof)));
        // Each end at the level of the test that it inverts.
        let interval = match &self.test {
            AnyTest::Split(_) => of_alarm,
            AnyTest::RateRatio(_) | AnyTest::ErrorRate(_) => {
                canary_stats::Interval { low: of_alarm.low, high: of_proof.high.max(of_alarm.low) }
            }
            _ => {
                canary_stats::Interval { low: of_proof.low.min(of_alarm.high), high: of_alarm.high }
            }
        };
        Reading {
            guardrail: guardrail.name.clone(),
            test: guardrail.check.kind().to_owned(),
            quantity: match guardrail.check {
                Check::PairErrors(_) => "difference of the success rates in pairs, canary - stable",
                _ => self.test.quantity(),
            }
            .to_owned(),
            e: Reading::finite_e(self.test.ln_e()),
            p_value: self.test.p_value(),
            alpha,
            proof_alpha: proof,
            alarm: level.is_ok_and(|level| self.test.alarm(level)),
            estimate: self.test.estimate().filter(|value| value.is_finite()),
            interval,
            proven: self.proven(&guardrail.check, proof),
            counts: self.counts(&guardrail.check),
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

/// The test of a ratio with a bound, a margin of the promotion and a harm to find.
fn ratio(
    plan: &Plan,
    guardrail: &Guardrail,
    (at_most, margin, harm): (f64, Option<f64>, Option<f64>),
) -> canary_stats::Result<RateRatio> {
    // Harm may begin at each step that divides the traffic.
    let steps = plan.steps.iter().filter(|step| (1..100).contains(&step.weight)).count();
    let mut test = RateRatio::new(at_most)?.starts(u32::try_from(steps).unwrap_or(u32::MAX));
    if let Some(harm) = harm {
        test = test.tuned(harm)?;
    }
    if let Some(margin) = margin {
        test = test.margin(margin)?;
    }
    if plan.aa {
        test = test.measured(plan.aa_millis())?;
    }
    match plan.burst_window() {
        Some(window) => {
            let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
            test.bursts(millis, Alpha::new(plan.alpha_of(guardrail))?)
        }
        None => Ok(test),
    }
}

/// Requests and bad requests of both versions.
fn counted(canary: (u64, u64), stable: (u64, u64)) -> canary_stats::Window {
    canary_stats::Window {
        canary: canary.0,
        // A source may count a request as slow that it has not counted as a request yet.
        canary_bad: canary.1.min(canary.0),
        stable: stable.0,
        stable_bad: stable.1.min(stable.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(guardrail: &Guardrail) -> Plan {
        let plan = Plan::new("s", "a", "b").weights([50, 100], crate::Hold::requests(100));
        plan.guardrail(guardrail.clone())
    }

    #[test]
    fn a_threshold_is_learned_from_the_stable_subset_and_then_stays() {
        let guardrail = Guardrail::slow_ratio(1.0);
        let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
        let see = |monitor: &mut Monitor, arm, millis: f64| {
            let latency = std::time::Duration::from_secs_f64(millis / 1e3);
            monitor.request(&guardrail.check, (Timestamp(0), 0.5), &Request::served(arm, latency));
        };
        for n in 0..499 {
            see(&mut monitor, Arm::Canary, 900.0);
            see(&mut monitor, Arm::Stable, 100.0 + f64::from(n) / 5.0);
        }
        assert!(matches!(monitor.threshold, Some(Threshold::Learning(_))));
        see(&mut monitor, Arm::Stable, 150.0);
        let Some(Threshold::Frozen(micros)) = monitor.threshold else { panic!("not frozen") };
        assert!((195e3..206e3).contains(&micros), "{micros}");
        let bad = |monitor: &Monitor| monitor.test.counts()[0].1;
        assert_eq!(bad(&monitor), 0, "nothing is counted before the threshold is frozen");
        see(&mut monitor, Arm::Canary, 190.0);
        see(&mut monitor, Arm::Canary, 250.0);
        see(&mut monitor, Arm::Stable, 1_000.0);
        assert_eq!((bad(&monitor), monitor.test.counts()[1].1), (1, 1));
        let text = serde_json::to_string(&monitor).unwrap();
        assert_eq!(serde_json::from_str::<Monitor>(&text).unwrap(), monitor);
    }

    #[test]
    fn a_custom_score_is_read_in_its_own_unit() {
        let guardrail = Guardrail::custom("sure", 0.8).proven(0.5);
        let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
        assert!(!monitor.score(1.5) && !monitor.score(f64::NAN));
        for n in 0..400 {
            assert!(monitor.score(if n % 10 == 0 { 0.0 } else { 1.0 }));
        }
        let reading = monitor.reading(&guardrail, 0.05, 0.05);
        assert!((reading.estimate.unwrap() - 0.9).abs() < 1e-9);
        assert!(reading.interval.contains(0.9) && reading.interval.high <= 1.0);
        assert_eq!((reading.alarm, reading.proven), (false, Some(true)));
        for _ in 0..400 {
            monitor.score(0.2);
        }
        assert!(monitor.reading(&guardrail, 0.05, 0.05).alarm);
    }

    #[test]
    fn a_pair_reaches_the_tests_it_is_for() {
        use crate::evidence::Answer;
        let pair = |label: Option<&str>| Pair {
            input: None,
            name: None,
            stable: Answer::new("cat", 0.9),
            canary: Answer::new("dog", 0.4),
            label: label.map(str::to_owned),
        };
        let run = |guardrail: Guardrail, label| {
            let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
            for _ in 0..100 {
                assert!(monitor.pair(&guardrail.check, &pair(label)));
            }
            monitor.reading(&guardrail, 0.05, 0.05).alarm
        };
        assert!(run(Guardrail::agreement(0.9), None));
        assert!(run(Guardrail::numeric_drift(0.1), None));
        assert!(run(Guardrail::accuracy(), Some("cat")));
        assert!(!run(Guardrail::accuracy(), Some("dog")));
        assert!(!run(Guardrail::accuracy(), None), "an unlabelled pair says nothing of accuracy");
    }
}
