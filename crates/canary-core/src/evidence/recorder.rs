//! The client's own observations: a handle to record with, and the source at its other end.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::{
    Timestamp,
    observation::{Kind, Observation, Pair, Request, Seen, Subsets},
    source::{Observations, Source},
};
use crate::{Error, Result};

/// Records what a client sees, for a rollout that runs beside it.
///
/// Between the two is a channel of a fixed size. [`Recorder::record`] waits while it is full, which slows the client
/// down instead of filling the memory; [`Recorder::try_record`] never waits and counts what it had to drop.
/// Dropping costs evidence. It does not bias it as long as the two subsets' observations are dropped alike.
///
/// ```
/// use canary_core::evidence::{Kind, Recorder, Source, Subsets, Timestamp};
///
/// let subsets = Subsets::new("resnet50", "resnet101");
/// let (recorder, source) = Recorder::channel("client", subsets, [Kind::Requests, Kind::Latency], 1_024);
/// let latency = std::time::Duration::from_millis(38);
/// assert!(recorder.try_request(Timestamp::now(), Some("resnet101"), 200, Some(latency)));
/// assert_eq!(source.provides(), [Kind::Requests, Kind::Latency]);
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    sender: mpsc::Sender<(Timestamp, Seen)>,
    subsets: Subsets,
    dropped: Arc<AtomicU64>,
}

/// The source at the other end of a [`Recorder`].
#[derive(Debug)]
pub struct Recorded {
    name: Arc<str>,
    provides: Vec<Kind>,
    receiver: mpsc::Receiver<(Timestamp, Seen)>,
}

impl Recorder {
    /// A recorder and its source, with room for `capacity` observations in between (at least 1).
    pub fn channel(
        name: impl Into<Arc<str>>,
        subsets: Subsets,
        provides: impl IntoIterator<Item = Kind>,
        capacity: usize,
    ) -> (Self, Recorded) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let provides = provides.into_iter().collect();
        (
            Self { sender, subsets, dropped: Arc::default() },
            Recorded { name: name.into(), provides, receiver },
        )
    }

    /// Records what was seen, waiting while the channel is full.
    ///
    /// # Errors
    /// [`Error::Plan`] when the rollout at the other end has ended.
    pub async fn record(&self, at: Timestamp, seen: Seen) -> Result<()> {
        self.sender
            .send((at, seen))
            .await
            .map_err(|_| Error::Plan("the rollout that this recorder belongs to has ended".into()))
    }

    /// Records what was seen without waiting; `false` when it was dropped.
    pub fn try_record(&self, at: Timestamp, seen: Seen) -> bool {
        let sent = self.sender.try_send((at, seen)).is_ok();
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// Records one request: the subset that served it, as its response header says, and the HTTP status.
    /// `false` when it was dropped.
    pub fn try_request(
        &self,
        at: Timestamp,
        subset: Option<&str>,
        status: u16,
        latency: Option<Duration>,
    ) -> bool {
        let arm = self.subsets.arm(subset);
        let failed = Request::is_failure(status);
        self.try_record(at, Seen::Request(Request { arm, failed, latency }))
    }

    /// Records a pair of answers to one input, waiting while the channel is full.
    ///
    /// # Errors
    /// [`Error::Plan`] when the rollout at the other end has ended.
    pub async fn pair(&self, at: Timestamp, pair: Pair) -> Result<()> {
        self.record(at, Seen::Pair(pair)).await
    }

    /// How many observations had to be dropped because the channel was full or the rollout had ended.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
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

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.receiver.poll_recv(cx);
        polled.map(|item| {
            item.map(|(at, what)| {
                Ok(Observation { source: Arc::clone(&self.name), sequence: None, at, what })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Arm;

    fn small() -> (Recorder, Recorded) {
        Recorder::channel("client", Subsets::new("a", "b"), [Kind::Requests], 2)
    }

    fn drain(source: &mut Recorded) -> Vec<Observation> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut seen = Vec::new();
        while let Poll::Ready(Some(item)) = Pin::new(&mut *source).poll_next(&mut context) {
            seen.push(item.unwrap());
        }
        seen
    }

    #[test]
    fn a_full_channel_drops_and_counts() {
        let (recorder, mut source) = small();
        assert!(recorder.try_request(Timestamp(1), Some("a"), 200, None));
        assert!(recorder.try_request(Timestamp(2), Some("b"), 503, None));
        assert!(!recorder.try_request(Timestamp(3), Some("a"), 200, None));
        assert_eq!(recorder.dropped(), 1);
        let seen = drain(&mut source);
        let failed = Seen::Request(Request { arm: Arm::Canary, failed: true, latency: None });
        assert_eq!((seen.len(), &seen[1].what), (2, &failed));
        assert!(recorder.try_request(Timestamp(4), None, 200, None));
    }

    #[test]
    fn a_waiting_record_goes_on_when_there_is_room() {
        let (recorder, mut source) = small();
        let one = Seen::Request(Request { arm: Arm::Stable, failed: false, latency: None });
        let mut context = Context::from_waker(std::task::Waker::noop());
        for _ in 0..2 {
            assert!(recorder.try_record(Timestamp(0), one.clone()));
        }
        let mut waiting = Box::pin(recorder.record(Timestamp(9), one));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert_eq!(drain(&mut source).len(), 2);
        assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
        assert_eq!(drain(&mut source)[0].at, Timestamp(9));
    }

    #[test]
    fn a_recorder_without_its_rollout_says_so() {
        let (recorder, source) = small();
        drop(source);
        let one = Seen::Request(Request { arm: Arm::Stable, failed: false, latency: None });
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut record = Box::pin(recorder.record(Timestamp(0), one));
        assert!(matches!(record.as_mut().poll(&mut context), Poll::Ready(Err(Error::Plan(_)))));
    }
}
