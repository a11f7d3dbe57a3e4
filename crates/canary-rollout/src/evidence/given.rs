//! Sources from the caller's iterators and streams.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::{
    SendingOrder, Timestamp,
    observation::{Kind, Observation, Seen},
    source::{Observations, Source},
};
use crate::{Error, Result};

/// The observations that a thread reads ahead ([`from_blocking`]).
const AHEAD: usize = 1_024;

/// An observation of the caller: the time at which the request was sent, and its content.
type Item = (Timestamp, Seen);

/// A source out of a stream or an iterator of the caller's; see [`from_iter`], [`from_blocking`] and [`from_stream`].
///
/// # The order of sending
/// A request is judged by the weights at the moment at which it was sent, so the observations come in that order; equal
/// moments are allowed. An observation that was sent before the previous one, or later than now, ends the source with
/// [`Error::Observation`], which names its number. An access log is written when requests end: sort it first, and give
/// a request only when every one that was sent before it has ended.
///
/// # Interruptions
/// The moments number the observations ([`SendingOrder`]). A rollout that is interrupted and restarted counts none
/// twice, whether the source starts again or continues.
#[derive(Debug)]
pub struct Given<S> {
    name: Arc<str>,
    provides: Vec<Kind>,
    items: S,
}

/// A source from an iterator that never waits, such as a list. Each item has the time of sending and the content.
///
/// ```
/// use canary_core::evidence::{Arm, Kind, Request, Seen, Source, Timestamp, from_iter};
///
/// let failed = Request::failure(Arm::Canary, "503 Service Unavailable");
/// let source = from_iter("log", [Kind::Requests], vec![(Timestamp(1_000), Seen::Request(failed))]);
/// assert_eq!(source.name(), "log");
/// ```
pub fn from_iter<I>(
    name: impl Into<Arc<str>>,
    provides: impl IntoIterator<Item = Kind>,
    items: I,
) -> Given<Iterated<I::IntoIter>>
where
    I: IntoIterator<Item = Item>,
    I::IntoIter: Send + Unpin + 'static,
{
    from_stream(name, provides, Iterated(items.into_iter()))
}

/// A source out of an iterator that may wait, such as a file that is followed or a queue: a thread of its own iterates,
/// and reads at most 1024 observations ahead. It begins with the run, and ends at the next item after the run's end.
///
/// ```
/// use canary_core::evidence::{Arm, Kind, Request, Seen, Source, Timestamp, from_blocking};
/// use futures_util::StreamExt;
///
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let source = from_blocking("queue", [Kind::Requests], receiver);
/// sender.send(Ok((Timestamp(1_000), Seen::Request(Request::served(Arm::Stable, None))))).unwrap();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async move {
/// let mut observations = Box::new(source).observations(None);
/// let observation = observations.next().await.unwrap()?;
/// assert_eq!(observation.at, Timestamp(1_000));
/// # Ok::<(), canary_core::rollout::Error>(())
/// # })?;
/// # Ok::<(), canary_core::rollout::Error>(())
/// ```
pub fn from_blocking<I>(
    name: impl Into<Arc<str>>,
    provides: impl IntoIterator<Item = Kind>,
    items: I,
) -> Given<Waiting<I>>
where
    I: IntoIterator<Item = Result<Item>> + Send + Unpin + 'static,
{
    from_stream(name, provides, Waiting::Iterable(items))
}

/// A source from a stream. Each item has the time of sending and the content, or is an error.
pub fn from_stream<S>(
    name: impl Into<Arc<str>>,
    provides: impl IntoIterator<Item = Kind>,
    items: S,
) -> Given<S>
where
    S: Stream<Item = Result<Item>> + Send + 'static,
{
    Given { name: name.into(), provides: provides.into_iter().collect(), items }
}

impl<S> Source for Given<S>
where
    S: Stream<Item = Result<Item>> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        self.provides.clone()
    }

    fn observations(self: Box<Self>, _after: Option<u64>) -> Observations {
        Box::pin(Ordered { order: SendingOrder::new(self.name), items: Box::pin(self.items) })
    }
}

/// An iterator as a stream that is always ready.
#[derive(Debug)]
pub struct Iterated<I>(I);

impl<I: Iterator<Item = Item> + Unpin> Stream for Iterated<I> {
    type Item = Result<Item>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// An iterable as a stream, read by a thread from the first poll on.
#[derive(Debug)]
pub enum Waiting<I> {
    /// No thread has begun.
    Iterable(I),
    /// The items that the thread has read.
    Read(mpsc::Receiver<Result<Item>>),
    /// The thread could not be started.
    Over,
}

impl<I> Stream for Waiting<I>
where
    I: IntoIterator<Item = Result<Item>> + Send + Unpin + 'static,
{
    type Item = Result<Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Self::Read(items) = &mut *self {
            return items.poll_recv(cx);
        }
        let Self::Iterable(items) = std::mem::replace(&mut *self, Self::Over) else {
            return Poll::Ready(None);
        };
        let (sender, mut receiver) = mpsc::channel(AHEAD);
        let iterate = move || {
            for item in items {
                if sender.blocking_send(item).is_err() {
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("canary-evidence".to_owned()).spawn(iterate)
        {
            let why = format!("a thread that reads observations cannot be started: {error}");
            return Poll::Ready(Some(Err(Error::Plan(why))));
        }
        let first = receiver.poll_recv(cx);
        *self = Self::Read(receiver);
        first
    }
}

/// Items as observations in the order of sending.
struct Ordered<S> {
    order: SendingOrder,
    items: Pin<Box<S>>,
}

impl<S: Stream<Item = Result<Item>>> Stream for Ordered<S> {
    type Item = Result<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.as_mut().poll_next(cx).map(|item| {
            item.map(|item| {
                let (at, what) = item?;
                self.order.take(at, what, Timestamp::now())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;

    use super::{
        super::{Arm, Request},
        *,
    };

    fn request() -> Seen {
        Seen::Request(Request::served(Arm::Stable, None))
    }

    #[tokio::test]
    async fn what_was_sent_earlier_or_is_still_to_be_sent_is_refused_by_number() {
        let collect = |moments: &'static [u64]| async move {
            let items = moments.iter().map(|at| (Timestamp(*at), request()));
            let source = Box::new(from_iter("log", [Kind::Requests], items));
            source.observations(None).collect::<Vec<_>>().await
        };
        let found = collect(&[5, 5, 7]).await;
        let numbers: Vec<_> =
            found.iter().map(|one| one.as_ref().unwrap().sequence.unwrap()).collect();
        assert_eq!(numbers, [5 << 20, (5 << 20) + 1, 7 << 20]);
        let error = collect(&[5, 4]).await.pop().unwrap().unwrap_err().to_string();
        assert_eq!(
            error,
            "observation 1 of log was sent at 1970-01-01T00:00:00.004Z, before the one that came before it \
             (1970-01-01T00:00:00.005Z); give them in the order of sending"
        );
        let error = collect(&[u64::MAX / 2]).await.pop().unwrap().unwrap_err().to_string();
        assert!(
            error.contains("observation 0 of log was sent at") && error.contains("in the future")
        );
    }

    #[tokio::test]
    async fn an_iterator_that_waits_holds_nothing_up() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let source = from_blocking("queue", [Kind::Requests], receiver);
        let mut items = Box::new(source).observations(None);
        let early = tokio::time::timeout(Duration::from_millis(20), items.next()).await;
        assert!(early.is_err(), "nothing was sent, and the task continues");
        sender.send(Ok((Timestamp(1), request()))).unwrap();
        assert_eq!(items.next().await.unwrap().unwrap().at, Timestamp(1));
        drop(sender);
        assert!(items.next().await.is_none());
    }
}
