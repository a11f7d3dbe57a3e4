//! Users who stay with the version that they met, by a cookie.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A session cookie that keeps a user at the version met first, for as long as the weights stay.
///
/// The weights divide requests. With this setting they divide users: the response to a request without the cookie sets
/// it, and rules before the divided one send every request with it to the version that it names. Both versions keep
/// their users. When the weights move, the cookies of before mean nothing more and every user is drawn again, so that the
/// canary's share of the users is its weight at every step; with cookies for the canary's users alone it would grow
/// to everything. At 0 and 100 %, and at the end of the run, there is neither cookie nor rule.
///
/// Only clients that keep cookies stay. The requests of one user are no independent draws, so a plan whose guardrails
/// judge requests also states [`Users`](crate::Users).
///
/// ```
/// use std::time::Duration;
/// use canary_core::{Plan, rollout::{Guardrail, Hold, Sticky}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .weights([10, 50, 100], Hold::requests(20_000))
///     .guardrail(Guardrail::error_ratio(1.0))
///     .sticky(Sticky::cookie("canary-pets").max_age(Duration::from_secs(7_200)))
///     .users_within(Duration::from_secs(600));
/// assert!(plan.validate().is_empty());
/// assert!(plan.to_yaml()?.contains("cookie: canary-pets"));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sticky {
    /// The cookie's name: a token of RFC 6265 without `%`, such as `canary-pets`.
    pub cookie: String,
    /// The time for which a client keeps the cookie, from the response that sets it; in whole seconds.
    #[serde(
        default = "default_max_age",
        skip_serializing_if = "is_default_max_age",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub max_age: Duration,
}

impl Sticky {
    /// A cookie of this name, which clients keep for a day.
    ///
    /// ```
    /// use canary_core::rollout::Sticky;
    ///
    /// assert_eq!(Sticky::cookie("canary-pets").max_age.as_secs(), 86_400);
    /// ```
    pub fn cookie(name: impl Into<String>) -> Self {
        Self { cookie: name.into(), max_age: default_max_age() }
    }

    /// Sets the time for which a client keeps the cookie.
    ///
    /// ```
    /// use canary_core::rollout::Sticky;
    /// use std::time::Duration;
    ///
    /// let sticky = Sticky::cookie("canary-pets").max_age(Duration::from_secs(3_600));
    /// assert_eq!(sticky.max_age.as_secs(), 3_600);
    /// ```
    #[must_use]
    pub fn max_age(mut self, time: Duration) -> Self {
        self.max_age = time;
        self
    }
}

fn default_max_age() -> Duration {
    Duration::from_secs(86_400)
}

fn is_default_max_age(time: &Duration) -> bool {
    *time == default_max_age()
}
