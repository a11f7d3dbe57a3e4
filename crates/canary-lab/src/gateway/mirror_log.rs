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
    Result,
    evidence::{Answer, Logged, Pair, Request, Subsets, Timestamp},
    predict::read_top,
};
use futures_core::Stream;
use http_body_util::{BodyExt, Either, Full};
use tokio::sync::mpsc;

use super::{Proxy, forward::Outgoing, reply::Reply};

/// The records of mirrored requests, one of each side; a stream for [`canary_core::evidence::Mirrored`].
///
/// Envoy throws the answers of copies away; in a cluster such records come from the logs of both models. The lab keeps
/// them in a channel of a fixed size, and counts what finds no room.
#[derive(Debug)]
pub struct MirrorLog {
    receiver: mpsc::Receiver<Logged>,
    dropped: Arc<AtomicU64>,
}

impl MirrorLog {
    /// How many records found no room.
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

/// Logs what one mirrored request was answered.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    sink: Arc<Sink>,
    id: Arc<str>,
    input: u64,
}

impl Log {
    /// For a request that is about to leave; its id is in its headers.
    pub(crate) fn new(sink: Arc<Sink>, request: &Outgoing) -> Self {
        let id = request.headers.get("x-request-id").and_then(|id| id.to_str().ok());
        Self { sink, id: id.unwrap_or_default().into(), input: Pair::digest(&request.body) }
    }

    /// Logs an answer and gives it back.
    pub(crate) async fn tell(&self, subset: Option<&str>, reply: Reply) -> Reply {
        let Reply { response, flags } = reply;
        let (head, body) = response.into_parts();
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return Reply::reset(false);
        };
        let status = head.status.as_u16();
        self.record(subset, status, &body);
        let response = hyper::Response::from_parts(head, Either::Right(Full::new(body)));
        Reply { response, flags }
    }

    fn record(&self, subset: Option<&str>, status: u16, body: &Bytes) {
        let (at, arm, id) = (Timestamp::now(), self.sink.subsets.arm(subset), Arc::clone(&self.id));
        let top = read_top(body).ok().and_then(|top| top.into_iter().next());
        let mut record = match top {
            Some((class, score)) if status == 200 => {
                Logged::answer(id, at, arm, Answer::new(class, f64::from(score)))
            }
            _ if Request::is_failure(status) => Logged::failure(id, at, arm, status),
            // Neither an answer with classes nor a failure of the server: nothing to compare.
            _ => return,
        };
        record.input = Some(self.input);
        if self.sink.sender.try_send(record).is_err() {
            self.sink.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
