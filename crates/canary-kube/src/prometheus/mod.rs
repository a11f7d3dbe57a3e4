//! Counts of requests out of Prometheus: Istio's standard metrics, TensorFlow Serving's, or others.
//!
//! [`Prometheus`] is a [`Source`](canary_rollout::evidence::Source): at an interval it asks for the raw samples of a window and turns them
//! into a [`Window`](canary_rollout::evidence::Window) of counts per subset, which the same tests judge as every other observation.
//!
//! # Why raw samples and not `rate()` or `increase()`
//! Both extrapolate to the ends of their range, so they give 19.6 requests where 20 were; a test on counts needs the
//! 20. Both also leave out the first sample of a series. A series begins with its first event: the first `503` of a pod
//! makes a new series, and `increase()` does not see it. So the samples are fetched as they are and subtracted here:
//!
//! - each sample belongs to the one window in which it was scraped, so no request is counted twice, however often a
//!   window is asked for;
//! - a value below the one before it is a restart from 0 (a counter reset). What was counted between the last
//!   scrape and the restart is lost;
//! - a series that was absent from the scrape before has begun at 0;
//! - a target that was never scraped before says nothing of *when* it counted what it shows first; see
//!   [`NewTargets`];
//! - a scrape that failed is a gap: what happened in it is counted at the next one, and the window's beginning is set
//!   back to the last sample before the gap.
//!
//! A window says when its requests can have happened at the earliest, and a rollout leaves out a window that
//! began under another weight.
//!
//! A request is counted when it ends, not when it is sent: right after a weight change the slow ones of the new weight
//! are still missing. The windows say so ([`Window::ended`](canary_rollout::evidence::Window::ended)), and a rollout uses them from the
//! plan's `requestTimeout` after a change.
//!
//! # Requests that reach nobody
//! Only the sending proxy ([`Reporter::Source`]) counts a request that found no pod, under the version `unknown`. A
//! window has such requests among the unknown ones, with those that failed; together with a missing share of the canary
//! they are a canary that cannot be reached. [`Reporter::Destination`] and TensorFlow Serving's own metrics do not know
//! of them.
//!
//! # What is not known is not counted
//! No series, a failed query, a partial answer (a warning, as Thanos gives them): no observation. A rollout that gets
//! none ends Inconclusive when its patience is over; it is neither rolled back nor promoted on silence.

mod answer;
mod auth;
mod buckets;
mod client;
mod increase;
mod mark;
mod metrics;
mod promql;
mod settings;
mod source;
mod tally;
#[cfg(test)]
mod tests;

pub use auth::Auth;
pub use increase::NewTargets;
pub use mark::{HEADER_MARK, mark_header};
pub use metrics::{Latency, Matcher, Metrics, Outcome, Relation, Reporter, Unit};
pub use settings::Prometheus;
