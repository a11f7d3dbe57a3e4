//! Connections of HTTP/1.1 to one server, kept while they are idle.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use http::Uri;
use tower_service::Service;

use super::{
    connect::Connector,
    exchange::Connection,
    http::{Asked, Broken, Cause, Reply},
};

/// How long a connection is kept without a request. Servers commonly close theirs after 60 s or more.
const IDLE: Duration = Duration::from_secs(50);

/// The connections to one server; clones share them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

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

impl Pool {
    /// No connection is made yet.
    pub fn new(connector: Connector) -> Self {
        Self(Arc::new(Shared { connector, idle: Mutex::default() }))
    }

    /// Sends a request for an address and reads its answer whole, whose body is at most `limit` bytes.
    ///
    /// A kept connection that turns out to be closed before anything was sent is replaced by another.
    pub async fn send(&self, asked: Asked<'_>, limit: usize) -> Result<Reply, Broken> {
        loop {
            let kept = self.0.take();
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                // On the heap: it is rare, and its size would be that of every request's future.
                None => Box::pin(self.connect(asked.uri)).await.map_err(Broken::Connect)?,
            };
            match connection.exchange(asked, limit).await {
                Ok((reply, keeps)) => {
                    // What woke up this request is let go of by the look, too.
                    if keeps && connection.is_idle() {
                        self.0.put(connection);
                    }
                    return Ok(reply);
                }
                Err(Broken::Exchange(_)) if reused && connection.is_unsent() => {}
                Err(broken) => return Err(broken),
            }
        }
    }

    async fn connect(&self, to: &Uri) -> Result<Box<Connection>, Cause> {
        let mut connector = self.0.connector.clone();
        poll_fn(|context| Service::poll_ready(&mut connector, context)).await?;
        let stream = connector.call(to.clone()).await?;
        Ok(Box::new(Connection::new(stream)))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
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
            if since.elapsed() < IDLE && connection.is_idle() {
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
