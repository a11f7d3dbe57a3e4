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
