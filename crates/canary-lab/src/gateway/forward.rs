//! Sends a request to an endpoint, and retries it by the rule's policy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use canary_core::route::{Cluster, RetryPolicy};
use http_body_util::{Either, Full};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    http::uri::{Authority, Scheme},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    edits::insert,
    mirror_log::Log,
    outgoing::{Answered, Outgoing},
    reply::Reply,
    snapshot::{Endpoint, Snapshot},
};

/// The timeout of a mirrored request where the route has none: Envoy's own default.
const LONGEST_COPY: Duration = Duration::from_secs(15);

/// The clients of the destinations; requests go to the pods of a destination in turn.
#[derive(Debug)]
pub(crate) struct Upstreams {
    http1: Client<HttpConnector, Full<Bytes>>,
    http2: Client<HttpConnector, Full<Bytes>>,
    turn: AtomicUsize,
}

enum Attempt {
    Answer(Response<Incoming>),
    NotConnected,
    Reset,
    TimedOut,
}

impl Upstreams {
    pub(crate) fn new() -> Self {
        let client = |http2: bool| {
            let mut connector = HttpConnector::new();
            connector.set_nodelay(true);
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .http2_only(http2)
                .set_host(false)
                .build(connector)
        };
        Self { http1: client(false), http2: client(true), turn: AtomicUsize::new(0) }
    }

    /// Sends a request to a cluster, with retries by its policy.
    pub(crate) async fn forward(
        &self,
        snapshot: &Snapshot,
        cluster: &Cluster,
        mut request: Outgoing,
        retries: Option<&RetryPolicy>,
        random: u64,
    ) -> (Reply, Answered) {
        let mut tries = 0;
        loop {
            tries += 1;
            let endpoints = snapshot.endpoints(cluster);
            let count = endpoints.clone().count();
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let Some((endpoint, address)) =
                endpoints.clone().nth(if count == 0 { 0 } else { turn % count })
            else {
                let reply = Reply::new(503, "UH", "no healthy upstream");
                return (reply, Answered::default());
            };
            let mut uri = Uri::builder().scheme(Scheme::HTTP).path_and_query(request.path.clone());
            if let Ok(authority) = Authority::try_from(address.to_string()) {
                uri = uri.authority(authority);
            }
            insert(&mut request.headers, "x-envoy-attempt-count", &tries.to_string());
            let last = retries.is_none_or(|retries| tries > retries.attempts);
            let limit = retries.and_then(|retries| retries.per_try_timeout);
            let outcome = match uri.build() {
                Ok(uri) => self.attempt(uri, &request, limit).await,
                Err(_) => Attempt::NotConnected,
            };
            let again = !last && retries.is_some_and(|retries| retriable(&outcome, retries));
            if !again {
                let who =
                    Answered { workload: endpoint.workload.clone(), version: version(endpoint) };
                let repeated = tries > 1;
                let reply = match outcome {
                    Attempt::Answer(response) => {
                        let response = response.map(Either::Left);
                        return (Reply { response, flags: "" }, who);
                    }
                    Attempt::NotConnected => {
                        Reply::unreachable(repeated, "remote connection failure")
                    }
                    Attempt::Reset => Reply::reset(repeated),
                    Attempt::TimedOut => Reply::timeout(),
                };
                return (reply, who);
            }
            if let Some(retries) = retries {
                // Envoy draws from 0 to the back-off, which doubles up to ten times its base.
                let factor = 2u32.saturating_pow(tries).saturating_sub(1).min(10);
                #[allow(clippy::cast_precision_loss)]
                let draw = (random.rotate_left(tries * 11) >> 11) as f64 * 2f64.powi(-53);
                tokio::time::sleep((retries.backoff * factor).mul_f64(draw)).await;
            }
        }
    }

    async fn attempt(&self, uri: Uri, outgoing: &Outgoing, limit: Option<Duration>) -> Attempt {
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = outgoing.headers.clone();
        let client = if outgoing.http2 { &self.http2 } else { &self.http1 };
        let sent = client.request(request);
        let sent = match limit {
            Some(limit) => match tokio::time::timeout(limit, sent).await {
                Ok(sent) => sent,
                Err(_elapsed) => return Attempt::TimedOut,
            },
            None => sent.await,
        };
        match sent {
            Ok(response) => Attempt::Answer(response),
            Err(error) if error.is_connect() => Attempt::NotConnected,
            Err(_) => Attempt::Reset,
        }
    }

    /// Sends a mirrored request and drops the response, once it is logged. Its timeout is that of the original, as in Envoy.
    pub(crate) fn mirror(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        to: Arc<Cluster>,
        copy: Outgoing,
        limit: Option<Duration>,
        log: Option<Log>,
    ) {
        let (upstreams, snapshot) = (Arc::clone(self), Arc::clone(snapshot));
        let limit = limit.unwrap_or(LONGEST_COPY);
        tokio::spawn(async move {
            let answered =
                async { upstreams.forward(&snapshot, &to, copy, None, 0).await.0.whole().await.0 };
            let answered = tokio::time::timeout(limit, answered).await;
            let reply = answered.unwrap_or_else(|_elapsed| Reply::timeout());
            if let Some(log) = log {
                log.record_reply(&to, reply).await;
            }
        });
    }
}

fn version(endpoint: &Endpoint) -> String {
    endpoint.labels.get("version").cloned().unwrap_or_default()
}

/// Returns `true` when Envoy retries after this outcome ("x-envoy-retry-on" in its documentation).
fn retriable(outcome: &Attempt, retries: &RetryPolicy) -> bool {
    let on = |names: &[&str]| retries.retry_on.iter().any(|on| names.contains(&on.as_str()));
    match outcome {
        Attempt::NotConnected => on(&["connect-failure", "5xx", "gateway-error", "reset"]),
        Attempt::Reset => on(&["reset", "5xx", "gateway-error"]),
        Attempt::TimedOut => on(&["5xx", "gateway-error"]),
        Attempt::Answer(response) => {
            let status = response.status();
            let grpc = response.headers().get("grpc-status").and_then(|code| code.to_str().ok());
            (status.is_server_error() && on(&["5xx"]))
                || (matches!(status.as_u16(), 502..=504) && on(&["gateway-error"]))
                || (status == StatusCode::CONFLICT && on(&["retriable-4xx"]))
                || (retries.retriable_status_codes.contains(&status.as_u16())
                    && on(&["retriable-status-codes"]))
                || match grpc {
                    Some("1") => on(&["cancelled"]),
                    Some("4") => on(&["deadline-exceeded"]),
                    Some("8") => on(&["resource-exhausted"]),
                    Some("13") => on(&["internal"]),
                    Some("14") => on(&["unavailable"]),
                    _ => false,
                }
        }
    }
}
