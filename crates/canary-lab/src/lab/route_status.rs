//! Writes the status of routes and gateways of the Gateway API, as Istio's controller does in a cluster.

use std::collections::BTreeSet;

use canary_core::{Manifest, Mesh, cluster::ObjectRef};
use serde_json::{Value, json};

use crate::store::Store;

/// The controller of Istio's gateways and of routes in the mesh.
const CONTROLLER: &str = "istio.io/gateway-controller";
const GROUP: &str = "gateway.networking.k8s.io/";

/// Follows the store and keeps every status up to date, until the store is gone.
pub(crate) async fn run(store: Store) {
    let (_, mut changes) = store.watch_all();
    loop {
        report(&store);
        if changes.recv().await.is_none() {
            return;
        }
        while changes.try_recv().is_ok() {}
    }
}

fn report(store: &Store) {
    let objects = store.objects();
    let is_ours =
        |object: &&Value| object["apiVersion"].as_str().is_some_and(|api| api.starts_with(GROUP));
    if !objects.iter().any(|object| is_ours(&object)) {
        return;
    }
    let notes = notes(&objects);
    let services = Services::of(&objects);
    for object in objects.iter().filter(is_ours) {
        let status = match object["kind"].as_str() {
            Some("Gateway") => of_gateway(object),
            // Nobody reports on a route without a parent.
            Some("HTTPRoute" | "GRPCRoute") if has_parents(object) || has_status(object) => {
                of_route(object, &notes, &services)
            }
            _ => continue,
        };
        // An unchanged status is not written, because each write is a change that is followed.
        if object["status"] != status
            && let Ok(reference) = ObjectRef::of(object)
        {
            store.set_status(&reference, status);
        }
    }
}

/// The parts of routes that are not in force, with the reasons, as the router tells them.
fn notes(objects: &[Value]) -> Vec<String> {
    let mut builder = Mesh::builder();
    for object in objects {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default();
        let concerns =
            version.starts_with(GROUP) || matches!(kind, "Service" | "Namespace" | "ServiceEntry");
        if concerns && let Ok(manifest) = Manifest::read(&object.to_string()) {
            builder = builder.objects(&manifest);
        }
    }
    builder.build().map(|mesh| mesh.notes().map(str::to_owned).collect()).unwrap_or_default()
}

/// The Services, and the references to them that grants permit.
struct Services {
    /// Namespace and name.
    known: BTreeSet<(String, String)>,
    /// The kind and the namespace of the routes, and the namespace of the Services.
    granted: BTreeSet<(String, String, String)>,
}

impl Services {
    fn of(objects: &[Value]) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut services = Self { known: BTreeSet::new(), granted: BTreeSet::new() };
        for object in objects {
            let metadata = &object["metadata"];
            let namespace = metadata["namespace"].as_str().unwrap_or("default").to_owned();
            match object["kind"].as_str() {
                Some("Service") => {
                    services.known.insert((namespace, text(&metadata["name"])));
                }
                Some("ReferenceGrant") => {
                    for from in object["spec"]["from"].as_array().into_iter().flatten() {
                        let (kind, of) = (text(&from["kind"]), text(&from["namespace"]));
                        services.granted.insert((kind, of, namespace.clone()));
                    }
                }
                _ => {}
            }
        }
        services
    }

    /// The reason and the message for which a reference is not resolved.
    fn problem(
        &self,
        (kind, namespace): (&str, &str),
        backend: &Value,
        mesh: bool,
    ) -> Option<(&'static str, String)> {
        let of = backend["kind"].as_str().unwrap_or("Service");
        let name = backend["name"].as_str().unwrap_or_default();
        let target = backend["namespace"].as_str().unwrap_or(namespace);
        if of != "Service" {
            return Some((
                "InvalidKind",
                format!("referencing unsupported backendRef: kind {of:?}"),
            ));
        }
        let grant = (kind.to_owned(), namespace.to_owned(), target.to_owned());
        if target != namespace && !mesh && !self.granted.contains(&grant) {
            let why = format!(
                "backendRef {name}/{target} not accessible to a {kind} in namespace {namespace:?} (missing a ReferenceGrant?)"
            );
            return Some(("RefNotPermitted", why));
        }
        (!self.known.contains(&(target.to_owned(), name.to_owned())))
            .then(|| ("BackendNotFound", format!("backend({name}.{target}) not found")))
    }
}

fn of_gateway(gateway: &Value) -> Value {
    let generation = &gateway["metadata"]["generation"];
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": kind, "message": "", "observedGeneration": generation});
    let listeners = gateway["spec"]["listeners"].as_array().into_iter().flatten().map(|listener| {
        json!({
            "name": listener["name"],
            "conditions": [condition("Accepted"), condition("Programmed"), condition("ResolvedRefs")],
        })
    });
    json!({
        "addresses": [{"type": "IPAddress", "value": "127.0.0.1"}],
        "conditions": [condition("Accepted"), condition("Programmed")],
        "listeners": listeners.collect::<Vec<_>>(),
    })
}

fn has_parents(route: &Value) -> bool {
    route["spec"]["parentRefs"].as_array().is_some_and(|all| !all.is_empty())
}

fn has_status(route: &Value) -> bool {
    !route["status"].is_null()
}

fn of_route(route: &Value, notes: &[String], services: &Services) -> Value {
    let Ok(object) = ObjectRef::of(route) else { return Value::Null };
    let generation = &route["metadata"]["generation"];
    let parents = route["spec"]["parentRefs"].as_array().into_iter().flatten();
    let parents = parents.enumerate().map(|(index, parent)| {
        let mesh = parent["kind"] == "Service";
        let refused = format!("{object} spec.parentRefs[{index}] is not in force: ");
        let refused = notes.iter().find_map(|note| note.strip_prefix(refused.as_str()));
        let accepted = match refused {
            None => ("True", "Accepted", "Route was valid".to_owned()),
            Some(why) => ("False", refusal(why), why.to_owned()),
        };
        let backends = route["spec"]["rules"].as_array().into_iter().flatten();
        let mut backends =
            backends.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten());
        let of = (object.kind.as_str(), object.namespace.as_str());
        let resolved = match backends.find_map(|backend| services.problem(of, backend, mesh)) {
            None => ("True", "ResolvedRefs", "All references resolved".to_owned()),
            Some((reason, message)) => ("False", reason, message),
        };
        let conditions = [("Accepted", accepted), ("ResolvedRefs", resolved)].map(
            |(kind, (status, reason, message))| {
                json!({
                    "type": kind, "status": status, "reason": reason, "message": message,
                    "observedGeneration": generation,
                })
            },
        );
        json!({"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions})
    });
    json!({"parents": parents.collect::<Vec<_>>()})
}

/// The reason of the Gateway API for a refusal by a gateway.
fn refusal(why: &str) -> &'static str {
    if why.contains("has nothing in common") {
        "NoMatchingListenerHostname"
    } else if why.contains("does not admit") {
        "NotAllowedByListeners"
    } else {
        "NoMatchingParent"
    }
}
