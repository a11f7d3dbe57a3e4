//! The running test that a probability is at most a bound, with the counts at its greatest evidence.
//!
//! The evidence is a function of the counts (see [`kernel`](super::kernel)), so these two pairs of counts are the whole
//! state: the present ones and those at the moment when the evidence for the bound was greatest. At either moment the
//! probabilities with E ≥ 1/α may be excluded, and by Ville's inequality both exclusions together, like those of all
//! moments together, exclude the true probability with probability at most α. Once the bound is excluded it stays so.

use super::{
    error::{Result, StatsError},
    kernel::{Counts, Kernel, ln_e_at_most},
};

/// The test of the null P(1 | past) ≤ q0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OneSided {
    kernel: Kernel,
    now: Counts,
    /// The counts at the greatest evidence; none while it has never been above 1.
    peak: Counts,
    /// ln E at `peak`.
    max_ln_e: f64,
}

impl OneSided {
    /// For a q0 strictly between 0 and 1.
    pub(super) fn new(q0: f64) -> Self {
        let none = Counts::default();
        Self { kernel: Kernel::new(q0), now: none, peak: none, max_ln_e: 0.0 }
    }

    /// The test after these counts, whose evidence was greatest at `peak`.
    ///
    /// # Errors
    /// When `peak` is not a part of the counts, or the evidence is greater at the end.
    pub(super) fn restore(q0: f64, now: Counts, peak: Counts) -> Result<Self> {
        let wrong = |value, expected| Err(StatsError { name: "peak", value, expected });
        if peak.ones > now.ones || peak.zeros > now.zeros {
            let beyond = if peak.ones > now.ones { peak.ones } else { peak.zeros };
            return wrong(beyond as f64, "counts of at most the present ones");
        }
        let kernel = Kernel::new(q0);
        let max_ln_e = kernel.ln_e(peak);
        if max_ln_e < kernel.ln_e(now).max(0.0) {
            return wrong(max_ln_e, "the counts at the greatest evidence");
        }
        Ok(Self { kernel, now, peak, max_ln_e })
    }

    /// Adds one observation; true when the evidence is greater than ever before.
    #[inline]
    pub(super) fn observe(&mut self, one: bool) -> bool {
        if one {
            self.now.ones = self.now.ones.saturating_add(1);
            self.note_peak()
        } else {
            // Every factor of a zero is below 1: the evidence falls.
            self.now.zeros = self.now.zeros.saturating_add(1);
            false
        }
    }

    /// Adds a batch in any order; true when the evidence after it is greater than ever before.
    pub(super) fn observe_counts(&mut self, ones: u64, zeros: u64) -> bool {
        self.now.ones = self.now.ones.saturating_add(ones);
        self.now.zeros = self.now.zeros.saturating_add(zeros);
        ones > 0 && self.note_peak()
    }

    fn note_peak(&mut self) -> bool {
        let above = self.kernel.ln_e_above(self.max_ln_e, self.now);
        if let Some(ln_e) = above {
            self.max_ln_e = ln_e;
            self.peak = self.now;
        }
        above.is_some()
    }

    /// The counts of all observations.
    pub(super) fn now(&self) -> Counts {
        self.now
    }

    /// The counts at the greatest evidence.
    pub(super) fn peak(&self) -> Counts {
        self.peak
    }

    /// ln E of the bound.
    pub(super) fn ln_e(&self) -> f64 {
        self.kernel.ln_e(self.now)
    }

    /// The greatest ln E of the bound at any moment, at least 0.
    pub(super) fn max_ln_e(&self) -> f64 {
        self.max_ln_e
    }

    /// Returns true when the bound has been excluded at any moment.
    pub(super) fn alarmed(&self, ln_threshold: f64) -> bool {
        self.max_ln_e >= ln_threshold
    }

    /// Returns true when a probability of at most `q0` is excluded, now or, after an alarm, at the greatest evidence.
    pub(super) fn excludes(&self, q0: f64, ln_threshold: f64) -> bool {
        let excludes = |counts| ln_e_at_most(counts, q0) >= ln_threshold;
        excludes(self.now) || (self.alarmed(ln_threshold) && excludes(self.peak))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn the_peak_is_the_moment_of_the_greatest_evidence() {
        for run in 0..20 {
            let mut random = Random::of_run(73, run);
            let mut test = OneSided::new(0.1);
            let (mut greatest, mut at) = (0.0, Counts::default());
            for i in 0..1500 {
                let rising = test.observe(random.bernoulli(if i < 500 { 0.15 } else { 0.09 }));
                assert_eq!(rising, test.ln_e() > greatest);
                if rising {
                    (greatest, at) = (test.ln_e(), test.now());
                }
                assert_eq!((test.max_ln_e(), test.peak()), (greatest, at));
            }
            let restored = OneSided::restore(0.1, test.now(), test.peak()).unwrap();
            assert_eq!(restored, test);
            assert_eq!(restored.max_ln_e().to_bits(), test.max_ln_e().to_bits());
        }
    }

    #[test]
    fn an_excluded_bound_stays_excluded() {
        let mut test = OneSided::new(0.1);
        assert!(test.observe_counts(30, 70) && test.alarmed(3.0));
        assert!(!test.observe_counts(0, 10_000) && test.ln_e() < 0.0);
        assert!(test.alarmed(3.0) && test.excludes(0.1, 3.0) && !test.excludes(0.4, 3.0));
        // Without an alarm at this level, earlier exclusions are not kept.
        let level = test.max_ln_e() + 1.0;
        assert!(!test.excludes(0.1, level) && !test.excludes(0.01, level));
    }

    #[test]
    fn a_damaged_peak_is_refused() {
        let counts = |ones, zeros| Counts { ones, zeros };
        let now = counts(30, 70);
        assert!(OneSided::restore(0.1, now, now).is_ok());
        for peak in [counts(31, 0), counts(0, 71), counts(0, 0), counts(1, 70), counts(2, 1)] {
            assert_eq!(OneSided::restore(0.1, now, peak).unwrap_err().name, "peak", "{peak:?}");
        }
        // The evidence was never above 1, so the peak is the start.
        assert!(OneSided::restore(0.1, counts(1, 70), counts(0, 0)).is_ok());
        assert!(OneSided::restore(0.1, counts(1, 70), counts(1, 70)).is_err());
    }
}
