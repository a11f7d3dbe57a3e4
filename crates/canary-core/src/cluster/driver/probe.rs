//! How a driver asks the canary through the header route.

use futures_util::future::BoxFuture;

/// Asks the canary through the plan's header route.
///
/// A function that returns a future of `Result<(), String>` is a probe, as long as the plan has no gates:
///
/// ```
/// use canary_core::cluster::Probe;
///
/// fn takes(_: impl Probe) {}
/// takes(|| async { Err("503 no healthy upstream".to_owned()) });
/// ```
pub trait Probe: Send + Sync {
    /// `Ok` when the header route answers and the answer comes from the canary; otherwise what stands in the way, in
    /// one line. It should end within seconds; the driver asks again.
    fn reach(&self) -> BoxFuture<'_, Result<(), String>>;

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
    fn reach(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self())
    }
}
