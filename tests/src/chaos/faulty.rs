//! A cluster whose calls fail before or after they take effect, as a script says.

use std::sync::Arc;

use canary_core::{
    Finding, Findings,
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
    rollout::{Error, Result},
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

use super::Ledger;

/// A kind of call of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads all of a kind.
    List,
    /// Creates or changes.
    Apply,
    /// Changes by a JSON Patch.
    Patch,
    /// Deletes.
    Delete,
    /// Follows the changes of an object: one call before each event.
    Watch,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The kind of the call.
    pub verb: Verb,
    /// Of which object; a list names no object of its kind.
    pub object: &'a ObjectRef,
}

impl Call<'_> {
    /// Returns `true` when it changes an object of the kind.
    pub fn writes(&self, kind: &str) -> bool {
        matches!(self.verb, Verb::Apply | Verb::Patch | Verb::Delete) && self.object.kind == kind
    }

    /// Returns `true` when it changes a route, of whatever kind.
    pub fn writes_route(&self) -> bool {
        ["VirtualService", "HTTPRoute", "GRPCRoute"].iter().any(|kind| self.writes(kind))
    }
}

/// A refusal by an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 401: the credentials have run out.
    Unauthorized,
    /// 403: a permission was removed.
    Forbidden,
    /// 409: the object has been modified.
    Conflict,
    /// 410: the resource version is forgotten.
    Expired,
    /// 422 without a word of what is wrong.
    Invalid,
    /// 429: too many requests.
    Busy,
    /// 504: the server, or a proxy before it, gave up waiting.
    Timeout,
    /// The connection ended without a response.
    Reset,
}

impl Refusal {
    /// All of them but [`Refusal::Expired`], which only reads of old versions get.
    pub const OF_CALLS: [Self; 7] = [
        Self::Unauthorized,
        Self::Forbidden,
        Self::Conflict,
        Self::Invalid,
        Self::Busy,
        Self::Timeout,
        Self::Reset,
    ];

    /// The error that the client of an API server converts it to.
    pub fn error(self, call: &Call<'_>) -> Error {
        let verb = format!("{:?}", call.verb).to_lowercase();
        let of = |reason: &str, retryable: bool| Error::Cluster {
            action: format!("{verb} {}", call.object),
            reason: reason.to_owned(),
            retryable,
            source: None,
        };
        match self {
            Self::Unauthorized => {
                of("the credentials were refused (401: Unauthorized); log in again", false)
            }
            Self::Forbidden => of("not permitted (403: chaos); grant the verb", false),
            Self::Conflict => {
                Error::conflict(call.object.to_string(), "the object has been modified")
            }
            Self::Expired => of("the resource version is too old (410: chaos)", true),
            Self::Invalid => {
                let what = "the server rejected our request due to an error in our request";
                let finding = Finding::error("K422", "", what).object(call.object.to_string());
                let mut findings = Findings::new();
                findings.push(finding);
                Error::Istio(canary_core::manifest::Error::Invalid(findings))
            }
            Self::Busy => of("the API server is busy (429: chaos); retry after 1 s", true),
            Self::Timeout => of("the API server failed (504: chaos)", true),
            Self::Reset => of("the API server cannot be reached", true),
        }
    }
}

/// The fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is refused and has no effect.
    Before(Refusal),
    /// It takes effect, and this is the response.
    After(Refusal),
    /// It never ends and has no effect.
    HangsBefore,
    /// It takes effect and never ends.
    HangsAfter,
}

/// Says what is done to each call.
pub trait Faults: Send + Sync {
    /// The fault of this call.
    fn next(&self, call: &Call<'_>) -> Fault;
}

impl<F: Fn(&Call<'_>) -> Fault + Send + Sync> Faults for F {
    fn next(&self, call: &Call<'_>) -> Fault {
        self(call)
    }
}

/// No faults.
pub fn calm() -> Arc<dyn Faults> {
    Arc::new(|_: &Call<'_>| Fault::None)
}

/// A cluster with faults, whose accepted writes go into a ledger.
pub struct Faulty<C> {
    inner: C,
    faults: Arc<dyn Faults>,
    ledger: Arc<Ledger>,
}

impl<C> std::fmt::Debug for Faulty<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl<C: Clone> Clone for Faulty<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            faults: Arc::clone(&self.faults),
            ledger: Arc::clone(&self.ledger),
        }
    }
}

impl<C: Cluster> Faulty<C> {
    /// A cluster with these faults before it.
    pub fn new(inner: C, faults: Arc<dyn Faults>, ledger: Arc<Ledger>) -> Self {
        Self { inner, faults, ledger }
    }

    async fn call<T>(&self, call: Call<'_>, effect: impl Future<Output = Result<T>>) -> Result<T> {
        match self.faults.next(&call) {
            Fault::None => effect.await,
            Fault::Before(refusal) => Err(refusal.error(&call)),
            Fault::After(refusal) => {
                effect.await?;
                Err(refusal.error(&call))
            }
            Fault::HangsBefore => std::future::pending().await,
            Fault::HangsAfter => {
                let _ = effect.await;
                std::future::pending().await
            }
        }
    }
}

impl<C: Cluster> Cluster for Faulty<C> {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        self.call(Call { verb: Verb::Get, object }, self.inner.get(object)).await
    }

    async fn list(&self, version: &str, kind: &str, namespace: Option<&str>) -> Result<Vec<Value>> {
        let object = ObjectRef::new(version, kind, namespace.unwrap_or_default(), "");
        let call = Call { verb: Verb::List, object: &object };
        self.call(call, self.inner.list(version, kind, namespace)).await
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        let target = ObjectRef::of(object)?;
        let effect = async {
            let written = self.inner.apply(object).await?;
            self.ledger.accepted(&target, &written);
            Ok(written)
        };
        self.call(Call { verb: Verb::Apply, object: &target }, effect).await
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        let effect = async {
            let written = self.inner.patch(object, patch).await?;
            self.ledger.accepted(object, &written);
            Ok(written)
        };
        self.call(Call { verb: Verb::Patch, object }, effect).await
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        let call = Call { verb: Verb::Patch, object };
        self.call(call, self.inner.patch_scale(object, patch)).await
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        self.call(Call { verb: Verb::Delete, object }, self.inner.delete(object)).await
    }

    /// A fault breaks the watch before an event, which then comes with the next watch: none is missed.
    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        let faults = Arc::clone(&self.faults);
        let of = object.clone();
        self.inner.watch(object).flat_map(move |event| {
            let call = Call { verb: Verb::Watch, object: &of };
            let broken = match faults.next(&call) {
                Fault::Before(refusal) | Fault::After(refusal) => Some(Err(refusal.error(&call))),
                _ => None,
            };
            stream::iter(broken.into_iter().chain([event]))
        })
    }
}
