//! Listening on loopback: HTTP/1.1 and HTTP/2 on one port, stopped by dropping.

use std::{future::Ready, io, net::SocketAddr};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// The longest that a connection may take to be opened, such as by the handshake of TLS.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(10);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An open port.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Listener {
    /// Opens a free port of 127.0.0.1; needs the context of a tokio runtime.
    pub(crate) fn bind() -> io::Result<Self> {
        Self::bind_at(None)
    }

    /// Opens this address, or a free port of 127.0.0.1; needs the context of a tokio runtime.
    pub(crate) fn bind_at(address: Option<SocketAddr>) -> io::Result<Self> {
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener: TcpListener::from_std(listener)?, address })
    }

    /// Serves every connection with a service of its own, over the stream that `open` creates from it: [`plain`], or TLS.
    pub(crate) fn serve<O, F, I, S, B>(
        self,
        open: O,
        mut service: impl FnMut(SocketAddr) -> S + Send + 'static,
    ) -> Serving
    where
        O: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = io::Result<I>> + Send + 'static,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let Self { listener, address } = self;
        let task = tokio::spawn(async move {
            // The connections end with this task, because the set aborts what it holds.
            let mut connections = JoinSet::new();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    Some(_) = connections.join_next() => continue,
                };
                let Ok((stream, peer)) = accepted else {
                    // Probably there are no file handles left; wait until other connections end.
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let (opening, service) = (open(stream), service(peer));
                connections.spawn(async move {
                    let opening = tokio::time::timeout(HANDSHAKE, opening).await;
                    let Ok(Ok(stream)) = opening else { return };
                    let mut builder = auto::Builder::new(TokioExecutor::new());
                    builder.http1().timer(TokioTimer::new());
                    builder.http2().timer(TokioTimer::new());
                    // A connection that the peer breaks needs no report.
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Serving { address, task: task.abort_handle() }
    }
}

/// A connection as it is, without TLS.
pub(crate) fn plain(stream: TcpStream) -> Ready<io::Result<TcpStream>> {
    std::future::ready(Ok(stream))
}

/// A port that is served until this is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    address: SocketAddr,
    task: AbortHandle,
}

impl Serving {
    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}
