//! Runs a model server for each pod of a Deployment, as the Deployment controller and the kubelets do in a cluster.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use canary_core::{
    cluster::ObjectRef,
    rollout::{Error, Result},
};
use serde_json::{Value, json};

use super::{config_file::ConfigFile, endpoints::Endpoints, registry::Registry};
use crate::{
    gateway::{Pod, Proxy},
    server::{Configured, ModelServer, Served, Watcher},
    store::{Change, Store},
};

/// The ports of a model server's container, when it states none.
const REST_PORT: u16 = 8501;
const GRPC_PORT: u16 = 8500;
/// The most pods of one Deployment.
const MAX_REPLICAS: u64 = 16;

/// The pods that run now.
pub(crate) type Pods = Arc<Mutex<Vec<Pod>>>;

#[derive(Debug)]
struct Running {
    spec: Value,
    path: String,
    ready: bool,
    /// `true` when the servers have a model config file.
    configured: bool,
    /// Stops with the pods.
    _servers: Vec<ModelServer>,
}

/// Follows the store and runs the pods of its Deployments, until dropped.
///
/// Where the gateway is Envoy, the servers report their predictions to `watched`.
pub(crate) async fn run(
    store: Store,
    registry: Arc<Registry>,
    pods: Pods,
    watched: Option<Weak<Proxy>>,
) {
    let (objects, mut changes) = store.watch_all();
    let mut running = BTreeMap::new();
    let mut endpoints = Endpoints::default();
    let mut deployments: BTreeMap<ObjectRef, Value> = BTreeMap::new();
    let mut next: Vec<(Change, Value)> =
        objects.into_iter().map(|object| (Change::Applied, object)).collect();
    loop {
        for (change, object) in next.drain(..) {
            let kind = object["kind"].as_str().unwrap_or_default();
            let Ok(reference) = ObjectRef::of(&object) else { continue };
            match (kind, change) {
                ("Deployment", Change::Created | Change::Applied) => {
                    deployments.insert(reference.clone(), object);
                }
                ("Deployment", Change::Deleted) => {
                    deployments.remove(&reference);
                }
                // Any other change causes a reconciliation.
                _ => {}
            }
        }
        running.retain(|reference: &ObjectRef, _| {
            let keep = deployments.contains_key(reference);
            if !keep {
                set_pods(&pods, &store, reference, Vec::new());
            }
            keep
        });
        let mut reports = Vec::new();
        for (reference, deployment) in &deployments {
            let watched = watched.as_ref();
            let found =
                reconcile(&store, &registry, &pods, &mut running, reference, deployment, watched);
            reports.extend(found.await.map(|found| (reference, deployment, found)));
        }
        endpoints.follow(&store, &configured(&pods, &running));
        // Last, because a Deployment that is ready must have servers that can be found.
        for (reference, deployment, (ready, problem)) in reports {
            report(&store, reference, deployment, ready, &problem);
        }
        let Some(change) = changes.recv().await else { return };
        next.push(change);
        while let Ok(change) = changes.try_recv() {
            next.push(change);
        }
    }
}

/// The pods of Deployments with a model config file.
fn configured(pods: &Pods, running: &BTreeMap<ObjectRef, Running>) -> Vec<Pod> {
    let of = |pod: &Pod| {
        running.iter().any(|(reference, now)| {
            now.configured && pod.namespace == reference.namespace && pod.workload == reference.name
        })
    };
    let all = pods.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter(|pod| of(pod)).cloned().collect()
}

/// The name of the model in a Deployment, when it names one.
pub(crate) fn model_name(store: &Store, deployment: &Value) -> Option<String> {
    Container::of(store, deployment).ok().map(|container| container.model_name)
}

/// Brings the pods of a Deployment to its spec; gives the number of those that are ready, and the problem, where anything
/// changed.
async fn reconcile(
    store: &Store,
    registry: &Arc<Registry>,
    pods: &Pods,
    running: &mut BTreeMap<ObjectRef, Running>,
    reference: &ObjectRef,
    deployment: &Value,
    watched: Option<&Weak<Proxy>>,
) -> Option<(usize, String)> {
    let container = match Container::of(store, deployment) {
        Ok(container) => container,
        Err(error) => {
            running.remove(reference);
            set_pods(pods, store, reference, Vec::new());
            return Some((0, error.to_string()));
        }
    };
    // As in Kubernetes, only pods that start later see a changed ConfigMap.
    let same = |now: &Running| {
        now.spec == deployment["spec"] && (now.ready || now.path == container.model_path)
    };
    if running.get(reference).is_some_and(same) {
        return None;
    }
    let started = start(registry, reference, &container, watched).await;
    let (servers, new, problem) = match started {
        Ok((servers, new)) => (servers, new, String::new()),
        Err(error) => (Vec::new(), Vec::new(), error.to_string()),
    };
    let ready = new.len();
    // The new pods are in place before the old ones stop.
    set_pods(pods, store, reference, new);
    let now = Running {
        spec: deployment["spec"].clone(),
        path: container.model_path,
        ready: problem.is_empty(),
        configured: container.file.is_some(),
        _servers: servers,
    };
    let old = running.insert(reference.clone(), now);
    drop_later(old);
    Some((ready, problem))
}

/// Requests that are under way to the old pods are answered first.
fn drop_later(old: Option<Running>) {
    if let Some(old) = old {
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            drop(old);
        });
    }
}

async fn start(
    registry: &Arc<Registry>,
    reference: &ObjectRef,
    container: &Container,
    watched: Option<&Weak<Proxy>>,
) -> Result<(Vec<ModelServer>, Vec<Pod>)> {
    if container.replicas == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    if let Some(file) = &container.file {
        return start_configured(registry, reference, container, file, watched).await;
    }
    if let Some(address) = registry.servers.get(container.model_path.trim_end_matches('/')) {
        tracing::debug!(workload = %reference, %address, "pod of a server that runs already");
        return Ok((Vec::new(), vec![container.pod(reference, *address)]));
    }
    let (registry, path) = (Arc::clone(registry), container.model_path.clone());
    let loaded = tokio::task::spawn_blocking(move || registry.load(&path)).await;
    let model = loaded.map_err(|error| Error::Cluster {
        action: format!("start {reference}"),
        reason: "the model could not be loaded".to_owned(),
        retryable: false,
        source: Some(Box::new(error)),
    })??;
    tokio::time::sleep(model.loading()).await;
    let (mut running, mut pods) = (Vec::new(), Vec::new());
    for _ in 0..container.replicas {
        let model = Served::shared(container.model_name.clone(), Arc::clone(&model));
        let subset = container.labels.get("version").cloned().unwrap_or_default();
        let report = watched.map(|proxy| report_to(proxy.clone(), subset));
        let server = ModelServer::open([model], report)?;
        let (model, address) = (container.model_name.as_str(), server.address());
        tracing::debug!(workload = %reference, model, %address, "model server started");
        pods.push(container.pod(reference, address));
        running.push(server);
    }
    Ok((running, pods))
}

/// Starts the servers of a Deployment with a model config file.
async fn start_configured(
    registry: &Registry,
    reference: &ObjectRef,
    container: &Container,
    file: &ConfigFile,
    watched: Option<&Weak<Proxy>>,
) -> Result<(Vec<ModelServer>, Vec<Pod>)> {
    let paths = file.config.models.iter().map(|model| model.base_path.as_str());
    let settings = Configured::new(file.config.clone(), registry.folders(paths))
        .allows_unavailable(file.allows_unavailable);
    let (mut running, mut pods) = (Vec::new(), Vec::new());
    for _ in 0..container.replicas {
        let subset = container.labels.get("version").cloned().unwrap_or_default();
        let report = watched.map(|proxy| report_to(proxy.clone(), subset));
        let server = ModelServer::configured_with(settings.clone(), report).await?;
        pods.push(container.pod(reference, server.address()));
        running.push(server);
    }
    Ok((running, pods))
}

/// Adds predictions to the recent exchanges of a gateway, while these have a reader.
fn report_to(proxy: Weak<Proxy>, subset: String) -> Watcher {
    Box::new(move |prediction| {
        if let Some(recent) = proxy.upgrade().and_then(|proxy| proxy.recent.load_full()) {
            recent.keep_prediction(&subset, prediction);
        }
    })
}

/// Replaces the pods of a Deployment and tells the gateway.
fn set_pods(pods: &Pods, store: &Store, reference: &ObjectRef, new: Vec<Pod>) {
    let mut all = pods.lock().unwrap_or_else(PoisonError::into_inner);
    let own = |pod: &Pod| pod.namespace == reference.namespace && pod.workload == reference.name;
    if new.is_empty() && !all.iter().any(own) {
        return;
    }
    all.retain(|pod| !own(pod));
    all.extend(new);
    drop(all);
    store.touch();
}

/// Writes the status that the Deployment controller would write.
fn report(store: &Store, reference: &ObjectRef, deployment: &Value, ready: usize, problem: &str) {
    let wanted = replicas(deployment);
    let available = problem.is_empty() && ready as u64 >= wanted;
    let (status, reason, message) = if available {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", problem)
    };
    let status = json!({
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": wanted, "updatedReplicas": wanted,
        "readyReplicas": ready, "availableReplicas": ready,
        "unavailableReplicas": wanted.saturating_sub(ready as u64),
        "conditions": [
            {"type": "Available", "status": status, "reason": reason, "message": message},
            {
                "type": "Progressing",
                "status": if problem.is_empty() { "True" } else { "False" },
                "reason": if problem.is_empty() { "NewReplicaSetAvailable" } else { "ProgressDeadlineExceeded" },
                "message": problem,
            },
        ],
    });
    store.set_status(reference, status);
}

fn replicas(deployment: &Value) -> u64 {
    deployment["spec"]["replicas"].as_u64().unwrap_or(1).min(MAX_REPLICAS)
}

/// The model server that a Deployment describes.
#[derive(Debug)]
struct Container {
    model_name: String,
    model_path: String,
    rest_port: u16,
    grpc_port: u16,
    replicas: u64,
    labels: BTreeMap<String, String>,
    /// The model config file, in place of the one model.
    file: Option<ConfigFile>,
}

impl Container {
    /// The pod at this address.
    fn pod(&self, reference: &ObjectRef, address: SocketAddr) -> Pod {
        Pod {
            namespace: reference.namespace.clone(),
            workload: reference.name.clone(),
            labels: self.labels.clone(),
            // A server of the lab speaks both protocols on one address.
            ports: BTreeMap::from([(self.rest_port, address), (self.grpc_port, address)]),
        }
    }

    fn of(store: &Store, deployment: &Value) -> Result<Self> {
        let namespace = deployment["metadata"]["namespace"].as_str().unwrap_or("default");
        let template = &deployment["spec"]["template"];
        let container = &template["spec"]["containers"][0];
        let environment = environment(store, namespace, container)?;
        let argument = |name: &str| {
            let flag = format!("--{name}=");
            let written = container["args"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .find_map(|argument| argument.strip_prefix(&flag));
            written.map(|text| expand(text, &environment))
        };
        let wrong = |reason: &str| {
            Error::manifest(
                format!(
                    "Deployment {namespace}/{}",
                    deployment["metadata"]["name"].as_str().unwrap_or("?")
                ),
                format!("spec.template.spec.containers[0].args: {reason}"),
            )
        };
        let allows = argument("allow_version_labels_for_unavailable_models");
        let file = argument("model_config_file")
            .map(|path| ConfigFile::read(store, namespace, template, &path, allows.as_deref()))
            .transpose()?;
        let (model_name, model_path) = if let Some(file) = &file {
            let first = file.config.models.first();
            (first.map(|model| model.name.clone()).unwrap_or_default(), String::new())
        } else {
            // TensorFlow Serving's image takes MODEL_NAME from the environment when no argument says it.
            let name = argument("model_name").or_else(|| environment.get("MODEL_NAME").cloned());
            let name = name.ok_or_else(|| wrong("--model_name is missing"))?;
            let path = argument("model_base_path");
            (name, path.ok_or_else(|| wrong("--model_base_path is missing"))?)
        };
        let rest_port = argument("rest_api_port").and_then(|port| port.parse().ok());
        let grpc_port = argument("port").and_then(|port| port.parse().ok());
        let labels = template["metadata"]["labels"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        Ok(Self {
            model_name,
            model_path,
            rest_port: rest_port.unwrap_or(REST_PORT),
            grpc_port: grpc_port.unwrap_or(GRPC_PORT),
            replicas: replicas(deployment),
            labels,
            file,
        })
    }
}

/// The variables of a container: those of each `ConfigMap`, then its own.
fn environment(
    store: &Store,
    namespace: &str,
    container: &Value,
) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    // The entries of the ConfigMap that a source names; none of one that is optional and not there.
    let entries = |source: &Value| {
        let Some(name) = source["name"].as_str() else { return Ok(None) };
        let reference = ObjectRef::new("v1", "ConfigMap", namespace, name);
        match store.get_now(&reference) {
            Some(map) => Ok(Some(map["data"].clone())),
            None if source["optional"] == true => Ok(None),
            None => Err(Error::NotFound {
                object: reference.to_string(),
                help: "apply it; the container takes its environment from it".to_owned(),
            }),
        }
    };
    for from in container["envFrom"].as_array().into_iter().flatten() {
        let data = entries(&from["configMapRef"])?.unwrap_or_default();
        for (key, value) in data.as_object().into_iter().flatten() {
            found.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let Some(name) = variable["name"].as_str() else { continue };
        let source = &variable["valueFrom"]["configMapKeyRef"];
        let value = match (variable["value"].as_str(), source["key"].as_str()) {
            (Some(value), _) => Some(value.to_owned()),
            (None, Some(key)) => {
                entries(source)?.and_then(|data| data[key].as_str().map(str::to_owned))
            }
            (None, None) => None,
        };
        if let Some(value) = value {
            found.insert(name.to_owned(), value);
        }
    }
    Ok(found)
}

/// Replaces `$(NAME)` by the variable's value; unknown names stay as written, as in Kubernetes.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        let Some(length) = rest[start..].find(')') else { break };
        let name = &rest[start + 2..start + length];
        out.push_str(&rest[..start]);
        match environment.get(name) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[start..=start + length]),
        }
        rest = &rest[start + length + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_kubernetes_does() {
        let environment = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        assert_eq!(expand("x$(A)y$(B)$(A", &environment), "x1y$(B)$(A");
    }
}
