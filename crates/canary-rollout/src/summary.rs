//! Probabilities and distributions of a simulation, with their uncertainty.

use serde::{Deserialize, Serialize};

/// A probability estimated from independent runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// The estimate.
    pub p: f64,
    /// The lower end of the 95 % interval (E. B. Wilson, 1927).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Chance {
    /// This many of all runs.
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs are small")]
    pub fn of(count: u64, runs: u64) -> Self {
        if runs == 0 {
            return Self { p: 0.0, low: 0.0, high: 1.0 };
        }
        let (n, z) = (runs as f64, 1.959_963_984_540_054);
        let p = count as f64 / n;
        let scale = 1.0 + z * z / n;
        let center = (p + z * z / (2.0 * n)) / scale;
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / scale;
        // Rounding at 0 or 1 must not exclude the estimate itself.
        Self { p, low: (center - half).clamp(0.0, p), high: (center + half).clamp(p, 1.0) }
    }
}

impl std::fmt::Display for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |p: f64| 100.0 * p;
        write!(
            f,
            "{:.1} % ({:.1} to {:.1})",
            percent(self.p),
            percent(self.low),
            percent(self.high)
        )
    }
}

/// The distribution of a quantity over runs; all zero when there are no runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of runs.
    pub runs: u64,
    /// The mean.
    pub mean: f64,
    /// The 5 % quantile.
    pub p05: f64,
    /// The median.
    pub median: f64,
    /// The 95 % quantile.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// The distribution of these values.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places in a list"
    )]
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let Some(max) = sorted.last().copied() else { return Self::default() };
        let last = sorted.len() - 1;
        let quantile = |q: f64| sorted[((q * last as f64).round() as usize).min(last)];
        Self {
            runs: sorted.len() as u64,
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            p05: quantile(0.05),
            median: quantile(0.5),
            p95: quantile(0.95),
            max,
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { median, p05, p95, .. } = self;
        write!(f, "median {median:.0} (5 % {p05:.0}, 95 % {p95:.0})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "none of ten is none")]
    fn a_chance_knows_its_uncertainty() {
        let chance = Chance::of(5, 100);
        // Wilson's interval for 5 of 100: 0.0215 to 0.1118.
        assert!(
            (chance.low - 0.0215).abs() < 1e-4 && (chance.high - 0.1118).abs() < 1e-4,
            "{chance}"
        );
        assert_eq!(Chance::of(0, 10).low, 0.0);
        assert!(Chance::of(10, 10).high <= 1.0);
    }

    #[test]
    fn a_summary_is_of_sorted_values() {
        let summary = Summary::of((1..=101).rev().map(f64::from));
        assert_eq!(
            (summary.p05, summary.median, summary.p95, summary.max),
            (6.0, 51.0, 96.0, 101.0)
        );
        assert_eq!(Summary::of(std::iter::empty()), Summary::default());
    }
}
