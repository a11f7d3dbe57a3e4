//! The functions that spread the false alarms of a group-sequential test over its looks.

use serde::{Deserialize, Serialize};

use super::{
    e_process::Alpha,
    portable::ln_1p,
    special::{normal_upper, normal_upper_quantile},
};

/// A function that spreads the false alarms over the looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spending {
    /// O'Brien–Fleming type: few early, nearly all of α at the end.
    #[serde(rename = "obf")]
    OBrienFleming,
    /// Pocock type: about evenly.
    #[serde(rename = "pocock")]
    Pocock,
}

impl Spending {
    /// α*(t): the false alarms that may have occurred when the part `t` of the planned requests were seen.
    ///
    /// ```
    /// use canary_core::stats::{Alpha, Spending};
    ///
    /// let alpha = Alpha::new(0.05)?;
    /// assert!(Spending::OBrienFleming.spent(0.5, alpha) < 0.006);
    /// assert!(Spending::Pocock.spent(0.5, alpha) > 0.03);
    /// assert_eq!(Spending::Pocock.spent(1.0, alpha), 0.05);
    /// # Ok::<(), canary_core::stats::StatsError>(())
    /// ```
    pub fn spent(self, t: f64, alpha: Alpha) -> f64 {
        let alpha = alpha.value();
        if t.is_nan() || t <= 0.0 {
            return 0.0;
        }
        if t >= 1.0 {
            return alpha;
        }
        let spent = match self {
            Self::OBrienFleming => {
                2.0 * normal_upper(normal_upper_quantile(0.5 * alpha) / t.sqrt())
            }
            Self::Pocock => alpha * ln_1p((std::f64::consts::E - 1.0) * t),
        };
        spent.min(alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_rises_to_alpha() {
        let alpha = Alpha::new(0.05).unwrap();
        for spending in [Spending::OBrienFleming, Spending::Pocock] {
            let mut before = 0.0;
            for step in 1..=100 {
                let spent = spending.spent(f64::from(step) / 100.0, alpha);
                assert!(spent > before && spent <= 0.05, "{spending:?} {step}: {spent}");
                before = spent;
            }
            assert_eq!((before, spending.spent(0.0, alpha)), (0.05, 0.0));
        }
        // Tables of spending functions, with one-sided 0.05 at a half.
        assert!((Spending::OBrienFleming.spent(0.5, alpha) - 0.005_574_6).abs() < 1e-6);
        assert!((Spending::Pocock.spent(0.5, alpha) - 0.031_005_7).abs() < 1e-6);
    }
}
