//! The running test of one guardrail.

use serde::{Deserialize, Serialize};

use super::{
    guardrail::{Check, Guardrail},
    verdict::Reading,
};
use crate::{
    Error, Result,
    evidence::{Arm, Counts, Pair},
    stats::{
        Agreement, Alpha, AnyTest, BoundedMean, Drift, EProcess, Labelled, RateRatio,
        SlowThreshold, Split, StatsError,
    },
};

/// The state of one guardrail's test: sufficient statistics only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Monitor {
    test: AnyTest,
    /// For slow requests: what counts as slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<Threshold>,
}

/// What counts as slow, in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Threshold {
    /// The stable subset's latencies choose it.
    Learning(SlowThreshold),
    /// Latencies above it are slow.
    Frozen(f64),
}

impl Monitor {
    /// A test that has seen nothing.
    ///
    /// # Errors
    /// [`Error::Plan`] when a number of the guardrail is outside its test's range; a validated plan has none.
    pub(super) fn new(guardrail: &Guardrail) -> Result<Self> {
        let wrong =
            |error: StatsError| Error::Plan(format!("guardrail {}: {error}", guardrail.name));
        let mut threshold = None;
        let test = match &guardrail.check {
            Check::ErrorRatio(check) => RateRatio::new(check.at_most).map_err(wrong)?.into(),
            Check::SlowRatio(check) => {
                threshold = Some(match check.threshold {
                    #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
                    Some(threshold) => Threshold::Frozen(threshold.as_micros() as f64),
                    None => Threshold::Learning(
                        SlowThreshold::new(check.quantile, check.warmup).map_err(wrong)?,
                    ),
                });
                RateRatio::new(check.at_most).map_err(wrong)?.into()
            }
            Check::Agreement(check) => Agreement::new(check.at_least).map_err(wrong)?.into(),
            Check::Accuracy(_) => Labelled::new().into(),
            Check::ObservedSplit(_) => Split::new(0.0).map_err(wrong)?.into(),
            Check::NumericDrift(check) => Drift::new(check.margin).map_err(wrong)?.into(),
            Check::Custom(check) => {
                BoundedMean::new(check.at_least, 0.0, 1.0).map_err(wrong)?.into()
            }
        };
        Ok(Self { test, threshold })
    }

    /// Whether the state has the shape that the guardrail gives it.
    pub(super) fn fits(&self, guardrail: &Guardrail) -> bool {
        Self::new(guardrail).is_ok_and(|fresh| {
            std::mem::discriminant(&fresh.test) == std::mem::discriminant(&self.test)
                && fresh.threshold.is_some() == self.threshold.is_some()
        })
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
        share: f64,
        arm: Arm,
        failed: bool,
        micros: Option<f64>,
    ) {
        match (&mut self.test, check) {
            (AnyTest::Split(split), _) if share > 0.0 && share < 1.0 => {
                split.observe(arm == Arm::Canary);
            }
            (AnyTest::RateRatio(ratio), Check::ErrorRatio(_)) if failed => {
                let _ = ratio.observe(share, arm == Arm::Canary);
            }
            (AnyTest::RateRatio(ratio), Check::SlowRatio(_)) => {
                let (Some(micros), Some(threshold)) = (micros, &mut self.threshold) else { return };
                match threshold {
                    Threshold::Frozen(threshold) => {
                        if micros > *threshold {
                            let _ = ratio.observe(share, arm == Arm::Canary);
                        }
                    }
                    Threshold::Learning(learned) => {
                        if arm == Arm::Stable
                            && learned.observe(micros).is_ok()
                            && let Some(found) = learned.get()
                        {
                            *threshold = Threshold::Frozen(found);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes the counts of a window in.
    #[inline]
    pub(super) fn window(&mut self, check: &Check, share: f64, stable: Counts, canary: Counts) {
        match (&mut self.test, check) {
            (AnyTest::Split(split), _) if share > 0.0 && share < 1.0 => {
                split.observe_counts(canary.requests, stable.requests);
            }
            (AnyTest::RateRatio(ratio), Check::ErrorRatio(_))
                if canary.failed + stable.failed > 0 =>
            {
                let _ = ratio.observe_counts(share, canary.failed, stable.failed);
            }
            // The source and the plan share the threshold; a plan that learns its own cannot use counts.
            (AnyTest::RateRatio(ratio), Check::SlowRatio(slow))
                if slow.threshold.is_some() && canary.slow + stable.slow > 0 =>
            {
                let _ = ratio.observe_counts(share, canary.slow, stable.slow);
            }
            _ => {}
        }
    }

    /// Takes a pair in; `false` when a number in it is outside its range.
    pub(super) fn pair(&mut self, check: &Check, pair: &Pair) -> bool {
        match (&mut self.test, check) {
            (AnyTest::Agreement(agreement), _) => agreement.observe(pair.agrees()),
            (AnyTest::Labelled(labelled), _) => {
                if let Some(label) = &pair.label {
                    labelled.observe(pair.stable.class == *label, pair.canary.class == *label);
                }
            }
            (AnyTest::Drift(drift), Check::NumericDrift(_)) => {
                let scores = pair.canary.score.zip(pair.stable.score);
                return scores
                    .is_none_or(|(canary, stable)| drift.observe(canary - stable).is_ok());
            }
            _ => {}
        }
        true
    }

    /// Takes a value of a custom score in; `false` when it is not from 0 to 1.
    pub(super) fn score(&mut self, value: f64) -> bool {
        let AnyTest::BoundedMean(mean) = &mut self.test else { return false };
        mean.observe(value).is_ok()
    }

    /// Whether harm as large as the plan wants excluded is excluded; `None` where the plan wants none.
    pub(super) fn proven(&self, check: &Check, alpha: f64) -> Option<bool> {
        let bound = check.proven_bound()?;
        let margin = match check {
            Check::NumericDrift(_) | Check::Accuracy(_) => -bound,
            _ => bound,
        };
        let excluded = Alpha::new(alpha).and_then(|alpha| self.test.excludes_harm(margin, alpha));
        Some(excluded.unwrap_or(false))
    }

    /// What the guardrail shows now.
    pub(super) fn reading(&self, guardrail: &Guardrail, alpha: f64) -> Reading {
        let level = Alpha::new(alpha);
        let interval = level
            .as_ref()
            .map_or(crate::stats::Interval { low: 0.0, high: f64::INFINITY }, |level| {
                self.test.interval(*level)
            });
        Reading {
            guardrail: guardrail.name.clone(),
            test: guardrail.check.kind().to_owned(),
            quantity: self.test.quantity().to_owned(),
            e: Reading::finite_e(self.test.ln_e()),
            p_value: self.test.p_value(),
            alpha,
            alarm: level.is_ok_and(|level| self.test.alarm(level)),
            estimate: self.test.estimate().filter(|value| value.is_finite()),
            interval,
            proven: self.proven(&guardrail.check, alpha),
            counts: self.test.counts().into_iter().map(|(what, n)| (what.to_owned(), n)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_learned_from_the_stable_subset_and_then_stays() {
        let guardrail = Guardrail::slow_ratio(1.0);
        let mut monitor = Monitor::new(&guardrail).unwrap();
        let see = |monitor: &mut Monitor, arm, millis: f64| {
            monitor.request(&guardrail.check, 0.5, arm, false, Some(millis * 1e3));
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
        let mut monitor = Monitor::new(&guardrail).unwrap();
        assert!(!monitor.score(1.5) && !monitor.score(f64::NAN));
        for n in 0..400 {
            assert!(monitor.score(if n % 10 == 0 { 0.0 } else { 1.0 }));
        }
        let reading = monitor.reading(&guardrail, 0.05);
        assert!((reading.estimate.unwrap() - 0.9).abs() < 1e-9);
        assert!(reading.interval.contains(0.9) && reading.interval.high <= 1.0);
        assert_eq!((reading.alarm, reading.proven), (false, Some(true)));
        for _ in 0..400 {
            monitor.score(0.2);
        }
        assert!(monitor.reading(&guardrail, 0.05).alarm);
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
            let mut monitor = Monitor::new(&guardrail).unwrap();
            for _ in 0..100 {
                assert!(monitor.pair(&guardrail.check, &pair(label)));
            }
            monitor.reading(&guardrail, 0.05).alarm
        };
        assert!(run(Guardrail::agreement(0.9), None));
        assert!(run(Guardrail::numeric_drift(0.1), None));
        assert!(run(Guardrail::accuracy(), Some("cat")));
        assert!(!run(Guardrail::accuracy(), Some("dog")));
        assert!(!run(Guardrail::accuracy(), None), "an unlabelled pair says nothing of accuracy");
    }
}
