//! A proxy before a real API server: it refuses calls, loses responses after their effect, ends watches, and hangs
//! where a driver is to die.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::cluster::{Clock, Cluster, Kubernetes, ObjectRef};
use canary_tests::{
    chaos::{Fault, Ledger, Refusal, Verb},
    http::{Reply, Request, Server},
};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    fast::Fast,
    life::{APP, Death},
    search::Weather,
};

/// The faults of one rollout on an API server.
pub(crate) struct Proxy {
    admin: Kubernetes,
    ledger: Arc<Ledger>,
    clock: Fast,
    lease: ObjectRef,
    pub(crate) weather: Option<Mutex<Weather>>,
    pub(crate) death: Mutex<Death>,
    /// Notified when a call hangs in which the driver dies.
    pub(crate) dead: Notify,
    /// One write of the routes at a time, so that the ledger has them in the server's order.
    writing: tokio::sync::Mutex<()>,
}

impl Proxy {
    pub(crate) fn new(
        admin: Kubernetes,
        ledger: Arc<Ledger>,
        clock: Fast,
        namespace: &str,
        weather: Option<Weather>,
    ) -> Arc<Self> {
        let name = format!("canary-rollout-{APP}");
        Arc::new(Self {
            admin,
            ledger,
            clock,
            lease: ObjectRef::new("coordination.k8s.io/v1", "Lease", namespace, name),
            weather: weather.map(Mutex::new),
            death: Mutex::new(Death::never()),
            dead: Notify::new(),
            writing: tokio::sync::Mutex::new(()),
        })
    }

    pub(crate) async fn listen(self: &Arc<Self>) -> Server {
        let this = Arc::clone(self);
        Server::start(move |request| {
            let this = Arc::clone(&this);
            async move { this.answer(request).await }
        })
        .await
    }

    async fn answer(&self, request: Request) -> Reply {
        let verb = verb(&request);
        let now = self.clock.now().0;
        let dies = self.death.lock().unwrap().meets(now).filter(|_| verb != Verb::Watch);
        let (fault, stolen) = match (dies, &self.weather) {
            (Some(fault), _) => (fault, false),
            (None, Some(weather)) => weather.lock().unwrap().next(now, verb),
            (None, None) => (Fault::None, false),
        };
        if stolen {
            self.admin.delete(&self.lease).await.unwrap();
        }
        match fault {
            Fault::None if verb == Verb::Watch => self.watch(&request).await,
            Fault::None => self.pass(&request).await,
            Fault::Before(refusal) => refused(refusal),
            Fault::After(refusal) => {
                self.pass(&request).await;
                refused(refusal)
            }
            Fault::HangsBefore => {
                self.dead.notify_one();
                std::future::pending().await
            }
            Fault::HangsAfter => {
                self.pass(&request).await;
                self.dead.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn send(&self, request: &Request) -> http::Response<kube::client::Body> {
        let mut upstream =
            http::Request::builder().method(request.method.as_str()).uri(request.target.as_str());
        for name in ["content-type", "accept"] {
            if let Some(value) = request.header(name) {
                upstream = upstream.header(name, value);
            }
        }
        let upstream = upstream.body(request.body.clone().into()).unwrap();
        self.admin.client().send(upstream).await.unwrap()
    }

    async fn pass(&self, request: &Request) -> Reply {
        let of_routes = verb(request) != Verb::Get && request.target.contains("/virtualservices/");
        let _order = if of_routes { Some(self.writing.lock().await) } else { None };
        let response = self.send(request).await;
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        if of_routes && status.is_success() {
            let live: Value = serde_json::from_slice(&body).unwrap();
            self.ledger.accepted(&ObjectRef::of(&live).unwrap(), &live);
        }
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Reply::Whole(status.as_u16(), vec![kind], body)
    }

    /// A watch that the server ends soon.
    async fn watch(&self, request: &Request) -> Reply {
        let response = self.send(request).await;
        let status = response.status().as_u16();
        let pieces = response.into_body().into_data_stream();
        let pieces = pieces.filter_map(|piece| std::future::ready(piece.ok().map(|b| b.to_vec())));
        let soon = tokio::time::sleep(Duration::from_millis(700));
        let pieces = pieces.take_until(soon).boxed();
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Reply::Pieces(status, vec![kind], pieces)
    }
}

fn verb(request: &Request) -> Verb {
    let path = request.target.split('?').next().unwrap_or_default();
    // /apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME, and /api/VERSION/… of the core group.
    let parts = path.trim_matches('/').split('/').count() + usize::from(path.starts_with("/api/"));
    match request.method.as_str() {
        "GET" if request.target.contains("watch=true") => Verb::Watch,
        "GET" if parts >= 7 => Verb::Get,
        "GET" => Verb::List,
        "DELETE" => Verb::Delete,
        _ if request.header("content-type").is_some_and(|kind| kind.contains("apply")) => {
            Verb::Apply
        }
        _ => Verb::Patch,
    }
}

fn refused(refusal: Refusal) -> Reply {
    let (code, reason) = match refusal {
        Refusal::Unauthorized => (401, "Unauthorized"),
        Refusal::Forbidden => (403, "Forbidden"),
        Refusal::Conflict => (409, "Conflict"),
        Refusal::Expired => (410, "Expired"),
        Refusal::Invalid => (422, "Invalid"),
        Refusal::Busy => (429, "TooManyRequests"),
        Refusal::Timeout => (504, "Timeout"),
        Refusal::Reset => return Reply::Reset,
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": "the weather",
    });
    Reply::json(code, &status)
}
