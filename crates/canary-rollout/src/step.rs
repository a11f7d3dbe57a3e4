//! One step of a plan: its weight, its mirrored share, and its hold.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    approval::{self, Approval},
    percent::Percent,
};

/// One step: a weight, its hold, and the gates to pass before it begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// The canary's share of the traffic.
    pub weight: Percent,
    /// The share of the traffic that is also sent to the canary without using its answers.
    #[serde(default, skip_serializing_if = "Percent::is_none")]
    pub mirror: Percent,
    /// The bounds until which the step is held; each one that is stated must be reached.
    #[serde(default, skip_serializing_if = "Hold::is_empty")]
    pub hold: Hold,
    /// The gates that must be passed before the step's weight is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
    /// The approval of a person that the step waits for, before its gates and its weight.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "approval::member")]
    pub approve: Option<Approval>,
}

impl Step {
    /// A step at a weight, in percent, without a hold.
    ///
    /// ```
    /// use canary_core::rollout::{Percent, Step};
    ///
    /// assert_eq!(Step::new(5).weight, 5);
    /// assert_eq!(Step::new(Percent::new(0.1)?).weight.to_string(), "0.1");
    /// # Ok::<(), canary_core::rollout::Error>(())
    /// ```
    pub fn new(weight: impl Into<Percent>) -> Self {
        Self { weight: weight.into(), ..Self::default() }
    }

    /// Sets the hold.
    #[must_use]
    pub fn hold(mut self, hold: Hold) -> Self {
        self.hold = hold;
        self
    }

    /// Sets the mirrored share, in percent.
    #[must_use]
    pub fn mirror(mut self, percent: impl Into<Percent>) -> Self {
        self.mirror = percent.into();
        self
    }

    /// Adds a gate by name.
    #[must_use]
    pub fn gate(mut self, name: impl Into<String>) -> Self {
        self.gates.push(name.into());
        self
    }

    /// Waits for a person's approval before the step begins.
    ///
    /// ```
    /// use std::time::Duration;
    /// use canary_core::rollout::{Approval, Otherwise, Step};
    ///
    /// let approval = Approval::new().timeout(Duration::from_secs(3_600)).otherwise(Otherwise::Rollback);
    /// assert_eq!(Step::new(100).approve(approval).approve, Some(approval));
    /// ```
    #[must_use]
    pub fn approve(mut self, approval: Approval) -> Self {
        self.approve = Some(approval);
        self
    }

    /// The split that the step requires of the route.
    pub fn split(&self) -> Split {
        Split { canary: self.weight, mirror: self.mirror }
    }
}

/// The shares of the target route's traffic.
///
/// ```
/// use canary_core::rollout::{Percent, Split};
///
/// assert_eq!(Split::new(30).to_string(), "70/30");
/// assert_eq!(Split::new(Percent::new(0.1)?).to_string(), "99.9/0.1");
/// assert_eq!(Split::new(0).mirror(50).to_string(), "100/0 mirror 50");
/// # Ok::<(), canary_core::rollout::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Split {
    /// The canary's weight; the stable subset has the rest of 100.
    pub canary: Percent,
    /// The mirrored share.
    #[serde(default, skip_serializing_if = "Percent::is_none")]
    pub mirror: Percent,
}

impl Split {
    /// Everything to the stable subset.
    pub const STABLE: Self = Self { canary: Percent::NONE, mirror: Percent::NONE };
    /// Everything to the canary.
    pub const CANARY: Self = Self { canary: Percent::ALL, mirror: Percent::NONE };

    /// The canary's weight in percent, and no mirror.
    pub fn new(canary: impl Into<Percent>) -> Self {
        Self { canary: canary.into(), mirror: Percent::NONE }
    }

    /// Sets the mirrored share, in percent.
    #[must_use]
    pub fn mirror(mut self, percent: impl Into<Percent>) -> Self {
        self.mirror = percent.into();
        self
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.canary.rest(), self.canary)?;
        if self.mirror.is_none() { Ok(()) } else { write!(f, " mirror {}", self.mirror) }
    }
}

/// The bounds until which a step is held: each one that is stated must be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hold {
    /// Requests that the canary served at this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Requests that both versions served at this step together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_requests: Option<u64>,
    /// Pairs observed at this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<u64>,
    /// Time at this step, pauses aside.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional"
    )]
    pub time: Option<Duration>,
}

impl Hold {
    /// Until the canary has served this many requests.
    ///
    /// ```
    /// use canary_core::rollout::Hold;
    ///
    /// // At a weight of 5, some 4 000 requests pass until the canary has served 200 of them.
    /// assert_eq!(Hold::requests(200).requests, Some(200));
    /// assert_eq!(Hold::total_requests(4_000).total_requests, Some(4_000));
    /// ```
    pub fn requests(requests: u64) -> Self {
        Self { requests: Some(requests), ..Self::default() }
    }

    /// Until both versions together have served this many requests.
    pub fn total_requests(requests: u64) -> Self {
        Self { total_requests: Some(requests), ..Self::default() }
    }

    /// Until this many pairs were observed.
    pub fn pairs(pairs: u64) -> Self {
        Self { pairs: Some(pairs), ..Self::default() }
    }

    /// For this time.
    pub fn time(time: Duration) -> Self {
        Self { time: Some(time), ..Self::default() }
    }

    /// Also for at least this time.
    #[must_use]
    pub fn and_time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// Also until this many pairs were observed.
    #[must_use]
    pub fn and_pairs(mut self, pairs: u64) -> Self {
        self.pairs = Some(pairs);
        self
    }

    /// Returns `true` when no bound is stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
