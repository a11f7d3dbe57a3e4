//! Users as the units of the tests, where a user stays on a version.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Each user is one observation: for services that keep a user on the version met first.
///
/// The requests of one user fail or succeed together. A test of requests then counts one unlucky user many times: where
/// one user in fifty has requests that fail half of the time, three of four healthy canaries are rolled back
/// (simulated; the table `users` of the bench). With this setting a user counts once, at the weight in force at the
/// first contact: as bad if any request within [`Users::within`] was bad, and with the mean of the values. The users
/// count in the order of first contact, each when that time is over.
///
/// With [`Sticky`](crate::Sticky) every user is drawn again when the weights move, and is another observation then: at the
/// new weight, with the version of the new draw. A user whose time is not over when the weights move is left out of the
/// draw before, because part of the time is missing.
///
/// Every observed request needs its user ([`Request::user`](crate::evidence::Request::user)), so the evidence is a
/// stream of observations: counts, such as Prometheus's, do not know users. Holds continue to count requests; the least
/// number of a guardrail ([`Guardrail::minimum`](crate::Guardrail::minimum)) counts users.
///
/// ```
/// use std::time::Duration;
/// use canary_core::{Plan, rollout::{Guardrail, Hold}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .weights([10, 50, 100], Hold::requests(20_000))
///     .guardrail(Guardrail::error_ratio(1.0))
///     .users_within(Duration::from_secs(1_800));
/// assert!(plan.validate().is_empty());
/// assert!(plan.to_yaml()?.contains("within: 30m"));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Users {
    /// The time from a user's first request in which requests belong to the user's observation.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub within: Duration,
    /// The maximum number of users; later ones are not used. At most
    /// [`Known::CAPACITY`](canary_stats::Known::CAPACITY). With [`Sticky`](crate::Sticky) it is that of each draw.
    #[serde(default = "default_at_most", skip_serializing_if = "is_default_at_most")]
    pub at_most: u64,
}

impl Users {
    /// Users with this time for their observation, at most 20 000 of them.
    pub fn within(time: Duration) -> Self {
        Self { within: time, at_most: default_at_most() }
    }
}

fn default_at_most() -> u64 {
    20_000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_at_most(count: &u64) -> bool {
    *count == default_at_most()
}

/// The result of a user's requests for each guardrail, in the plan's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UserResults(Vec<UserResult>);

/// The result of a user's requests for one guardrail.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct UserResult {
    /// Requests that the guardrail judges as good or bad, and the bad ones.
    judged: u64,
    bad: u64,
    /// Values, and their sum.
    values: u64,
    sum: f64,
}

impl UserResults {
    /// The result for the guardrail at that place.
    pub(super) fn at(&mut self, place: usize) -> &mut UserResult {
        if self.0.len() <= place {
            self.0.resize(place + 1, UserResult::default());
        }
        &mut self.0[place]
    }
}

impl UserResult {
    pub(super) fn judge(&mut self, bad: bool) {
        self.judged += 1;
        self.bad += u64::from(bad);
    }

    pub(super) fn value(&mut self, value: f64) {
        self.values += 1;
        self.sum += value;
    }

    /// `true` when any request was bad; `None` when none was judged.
    pub(super) fn is_bad(&self) -> Option<bool> {
        (self.judged > 0).then_some(self.bad > 0)
    }

    /// The mean of the values.
    pub(super) fn mean(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "requests of one user")]
        (self.values > 0).then(|| self.sum / self.values as f64)
    }
}
