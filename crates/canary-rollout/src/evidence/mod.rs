//! The sources of a rollout's observations.
//!
//! A [`Source`] is a stream of [`Observation`]s. There are the client's own requests ([`Recorder`]), traffic made for
//! the rollout with pairs through the header route (`Traffic`, and `Pairing` for one pair at a time), mirrored traffic
//! from the logs of both sides ([`Mirrored`]), counts from Prometheus (`prometheus`), any iterator or stream of the
//! caller's ([`from_iter`], [`from_blocking`], [`from_stream`]), and scores for custom guardrails ([`Score`]). A
//! rollout takes several at once.
//!
//! # What counts
//! - A failure is what the user who sent the request would call one: every status except 200 to 299
//!   ([`Request::is_failure`]), a timeout, a reset, a response that cannot be read. A source that drops failures hides
//!   harm; a pair keeps its failed half ([`Answer::failure`]).
//! - A request is judged by the weights at the moment at which it was *sent*. Sources that see requests begin give nothing
//!   before every earlier one has ended; [`Recorder::begin`] does that for your own client. Counts of requests that
//!   have ended ([`Window::ended`]) are used from [`crate::Plan::settle`] and [`crate::Plan::request_timeout`] after a weight change.
//! - A request whose version is unknown is [`Arm::Unknown`]. It is not used in ratios, but its failure is evidence that
//!   the canary cannot be reached.
//! - Equal inputs are one observation of a pair; a rollout remembers as many as its plan needs, at most
//!   [`Known::CAPACITY`](canary_stats::Known::CAPACITY).
//! - Missing data is neither success nor failure. A source without data reports the reason, and the rollout waits.
//!
//! [`Source`] states the obligations of your own source.

mod disagreements;
mod given;
mod logged;
mod mirror;
mod observation;
mod order;
mod pair_requests;
mod pairs;
mod predictor;
mod problem;
mod reach;
mod recorder;
mod sample;
mod score;
mod scored;
mod sending_order;
mod source;
mod stored;
mod traffic;
mod uses;

pub use disagreements::{DisagreeingPair, Disagreements};
pub use given::{Given, Iterated, Waiting, from_blocking, from_iter, from_stream};
pub use logged::{Logged, LoggedOutcome};
pub use mirror::{MirrorTally, Mirrored};
pub use observation::{
    Answer, Arm, Counts, Kind, Observation, Pair, Request, ScoreValue, Seen, Subsets, Timestamp,
    Window,
};
pub use pairs::Pairing;
pub use predictor::{
    Predicted, PredictionFailure, PredictionInput, PredictionRequest, PredictionResponse,
    PredictionRoute, Predictor, TopClass,
};
#[doc(hidden)]
pub use problem::line;
pub(crate) use reach::{Reach, served};
pub use recorder::{InFlight, Recorded, Recorder};
pub use sample::Sample;
pub(crate) use sample::Samples;
pub use score::{Score, close};
pub use scored::scored;
pub use sending_order::SendingOrder;
pub use source::{Observations, OwnRequests, Source};
pub use stored::Stored;
pub use traffic::Traffic;
pub use uses::Uses;
