//! Looks at planned numbers of requests, instead of after every request.

use canary_stats::Spending;
use serde::{Deserialize, Serialize};

/// The part of a guardrail's α that the looks spend. The rest stays with the anytime-valid test, which continues to watch
/// after the last look.
pub(crate) const OF_LOOKS: f64 = 0.9;

/// Tests the ratios of rates at a few looks, planned in advance.
///
/// For a plan whose holds fix the number of requests, such as a release in a nightly window: they detect harm by the
/// end of the holds more often than a test that may be evaluated at any time. In return the holds must not be extended,
/// and there is no guard against bursts: [`Plan::bursts`](crate::Plan::bursts) is `none`, which is right where an A/A run has shown that
/// failures come one by one. Nine tenths of a guardrail's α are spent by the looks, one tenth stays with the
/// anytime-valid test, so that harm which begins after the last look is found too. [`Plan::power`](crate::Plan::power) reports which of the
/// two is better for a plan.
///
/// Source: K. Lan, D. DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70(3), 1983.
///
/// ```
/// use canary_core::{Plan, rollout::{Bursts, Guardrail, Hold, Sequential}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .weights([10, 100], Hold { total_requests: Some(20_000), ..Hold::default() })
///     .guardrail(Guardrail::error_ratio(1.0))
///     .bursts(Bursts::None)
///     .sequential(Sequential::default());
/// assert!(plan.validate().is_empty());
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sequential {
    /// The number of looks, from 1 to 200, at equal numbers of requests.
    pub looks: u32,
    /// The function by which α is spent over the looks.
    pub spending: Spending,
}

impl Default for Sequential {
    /// Twenty looks; α is spent as by O'Brien and Fleming.
    fn default() -> Self {
        Self { looks: 20, spending: Spending::OBrienFleming }
    }
}

/// ln(1/β) of the part β of α that the anytime-valid test keeps beside looks.
pub(super) fn ln_kept() -> f64 {
    -canary_stats::portable::ln(1.0 - OF_LOOKS)
}
