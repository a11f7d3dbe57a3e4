//! The dispatch of observations to the test of a guardrail.

use canary_stats::{AnyTest, Window as Counted};

use super::{Monitor, Threshold};
use crate::{
    Check, Guardrail,
    evidence::{Answer, Arm, Counts, Pair, Request, Timestamp, Window},
    users::UserResult,
};

/// The content of a request for a guardrail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    /// Nothing.
    Nothing,
    /// It is of unknown outcome for a test that judges every request.
    Lost,
    /// It was good or bad.
    Bad(bool),
    /// Its latency in microseconds; `None` if it failed.
    Took(Option<f64>),
    /// It has this value.
    Value(f64),
    /// The version that served it.
    Arm,
}

impl Monitor {
    /// Adds one request; `false` when its value is outside the range.
    #[inline]
    pub(in super::super) fn request(
        &mut self,
        of: &Guardrail,
        (at, share): (Timestamp, f64),
        request: &Request,
    ) -> bool {
        let canary = request.arm == Arm::Canary;
        match self.said(of, request) {
            Said::Nothing => {}
            Said::Lost => self.lose(1),
            Said::Bad(bad) => self.rate((at, share), canary, bad),
            Said::Took(micros) => self.latency((at, share), canary, micros),
            Said::Value(value) => return self.value(share, canary, value),
            Said::Arm => self.arm(share, canary),
        }
        true
    }

    /// Adds a request to its user's result; `false` when its value is outside the range.
    pub(in super::super) fn request_of_user(
        &mut self,
        of: &Guardrail,
        request: &Request,
        result: &mut UserResult,
    ) -> bool {
        match self.said(of, request) {
            Said::Nothing | Said::Lost | Said::Arm | Said::Took(_) => {}
            Said::Bad(bad) => result.judge(bad),
            Said::Value(value) => {
                let Check::Mean(mean) = &of.check else { return true };
                if !(mean.range[0]..=mean.range[1]).contains(&value) {
                    return false;
                }
                result.value(value);
            }
        }
        true
    }

    /// Adds a user whose time is over.
    pub(in super::super) fn user(
        &mut self,
        (since, share): (Timestamp, f64),
        canary: bool,
        result: &UserResult,
    ) {
        if let Some(bad) = result.is_bad() {
            self.rate((since, share), canary, bad);
        }
        if let Some(mean) = result.mean() {
            // The mean of values in the range is in it, except for its last bit.
            let _ = self.value(share, canary, mean);
        }
    }

    /// Adds the version that a request, or a new user, was sent to.
    pub(in super::super) fn arm(&mut self, share: f64, canary: bool) {
        if let AnyTest::Split(split) = &mut self.test
            && share > 0.0
            && share < 1.0
        {
            split.observe(canary);
            self.judged.add(u64::from(!canary), u64::from(canary));
        }
    }

    /// The content of the request for the test; latencies of the stable version may set the threshold of slow requests.
    fn said(&mut self, of: &Guardrail, request: &Request) -> Said {
        match &of.check {
            Check::ObservedSplit(_) => Said::Arm,
            Check::ErrorRatio(_) | Check::ErrorRate(_) => Said::Bad(request.failed),
            Check::SlowRatio(_) => self.slow(request),
            Check::QuantileRatio(_) => match micros(request) {
                _ if request.failed => Said::Took(None),
                Some(micros) => Said::Took(Some(micros)),
                None => Said::Lost,
            },
            // Its value comes later.
            Check::Mean(mean) if mean.labelled => Said::Nothing,
            Check::Mean(_) => match request.numbers.get(&*of.name) {
                Some(number) => number.map_or(Said::Nothing, Said::Value),
                None => request.value.map_or(Said::Nothing, Said::Value),
            },
            _ => Said::Nothing,
        }
    }

    fn slow(&mut self, request: &Request) -> Said {
        let micros = micros(request);
        match &mut self.threshold {
            // A failure is not a response within the threshold, however soon it came.
            Some(Threshold::Frozen(_)) if request.failed => Said::Bad(true),
            Some(Threshold::Frozen(threshold)) => {
                micros.map_or(Said::Lost, |micros| Said::Bad(micros > *threshold))
            }
            Some(Threshold::Learning(learned)) => {
                if let (Arm::Stable, false, Some(micros)) = (request.arm, request.failed, micros)
                    && learned.observe(micros).is_ok()
                    && let Some(found) = learned.get()
                {
                    self.threshold = Some(Threshold::Frozen(found));
                }
                Said::Nothing
            }
            None => Said::Nothing,
        }
    }

    /// Adds one good or bad request, or user.
    #[inline]
    fn rate(&mut self, (at, share): (Timestamp, f64), canary: bool, bad: bool) {
        let rated = |test: &mut AnyTest| match test {
            // Only a share outside 0 to 1 is an error.
            AnyTest::RateRatio(ratio) => drop(ratio.observe(at.0, share, canary, bad)),
            AnyTest::ErrorRate(rate) if canary => rate.observe(bad),
            _ => {}
        };
        rated(&mut self.test);
        if let Some(proof) = &mut self.proof {
            rated(proof);
        }
        if let Some(beside) = &mut self.beside {
            beside.observe(at.0, share, canary, bad);
            beside.settle(&self.test);
        }
        self.judge(share, u64::from(!canary), u64::from(canary));
    }

    /// Counts requests, or users, as judged: where the traffic is divided, and those of the canary by a limit of its own
    /// in any case.
    fn judge(&mut self, share: f64, stable: u64, canary: u64) {
        if matches!(self.test, AnyTest::ErrorRate(_)) && self.beside.is_none() {
            self.judged.add(0, canary);
        } else if share > 0.0 && share < 1.0 {
            self.judged.add(stable, canary);
        }
    }

    /// Adds one request's latency; `None` if it failed.
    fn latency(&mut self, (at, share): (Timestamp, f64), canary: bool, micros: Option<f64>) {
        let AnyTest::QuantileRatio(ratio) = &mut self.test else { return };
        let judges = ratio.threshold().is_some();
        // Only a share outside 0 to 1 is an error.
        let _ = ratio.observe(at.0, share, canary, micros);
        if let Some(AnyTest::QuantileRatio(proof)) = &mut self.proof {
            let _ = proof.observe(at.0, share, canary, micros);
        }
        if judges && share > 0.0 && share < 1.0 {
            self.judged.add(u64::from(!canary), u64::from(canary));
        }
    }

    /// Adds one value; `false` when it is outside the range.
    pub(in super::super) fn value(&mut self, share: f64, canary: bool, value: f64) -> bool {
        let AnyTest::MeanDifference(mean) = &mut self.test else { return true };
        let (low, high) = mean.range();
        if !(low..=high).contains(&value) {
            return false;
        }
        // Only a share outside 0 to 1 is an error.
        let _ = mean.observe(share, canary, value);
        if let Some(AnyTest::MeanDifference(proof)) = &mut self.proof {
            let _ = proof.observe(share, canary, value);
        }
        if share > 0.0 && share < 1.0 {
            self.judged.add(u64::from(!canary), u64::from(canary));
        }
        true
    }

    /// Counts requests as judged although the test cannot use them: counts of both versions over different times do not
    /// show the split.
    pub(in super::super) fn pass_over(&mut self, stable: Counts, canary: Counts) {
        self.judged.add(stable.requests, canary.requests);
    }

    /// Adds the counts of a window.
    #[inline]
    pub(in super::super) fn window(&mut self, check: &Check, share: f64, window: &Window) {
        let Window { since, stable, canary, .. } = *window;
        let divided = share > 0.0 && share < 1.0;
        let bad = |counts: Counts| match check {
            Check::ErrorRatio(_) | Check::ErrorRate(_) => Some(counts.failed),
            // The source and the plan share the threshold; a plan that learns its own cannot use counts.
            Check::SlowRatio(slow) if slow.threshold.is_some() => Some(counts.slow),
            _ => None,
        };
        if let AnyTest::Split(split) = &mut self.test {
            if divided {
                split.observe_counts(canary.requests, stable.requests);
                self.judged.add(stable.requests, canary.requests);
            }
            return;
        }
        let (Some(canary_bad), Some(stable_bad)) = (bad(canary), bad(stable)) else { return };
        let counted = Counted {
            canary: canary.requests,
            // A source may count a request as slow that it has not counted as a request yet.
            canary_bad: canary_bad.min(canary.requests),
            stable: stable.requests,
            stable_bad: stable_bad.min(stable.requests),
        };
        let rated = |test: &mut AnyTest| match test {
            AnyTest::RateRatio(ratio) => drop(ratio.observe_counts(since.0, share, &counted)),
            AnyTest::ErrorRate(rate) => {
                rate.observe_counts(counted.canary_bad, counted.canary - counted.canary_bad);
            }
            _ => {}
        };
        rated(&mut self.test);
        if let Some(proof) = &mut self.proof {
            rated(proof);
        }
        if let Some(beside) = &mut self.beside {
            beside.observe_counts(since.0, share, &counted);
            beside.settle(&self.test);
        }
        self.judge(share, stable.requests, canary.requests);
    }

    /// Adds a pair; `false` when a number in it is outside its range.
    ///
    /// A canary half that failed disagrees, is wrong, and has a score of 0. A stable half that failed leaves nothing to
    /// compare with; it counts for the failures in pairs alone.
    pub(in super::super) fn pair(&mut self, check: &Check, pair: &Pair) -> bool {
        let Some(valid) = pair_to(&mut self.test, check, pair) else { return true };
        if !valid {
            return false;
        }
        if let Some(proof) = &mut self.proof {
            pair_to(proof, check, pair);
        }
        self.judged.add(1, 1);
        true
    }

    /// Adds which models were right, for a label that came after the pair.
    pub(in super::super) fn labelled(&mut self, stable_right: bool, canary_right: bool) {
        for test in [Some(&mut self.test), self.proof.as_mut()].into_iter().flatten() {
            if let AnyTest::Labelled(labelled) = test {
                labelled.observe(stable_right, canary_right);
            }
        }
        if matches!(self.test, AnyTest::Labelled(_)) {
            self.judged.add(1, 1);
        }
    }

    /// Adds a value of a custom score; `false` when it is not from 0 to 1.
    pub(in super::super) fn score(&mut self, value: f64) -> bool {
        let AnyTest::BoundedMean(mean) = &mut self.test else { return false };
        let taken = mean.observe(value).is_ok();
        if let Some(AnyTest::BoundedMean(proof)) = &mut self.proof {
            let _ = proof.observe(value);
        }
        self.judged.add(u64::from(taken), u64::from(taken));
        taken
    }
}

fn micros(request: &Request) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
    request.latency.map(|latency| latency.as_micros() as f64)
}

/// Gives a pair to a test; `false` when a number in it is outside its range, and `None` when the test is not about it.
fn pair_to(test: &mut AnyTest, check: &Check, pair: &Pair) -> Option<bool> {
    let Pair { stable, canary, label, .. } = pair;
    let comparable = stable.is_served();
    match (test, check) {
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
            let (canary, stable) = of_canary.zip(stable.score)?;
            return Some(drift.observe(canary - stable).is_ok());
        }
        _ => return None,
    }
    Some(true)
}
