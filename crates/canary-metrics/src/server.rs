//! The server that Prometheus scrapes: one address, two paths, bounded in connections and in time.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use crate::{Error, Format, Metrics, Result};

/// Connections that are served at a time; others wait until one of them ends.
const CONNECTIONS: usize = 16;

/// The longest time that a request may take to arrive.
const HEAD: Duration = Duration::from_secs(5);

/// The longest time of a connection, its one response included.
const CONNECTION: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// Metrics that are served until this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: AbortHandle,
}

impl Server {
    /// The address at which the server listens; for port 0, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL to scrape, such as `http://127.0.0.1:9464/metrics`.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn serve(metrics: Metrics, address: &str) -> Result<Server> {
    let address: SocketAddr =
        address.parse().map_err(|_| Error::Address { text: address.to_owned() })?;
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let task = tokio::spawn(accept(listener, metrics)).abort_handle();
    Ok(Server { address, task })
}

async fn accept(listener: TcpListener, metrics: Metrics) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // The connections end with this task, because the set aborts what it holds.
    let mut connections = JoinSet::new();
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            // Probably there are no file handles left; wait until other connections end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let metrics = metrics.clone();
        connections.spawn(async move {
            // A connection that the other side breaks, or that takes too long, needs no report.
            let _ = timeout(CONNECTION, connection(stream, metrics)).await;
            drop(place);
        });
    }
}

/// One request and its response: without keep-alive, so that an idle scraper takes no place.
async fn connection(stream: TcpStream, metrics: Metrics) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let response = answer(&request, &metrics);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.keep_alive(false).max_buf_size(HEAD_BYTES);
    builder.serve_connection(TokioIo::new(stream), service).await
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let reply = |status, kind: &'static str, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    let plain =
        |status, text: &str| reply(status, "text/plain; charset=utf-8", format!("{text}\n"));
    let known = matches!(request.uri().path(), "/metrics" | "/healthz");
    if known && !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => {
            let format = wanted(request);
            reply(StatusCode::OK, format.content_type(), metrics.text(format))
        }
        "/healthz" => plain(StatusCode::OK, "ok"),
        _ => plain(StatusCode::NOT_FOUND, "the metrics are at /metrics"),
    }
}

/// `OpenMetrics` for clients that accept it, as Prometheus does, and Prometheus' own format for others.
fn wanted(request: &Request<Incoming>) -> Format {
    let accepted = request.headers().get_all(ACCEPT).iter();
    let open = accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/openmetrics-text"));
    if open { Format::OpenMetrics } else { Format::Text }
}
