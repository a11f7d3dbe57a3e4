//! The acceptance of a Gateway API route by the controllers of its parents, as its status reports it.
//!
//! Source: <https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus>. The status says that a controller has
//! read the route, not that its proxies obey it: settling time and the probe come after it.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::super::{
    super::{Cluster, ObjectRef},
    clock::Clock,
};
use crate::{
    Error, Plan, Result,
    json::{list, text},
    patch::RouteOf,
};

/// The longest wait for a status; a control plane can be told to write none.
const LONGEST: Duration = Duration::from_secs(10);
/// The wait between two looks.
const EVERY: Duration = Duration::from_millis(200);

/// The state of a route's present content, by its status.
#[derive(Debug, PartialEq, Eq)]
enum Acceptance {
    /// Every parent accepts it, and resolves its backends.
    Accepted,
    /// A parent reports a problem.
    Refused(String),
    /// No report yet of this content from some parent.
    Pending,
}

/// The Gateway API routes of a plan.
pub(super) struct Acceptances<C> {
    cluster: Arc<C>,
    clock: Arc<dyn Clock>,
    routes: Vec<ObjectRef>,
}

impl<C: Cluster> Acceptances<C> {
    pub(super) fn new(cluster: Arc<C>, clock: Arc<dyn Clock>, plan: &Plan) -> Self {
        let routes = RouteOf::all(plan).map(RouteOf::object);
        let routes = routes.filter(|object| object.kind != "VirtualService").collect();
        Self { cluster, clock, routes }
    }

    /// Checks before anything is written that the routes lead somewhere.
    ///
    /// # Errors
    /// [`Error::Plan`] when a parent does not exist, or reports a problem.
    pub(super) async fn check(&self) -> Result<()> {
        for object in &self.routes {
            let live = self.cluster.get(object).await?.unwrap_or_default();
            self.check_parents(object, &live).await?;
            if let Acceptance::Refused(why) = self.wait_for(object).await? {
                return Err(Error::Plan(format!(
                    "{object}: {why}; correct the route before the rollout"
                )));
            }
        }
        Ok(())
    }

    async fn check_parents(&self, object: &ObjectRef, live: &Value) -> Result<()> {
        let parents = list(live, "/spec/parentRefs");
        if parents.is_empty() {
            return Err(Error::Plan(format!(
                "{object} has no spec.parentRefs, so it attaches to nothing; name a Gateway, or the Service that clients call"
            )));
        }
        for (index, parent) in parents.iter().enumerate() {
            let kind = parent.get("kind").and_then(Value::as_str).unwrap_or("Gateway");
            let version = match kind {
                "Gateway" => "gateway.networking.k8s.io/v1",
                "Service" => "v1",
                _ => continue,
            };
            let namespace = parent.get("namespace").and_then(Value::as_str);
            let namespace = namespace.unwrap_or(&object.namespace);
            let target = ObjectRef::new(version, kind, namespace, text(parent, "/name"));
            match self.cluster.get(&target).await {
                Ok(Some(_)) | Err(Error::Forbidden { .. } | Error::Unserved { .. }) => {}
                Ok(None) => {
                    return Err(Error::Plan(format!(
                        "{object}: spec.parentRefs[{index}] names {target}, which does not exist, so the route attaches to \
                         nothing; create it, or correct the name and the namespace"
                    )));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits after a write until every parent has reported its content; gives the problem that one reports, with which
    /// part of the requests would get errors. Where no status comes, the probe and the evidence decide.
    ///
    /// # Errors
    /// Those of reading the routes.
    pub(super) async fn wait(&self) -> Result<Option<String>> {
        for object in &self.routes {
            match self.wait_for(object).await? {
                Acceptance::Accepted => {}
                Acceptance::Pending => {
                    let waited_ms = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(%object, waited_ms, "no status of the written route");
                }
                Acceptance::Refused(why) => return Ok(Some(format!("{object}: {why}"))),
            }
        }
        Ok(None)
    }

    async fn wait_for(&self, object: &ObjectRef) -> Result<Acceptance> {
        let until = self.clock.now().plus(LONGEST);
        loop {
            let Some(live) = self.cluster.get(object).await? else {
                return Ok(Acceptance::Pending);
            };
            let found = judge(&live);
            // A problem may be of a moment in which a controller knows the route and not yet its backends.
            if found == Acceptance::Accepted || until.since(self.clock.now()).is_zero() {
                return Ok(found);
            }
            self.clock.sleep(EVERY).await;
        }
    }
}

fn judge(live: &Value) -> Acceptance {
    let statuses = list(live, "/status/parents");
    let generation = live.pointer("/metadata/generation").and_then(Value::as_u64).unwrap_or(0);
    let mut pending = false;
    for (index, parent) in list(live, "/spec/parentRefs").iter().enumerate() {
        let of_parent: Vec<&Value> =
            statuses.iter().filter(|status| is_same(live, parent, &status["parentRef"])).collect();
        pending |= of_parent.is_empty();
        for status in of_parent {
            for kind in ["Accepted", "ResolvedRefs"] {
                let conditions = list(status, "/conditions");
                let found = conditions.iter().find(|condition| condition["type"] == kind);
                let observed = |condition: &&Value| {
                    condition["observedGeneration"].as_u64().is_none_or(|seen| seen >= generation)
                };
                match found.filter(observed) {
                    Some(condition) if condition["status"] == "True" => {}
                    Some(condition) if condition["status"] == "False" => {
                        return Acceptance::Refused(format!(
                            "{} reports {kind} False for spec.parentRefs[{index}] ({}): {}",
                            text(status, "/controllerName"),
                            text(condition, "/reason"),
                            text(condition, "/message")
                        ));
                    }
                    _ => pending = true,
                }
            }
        }
    }
    if pending { Acceptance::Pending } else { Acceptance::Accepted }
}

/// Returns `true` when the reference in a status is the one of the spec, with its defaults.
fn is_same(live: &Value, one: &Value, other: &Value) -> bool {
    let namespace = text(live, "/metadata/namespace");
    let usual =
        [("group", "gateway.networking.k8s.io"), ("kind", "Gateway"), ("namespace", namespace)];
    let field = |value: &Value, name: &str, usual: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or(usual).to_owned()
    };
    usual.iter().all(|(name, usual)| field(one, name, usual) == field(other, name, usual))
        && ["name", "sectionName", "port"].iter().all(|name| one.get(name) == other.get(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn route(conditions: &Value) -> Value {
        json!({
            "metadata": {"name": "pets", "namespace": "default", "generation": 3},
            "spec": {"parentRefs": [{"name": "public"}]},
            "status": {"parents": [{
                "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"},
                "controllerName": "istio.io/gateway-controller",
                "conditions": conditions,
            }]},
        })
    }

    fn condition(kind: &str, status: &str, generation: u64) -> Value {
        json!({"type": kind, "status": status, "observedGeneration": generation,
            "reason": "BackendNotFound", "message": "backend(pets-v2) not found"})
    }

    #[test]
    fn every_parent_must_have_read_this_content() {
        let of = |accepted: Value, resolved: Value| judge(&route(&json!([accepted, resolved])));
        let yes = |generation| condition("Accepted", "True", generation);
        assert_eq!(of(yes(3), condition("ResolvedRefs", "True", 3)), Acceptance::Accepted);
        assert_eq!(of(yes(2), condition("ResolvedRefs", "True", 2)), Acceptance::Pending);
        assert_eq!(of(yes(3), condition("ResolvedRefs", "False", 2)), Acceptance::Pending);
        let Acceptance::Refused(why) = of(yes(3), condition("ResolvedRefs", "False", 3)) else {
            panic!("a missing backend is a problem")
        };
        assert_eq!(
            why,
            "istio.io/gateway-controller reports ResolvedRefs False for spec.parentRefs[0] (BackendNotFound): \
             backend(pets-v2) not found"
        );
        let mut two = route(&json!([yes(3), condition("ResolvedRefs", "True", 3)]));
        two["spec"]["parentRefs"] =
            json!([{"name": "public"}, {"kind": "Service", "group": "", "name": "pets"}]);
        assert_eq!(judge(&two), Acceptance::Pending, "the Service has not reported");
    }
}
