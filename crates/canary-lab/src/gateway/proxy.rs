//! The proxy: it receives a request, decides its route, and returns the response.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use canary_core::{
    Decision,
    route::{FailureKind, Outcome},
};
use canary_proto::tensorflow::error::Code;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    http::request::Parts,
    service::service_fn,
};

use super::{
    edits::{self, forwarded, insert, remove_hop_by_hop},
    exposition,
    forward::Upstreams,
    metrics::Metrics,
    mirror_log::{Log, Sink},
    outgoing::{Answered, Outgoing},
    recent::Recent,
    reply::{Body, Reply, mark},
    series::Series,
    snapshot::Snapshot,
    view::View,
};
use crate::{
    mix::mix,
    net::{Listener, Serving, plain},
};

/// The largest request body that is buffered, in bytes.
const MAX_BODY: usize = 256 << 20;

/// The service that answers the requests of the gateway.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) metrics: Arc<Metrics>,
    /// The log of mirrored requests, while it has a reader.
    pub(crate) mirror_log: ArcSwapOption<Sink>,
    /// The last exchanges, while they have a reader.
    pub(crate) recent: ArcSwapOption<Recent>,
    upstreams: Arc<Upstreams>,
    draws: AtomicU64,
    seed: u64,
}

impl Proxy {
    /// A gateway whose random draws follow from a seed.
    pub(crate) fn new(snapshot: Snapshot, seed: u64) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            metrics: Arc::default(),
            mirror_log: ArcSwapOption::empty(),
            recent: ArcSwapOption::empty(),
            upstreams: Arc::new(Upstreams::new()),
            draws: AtomicU64::new(0),
            seed,
        }
    }

    /// Opens a port; needs the context of a tokio runtime.
    pub(crate) fn listen(self: &Arc<Self>) -> io::Result<Serving> {
        let proxy = Arc::clone(self);
        Ok(Listener::bind()?.serve(plain, move |peer| {
            let proxy = Arc::clone(&proxy);
            service_fn(move |request| {
                let proxy = Arc::clone(&proxy);
                async move { Ok::<_, Infallible>(proxy.answer(request, peer).await) }
            })
        }))
    }

    /// Opens a port that answers Prometheus.
    pub(crate) fn listen_metrics(self: &Arc<Self>) -> io::Result<Serving> {
        let proxy = Arc::clone(self);
        Ok(Listener::bind()?.serve(plain, move |_peer| {
            let proxy = Arc::clone(&proxy);
            service_fn(move |_request: Request<Incoming>| {
                let mut response = Response::new(Full::new(Bytes::from(proxy.metrics_text())));
                let kind = HeaderValue::from_static(exposition::CONTENT_TYPE);
                response.headers_mut().insert(CONTENT_TYPE, kind);
                async move { Ok::<_, Infallible>(response) }
            })
        }))
    }

    /// The counters and the weights in force, in Prometheus' text format.
    pub(crate) fn metrics_text(&self) -> String {
        let counters = exposition::counters(&self.metrics.counts());
        exposition::text([counters, exposition::weights(self.snapshot.load_full())])
    }

    async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let began = Instant::now();
        let snapshot = self.snapshot.load_full();
        let random = mix(self.seed ^ mix(self.draws.fetch_add(1, Ordering::Relaxed)));
        let (head, body) = request.into_parts();
        let decision = snapshot.mesh.route(View::new(&head, snapshot.port, random));
        if let Some(delay) = decision.delay() {
            tokio::time::sleep(delay).await;
        }
        let (reply, who) = match self.carry_out(&snapshot, &decision, &head, body, peer).await {
            Some(done) => done,
            None => (
                Reply::new(400, "", "the request was cut off or is too large"),
                Answered::default(),
            ),
        };
        let Reply { mut response, flags } = reply;
        edits::apply(response.headers_mut(), decision.response_edits(), Some(&head.headers));
        for (name, value) in decision.cors_headers() {
            insert(response.headers_mut(), name, &value);
        }
        let cluster = decision.cluster();
        let subset = cluster.and_then(|cluster| cluster.subset.as_deref());
        let flags = match (decision.delay(), flags) {
            (Some(_), "") => "DI".to_owned(),
            (Some(_), flags) => format!("DI,{flags}"),
            (None, flags) => flags.to_owned(),
        };
        mark(response.headers_mut(), &flags, subset);
        let labels =
            cluster.and_then(|cluster| cluster.policy.as_ref()).map(|policy| &policy.labels);
        let version = labels.and_then(|labels| labels.get("version")).cloned().unwrap_or_default();
        let series = Series {
            service: cluster.map(|cluster| cluster.host.clone()).unwrap_or_default(),
            subset: subset.unwrap_or_default().to_owned(),
            workload: who.workload,
            version: if who.version.is_empty() { version } else { who.version },
            code: response.status().as_u16(),
            flags,
            divided: decision.shares().len() > 1,
        };
        self.metrics.record(series, began.elapsed());
        response
    }

    /// Carries out the decision; `None` when the request cannot be read.
    async fn carry_out(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        decision: &Decision<View<'_>>,
        head: &Parts,
        body: Incoming,
        peer: SocketAddr,
    ) -> Option<(Reply, Answered)> {
        let own = |reply: Reply| Some((reply, Answered::default()));
        let cluster = match decision.outcome() {
            Outcome::Forward(cluster) => Arc::clone(cluster),
            Outcome::Redirect(to) => return own(Reply::redirect(to.status, &to.location)),
            Outcome::DirectResponse(direct) => {
                return own(Reply::new(direct.status, "", direct.body.clone()));
            }
            Outcome::Abort(abort) => {
                let Some(grpc) = &abort.grpc_status else {
                    return own(Reply::new(abort.status, "FI", "fault filter abort"));
                };
                let mut reply = Reply::new(200, "FI", Bytes::new());
                let headers = reply.response.headers_mut();
                insert(headers, "content-type", "application/grpc");
                insert(headers, "grpc-status", &grpc_number(grpc));
                insert(headers, "grpc-message", "fault filter abort");
                return own(reply);
            }
            Outcome::Preflight(headers) => {
                let mut reply = Reply::new(200, "", Bytes::new());
                for (name, value) in headers {
                    insert(reply.response.headers_mut(), name, value);
                }
                return own(reply);
            }
            Outcome::Failure(failure) => {
                let text = match failure.kind {
                    FailureKind::NoHealthyUpstream => "no healthy upstream",
                    _ => "",
                };
                return own(Reply::new(failure.kind.status(), failure.kind.flag(), text));
            }
            _ => return own(Reply::new(404, "NR", Bytes::new())),
        };
        let body = if body.is_end_stream() {
            Bytes::new()
        } else {
            Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes()
        };
        let random = decision.request().random;
        let mut headers = head.headers.clone();
        remove_hop_by_hop(&mut headers);
        forwarded(&mut headers, peer, random);
        let path = decision.path();
        if path != decision.request().path {
            insert(&mut headers, "x-envoy-original-path", decision.request().path);
        }
        insert(&mut headers, "host", decision.authority());
        if let Some(timeout) = decision.timeout() {
            let milliseconds = timeout.as_millis().to_string();
            insert(&mut headers, "x-envoy-expected-rq-timeout-ms", &milliseconds);
        }
        edits::apply(&mut headers, decision.request_edits(), None);
        let grpc = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let outgoing = Outgoing {
            method: head.method.clone(),
            path: path.parse().ok()?,
            headers,
            body,
            http2: grpc,
        };
        let mirrors = decision.mirrors();
        let sink = if mirrors.is_empty() { None } else { self.mirror_log.load_full() };
        let logs = sink.and_then(|sink| Log::of_all(&sink, &outgoing, mirrors.len()));
        let (log, copies) = logs.map_or((None, Vec::new()), |(log, copies)| (Some(log), copies));
        let mut copies = copies.into_iter();
        for mirror in mirrors {
            let mut copy = outgoing.clone();
            insert(&mut copy.headers, "host", decision.authority());
            self.upstreams.mirror(snapshot, mirror, copy, decision.timeout(), copies.next());
        }
        let recent = self.recent.load_full().map(|recent| (recent, outgoing.body.clone()));
        let began = Instant::now();
        let sent = self.upstreams.forward(snapshot, &cluster, outgoing, decision.retries(), random);
        let (mut reply, who) = match decision.timeout() {
            Some(limit) => match tokio::time::timeout(limit, sent).await {
                Ok(done) => done,
                Err(_elapsed) => (Reply::timeout(), Answered::default()),
            },
            None => sent.await,
        };
        if let Some(log) = log {
            reply = log.record_reply(&cluster, reply).await;
        }
        if let Some((recent, request)) = recent {
            let (path, subset) = (decision.request().path, cluster.subset.as_deref());
            reply = recent.keep(path, request, subset, began.elapsed(), reply).await;
        }
        if reply.flags.is_empty() {
            let headers = reply.response.headers_mut();
            remove_hop_by_hop(headers);
            let took = began.elapsed().as_millis().to_string();
            insert(headers, "x-envoy-upstream-service-time", &took);
        }
        Some((reply, who))
    }
}

/// The number of a gRPC status by its name, or by its number.
fn grpc_number(status: &str) -> String {
    let number = || status.parse().ok().filter(|number| (0..=16).contains(number));
    Code::from_str_name(status)
        .map(i32::from)
        .or_else(number)
        .unwrap_or(Code::Unknown.into())
        .to_string()
}
