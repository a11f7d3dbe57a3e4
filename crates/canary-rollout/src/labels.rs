//! Labels that come after their predictions, and the time for which they are awaited.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Labels that come later, such as a diagnosis some days after the picture.
///
/// Accuracy is then judged in the order of sending: a pair counts when it has its label and every earlier pair has its
/// own or no longer waits for it. In the order of the labels' arrival the test would be invalid if the delay depends on
/// the class: if two models are equally good, each better on one class, the one that is better on the class with the
/// later labels looks worse while these are missing.
///
/// A label that comes after [`Labels::within`] is not used, so the guardrail only covers pairs that are labelled within
/// that time; choose it so that nearly all are.
///
/// The guardrail [`Mean`](crate::Mean) with `labelled` takes such labels as numbers of requests that are not
/// paired, by the request's id: a purchase, a rating, 1 for a right answer and 0 for a wrong one.
///
/// ```
/// use std::time::Duration;
/// use canary_core::{Plan, rollout::{Guardrail, Hold}};
///
/// let hour = Duration::from_secs(3600);
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .header("user-group", "canary")
///     .weights([5, 30, 100], Hold::requests(2_000))
///     .guardrail(Guardrail::accuracy())
///     .labels_within(24 * hour)
///     .patience(72 * hour);
/// assert!(plan.validate().is_empty());
/// assert!(plan.to_yaml()?.contains("within: 24h"));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Labels {
    /// The longest time from the sending of a pair to its label.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub within: Duration,
}
