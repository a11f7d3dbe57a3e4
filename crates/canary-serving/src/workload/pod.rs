//! The pods of a workload: the container of the model server, its probes, and what it mounts.

use serde_json::{Value, json};

use super::{ModelServer, ServerSettings, Workload};

/// The `spec` of the pod template.
pub(super) fn spec(workload: &Workload) -> Value {
    let node_selector = (!workload.node_selector.is_empty()).then_some(&workload.node_selector);
    let tolerations = Some(workload.toleration_objects()).filter(|all| !all.is_empty());
    let mounted: Vec<(Value, Value)> =
        [settings(workload), shared_memory(workload), models(workload)]
            .into_iter()
            .flatten()
            .collect();
    let (volumes, mounts): (Vec<Value>, Vec<Value>) = mounted.into_iter().unzip();
    let some = |values: Vec<Value>| Some(values).filter(|values| !values.is_empty());
    let mounts = some(mounts);
    json!({
        "initContainers": copying(workload).map(|container| [container]),
        "containers": [container(workload, mounts.as_deref())],
        "serviceAccountName": workload.service_account,
        "nodeSelector": node_selector,
        "tolerations": tolerations,
        "volumes": some(volumes),
    })
}

fn container(workload: &Workload, mounts: Option<&[Value]>) -> Value {
    let server = workload.server;
    let mut container = json!({
        "name": server.container(),
        "image": workload.image,
        "ports": [
            {"name": "grpc", "containerPort": server.grpc_port(), "protocol": "TCP"},
            {"name": "http", "containerPort": server.rest_port(), "protocol": "TCP"},
        ],
        "resources": workload.resources(),
        "volumeMounts": mounts,
    });
    let source = json!([{"configMapRef": {"name": workload.config_map_name()}}]);
    match server {
        ModelServer::MlServer => container["env"] = mlserver(workload),
        // The files in the ConfigMap are no variables.
        _ if !workload.settings.is_empty() => container["env"] = model_variables(workload),
        _ => container["envFrom"] = source,
    }
    let args = args(workload);
    if !args.is_empty() {
        container["args"] = args.into();
    }
    if let Value::Object(fields) = &mut container {
        fields.extend(probes(workload));
    }
    container
}

/// The arguments of the server.
fn args(workload: &Workload) -> Vec<String> {
    let folder = workload.server.copies(&workload.model_path).unwrap_or("$(MODEL_PATH)");
    let own: Vec<String> = match workload.server {
        ModelServer::TensorFlowServing if serves_a_file(workload) => Vec::new(),
        ModelServer::TensorFlowServing => {
            vec!["--model_name=$(MODEL_NAME)".into(), "--model_base_path=$(MODEL_PATH)".into()]
        }
        ModelServer::Triton => vec![
            "tritonserver".into(),
            "--model-repository=$(MODEL_PATH)".into(),
            "--model-control-mode=explicit".into(),
            "--load-model=$(MODEL_NAME)".into(),
        ],
        // It is set up by its environment, and the image's own command starts it.
        ModelServer::MlServer => Vec::new(),
        ModelServer::KServe => vec![
            "--model_name=$(MODEL_NAME)".into(),
            format!("--model_dir={folder}"),
            format!("--http_port={}", workload.server.rest_port()),
            format!("--grpc_port={}", workload.server.grpc_port()),
        ],
    };
    own.into_iter().chain(workload.settings.args()).chain(workload.args.iter().cloned()).collect()
}

/// A variable of the container with the value of a key of the `ConfigMap`.
fn variable(workload: &Workload, name: &str, key: &str) -> Value {
    json!({
        "name": name,
        "valueFrom": {"configMapKeyRef": {"name": workload.config_map_name(), "key": key}},
    })
}

fn mlserver(workload: &Workload) -> Value {
    let folder = match workload.server.copies(&workload.model_path) {
        Some(folder) => json!({"name": "MLSERVER_MODELS_DIR", "value": folder}),
        None => variable(workload, "MLSERVER_MODELS_DIR", "MODEL_PATH"),
    };
    let port = |name: &str, port: u16| json!({"name": name, "value": port.to_string()});
    json!([
        folder,
        variable(workload, "MLSERVER_MODEL_NAME", "MODEL_NAME"),
        port("MLSERVER_HTTP_PORT", workload.server.rest_port()),
        port("MLSERVER_GRPC_PORT", workload.server.grpc_port()),
    ])
}

fn model_variables(workload: &Workload) -> Value {
    if serves_a_file(workload) {
        return Value::Null;
    }
    json!([
        variable(workload, "MODEL_NAME", "MODEL_NAME"),
        variable(workload, "MODEL_PATH", "MODEL_PATH")
    ])
}

/// The probes. TensorFlow Serving opens its ports when its models are loaded; the others are asked about the model.
fn probes(workload: &Workload) -> serde_json::Map<String, Value> {
    let server = workload.server;
    let probes = if server == ModelServer::TensorFlowServing {
        json!({
            "readinessProbe": {
                "tcpSocket": {"port": server.grpc_port()},
                "initialDelaySeconds": 10,
                "periodSeconds": 5,
                "failureThreshold": 10,
            },
        })
    } else {
        let get = |path: &str| json!({"path": path, "port": server.rest_port()});
        let ready = get(&format!("/v2/models/{}/ready", workload.model_name));
        json!({
            // Ten minutes to load the model, in which no other probe runs.
            "startupProbe": {"httpGet": ready, "periodSeconds": 5, "failureThreshold": 120},
            "readinessProbe": {"httpGet": ready, "periodSeconds": 5, "failureThreshold": 3},
            "livenessProbe": {"httpGet": get("/v2/health/live"), "periodSeconds": 10, "failureThreshold": 3},
        })
    };
    match probes {
        Value::Object(probes) => probes,
        _ => serde_json::Map::new(),
    }
}

/// The container that copies the model from its bucket, and ends before the server starts.
fn copying(workload: &Workload) -> Option<Value> {
    let folder = workload.server.copies(&workload.model_path)?;
    Some(json!({
        "name": "storage-initializer",
        "image": workload.storage_initializer,
        "args": ["$(MODEL_PATH)", folder],
        "env": [variable(workload, "MODEL_PATH", "MODEL_PATH")],
        "volumeMounts": [{"name": "models", "mountPath": folder}],
    }))
}

/// The volume of a model that is copied, and its mount.
fn models(workload: &Workload) -> Option<(Value, Value)> {
    let folder = workload.server.copies(&workload.model_path)?;
    let mount = json!({"name": "models", "mountPath": folder, "readOnly": true});
    Some((json!({"name": "models", "emptyDir": {}}), mount))
}

/// The memory that Triton's processes share; a container has 64 MiB unless more is mounted.
fn shared_memory(workload: &Workload) -> Option<(Value, Value)> {
    (workload.server == ModelServer::Triton).then(|| {
        (
            json!({"name": "shared-memory", "emptyDir": {"medium": "Memory"}}),
            json!({"name": "shared-memory", "mountPath": "/dev/shm"}),
        )
    })
}

/// Returns `true` when a file names the models.
fn serves_a_file(workload: &Workload) -> bool {
    workload.settings.models.is_some()
}

/// The volume with the files of the settings, and its mount. The whole folder is mounted: a single file would keep its
/// first content.
fn settings(workload: &Workload) -> Option<(Value, Value)> {
    let files = workload.settings.files();
    let items: Vec<Value> = files.keys().map(|name| json!({"key": name, "path": name})).collect();
    (!items.is_empty()).then(|| {
        let source = json!({"name": workload.config_map_name(), "items": items});
        let folder = ServerSettings::folder();
        (
            json!({"name": "settings", "configMap": source}),
            json!({"name": "settings", "mountPath": folder, "readOnly": true}),
        )
    })
}
