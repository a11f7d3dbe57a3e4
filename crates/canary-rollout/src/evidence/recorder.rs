//! The client's own observations: a handle that records them, and the source that returns them.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_core::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Timestamp,
    observation::{Kind, Observation, Pair, Request, Seen, Subsets},
    order::{Order, Place},
    problem,
    source::{Observations, Source},
};
use crate::{Error, Result};

/// An observation with its share of the capacity.
type Buffered = (Seen, OwnedSemaphorePermit);

/// Records what a client sees, for a rollout that runs beside it.
///
/// Record when a request is sent ([`Recorder::begin`]) and how it ended ([`InFlight::end`], [`InFlight::fail`]).
/// Observations are released in the order in which the requests were sent, and none before every request that began
/// earlier has ended: if they were judged as they end, the quick responses of a new weight would come first, and
/// timeouts would be missing until they expire. Recorders that report a request only when it has ended
/// ([`Recorder::try_request`]) cannot give that order; with them a plan's `settle` must be at least the longest time
/// that a request takes.
///
/// Between the client and the rollout is room for a fixed number of observations, those under way among them. While it
/// is full, [`Recorder::record`] waits, which slows the client down instead of filling the memory;
/// [`Recorder::try_record`] and [`Recorder::begin`] never wait and count what they had to drop. Dropping reduces the
/// evidence. It does not bias it as long as both subsets' observations are dropped equally; a request without room is
/// dropped when it begins, before its outcome is known.
///
/// ```
/// use canary_core::evidence::{Kind, Recorder, Source, Subsets, Timestamp};
///
/// let subsets = Subsets::new("resnet50", "resnet101");
/// let (recorder, source) = Recorder::channel("client", subsets, [Kind::Requests, Kind::Latency], 1_024);
/// let request = recorder.begin(Timestamp::now());
/// // … the request is sent, and its response names the subset that served it …
/// assert!(request.end(Some("resnet101"), 200));
/// assert_eq!(source.provides(), [Kind::Requests, Kind::Latency]);
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    subsets: Subsets,
}

/// The recorders' side; the source ends once it is dropped and everything is released.
#[derive(Debug)]
struct Shared {
    order: Order<Buffered>,
    room: Arc<Semaphore>,
    dropped: AtomicU64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.order.finish();
    }
}

/// The source at the other end of a [`Recorder`].
#[derive(Debug)]
pub struct Recorded {
    name: Arc<str>,
    provides: Vec<Kind>,
    order: Order<Buffered>,
    room: Arc<Semaphore>,
}

/// A request that was sent and has not ended ([`Recorder::begin`]).
///
/// Later observations wait for it, so end it in every case, and give the request a timeout. If it is dropped without an
/// end, the request is withdrawn: it is not counted, and nothing waits for it any longer. Do this only for a request
/// that was never sent. One that failed or timed out is a failure ([`InFlight::fail`]); leaving it out would hide harm.
#[derive(Debug)]
#[must_use = "dropped without an end, the request is withdrawn and not counted"]
pub struct InFlight {
    /// `None` when there was no room, or no rollout.
    reserved: Option<(Place<Buffered>, OwnedSemaphorePermit)>,
    began: Instant,
    subsets: Subsets,
    shared: Arc<Shared>,
    /// The properties of the request, apart from its outcome.
    value: Option<f64>,
    user: Option<Arc<str>>,
    id: Option<Arc<str>>,
}

impl Recorder {
    /// A recorder and its source, with room for `capacity` observations in between (at least 1), requests under way
    /// among them.
    pub fn channel(
        name: impl Into<Arc<str>>,
        subsets: Subsets,
        provides: impl IntoIterator<Item = Kind>,
        capacity: usize,
    ) -> (Self, Recorded) {
        let room = Arc::new(Semaphore::new(capacity.clamp(1, Semaphore::MAX_PERMITS)));
        let order = Order::default();
        let provides = provides.into_iter().collect();
        let recorded =
            Recorded { name: name.into(), provides, order: order.clone(), room: Arc::clone(&room) };
        let shared = Arc::new(Shared { order, room, dropped: AtomicU64::new(0) });
        (Self { shared, subsets }, recorded)
    }

    /// Records that a request is sent now; `at` is the present time. Call it right before sending, because observations
    /// are released in the order of these times. The latency is measured from here to the end.
    ///
    /// When there is no room, or the rollout has ended, the request is dropped: it counts in [`Recorder::dropped`], its
    /// end gives `false`, and nothing waits for it.
    ///
    /// ```
    /// use canary_core::evidence::{Kind, Recorder, Subsets, Timestamp};
    ///
    /// let subsets = Subsets::new("resnet50", "resnet101");
    /// let (recorder, source) = Recorder::channel("client", subsets, [Kind::Requests], 1_024);
    /// let slow = recorder.begin(Timestamp::now());
    /// let quick = recorder.begin(Timestamp::now());
    /// assert!(quick.end(Some("resnet50"), 200)); // waits in the source for the slow one
    /// assert!(slow.fail(Some("resnet101"), "timed out after 10 s"));
    /// # drop(source);
    /// ```
    pub fn begin(&self, at: Timestamp) -> InFlight {
        let reserved = self.shared.room().map(|room| (self.shared.order.begin(at), room));
        let (shared, subsets) = (Arc::clone(&self.shared), self.subsets.clone());
        let (value, user, id) = (None, None, None);
        InFlight { reserved, began: Instant::now(), subsets, shared, value, user, id }
    }

    /// Records an observation, and waits while there is no room.
    ///
    /// # Errors
    /// [`Error::Plan`] when the rollout at the other end has ended.
    pub async fn record(&self, at: Timestamp, seen: Seen) -> Result<()> {
        let room = Arc::clone(&self.shared.room).acquire_owned().await.map_err(|_| {
            Error::Plan("the rollout that this recorder belongs to has ended".to_owned())
        })?;
        self.shared.order.add(at, (seen, room));
        Ok(())
    }

    /// Records an observation without waiting; `false` when it was dropped.
    pub fn try_record(&self, at: Timestamp, seen: Seen) -> bool {
        let room = self.shared.room();
        let kept = room.is_some();
        if let Some(room) = room {
            self.shared.order.add(at, (seen, room));
        }
        kept
    }

    /// Records one request that has ended: the subset that served it, as its response header says, and the HTTP status.
    /// `false` when it was dropped.
    ///
    /// Only [`Recorder::begin`] gives the order of sending; requests that are reported when they end are judged in the
    /// order of their ends.
    pub fn try_request(
        &self,
        at: Timestamp,
        subset: Option<&str>,
        status: u16,
        latency: Option<Duration>,
    ) -> bool {
        self.try_record(at, Seen::Request(request(&self.subsets, subset, status, latency)))
    }

    /// Records a pair of answers to one input, waiting while there is no room.
    ///
    /// # Errors
    /// [`Error::Plan`] when the rollout at the other end has ended.
    pub async fn pair(&self, at: Timestamp, pair: Pair) -> Result<()> {
        self.record(at, Seen::Pair(pair)).await
    }

    /// The number of observations dropped because there was no room or the rollout had ended.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Reserves room for one observation; without room it is counted as dropped.
    fn room(&self) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok();
        if room.is_none() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        room
    }
}

impl InFlight {
    /// Names the user who sent the request, such as by a cookie or a header, for a plan that counts users.
    ///
    /// ```
    /// use canary_core::evidence::{Kind, Recorder, Subsets, Timestamp};
    ///
    /// let subsets = Subsets::new("resnet50", "resnet101");
    /// let kinds = [Kind::Requests, Kind::Users, Kind::Values];
    /// let (recorder, source) = Recorder::channel("shop", subsets, kinds, 1_024);
    /// let request = recorder.begin(Timestamp::now()).user("u-17").id("7f");
    /// assert!(request.value(12.5).end(Some("resnet50"), 200));
    /// # drop(source);
    /// ```
    pub fn user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the request's number for the guardrails that use one, such as its revenue.
    pub fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets the request's id, by which a label may come later.
    pub fn id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Records the outcome of the request: the subset that served it, as its response header says, and the HTTP status,
    /// which is a failure unless it is 2xx ([`Request::is_failure`]). `false` when it was dropped.
    pub fn end(self, subset: Option<&str>, status: u16) -> bool {
        let request = request(&self.subsets, subset, status, Some(self.began.elapsed()));
        self.close(request)
    }

    /// Records that the request failed without a status, or that its response cannot be used: a timeout, a reset, a
    /// body that cannot be read. `problem` is the reason in one line. `false` when it was dropped.
    pub fn fail(self, subset: Option<&str>, problem: impl AsRef<str>) -> bool {
        let arm = self.subsets.arm(subset);
        let failure = Request::failure(arm, problem::line(problem.as_ref()));
        let latency = Some(self.began.elapsed());
        self.close(Request { latency, ..failure })
    }

    fn close(self, request: Request) -> bool {
        let Self { value, user, id, .. } = self;
        let request = Request { value, user, id, ..request };
        let Some((place, room)) = self.reserved else { return false };
        if self.shared.room.is_closed() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        place.end((Seen::Request(request), room));
        true
    }
}

fn request(
    subsets: &Subsets,
    subset: Option<&str>,
    status: u16,
    latency: Option<Duration>,
) -> Request {
    let arm = subsets.arm(subset);
    if Request::is_failure(status) {
        Request { latency, ..Request::failure(arm, problem::of_status(status)) }
    } else {
        Request::served(arm, latency)
    }
}

impl Source for Recorded {
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        self.provides.clone()
    }

    /// Recorded observations are not repeated, so they carry no numbers.
    fn observations(self: Box<Self>, _after: Option<u64>) -> Observations {
        Box::pin(*self)
    }
}

impl Stream for Recorded {
    type Item = Result<Observation>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.order.poll_next(context).map(|item| {
            // Dropping it releases its share of the room.
            let (at, (what, _room)) = item?;
            Some(Ok(Observation { source: Arc::clone(&self.name), sequence: None, at, what }))
        })
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.room.close();
        self.order.retain(|_| false);
    }
}

#[cfg(test)]
mod tests;
