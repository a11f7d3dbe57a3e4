//! Requests to the canary through the header route, sent by the driver.

use futures_util::{FutureExt, future::BoxFuture};

use crate::Missing;

/// Sends a request to the canary through its header route before the first weight, and to the stable version before
/// that.
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
    /// `Ok` when the canary gives a well-formed response through the header route; otherwise the reason. A request that
    /// the canary itself refused will not succeed later ([`Missing::for_good`]); a route that is not in force yet will
    /// be ([`Missing::yet`]). It should end within seconds; the driver tries again.
    fn reach(&self) -> BoxFuture<'_, Result<(), Missing>>;

    /// `Ok` when the stable version answers the run's request over the route that the weights divide, while everything
    /// still goes there; otherwise the mistake in the run's own request: the address, the model's name, the signature,
    /// the credentials or the input. Without this method no request is sent before the first weight.
    fn stable(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// The top class that the canary gives to a gate's input; `None` when no answer came. Without this method no gate
    /// gets an answer, and a plan with gates is inconclusive.
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
