//! The implementation of [`EProcess`] for the test of a ratio: evidence, interval and proof.

use super::{MOST_RATIO, RateRatio, grid::BOUND};
use crate::{
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, positive},
    stream::Window,
};

impl EProcess for RateRatio {
    /// The smallest ln E against the bound and the ratios below it.
    fn ln_e(&self) -> f64 {
        self.smallest(BOUND)[BOUND]
    }

    fn max_ln_e(&self) -> f64 {
        self.rows.largest[BOUND]
    }

    /// The ratio up to which the canary is no worse.
    fn bound(&self) -> f64 {
        self.rows.ratio()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let totals = self.segments.totals();
        let mut counts = vec![
            ("bad canary requests", totals.canary_bad),
            ("bad stable requests", totals.stable_bad),
            ("bad requests at 0 or 100 %", self.uninformative),
        ];
        if !self.bad_only {
            counts.extend([("canary requests", totals.canary), ("stable requests", totals.stable)]);
        }
        counts
    }

    /// The ratio of the rates, stratified by the share and the time (the risk ratio of N. Mantel and W. Haenszel, JNCI
    /// 22, 1959); infinite when only the canary had bad requests.
    fn estimate(&self) -> Option<f64> {
        let (mut canary, mut stable) = (0.0, 0.0);
        for segment in self.segments.as_slice() {
            let Window { canary: of_canary, canary_bad, stable: of_stable, stable_bad } =
                segment.counts.window;
            // Where good requests are not known the shares stand for the requests.
            let (served, others) = if self.bad_only {
                let bad = (canary_bad + stable_bad) as f64;
                (segment.conditions.share * bad, (1.0 - segment.conditions.share) * bad)
            } else {
                (of_canary as f64, of_stable as f64)
            };
            let all = served + others;
            if all > 0.0 {
                canary += canary_bad as f64 * others / all;
                stable += stable_bad as f64 * served / all;
            }
        }
        (canary > 0.0 || stable > 0.0).then(|| canary / stable)
    }

    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let low = self.excluded_row(alpha).map_or(0.0, |place| self.rows.node(place).next_up());
        let proven = |ratio: f64| self.ln_e_at_least(ratio) >= threshold;
        // The margin is judged by the promotion itself.
        let high = match self.margin.filter(|margin| proven(*margin)) {
            Some(margin) => ends::nearest_kept(margin, f64::MIN_POSITIVE, proven),
            None if proven(MOST_RATIO) => {
                let kept = self.margin.unwrap_or(f64::MIN_POSITIVE);
                ends::nearest_kept(MOST_RATIO, kept, proven)
            }
            None => f64::INFINITY,
        };
        Interval { low, high: high.max(low) }
    }

    /// Tests whether a ratio of `margin` or more is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let margin = positive("margin", margin)?;
        Ok(self.ln_e_at_least(margin) >= alpha.ln_threshold())
    }
}
