//! The running test of one guardrail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    guardrail::{Check, Guardrail},
    verdict::Reading,
};
use crate::{
    Error, Result,
    evidence::{Arm, Counts, Pair},
    stats::{Agreement, Alpha, AnyTest, Drift, EProcess, Labelled, RateRatio, Split, StatsError},
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

/// What counts as slow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Threshold {
    /// Latencies of the stable subset seen so far, by bucket.
    Learning(BTreeMap<u32, u64>),
    /// Latencies above this many microseconds are slow.
    Frozen(f64),
}

/// Buckets of latency grow by this factor: a threshold is learned to within 5 %.
const BUCKET: f64 = 1.05;

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
                    None => Threshold::Learning(BTreeMap::new()),
                });
                RateRatio::new(check.at_most).map_err(wrong)?.into()
            }
            Check::Agreement(check) => Agreement::new(check.at_least).map_err(wrong)?.into(),
            Check::Accuracy(_) => Labelled::new().into(),
            Check::ObservedSplit(_) => Split::new(0.0).map_err(wrong)?.into(),
            Check::NumericDrift(check) => Drift::new(check.margin).map_err(wrong)?.into(),
            // A score s from 0 to 1 with mean at least m is a difference s − 1 with mean at least −(1 − m).
            Check::Custom(check) => Drift::new(1.0 - check.at_least).map_err(wrong)?.into(),
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

    /// Begins the split's test anew when the weight differs; `share` is from 0 to 1.
    pub(super) fn set_share(&mut self, share: f64) {
        if let AnyTest::Split(split) = &mut self.test {
            // A share is at most 1 by the plan's rules; otherwise the test keeps the old one.
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
            (AnyTest::RateRatio(ratio), Check::SlowRatio(slow)) => {
                let (Some(micros), Some(threshold)) = (micros, &mut self.threshold) else { return };
                match threshold {
                    Threshold::Frozen(threshold) => {
                        if micros > *threshold {
                            let _ = ratio.observe(share, arm == Arm::Canary);
                        }
                    }
                    Threshold::Learning(seen) => {
                        if arm == Arm::Stable {
                            *seen.entry(bucket(micros)).or_default() += 1;
                            if seen.values().sum::<u64>() >= slow.warmup {
                                *threshold = Threshold::Frozen(quantile(seen, slow.quantile));
                            }
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
        let unit = (0.0..=1.0).contains(&value);
        match &mut self.test {
            AnyTest::Drift(drift) if unit => drift.observe(value - 1.0).is_ok(),
            _ => false,
        }
    }

    /// Whether harm as large as the plan wants excluded is excluded; `None` where the plan wants none.
    pub(super) fn proven(&self, check: &Check, alpha: f64) -> Option<bool> {
        let bound = check.proven_bound()?;
        let margin = match check {
            Check::NumericDrift(_) | Check::Accuracy(_) => -bound,
            Check::Custom(_) => 1.0 - bound,
            _ => bound,
        };
        let excluded = Alpha::new(alpha).and_then(|alpha| self.test.excludes_harm(margin, alpha));
        Some(excluded.unwrap_or(false))
    }

    /// What the guardrail shows now.
    pub(super) fn reading(&self, guardrail: &Guardrail, alpha: f64) -> Reading {
        let level = Alpha::new(alpha);
        let custom = matches!(guardrail.check, Check::Custom(_));
        let shift = if custom { 1.0 } else { 0.0 };
        let mut interval = level
            .as_ref()
            .map_or(crate::stats::Interval { low: 0.0, high: f64::INFINITY }, |level| {
                self.test.interval(*level)
            });
        interval.low += shift;
        interval.high += shift;
        if custom {
            interval.low = interval.low.max(0.0);
            interval.high = interval.high.min(1.0);
        }
        let quantity = if custom { "mean score" } else { self.test.quantity() };
        Reading {
            guardrail: guardrail.name.clone(),
            test: guardrail.check.kind().to_owned(),
            quantity: quantity.to_owned(),
            e: Reading::finite_e(self.test.ln_e()),
            p_value: self.test.p_value(),
            alpha,
            alarm: level.is_ok_and(|level| self.test.alarm(level)),
            estimate: self
                .test
                .estimate()
                .map(|value| value + shift)
                .filter(|value| value.is_finite()),
            interval,
            proven: self.proven(&guardrail.check, alpha),
            counts: self.test.counts().into_iter().map(|(what, n)| (what.to_owned(), n)).collect(),
        }
    }
}

/// The bucket of a latency in microseconds.
fn bucket(micros: f64) -> u32 {
    let place = crate::stats::portable::ln(micros.max(1.0)) / crate::stats::portable::ln(BUCKET);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to about 900")]
    let place = place.floor().min(1e6) as u32;
    place
}

/// The upper edge of the bucket in which the quantile lies, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn quantile(seen: &BTreeMap<u32, u64>, quantile: f64) -> f64 {
    let wanted = quantile * seen.values().sum::<u64>() as f64;
    let mut below = 0.0;
    for (place, count) in seen {
        below += *count as f64;
        if below >= wanted {
            return crate::stats::portable::exp(
                f64::from(place + 1) * crate::stats::portable::ln(BUCKET),
            );
        }
    }
    f64::INFINITY
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
