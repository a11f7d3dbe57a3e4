//! The log of mirrored requests: the responses to the original and to its copies.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use canary_core::{
    evidence::{Answer, Logged, Pair, Request, Subsets, Timestamp},
    predict::read_top,
    rollout::Result,
    route::Cluster,
};
use futures_core::Stream;
use tokio::sync::mpsc;

use super::{outgoing::Outgoing, reply::Reply};

/// The records of mirrored requests, one for each side; a stream for [`canary_core::evidence::Mirrored`].
///
/// Envoy drops the responses to copies; in a cluster such records come from the logs of both models. The lab knows which
/// requests it mirrors: it logs only these, each with the records of all sides, so the source can be configured so that
/// [all of them are mirrored](canary_core::evidence::Mirrored::all_mirrored). A copy that finds no endpoint, is reset
/// or times out is logged as a failure with its status. Requests over gRPC are not logged.
///
/// The records are kept in a channel of a fixed size; a request for whose records there is no room is left
/// out before its outcome is known, and counted.
#[derive(Debug)]
pub struct MirrorLog {
    receiver: mpsc::Receiver<Logged>,
    dropped: Arc<AtomicU64>,
}

impl MirrorLog {
    /// The number of requests that were left out because there was no room for their records.
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

/// A reserved entry of the log for the response of one side.
#[derive(Debug)]
pub(crate) struct Log {
    room: mpsc::OwnedPermit<Logged>,
    sink: Arc<Sink>,
    id: Arc<str>,
    input: u64,
}

impl Log {
    /// Reserves a place for a request and for each of its copies; its id is in its headers. `None` when there is not room
    /// for all: a record without the others would look like a copy that got no response.
    pub(crate) fn of_all(
        sink: &Arc<Sink>,
        request: &Outgoing,
        copies: usize,
    ) -> Option<(Self, Vec<Self>)> {
        // The outcome of a gRPC request is in the trailers, which are not read here.
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

    /// Logs a response of a version and returns it. The version is the subset; where there is none, the Service.
    pub(crate) async fn record_reply(self, by: &Cluster, reply: Reply) -> Reply {
        let (reply, body) = reply.whole().await;
        let service = by.host.split('.').next().unwrap_or_default();
        self.record(
            by.subset.as_deref().unwrap_or(service),
            reply.response.status().as_u16(),
            &body,
        );
        reply
    }

    fn record(self, version: &str, status: u16, body: &Bytes) {
        let Self { room, sink, id, input } = self;
        let (at, arm) = (Timestamp::now(), sink.subsets.arm(Some(version)));
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
