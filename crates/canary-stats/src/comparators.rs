//! The rules that other controllers use, for a fair comparison.
//!
//! Both look at one interval of the traffic at a time, as a metrics query does; neither bounds the probability
//! of a false alarm over the whole run.

use super::{
    e_process::Alpha,
    error::{Result, check},
    special::{normal_upper, normal_upper_quantile},
    stream::Window,
};

/// Rolls back when the canary's success rate over an interval is below a threshold, as in "success rate ≥ 99 %".
#[derive(Debug, Clone, PartialEq)]
pub struct FixedThreshold {
    least: f64,
    allowed: u32,
    failed: u32,
}

impl FixedThreshold {
    /// The success rate that each interval must reach, and how many intervals may fail before the rollback
    /// (0: the first failure rolls back).
    ///
    /// # Errors
    /// When `least` is not from 0 to 1.
    pub fn new(least: f64, allowed: u32) -> Result<Self> {
        let holds = (0.0..=1.0).contains(&least);
        Ok(Self {
            least: check("least", least, "a number from 0 to 1", holds)?,
            allowed,
            failed: 0,
        })
    }

    /// Judges one interval; an interval without canary requests is skipped. True once the rule rolls back.
    pub fn observe(&mut self, window: Window) -> bool {
        if window.canary > 0 {
            let good = window.canary - window.canary_bad.min(window.canary);
            if (good as f64) < self.least * window.canary as f64 {
                self.failed += 1;
            }
        }
        self.failed > self.allowed
    }
}

/// Rolls back when a one-sided two-proportion z-test on all data so far is significant, looked at after every
/// interval as if it were the only look.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatedZTest {
    critical: f64,
    sum: Window,
}

impl RepeatedZTest {
    /// The level meant for a single look.
    pub fn new(alpha: Alpha) -> Self {
        Self { critical: normal_upper_quantile(alpha.value()), sum: Window::default() }
    }

    /// The z statistic with the pooled variance; `None` while it is not defined.
    pub fn z(&self) -> Option<f64> {
        let Window { canary, canary_bad, stable, stable_bad } = self.sum;
        let (n, m) = (canary as f64, stable as f64);
        let pooled = (canary_bad as f64 + stable_bad as f64) / (n + m);
        let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
        let z = (canary_bad as f64 / n - stable_bad as f64 / m) / variance.sqrt();
        z.is_finite().then_some(z)
    }

    /// The one-sided p-value of the present look; 1 while there is none.
    pub fn p_value(&self) -> f64 {
        self.z().map_or(1.0, normal_upper)
    }

    /// Adds one interval. True when this look is significant.
    pub fn observe(&mut self, window: Window) -> bool {
        let Window { canary, canary_bad, stable, stable_bad } = &mut self.sum;
        *canary = canary.saturating_add(window.canary);
        *canary_bad = canary_bad.saturating_add(window.canary_bad);
        *stable = stable.saturating_add(window.stable);
        *stable_bad = stable_bad.saturating_add(window.stable_bad);
        self.z().is_some_and(|z| z >= self.critical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Random, Traffic};

    fn window(canary: u64, canary_bad: u64, stable: u64, stable_bad: u64) -> Window {
        Window { canary, canary_bad, stable, stable_bad }
    }

    #[test]
    fn the_threshold_counts_failed_intervals() {
        let mut rule = FixedThreshold::new(0.99, 1).unwrap();
        assert!(!rule.observe(window(100, 1, 0, 0)), "99 of 100 reach 99 %");
        assert!(!rule.observe(window(0, 0, 50, 50)), "no canary requests, nothing to judge");
        assert!(!rule.observe(window(100, 2, 0, 0)), "one failure is allowed");
        assert!(rule.observe(window(10, 1, 0, 0)));
        assert!(rule.observe(window(10, 0, 0, 0)), "it stays rolled back");
        assert_eq!(FixedThreshold::new(1.5, 0).unwrap_err().name, "least");
    }

    #[test]
    fn the_z_test_is_the_textbook_one() {
        let mut rule = RepeatedZTest::new(Alpha::new(0.05).unwrap());
        assert_eq!((rule.z(), rule.p_value()), (None, 1.0));
        assert!(!rule.observe(window(100, 0, 100, 0)), "no errors, no statistic");
        // 15 of 200 against 5 of 200: z = 0.05 / √(0.05·0.95·0.01) = 2.294.
        assert!(rule.observe(window(100, 15, 100, 5)));
        assert!((rule.z().unwrap() - 2.294_157).abs() < 1e-5);
        assert!((rule.p_value() - 0.010_891).abs() < 1e-5);
    }

    #[test]
    fn looking_again_and_again_raises_false_alarms_well_above_the_level() {
        let traffic = Traffic::new(0.1, 0.01, 0.01).unwrap();
        let alarms = (0..300)
            .filter(|&run| {
                let mut random = Random::of_run(62, run);
                let mut rule = RepeatedZTest::new(Alpha::new(0.05).unwrap());
                (0..100).any(|_| rule.observe(traffic.window(200, &mut random)))
            })
            .count();
        assert!(alarms > 45, "{alarms} of 300, 15 were meant");
    }
}
