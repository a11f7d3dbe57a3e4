use super::*;

fn resnet50() -> Workload {
    Workload::new("image-classifier", "resnet50").model("image_classifier", "gs://bucket/resnet_50")
}

#[test]
fn the_objects_are_those_of_the_lab() {
    let objects = resnet50().objects().unwrap();
    assert_eq!(
        objects[0],
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "image-classifier-resnet50-configs", "namespace": "default"},
            "data": {"MODEL_NAME": "image_classifier", "MODEL_PATH": "gs://bucket/resnet_50"},
        })
    );
    let container = &objects[1]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["args"],
        json!(["--model_name=$(MODEL_NAME)", "--model_base_path=$(MODEL_PATH)"])
    );
    assert_eq!(
        container["envFrom"][0]["configMapRef"]["name"],
        "image-classifier-resnet50-configs"
    );
    assert_eq!(container["resources"]["requests"], json!({"cpu": "3", "memory": "4Gi"}));
    let config = |workload: &Workload| {
        let deployment = to_value(&workload.deployment().unwrap()).unwrap();
        let annotations = deployment["spec"]["template"]["metadata"]["annotations"].clone();
        annotations[CONFIG_ANNOTATION].as_str().unwrap().to_owned()
    };
    // Another model is another pod template, and new pods; another number of pods is not.
    let other = resnet50().model("image_classifier", "gs://bucket/resnet_50_v2");
    assert_ne!(config(&resnet50()), config(&other));
    assert_eq!(config(&resnet50()), config(&Workload { replicas: 3, ..resnet50() }));
    assert_eq!(container["readinessProbe"]["tcpSocket"]["port"], 8500);
    assert_eq!(
        objects[1]["metadata"]["labels"],
        json!({"app": "image-classifier", "version": "resnet50"})
    );
    assert_eq!(
        objects[2],
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "image-classifier", "namespace": "default",
                "labels": {"app": "image-classifier", "service": "image-classifier"},
            },
            "spec": {
                "type": "ClusterIP", "selector": {"app": "image-classifier"},
                "ports": [
                    {"name": "tf-serving-grpc", "port": 8500, "protocol": "TCP", "appProtocol": "grpc"},
                    {"name": "tf-serving-http", "port": 8501, "protocol": "TCP", "appProtocol": "http"},
                ],
            },
        })
    );
}

#[test]
fn no_name_is_shared_by_two_applications() {
    let names = |app: &str| {
        let objects = Workload::new(app, "v1").model("m", "m/1").objects().unwrap();
        objects.iter().map(|object| object["metadata"]["name"].clone()).collect::<Vec<_>>()
    };
    let (pets, cars) = (names("pets"), names("cars"));
    assert_eq!(pets, ["pets-v1-configs", "pets-v1", "pets"]);
    assert!(pets.iter().all(|name| !cars.contains(name)), "{pets:?} {cars:?}");
    let objects = Workload::new("pets", "v1").model("m", "m/1").objects().unwrap();
    let container = &objects[1]["spec"]["template"]["spec"]["containers"][0];
    let source = &container["envFrom"][0]["configMapRef"]["name"];
    assert_eq!(source, "pets-v1-configs", "the pods read their own settings");
}

#[test]
fn app_and_version_fit_one_name() {
    let of = |app: usize, version: usize| {
        Workload::new("a".repeat(app), "v".repeat(version)).model("m", "m/1").validate()
    };
    assert!(of(31, 31).is_empty() && of(1, 61).is_empty());
    let found = of(32, 31);
    let finding = found.iter().next().unwrap();
    assert_eq!((found.len(), finding.path.as_str()), (1, "version"));
    let text = found.to_string();
    assert!(text.contains("63 characters") && text.contains("shorten app or version"), "{text}");
    // A part that is not a label itself is said once, not twice.
    assert_eq!(of(64, 1).len(), 1);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let mut broken = Workload::new("Image_Classifier", "").requests("3 cores", "4Gi");
    broken.replicas = -1;
    let paths: Vec<_> = broken.validate().into_iter().map(|finding| finding.path).collect();
    assert_eq!(paths, ["app", "version", "model_name", "model_path", "cpu", "replicas"]);
    let error = broken.deployment().unwrap_err().to_string();
    assert!(error.contains("\"3 cores\"") && error.contains("500m"), "{error}");
}

fn pod(workload: &Workload) -> Value {
    workload.objects().unwrap()[1]["spec"]["template"]["spec"].clone()
}

#[test]
fn the_settings_are_files_of_the_pod() {
    let models =
        ModelServerConfig::new([ModelConfig::new("pets", "/models/pets").label("stable", 1)]);
    let settings = ServerSettings {
        models: Some(models.clone()),
        batching: Some(BatchingParameters { max_batch_size: Some(8), ..Default::default() }),
        monitoring: Some(MonitoringConfig::default()),
    };
    let workload =
        Workload::new("pets", "v1").settings(settings).arg("--tensorflow_session_parallelism=4");
    let objects = workload.objects().unwrap();
    let files = objects[0]["data"].as_object().unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["batching.config", "models.config", "monitoring.config"]);
    let written = files["models.config"].as_str().unwrap();
    assert_eq!(written.parse::<ModelServerConfig>().unwrap(), models);
    let spec = pod(&workload);
    let container = &spec["containers"][0];
    assert_eq!(
        container["args"],
        json!([
            "--model_config_file=/etc/tf-serving/models.config",
            "--allow_version_labels_for_unavailable_models=true",
            "--enable_batching=true",
            "--batching_parameters_file=/etc/tf-serving/batching.config",
            "--monitoring_config_file=/etc/tf-serving/monitoring.config",
            "--tensorflow_session_parallelism=4",
        ])
    );
    assert_eq!(container["volumeMounts"][0]["mountPath"], "/etc/tf-serving");
    assert_eq!(spec["volumes"][0]["configMap"]["name"], "pets-v1-configs");
    assert!(container["env"].is_null() && container["envFrom"].is_null(), "{container}");
    // Another file is another pod template, and new pods.
    let digest = |workload: &Workload| {
        workload.objects().unwrap()[1]["spec"]["template"]["metadata"].clone()
    };
    let mut other = workload.clone();
    other.settings.batching = None;
    assert_ne!(digest(&workload), digest(&other));
}

#[test]
fn files_beside_one_model_leave_it_in_its_variables() {
    let settings =
        ServerSettings { monitoring: Some(MonitoringConfig::default()), ..Default::default() };
    let spec = pod(&resnet50().settings(settings));
    let container = &spec["containers"][0];
    let variables = container["env"].as_array().unwrap();
    assert_eq!(variables[1]["valueFrom"]["configMapKeyRef"]["key"], "MODEL_PATH");
    assert!(container["envFrom"].is_null());
    assert_eq!(container["args"][0], "--model_name=$(MODEL_NAME)");
}

#[test]
fn a_model_is_named_once() {
    let settings = ServerSettings {
        models: Some(ModelServerConfig::new([ModelConfig::new("m", "relative")])),
        ..Default::default()
    };
    let both = Workload::new("pets", "v1").model("pets", "gs://b/m").settings(settings);
    let paths: Vec<_> = both.validate().into_iter().map(|finding| finding.path).collect();
    assert_eq!(paths, ["model_name", "model_path", "models[0].base_path"]);
}

#[test]
fn every_server_has_its_ports_its_arguments_and_its_probes() {
    for (server, path, args) in [
        (
            ModelServer::Triton,
            "s3://bucket/models",
            json!([
                "tritonserver",
                "--model-repository=$(MODEL_PATH)",
                "--model-control-mode=explicit",
                "--load-model=$(MODEL_NAME)"
            ]),
        ),
        (ModelServer::MlServer, "/models", Value::Null),
        (
            ModelServer::KServe,
            "gs://bucket/pets",
            json!([
                "--model_name=$(MODEL_NAME)",
                "--model_dir=/mnt/models",
                "--http_port=8080",
                "--grpc_port=8081"
            ]),
        ),
    ] {
        let mut workload = Workload::new("pets", "v1").model("pets", path).server(server);
        if server == ModelServer::KServe {
            assert_eq!(workload.validate().len(), 1, "the image depends on the kind of model");
            workload = workload.image("kserve/sklearnserver");
        }
        let spec = pod(&workload);
        let container = &spec["containers"][0];
        assert_eq!(container["args"], args, "{server:?}");
        assert_eq!(container["ports"][0]["containerPort"], server.grpc_port());
        for probe in ["startupProbe", "readinessProbe"] {
            let get = json!({"path": "/v2/models/pets/ready", "port": server.rest_port()});
            assert_eq!(container[probe]["httpGet"], get, "{server:?}");
        }
        assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/v2/health/live");
        let service = &workload.objects().unwrap()[2]["spec"]["ports"];
        assert_eq!(service[0]["name"], "grpc-inference");
        assert_eq!(service[1]["port"], server.rest_port());
    }
}

#[test]
fn a_model_is_copied_for_servers_that_read_folders() {
    let copied =
        Workload::new("pets", "v1").model("pets", "gs://bucket/pets").server(ModelServer::MlServer);
    let spec = pod(&copied);
    let copying = &spec["initContainers"][0];
    assert_eq!(copying["args"], json!(["$(MODEL_PATH)", "/mnt/models"]));
    assert_eq!(copying["volumeMounts"][0]["name"], spec["volumes"][0]["name"]);
    assert_eq!(spec["containers"][0]["volumeMounts"][0]["readOnly"], true);
    assert_eq!(spec["containers"][0]["env"][0]["value"], "/mnt/models");
    let own = pod(&copied.model("pets", "/models"));
    assert!(own["initContainers"].is_null() && own["volumes"].is_null(), "{own}");
    let triton = pod(&resnet50().server(ModelServer::Triton));
    assert_eq!(triton["volumes"][0]["emptyDir"]["medium"], "Memory");
}

#[test]
fn settings_of_another_server_are_mistakes() {
    let mut workload =
        Workload::new("pets", "v1").model("a pet", "/models").server(ModelServer::MlServer);
    workload.settings.batching = Some(BatchingParameters::default());
    workload.args = vec!["--verbose".to_owned()];
    let paths: Vec<_> = workload.validate().into_iter().map(|finding| finding.path).collect();
    assert_eq!(paths, ["settings", "model_name", "args"]);
    // The image is that of the server, unless another one was set.
    assert_eq!(resnet50().server(ModelServer::Triton).image, ModelServer::Triton.image());
    assert_eq!(resnet50().image("own/server:1").server(ModelServer::Triton).image, "own/server:1");
}
