//! The trait of the sources of observations.

use std::pin::Pin;

use futures_core::Stream;

use super::observation::{Kind, Observation};
use crate::Result;

/// The observations of a source, in order.
pub type Observations = Pin<Box<dyn Stream<Item = Result<Observation>> + Send>>;

/// A source of observations.
///
/// # Obligations of a source
/// - A request that failed is an observation too: every status except 2xx, a timeout, a reset, a response that cannot be
///   read. A source that leaves them out hides harm.
/// - [`Observation::at`] is the moment at which the request was *sent*: it is judged by the weights of that moment.
///   Observations come in that order, and none before every request that was sent earlier has ended. A source that
///   knows only when requests ended says so ([`super::Window::ended`]), and its counts are used from the plan's
///   `requestTimeout` after a weight change.
/// - An error is given to the rollout and names the request, its target, and the cause. It is not an observation:
///   missing data is neither success nor failure.
///
/// A source that ends, or that fails with an error which is not retryable, gives nothing more; the rollout then continues with the others, and is Inconclusive when what is missing does not come.
pub trait Source: Send {
    /// Its name, unique in a rollout, by which duplicates are recognised.
    fn name(&self) -> &str;

    /// The kinds of evidence that it provides, so that a rollout can refuse to begin without those that its guardrails
    /// need.
    fn provides(&self) -> Vec<Kind>;

    /// Its relation to the rollout's own requests, so that none is counted twice or mistaken for a user's.
    fn own_requests(&self) -> OwnRequests {
        OwnRequests::Neither
    }

    /// The observations, in the order in which the requests were sent. `after` is the number of the last one that the rollout took before it was interrupted;
    /// a source that can repeat itself may begin behind it, and one that begins earlier is not counted twice.
    ///
    /// The stream is polled only when the rollout is ready for more: a source keeps no unbounded buffer.
    fn observations(self: Box<Self>, after: Option<u64>) -> Observations;
}

/// The relation of a source to requests that are sent for the rollout.
///
/// A rollout refuses two sources of which one counts what the other sends: a request that is reported twice would count
/// twice, and a request that a header routed to the canary is not traffic that the weights divide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnRequests {
    /// It sends none through the mesh, and counts none of those that others send.
    #[default]
    Neither,
    /// It sends requests and reports each of them.
    Reports,
    /// It sends requests, some of them with the plan's header, and reports pairs alone.
    SendsPairs,
    /// It counts every request that passes.
    CountsAll,
    /// It counts every request that passes without the plan's header.
    CountsUnmarked,
}

impl OwnRequests {
    /// The problem with these two in one rollout, and the remedy; `None` when there is none.
    pub(crate) fn clash(self, other: Self) -> Option<&'static str> {
        match (self, other) {
            (Self::Reports, Self::CountsAll | Self::CountsUnmarked) => Some(
                "each request of the first would be counted by both; let it report only pairs (Traffic::pairs_only), or declare that they are counted separately (Prometheus::own_requests_apart)",
            ),
            (Self::SendsPairs, Self::CountsAll) => Some(
                "the second would count the requests that the first sends to the canary by header as traffic of the weights; let Istio mark these requests (mark_header) and leave them out (Metrics::unmarked), or declare that they are counted separately (Prometheus::own_requests_apart)",
            ),
            _ => None,
        }
    }
}
