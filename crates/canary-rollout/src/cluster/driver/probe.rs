//! How a driver asks the canary through the header route.

use futures_util::{FutureExt, future::BoxFuture};

use crate::Missing;

/// Asks the canary through its header route before the first weight, and the stable version before that.
///
/// The header is the plan's own ([`crate::Plan::probe_header`]); where a plan has none, the driver makes a header route
/// for the time of the probe. A function that returns a future of `Result<(), String>` is a probe, as long as the plan
/// has no gates:
///
/// ```
/// use canary_core::cluster::Probe;
///
/// fn takes(_: impl Probe) {}
/// takes(|| async { Err("503 no healthy upstream".to_owned()) });
/// ```
pub trait Probe: Send + Sync {
    /// `Ok` when the canary gives a well-formed response through the header route; otherwise what stands in the way.
    /// What the canary itself refused does not come by itself ([`Missing::for_good`]), a route that is not in force yet
    /// does ([`Missing::yet`]). It should end within seconds; the driver asks again.
    fn reach(&self) -> BoxFuture<'_, Result<(), Missing>>;

    /// `Ok` when the stable version answers what the run is going to ask, over the route that the weights divide, while
    /// everything still goes there; otherwise what is wrong with the run's own question: the address, the model's name,
    /// the signature, the credentials or the input. Without this method nothing is asked beforehand.
    fn stable(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// The top class that the canary gives to a gate's input; `None` when no answer came. Without this method a gate
    /// is never answered, and a plan with gates is inconclusive.
    fn classify<'a>(&'a self, input: &'a str) -> BoxFuture<'a, Option<String>> {
        let _ = input;
        Box::pin(async { None })
    }
}

impl<F, A> Probe for F
where
    F: Fn() -> A + Send + Sync,
    A: Future<Output = Result<(), String>> + Send + 'static,
{
    fn reach(&self) -> BoxFuture<'_, Result<(), Missing>> {
        self().map(|answer| answer.map_err(Missing::yet)).boxed()
    }
}
