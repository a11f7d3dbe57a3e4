//! The log of mirrored requests: what the original and its copy were answered.

use std::{
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use canary_core::{
    evidence::{Answer, Logged, Pair, Request, Subsets, Timestamp},
    predict::read_top,
    rollout::Result,
};
use futures_core::Stream;
use tokio::sync::mpsc;

use super::{Proxy, forward::Outgoing, reply::Reply};

/// The records of mirrored requests, one of each side; a stream for [`canary_core::evidence::Mirrored`].
///
/// Envoy throws the answers of copies away; in a cluster such records come from the logs of both models. The lab knows
/// which requests it mirrors: it logs these alone, and each with the records of all sides, so the source may be told
/// that [all of them are mirrored](canary_core::evidence::Mirrored::all_mirrored). A copy that finds no endpoint, breaks
/// off or takes too long is logged as the failure that it is, with its status. Requests over gRPC are not logged.
///
/// The records are kept in a channel of a fixed size; a request that finds no room for all of its records is left out
/// before anybody knows what becomes of it, and counted.
#[derive(Debug)]
pub struct MirrorLog {
    receiver: mpsc::Receiver<Logged>,
    dropped: Arc<AtomicU64>,
}

impl MirrorLog {
    /// How many requests found no room for their records.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Stream for MirrorLog {
    type Item = Result<Logged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx).map(|record| record.map(Ok))
    }
}

/// Starts logs of mirrored requests, one after the other: for whoever goes on after a pause without holding the lab.
#[derive(Clone, Debug)]
pub struct Mirrors(pub(crate) Weak<Proxy>);

impl Mirrors {
    /// Logs mirrored requests from now on, as [`Lab::mirror_log`](crate::Lab::mirror_log) does. The log of a lab that is
    /// closed has no records.
    pub fn log(&self, subsets: Subsets, capacity: usize) -> MirrorLog {
        let (sink, log) = Sink::channel(subsets, capacity);
        if let Some(proxy) = self.0.upgrade() {
            proxy.mirror_log.store(Some(Arc::new(sink)));
        }
        log
    }
}

/// The gateway's end of the log.
#[derive(Debug)]
pub(crate) struct Sink {
    sender: mpsc::Sender<Logged>,
    dropped: Arc<AtomicU64>,
    subsets: Subsets,
}

impl Sink {
    /// Both ends of a log with room for so many records.
    pub(crate) fn channel(subsets: Subsets, capacity: usize) -> (Self, MirrorLog) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let dropped = Arc::<AtomicU64>::default();
        let log = MirrorLog { receiver, dropped: Arc::clone(&dropped) };
        (Self { sender, dropped, subsets }, log)
    }
}

/// Logs what one side of a mirrored request was answered.
#[derive(Debug)]
pub(crate) struct Log {
    room: mpsc::OwnedPermit<Logged>,
    sink: Arc<Sink>,
    id: Arc<str>,
    input: u64,
}

impl Log {
    /// The logs of a request that is about to leave with so many copies; its id is in its headers. None when there is
    /// not room for all: a record without the others would look like a copy that nobody answered.
    pub(crate) fn of_all(
        sink: &Arc<Sink>,
        request: &Outgoing,
        copies: usize,
    ) -> Option<(Self, Vec<Self>)> {
        // Whether a gRPC request failed is in the trailers, which are not kept here.
        if request.http2 {
            return None;
        }
        let id = request.headers.get("x-request-id").and_then(|id| id.to_str().ok());
        let (id, input) = (Arc::<str>::from(id.unwrap_or_default()), Pair::digest(&request.body));
        let log = || {
            let room = sink.sender.clone().try_reserve_owned().ok()?;
            Some(Self { room, sink: Arc::clone(sink), id: Arc::clone(&id), input })
        };
        let all: Option<(Self, Vec<Self>)> = log().zip((0..copies).map(|_| log()).collect());
        if all.is_none() {
            sink.dropped.fetch_add(1, Ordering::Relaxed);
        }
        all
    }

    /// Logs an answer and gives it back.
    pub(crate) async fn tell(self, subset: Option<&str>, reply: Reply) -> Reply {
        let (reply, body) = reply.whole().await;
        self.record(subset, reply.response.status().as_u16(), &body);
        reply
    }

    fn record(self, subset: Option<&str>, status: u16, body: &Bytes) {
        let Self { room, sink, id, input } = self;
        let (at, arm) = (Timestamp::now(), sink.subsets.arm(subset));
        let top = read_top(body).ok().and_then(|top| top.into_iter().next());
        let mut record = match top {
            _ if Request::is_failure(status) => Logged::failure(id, at, arm, status),
            Some((class, score)) => {
                Logged::answer(id, at, arm, Answer::new(class, f64::from(score)))
            }
            None => Logged::no_class(id, at, arm),
        };
        record.input = Some(input);
        room.send(record);
    }
}
