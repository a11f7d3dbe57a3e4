//! Counts of requests from Prometheus: Istio's standard metrics, TensorFlow Serving's, or others.
//!
//! [`Prometheus`] is a [`Source`](canary_rollout::evidence::Source): at an interval it queries the raw samples of a window
//! and turns them into a [`Window`](canary_rollout::evidence::Window) of counts per subset, for the same tests as every
//! other observation.
//!
//! # Why raw samples and not `rate()` or `increase()`
//! Both extrapolate to the ends of their range, so they give 19.6 requests where there were 20; a test on counts needs
//! the 20. Both also leave out the first sample of a series. A series begins with its first event: the first `503` of a pod
//! makes a new series, and `increase()` does not see it. So the samples are fetched as they are and subtracted here:
//!
//! - each sample belongs to the one window in which it was scraped, so no request is counted twice, however often a
//!   window is queried;
//! - a value below the one before it is a restart from 0 (a counter reset). Requests between the last scrape and
//!   the restart are lost;
//! - a series that was absent from the scrape before has begun at 0;
//! - the first value of a target that was never scraped before does not show *when* its requests ended; see
//!   [`NewTargets`];
//! - a scrape that failed is a gap: its requests are counted at the next one, and the window's beginning is set
//!   back to the last sample before the gap.
//!
//! A window says when its requests can have happened at the earliest, and a rollout leaves out a window that
//! began under another weight.
//!
//! A request is counted when it ends, not when it is sent: right after a weight change the slow ones of the new weight
//! are still missing. Such windows are marked ([`Window::ended`](canary_rollout::evidence::Window::ended)), and a rollout uses them only from
//! the plan's `requestTimeout` after a change.
//!
//! # Requests that reach no pod
//! Only the sending proxy ([`Reporter::Source`]) counts a request that found no pod, under the version `unknown`. A
//! window has such requests among the unknown ones, with those that failed; together with a missing share of the canary
//! they indicate a canary that cannot be reached. [`Reporter::Destination`] and TensorFlow Serving's own metrics do not
//! count them.
//!
//! # Unknown requests are not counted
//! No series, a failed query, a partial answer (a warning, as Thanos gives them): no observation. A rollout that gets
//! none ends Inconclusive when its patience is over; it is neither rolled back nor promoted without data.

mod answer;
mod auth;
mod buckets;
mod client;
mod increase;
mod mark;
mod metrics;
mod promql;
mod services;
mod settings;
mod source;
mod tally;
#[cfg(test)]
mod tests;

pub use auth::Auth;
pub use increase::NewTargets;
pub use mark::mark_header;
pub use metrics::{HEADER_MARK, Latency, Matcher, Metrics, Outcome, Relation, Reporter, Unit};
pub use settings::Prometheus;
