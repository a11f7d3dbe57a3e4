//! Mirrored traffic: pairs of answers from the access logs of both sides, joined by request id.

mod join;
#[cfg(test)]
mod tests;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;

use self::join::Join;
pub use self::join::MirrorTally;
use super::{
    logged::Logged,
    observation::{Kind, Observation, Seen},
    source::{Observations, Source},
};
use crate::Result;

/// The number of records read in a row without a pair before the task yields.
const IN_A_ROW: u32 = 256;

/// A source of pairs from mirrored traffic ([`crate::Step::mirror`]), for rollouts that begin with a shadow.
///
/// Envoy sends the copy and drops its answer ("fire and forget"), so neither a client nor a gateway can compare the
/// two. The mirrored canary's response is in the canary's own log: a prediction log of TensorFlow Serving, or an access
/// log of the canary's sidecar that writes `x-request-id`. This source reads the records of both logs, merged into one
/// stream in about the order of time (`futures_util::stream::select` of two logs does), and joins them by id.
///
/// - A pair is made of the stable record and the canary's record of the same request. A failed half is included with
///   its status ([`Logged::failure`](super::Logged::failure)); so is a response without a class if the other model names one.
/// - A record whose other half has not come [`Mirrored::within`] 30 seconds, by the log's clock, or that is pushed
///   out by newer ones ([`Mirrored::capacity`]) is left out: the request may not have been mirrored at all.
/// - A canary that hangs, or that has no endpoints, logs nothing. Where every request is mirrored, say so
///   ([`Mirrored::all_mirrored`]): then a missing record is a canary that did not answer.
///
/// Records that are left out are counted in [`Mirrored::tally`]. The memory is bounded by the capacity, and records are
/// read only when the rollout polls for observations.
///
/// Reference: <https://istio.io/latest/docs/tasks/traffic-management/mirroring/>.
///
/// ```
/// use canary_core::evidence::{Answer, Arm, Kind, Logged, Mirrored, Source, Timestamp};
///
/// let stable = Logged::answer("7f", Timestamp(1_000), Arm::Stable, Answer::new("suit", 0.9));
/// let canary = Logged::answer("7f", Timestamp(1_020), Arm::Canary, Answer::new("gown", 0.6));
/// let records = futures_util::stream::iter([Ok(stable), Ok(canary)]);
/// let source = Mirrored::new("mirror", records);
/// assert_eq!(source.provides(), [Kind::Pairs, Kind::Scores]);
/// ```
pub struct Mirrored {
    name: Arc<str>,
    records: Pin<Box<dyn Stream<Item = Result<Logged>> + Send>>,
    join: Join,
    labelled: bool,
    live: bool,
}

impl std::fmt::Debug for Mirrored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirrored")
            .field("name", &self.name)
            .field("capacity", &self.join.capacity)
            .field("within", &self.join.within)
            .finish_non_exhaustive()
    }
}

impl Mirrored {
    /// A source from the records of both sides' logs.
    ///
    /// The pairs are numbered from 0 in the order in which they are completed, so that a rollout which is interrupted
    /// and begun again with the same logs counts none of them twice; see [`Mirrored::live`].
    pub fn new(
        name: impl Into<Arc<str>>,
        records: impl Stream<Item = Result<Logged>> + Send + 'static,
    ) -> Self {
        let join = Join::new(4_096, Duration::from_secs(30));
        Self { name: name.into(), records: Box::pin(records), join, labelled: false, live: false }
    }

    /// Sets how many records may wait for their other half; 4096 by default, at least 1.
    #[must_use]
    pub fn capacity(mut self, records: usize) -> Self {
        self.join.capacity = records.max(1);
        self
    }

    /// Sets how long a record waits for its other half, by the log's clock; 30 seconds by default.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.join.within = time;
        self
    }

    /// Says that every request in the stable side's records was mirrored (a mirror percentage of 100), and that both
    /// logs are complete and at most [`Mirrored::within`] behind each other and behind the requests: give it more time
    /// than a request may take.
    ///
    /// Then a stable record without one of the canary is a canary that did not answer: a pair whose canary half failed.
    /// Pairs are returned in the order of the stable records, and each only when the outcome of every earlier one is
    /// known; otherwise timeouts would be missing until they expire. While more records wait than the capacity, the
    /// source uses only half of the ids, then a quarter, and so on, and does not return to more. The choice of ids does
    /// not depend on the answers.
    ///
    /// ```
    /// use canary_core::evidence::{Answer, Arm, Logged, Mirrored, Timestamp};
    ///
    /// let record = |id: &str, second: u64| {
    ///     Ok(Logged::answer(id, Timestamp(second * 1_000), Arm::Stable, Answer::new("suit", 0.9)))
    /// };
    /// // The canary logs nothing, and after 40 seconds its missing answer to the first is reported.
    /// let records = futures_util::stream::iter([record("7f", 1), record("80", 41)]);
    /// let source = Mirrored::new("mirror", records).all_mirrored();
    /// # let tally = source.tally();
    /// # let pairs = canary_core::evidence::Source::observations(Box::new(source), None);
    /// # let pairs = futures_util::StreamExt::collect::<Vec<_>>(pairs);
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(pairs);
    /// # assert_eq!((tally.pairs(), tally.missing()), (1, 1));
    /// ```
    #[must_use]
    pub fn all_mirrored(mut self) -> Self {
        self.join.all_mirrored = true;
        self
    }

    /// Says that the records carry labels, so that the accuracy can be tested.
    #[must_use]
    pub fn labelled(mut self) -> Self {
        self.labelled = true;
        self
    }

    /// Says that the log is followed live and does not begin at its start again after an interruption; its numbers then
    /// continue where they stopped.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// The counts of formed pairs and left-out records; it is updated while the source is used.
    pub fn tally(&self) -> MirrorTally {
        self.join.tally.clone()
    }
}

impl Source for Mirrored {
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Pairs, Kind::Scores];
        if self.labelled {
            kinds.push(Kind::Labels);
        }
        kinds
    }

    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let Self { name, records, join, live, .. } = *self;
        let next = after.filter(|_| live).map_or(0, |last| last + 1);
        Box::pin(Joined { name, records, join, next, in_a_row: 0 })
    }
}

/// The pairs of a [`Mirrored`] source.
struct Joined {
    name: Arc<str>,
    records: Pin<Box<dyn Stream<Item = Result<Logged>> + Send>>,
    join: Join,
    next: u64,
    in_a_row: u32,
}

impl Stream for Joined {
    type Item = Result<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            this.in_a_row += 1;
            if this.in_a_row >= IN_A_ROW {
                this.in_a_row = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match this.join.poll_next(cx) {
                Poll::Ready(Some((at, pair))) => {
                    this.in_a_row = 0;
                    let (source, sequence) = (Arc::clone(&this.name), Some(this.next));
                    this.next += 1;
                    let what = Seen::Pair(pair);
                    return Poll::Ready(Some(Ok(Observation { source, sequence, at, what })));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            match this.records.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(record))) => this.join.take(record),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => this.join.finish(),
                Poll::Pending => {
                    this.in_a_row = 0;
                    return Poll::Pending;
                }
            }
        }
    }
}
