//! Where observations of a rollout come from.
//!
//! A [`Source`] is a stream of [`Observation`]s. There are the client's own requests ([`Recorder`]), traffic made for
//! the rollout with pairs through the header route (`Traffic`, and `Pairing` for one pair at a time), mirrored traffic
//! out of the logs of both sides ([`Mirrored`]), counts out of Prometheus (`prometheus`), any iterator or stream of the
//! caller's ([`from_iter`], [`from_stream`]), and scores for custom guardrails ([`Score`]). A rollout takes several at
//! once.

mod inputs;
mod mirror;
mod observation;
#[cfg(feature = "predict")]
mod pairs;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod recorder;
#[cfg(feature = "predict")]
mod sample;
mod score;
mod source;
#[cfg(feature = "predict")]
#[cfg(test)]
mod test_server;
#[cfg(feature = "predict")]
mod traffic;

pub use inputs::Inputs;
pub use mirror::{Logged, LoggedOutcome, MirrorTally, Mirrored};
pub use observation::{
    Answer, Arm, Counts, Kind, Observation, Pair, Request, ScoreValue, Seen, Subsets, Timestamp,
    Window,
};
#[cfg(feature = "predict")]
pub use pairs::Pairing;
pub use recorder::{Recorded, Recorder};
#[cfg(feature = "predict")]
pub use sample::Sample;
pub use score::Score;
pub use source::{Given, Iterated, Observations, OwnRequests, Source, from_iter, from_stream};
#[cfg(feature = "predict")]
pub use traffic::Traffic;
