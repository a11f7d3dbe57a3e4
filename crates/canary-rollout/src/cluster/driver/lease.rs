//! One driver for one object: a Lease, as Kubernetes' controllers use.
//!
//! Source: <https://kubernetes.io/docs/concepts/architecture/leases/>.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::super::{Cluster, ObjectRef, Patch};
use crate::{Error, Plan, Result, evidence::Timestamp};

/// The result of renewing a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// The renewal was not due.
    NotDue,
    Renewed,
    /// The Lease had been deleted, and was created again.
    Recreated,
}

/// A lock on a plan's target that is held by renewing it.
pub(super) struct Lease<C> {
    cluster: Arc<C>,
    object: ObjectRef,
    holder: String,
    lasts: Duration,
    renewed: Timestamp,
}

impl<C: Cluster> Lease<C> {
    /// Takes the lock.
    ///
    /// The Lease is first created without a holder and then taken by a patch that pins its version, so that of two
    /// drivers at the same moment one succeeds.
    ///
    /// # Errors
    /// [`Error::Plan`] when another driver holds it; what the store says otherwise.
    pub(super) async fn take(
        cluster: Arc<C>,
        plan: &Plan,
        holder: String,
        lasts: Duration,
        now: Timestamp,
    ) -> Result<Self> {
        let target = &plan.target;
        let object = lease_of(target.namespace(), target.name());
        let mut lease = Self { cluster, object, holder, lasts, renewed: now };
        lease.acquire(now).await?;
        Ok(lease)
    }

    /// Creates the Lease where there is none, and acquires it where nobody else holds it.
    async fn acquire(&mut self, now: Timestamp) -> Result<()> {
        let object = &self.object;
        let live = match self.cluster.get(object).await? {
            Some(live) => live,
            None => {
                self.cluster
                    .apply(&json!({
                        "apiVersion": object.api_version,
                        "kind": object.kind,
                        "metadata": {"name": object.name, "namespace": object.namespace},
                    }))
                    .await?
            }
        };
        if let Some((other, until)) = held_by(&live)
            && other != self.holder
            && until > now
        {
            return Err(taken(object, other, Some(until.since(now))));
        }
        let transitions =
            live.pointer("/spec/leaseTransitions").and_then(Value::as_i64).unwrap_or(-1) + 1;
        let mut operations = vec![json!({
            "op": "add",
            "path": "/spec",
            "value": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": self.lasts.as_secs().max(1),
                "acquireTime": micro_time(now),
                "renewTime": micro_time(now),
                "leaseTransitions": transitions,
            },
        })];
        if let Some(version) = live.pointer("/metadata/resourceVersion") {
            let path = "/metadata/resourceVersion";
            operations.insert(0, json!({"op": "test", "path": path, "value": version}));
        }
        self.patch(operations).await?;
        tracing::info!(lease = %self.object, holder = self.holder, "lock taken");
        self.renewed = now;
        Ok(())
    }

    /// Renews the lock when a third of its time has passed.
    ///
    /// An expired lock is renewed like any other, as long as nobody has taken it; one that was deleted is created
    /// again.
    ///
    /// # Errors
    /// [`Error::Plan`] when another driver has taken it meanwhile; what the store says otherwise.
    pub(super) async fn renew(&mut self, now: Timestamp) -> Result<Renewal> {
        if now.since(self.renewed) < self.lasts / 3 {
            return Ok(Renewal::NotDue);
        }
        let path = "/spec/renewTime";
        let renew = json!({"op": "replace", "path": path, "value": micro_time(now)});
        let patched = self.patch(vec![self.is_ours(), renew]).await;
        let Err(error) = patched else {
            tracing::debug!(lease = %self.object, "lock renewed");
            self.renewed = now;
            return Ok(Renewal::Renewed);
        };
        if error.is_retryable() {
            return Err(error);
        }
        // The Lease was deleted, has expired, or has another holder: acquire it as at the start.
        tracing::warn!(lease = %self.object, %error, "lock lost");
        self.acquire(now).await?;
        Ok(Renewal::Recreated)
    }

    /// Releases the lock; when that fails, it expires by itself.
    pub(super) async fn release(&mut self) {
        let free = json!({"op": "replace", "path": "/spec/holderIdentity", "value": ""});
        if let Err(error) = self.patch(vec![self.is_ours(), free]).await {
            tracing::debug!(lease = %self.object, %error, "lock expires by itself");
        } else {
            tracing::debug!(lease = %self.object, "lock released");
        }
    }

    fn is_ours(&self) -> Value {
        json!({"op": "test", "path": "/spec/holderIdentity", "value": self.holder})
    }

    async fn patch(&mut self, operations: Vec<Value>) -> Result<()> {
        let patch: Patch = serde_json::from_value(Value::Array(operations))
            .map_err(|error| Error::Plan(format!("the lock's patch cannot be written: {error}")))?;
        match self.cluster.patch(&self.object, &patch).await {
            Ok(_) => Ok(()),
            Err(Error::Conflict { .. } | Error::NotFound { .. }) => {
                let live = self.cluster.get(&self.object).await?;
                let held = live.as_ref().and_then(held_by);
                let other = held.map_or("nobody", |(other, _)| other);
                Err(taken(&self.object, other, None))
            }
            Err(error) => Err(error),
        }
    }
}

/// The name of the Lease that locks a `VirtualService` while a driver runs.
///
/// ```
/// assert_eq!(canary_core::cluster::lease_name("pets"), "canary-rollout-pets");
/// ```
pub fn lease_name(virtual_service: &str) -> String {
    format!("canary-rollout-{virtual_service}")
}

/// The lock on a `VirtualService`.
pub(in crate::cluster) fn lease_of(namespace: &str, virtual_service: &str) -> ObjectRef {
    ObjectRef::new("coordination.k8s.io/v1", "Lease", namespace, lease_name(virtual_service))
}

fn taken(object: &ObjectRef, other: &str, left: Option<Duration>) -> Error {
    let left = left.map_or_else(String::new, |left| {
        format!(" and expires in {} s unless it is renewed", left.as_secs())
    });
    Error::Plan(format!("another driver holds the lock: {object} is held by {other}{left}"))
}

/// The holder of a Lease, and the time of its expiry.
pub(in crate::cluster) fn held_by(lease: &Value) -> Option<(&str, Timestamp)> {
    let holder = lease.pointer("/spec/holderIdentity")?.as_str().filter(|name| !name.is_empty())?;
    let renewed: jiff::Timestamp = lease.pointer("/spec/renewTime")?.as_str()?.parse().ok()?;
    let lasts = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64).unwrap_or(0);
    let renewed = Timestamp(u64::try_from(renewed.as_millisecond()).unwrap_or(0));
    Some((holder, renewed.plus(Duration::from_secs(lasts))))
}

/// Kubernetes' `MicroTime`: RFC 3339 with six decimals.
fn micro_time(now: Timestamp) -> String {
    let time =
        i64::try_from(now.0).ok().and_then(|now| jiff::Timestamp::from_millisecond(now).ok());
    format!("{:.6}", time.unwrap_or_default())
}
