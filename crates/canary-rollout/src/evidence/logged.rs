//! Records of access logs: the outcome of one request on one side.

use std::sync::Arc;

use super::observation::{Answer, Arm, Timestamp};

/// A request in the access log of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The request's id, the same on both sides: the value of `x-request-id`, which Envoy sets before it mirrors.
    pub id: Arc<str>,
    /// The time of the response, by the log's clock.
    pub at: Timestamp,
    /// The side whose log it is.
    pub arm: Arm,
    /// The outcome of the request.
    pub outcome: LoggedOutcome,
    /// A digest of the input ([`super::Pair::digest`]), where the log knows it; a repeated input is one observation.
    pub input: Option<u64>,
    /// The input in words, for the gallery of disagreements.
    pub name: Option<Arc<str>>,
    /// The true class, where it is known.
    pub label: Option<String>,
}

/// The outcome of a logged request.
#[derive(Clone, Debug, PartialEq)]
pub enum LoggedOutcome {
    /// The model answered.
    Answer(Answer),
    /// It failed; the HTTP status, or 0 where no response came.
    Failed(u16),
    /// The response has a 2xx status, and its log holds no class: because the request does not require one, or because
    /// the response is malformed. The other model's response shows which of the two it is.
    NoClass,
}

impl Logged {
    /// A record of an answer, without what only some logs know.
    pub fn answer(id: impl Into<Arc<str>>, at: Timestamp, arm: Arm, answer: Answer) -> Self {
        Self::new(id.into(), at, arm, LoggedOutcome::Answer(answer))
    }

    /// A record of a failure with an HTTP status, or 0 where no response came. For a record with more details, use
    /// [`Logged::answer`] with [`Answer::failure`].
    pub fn failure(id: impl Into<Arc<str>>, at: Timestamp, arm: Arm, status: u16) -> Self {
        Self::new(id.into(), at, arm, LoggedOutcome::Failed(status))
    }

    /// A record of a response with a 2xx status that holds no class.
    pub fn no_class(id: impl Into<Arc<str>>, at: Timestamp, arm: Arm) -> Self {
        Self::new(id.into(), at, arm, LoggedOutcome::NoClass)
    }

    fn new(id: Arc<str>, at: Timestamp, arm: Arm, outcome: LoggedOutcome) -> Self {
        Self { id, at, arm, outcome, input: None, name: None, label: None }
    }
}
