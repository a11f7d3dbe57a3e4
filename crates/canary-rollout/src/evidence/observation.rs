//! The observations of a rollout: requests, pairs of answers, counts of a window, scores.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment given by the system's clock; the epoch when the clock is set before it.
    pub fn now() -> Self {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment after this time.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time since an earlier moment; zero when that one is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The side of the rollout that an observation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Arm {
    /// The subset that serves today.
    Stable,
    /// The subset that is tried.
    Canary,
    /// Neither, or unknown.
    Unknown,
}

/// The names of the two subsets, by which sources distinguish the sides.
///
/// ```
/// use canary_core::evidence::{Arm, Subsets};
///
/// let subsets = Subsets::new("resnet50", "resnet101");
/// assert_eq!(subsets.arm(Some("resnet101")), Arm::Canary);
/// assert_eq!(subsets.arm(None), Arm::Unknown);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsets {
    /// The stable subset's name.
    pub stable: Arc<str>,
    /// The canary's name.
    pub canary: Arc<str>,
}

impl Subsets {
    /// The two names.
    pub fn new(stable: impl Into<Arc<str>>, canary: impl Into<Arc<str>>) -> Self {
        Self { stable: stable.into(), canary: canary.into() }
    }

    /// The side of a subset by its name.
    pub fn arm(&self, subset: Option<&str>) -> Arm {
        match subset {
            Some(name) if name == &*self.stable => Arm::Stable,
            Some(name) if name == &*self.canary => Arm::Canary,
            _ => Arm::Unknown,
        }
    }

    /// The side that a text names: a subset's name, or `stable` or `canary` where no subset has that name.
    ///
    /// ```
    /// use canary_core::evidence::{Arm, Subsets};
    ///
    /// let subsets = Subsets::new("resnet50", "resnet101");
    /// assert_eq!(subsets.named("resnet101"), Some(Arm::Canary));
    /// assert_eq!(subsets.named("stable"), Some(Arm::Stable));
    /// assert_eq!(subsets.named("resnet152"), None);
    /// ```
    pub fn named(&self, text: &str) -> Option<Arm> {
        match (self.arm(Some(text)), text) {
            (Arm::Unknown, "stable") => Some(Arm::Stable),
            (Arm::Unknown, "canary") => Some(Arm::Canary),
            (Arm::Unknown, _) => None,
            (arm, _) => Some(arm),
        }
    }
}

/// One observation, with its source and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The name of the source.
    pub source: Arc<str>,
    /// The observation's number in its source, rising by the order of that source. An observation whose number is
    /// not above the last one seen from its source is a duplicate. Without a number, duplicates cannot be recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When the request was sent, by the source's clock; the end of the window for counts.
    pub at: Timestamp,
    /// The content of the observation.
    #[serde(flatten)]
    pub what: Seen,
}

/// The content of an observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Seen {
    /// One request of the traffic that the weights divide.
    Request(Request),
    /// The answers of both models to one input.
    Pair(Pair),
    /// Counts of the requests of a window of time.
    Window(Window),
    /// A value of a custom guardrail.
    Score(ScoreValue),
}

/// One request of the traffic that the weights divide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The version that served it.
    pub arm: Arm,
    /// `true` when it failed.
    pub failed: bool,
    /// From sending it to its complete response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Duration>,
    /// The reason of the failure in one line, such as `404 Servable not found` or `connection refused`, for the
    /// verdict's sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Arc<str>>,
    /// A number in any unit: for the guardrail `mean`, and for the custom guardrails, whose [`Score`](super::Score) reads
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The numbers of the guardrails `mean` that have a score of their own, by name; none where the score does not apply.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<Arc<str>, Option<f64>>,
    /// The user who sent it: for a plan that counts users ([`Users`](crate::Users)), and for the custom
    /// guardrails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Arc<str>>,
    /// Its id in the log that it comes from: for the custom guardrails, and named by error messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Arc<str>>,
}

impl Request {
    /// A request that was served well.
    ///
    /// ```
    /// use std::time::Duration;
    /// use canary_core::evidence::{Arm, Request};
    ///
    /// let served = Request::served(Arm::Canary, Duration::from_millis(38));
    /// let refused = Request::failure(Arm::Canary, "404 Servable not found");
    /// assert!(!served.failed && refused.failed);
    /// ```
    pub fn served(arm: Arm, latency: impl Into<Option<Duration>>) -> Self {
        let (problem, value, user, id) = (None, None, None, None);
        let numbers = BTreeMap::new();
        Self { arm, failed: false, latency: latency.into(), problem, value, numbers, user, id }
    }

    /// A request that failed, with the reason in one line.
    pub fn failure(arm: Arm, problem: impl Into<Arc<str>>) -> Self {
        Self { failed: true, problem: Some(problem.into()), ..Self::served(arm, None) }
    }

    /// Sets the number for the guardrails that use one.
    ///
    /// ```
    /// use canary_core::evidence::{Arm, Request};
    ///
    /// let rated = Request::served(Arm::Canary, None).value(0.8).user("u-17").id("7f");
    /// assert_eq!((rated.value, rated.user.as_deref()), (Some(0.8), Some("u-17")));
    /// ```
    #[must_use]
    pub fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets the user who sent it.
    #[must_use]
    pub fn user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets its id in the log that it comes from.
    #[must_use]
    pub fn id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Returns `true` when an HTTP status is a failure for the user who sent the request: every status except 200 to
    /// 299.
    ///
    /// A 4xx counts too: a canary that is deployed under another model name answers 404 to what the stable version
    /// answers well. Requests that both versions refuse raise both rates equally, and the ratio does not change.
    pub fn is_failure(status: u16) -> bool {
        !matches!(status, 200..=299)
    }
}

/// The answers of both models to the same input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// A digest of the input; pairs with the same digest are one observation. Without it every pair is
    /// taken as a new input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// The input in words, such as its file name, for the gallery of disagreements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// The stable model's answer.
    pub stable: Answer,
    /// The canary's answer.
    pub canary: Answer,
    /// The true class, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Pair {
    /// The digest of an input: XXH3 (64 bits) of its bytes, the same on every platform.
    pub fn digest(input: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64(input)
    }

    /// Returns `true` when both models gave the same top class. A failed half does not agree with any other.
    pub fn agrees(&self) -> bool {
        self.stable.is_served() && self.canary.is_served() && self.stable.class == self.canary.class
    }
}

/// One half of a pair: the top class of a response with its probability, or a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The top class; for a failure its reason in one line.
    pub class: String,
    /// The probability of the top class, from 0 to 1, where the model gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Returns `true` when the model gave no well-formed response: an error status, a timeout, a reset, an unreadable
    /// body.
    #[serde(default, skip_serializing_if = "is_false")]
    pub failed: bool,
}

impl Answer {
    /// A class with its probability.
    pub fn new(class: impl Into<String>, score: impl Into<Option<f64>>) -> Self {
        Self { class: class.into(), score: score.into(), failed: false }
    }

    /// Returns `true` for a well-formed response; one whose probability is not a number is not well-formed.
    pub fn is_served(&self) -> bool {
        !self.failed && !self.score.is_some_and(f64::is_nan)
    }

    /// A request that failed, with the reason in one line.
    ///
    /// ```
    /// use canary_core::evidence::{Answer, Pair};
    ///
    /// let pair = Pair {
    ///     input: None,
    ///     name: None,
    ///     stable: Answer::new("cat", 0.9),
    ///     canary: Answer::failure("404 Servable not found"),
    ///     label: None,
    /// };
    /// assert!(!pair.agrees());
    /// ```
    pub fn failure(problem: impl Into<String>) -> Self {
        Self { class: problem.into(), score: None, failed: true }
    }
}

/// Counts of the requests of a window of time; the order within the window is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The beginning of the window. A window that began under another weight is late.
    pub since: Timestamp,
    /// The stable subset's counts.
    pub stable: Counts,
    /// The canary's counts.
    pub canary: Counts,
    /// Requests that neither served, or of unknown version; they are not used in ratios.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unknown: u64,
    /// The failed ones of these, such as requests that found no endpoint.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unknown_failed: u64,
    /// `true` when a request is counted when it ends, as by Prometheus, and not when it is sent. Such a window counts
    /// from [`crate::Plan::settle`] and [`crate::Plan::request_timeout`] together after a weight change: before, slow
    /// requests of the new weight are still missing in it, and those of the old one are in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ended: bool,
    /// `true` when the two sides were counted over times that differ a little, such as by pods that are scraped one
    /// after the other. Their shares then do not show the split, so its test does not use such a window.
    #[serde(default, skip_serializing_if = "is_false")]
    pub apart: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Requests of one side, and how many of them were bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All requests.
    pub requests: u64,
    /// Those that failed.
    #[serde(default)]
    pub failed: u64,
    /// Those that were slower than the threshold that the source and the plan share.
    #[serde(default)]
    pub slow: u64,
}

impl Counts {
    /// This many good requests.
    pub const fn good(requests: u64) -> Self {
        Self { requests, failed: 0, slow: 0 }
    }
}

/// A value of a custom guardrail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreValue {
    /// The guardrail's name in the plan.
    pub guardrail: Arc<str>,
    /// The value, from 0 to 1.
    pub value: f64,
    /// The text of what the plan's function returned, where that is not a number; the value is then NaN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Arc<str>>,
}

/// A kind of evidence: provided by a source, needed by a guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Kind {
    /// Requests with the subset that served them and whether they failed.
    Requests,
    /// Requests with their latency.
    Latency,
    /// Counts of requests over a latency threshold that the plan states.
    SlowCounts,
    /// Pairs of answers to the same input.
    Pairs,
    /// Pairs with the true label.
    Labels,
    /// Pairs with the scores of both answers.
    Scores,
    /// Values of custom guardrails.
    Custom,
    /// Requests with a value.
    Values,
    /// Requests with their user.
    Users,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests with the subset that served them",
            Self::Latency => "requests with their latency",
            Self::SlowCounts => "counts of slow requests",
            Self::Pairs => "pairs of answers",
            Self::Labels => "pairs with a label",
            Self::Scores => "pairs with scores",
            Self::Custom => "values of a custom score",
            Self::Values => "requests with a value",
            Self::Users => "requests with their user",
        })
    }
}
