//! Connections of HTTP/1.1 to one server, kept while they are idle.
//!
//! The task that waits for an answer drives its connection itself. A task for each connection would cost two changes
//! of task for every answer, which is most of what a client spends on a small one.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1,
};
use tower_service::Service;

use super::{
    connect::Connector,
    http::{Broken, Cause},
};

/// How long a connection is kept without a request. Servers commonly close theirs after 60 s or more.
const IDLE: Duration = Duration::from_secs(50);

type Stream = <Connector as Service<Uri>>::Response;

/// The connections to one server; clones share them.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    connector: Connector,
    idle: Mutex<Idle>,
}

/// The connections without a request.
#[derive(Default)]
struct Idle {
    /// The one used last stands last.
    connections: Vec<(Box<Connection>, Instant)>,
    /// Whether a task closes what has been idle for too long.
    watched: bool,
}

/// One connection, on which at most one request is under way.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<Stream, Full<Bytes>>,
    /// The driver came to its end and must not be polled again.
    closed: bool,
}

impl Pool {
    /// No connection is made yet.
    pub(super) fn new(connector: Connector) -> Self {
        Self(Arc::new(Shared { connector, idle: Mutex::default() }))
    }

    /// Sends a request to the server that `to` names by scheme and host; the answer's body is still to be read from the connection.
    ///
    /// A kept connection that turns out to be closed before anything was sent is replaced by another.
    pub(super) async fn send(
        &self,
        to: &Uri,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Box<Connection>, Response<Incoming>), Broken> {
        loop {
            let kept = self.0.take();
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                // On the heap: it is rare, and its size would be that of every request's future.
                None => Box::pin(self.connect(to)).await.map_err(Broken::Connect)?,
            };
            let sent = connection.sender.try_send_request(request);
            match connection.drive(sent).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if reused => request = unsent,
                    _ => return Err(Broken::Exchange(error.into_error())),
                },
            }
        }
    }

    /// Keeps a connection for the next request, when its answer was read to the end and the server keeps it too.
    pub(super) fn keep(&self, mut connection: Box<Connection>) {
        // What woke up the last request is let go of, too.
        if connection.is_ready() {
            self.0.put(connection);
        }
    }

    async fn connect(&self, to: &Uri) -> Result<Box<Connection>, Cause> {
        let mut connector = self.0.connector.clone();
        poll_fn(|context| Service::poll_ready(&mut connector, context)).await?;
        let stream = connector.call(to.clone()).await?;
        let (sender, driver) = http1::handshake(stream).await?;
        Ok(Box::new(Connection { sender, driver, closed: false }))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Connection {
    /// The next part of an answer's body; `None` at its end.
    pub(super) async fn frame(
        &mut self,
        body: &mut Incoming,
    ) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        self.drive(body.frame()).await
    }

    /// Waits for what the connection brings, and drives the connection meanwhile.
    async fn drive<T>(&mut self, awaited: impl Future<Output = T>) -> T {
        let mut awaited = pin!(awaited);
        poll_fn(|context| {
            self.advance(context);
            awaited.as_mut().poll(context)
        })
        .await
    }

    /// Whether a request can be sent: neither side has closed it, and the last answer was read.
    fn is_ready(&mut self) -> bool {
        // Nobody is to be woken: who takes the connection looks again.
        self.advance(&mut Context::from_waker(Waker::noop()));
        !self.closed && self.sender.is_ready()
    }

    /// Reads and writes what can be without waiting.
    fn advance(&mut self, context: &mut Context<'_>) {
        // An error of the connection is told to the request that is under way.
        if !self.closed && Pin::new(&mut self.driver).poll(context).is_ready() {
            self.closed = true;
        }
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, if one is still open.
    fn take(&self) -> Option<Box<Connection>> {
        loop {
            let (mut connection, since) = self.idle().connections.pop()?;
            if since.elapsed() < IDLE && connection.is_ready() {
                return Some(connection);
            }
        }
    }

    fn put(self: &Arc<Self>, connection: Box<Connection>) {
        let mut idle = self.idle();
        idle.connections.push((connection, Instant::now()));
        if !idle.watched {
            idle.watched = true;
            drop(idle);
            let watch = Watch(Arc::downgrade(self));
            tokio::spawn(watch.run());
        }
    }

    /// Closes what was idle for too long; whether anything is left.
    fn sweep(&self) -> bool {
        let mut idle = self.idle();
        let old = idle.connections.partition_point(|(_, since)| since.elapsed() >= IDLE);
        let closed: Vec<_> = idle.connections.drain(..old).collect();
        let left = !idle.connections.is_empty();
        idle.watched = left;
        drop(idle);
        drop(closed);
        left
    }
}

/// The task that closes idle connections, as long as there are any.
struct Watch(Weak<Shared>);

impl Watch {
    async fn run(self) {
        loop {
            tokio::time::sleep(IDLE / 2).await;
            let Some(shared) = self.0.upgrade() else { return };
            if !shared.sweep() {
                return;
            }
        }
    }
}

impl Drop for Watch {
    /// When its runtime ends before it does, another may be started.
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.idle().watched = false;
        }
    }
}
