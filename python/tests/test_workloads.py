"""Workloads of every model server, TensorFlow Serving's settings, KServe's object, and warm-up files."""

import pickle

import pytest

import canary

MODELS = """
model_config_list {
  config {
    name: "pets"
    base_path: "/models/pets"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 41 versions: 42 } }
    version_labels { key: "stable" value: 41 }
    logging_config { sampling_config { sampling_rate: 0.5 } }
  }
}
"""


def pod(workload):
    return workload.objects()[1]["spec"]["template"]["spec"]


def test_a_model_config_file_is_read_written_and_kept_whole():
    config = canary.ModelServerConfig.from_text(MODELS)
    (pets,) = config.models
    assert (pets.name, pets.versions, pets.latest, pets.labels) == ("pets", [41, 42], None, {"stable": 41})
    assert canary.ModelServerConfig.from_text(config.to_text()) == config
    # What has no argument, the log, is kept by a pickle too.
    assert "sampling_rate: 0.5" in pickle.loads(pickle.dumps(config)).to_text()


def test_versions_are_chosen_in_one_way():
    for arguments, expected in (({}, (1, None)), ({"latest": 2}, (2, None)), ({"versions": "all"}, (None, "all"))):
        model = canary.ModelConfig("m", "/m", **arguments)
        assert (model.latest, model.versions) == expected
    with pytest.raises(ValueError, match="give one of them"):
        canary.ModelConfig("m", "/m", latest=1, versions=[1])
    with pytest.raises(TypeError, match="list of version numbers"):
        canary.ModelConfig("m", "/m", versions="none")
    with pytest.raises(canary.InvalidError, match="label versions that model_version_policy serves"):
        canary.ModelConfig("m", "/m", versions=[1], labels={"stable": 2})
    with pytest.raises(canary.InvalidError, match="twice"):
        canary.ModelServerConfig([canary.ModelConfig("m", "/m")] * 2)


def test_files_that_a_server_refuses_are_errors_with_their_place():
    for read, text in (
        (canary.ModelServerConfig.from_text, "model_config_list {\n config { nam: 'm' } }"),
        (canary.BatchingParameters.from_text, "max_batch_size {\n value: 'many' }"),
        (canary.MonitoringConfig.from_text, "prometheus_config {\n enabled: true }"),
    ):
        with pytest.raises(canary.ManifestError, match="line 2, column"):
            read(text)
    with pytest.raises(canary.InvalidError, match="rise"):
        canary.BatchingParameters(max_batch_size=8, allowed_batch_sizes=[8, 4])
    with pytest.raises(canary.InvalidError, match="path"):
        canary.MonitoringConfig("metrics")


def test_a_workload_holds_its_settings_through_copies():
    batching = canary.BatchingParameters(max_batch_size=8)
    models = canary.ModelServerConfig.from_text(MODELS)
    workload = canary.Workload("pets", "v1", models=models, batching=batching, monitoring=canary.MonitoringConfig())
    assert (workload.models, workload.batching) == (models, batching)
    assert pickle.loads(pickle.dumps(workload)) == workload
    assert "pets" in repr(workload)
    other = workload.replace(batching=None)
    assert other.batching is None
    assert pod(other) != pod(workload)
    with pytest.raises(canary.InvalidError, match="model_name"):
        workload.replace(model="pets")
    with pytest.raises(canary.InvalidError, match="give the name and the path"):
        canary.Workload("pets", "v1")


@pytest.mark.parametrize(("server", "port"), [("triton", 8000), ("mlserver", 8080), ("kserve", 8080)])
def test_every_server_is_asked_about_its_model(server, port):
    image = "kserve/sklearnserver" if server == "kserve" else None
    workload = canary.Workload("pets", "v1", model="pets", path="gs://b/pets", server=server, image=image)
    (container,) = pod(workload)["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/v2/models/pets/ready", "port": port}
    assert workload.server == server
    assert pickle.loads(pickle.dumps(workload)) == workload
    assert ("initContainers" in pod(workload)) == (server != "triton")
    service = workload.objects()[2]["spec"]["ports"]
    assert [one["appProtocol"] for one in service] == ["grpc", "http"]


def test_settings_of_another_server_are_findings():
    with pytest.raises(ValueError, match='server is "torchserve"; choose one of "tensorflow-serving"'):
        canary.Workload("pets", "v1", model="pets", path="/m", server="torchserve")
    with pytest.raises(canary.InvalidError, match="those of TensorFlow Serving"):
        canary.Workload("a", "v1", model="m", path="/m", server="triton", monitoring=canary.MonitoringConfig())
    with pytest.raises(canary.InvalidError, match="image"):
        canary.Workload("a", "v1", model="m", path="/m", server="kserve")


def test_the_traffic_of_an_inference_service_is_what_kserve_reports():
    target = [
        {"revisionName": "pets-2", "percent": 10, "latestRevision": True},
        {"revisionName": "pets-1", "percent": 90},
    ]
    pets = canary.InferenceService.from_dict(
        {
            "kind": "InferenceService",
            "metadata": {"name": "pets", "namespace": "models"},
            "spec": {"predictor": {"canaryTrafficPercent": 50, "model": {"modelFormat": {"name": "onnx"}}}},
            "status": {
                "components": {"predictor": {"traffic": target}},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
    )
    assert repr(pets) == "<InferenceService models/pets: 10 % to pets-2 (latest), 90 % to pets-1 (previous)>"
    assert pets.traffic()[1] == {"revision": "pets-1", "percent": 90, "latest": False}
    assert (pets.ready, pets.model_format, pets.canary_percent) == (True, "onnx", 50)
    with pytest.raises(canary.ManifestError, match="expected InferenceService"):
        canary.InferenceService.from_dict({"kind": "Service", "metadata": {"name": "a"}, "spec": {"predictor": {}}})


def test_a_warm_up_file_is_records_with_checksums():
    file = canary.encode_warm_up(({"x": bytes([n])} for n in range(3)), model="m", signature="s")
    lengths, rest = [], file
    while rest:
        length = int.from_bytes(rest[:8], "little")
        lengths.append(length)
        rest = rest[12 + length + 4 :]
    assert len(lengths) == 3
    for inputs, said in (([], "no input"), ([{"x": b""}] * 1001, "more than 1000")):
        with pytest.raises(canary.ImageError, match=said):
            canary.encode_warm_up(inputs, model="m")


def test_the_lab_runs_a_model_with_metrics_and_says_which_model_of_a_file_it_lacks():
    one = canary.Workload("pets", "v1", model="pets", path="models/v1", monitoring=canary.MonitoringConfig())
    many = canary.Workload("many", "v1", models=canary.ModelServerConfig.from_text(MODELS))
    with canary.Lab(models={"models/v1": canary.ScriptedModel("tabby cat", 0.9)}) as lab:
        lab.apply(one)
        lab.apply([canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
        lab.wait_ready()
        client = canary.Client(lab.url, model="pets", signature="serving_preprocess")
        assert client.predict(b"a photo").label == "tabby cat"
        lab.apply(many)
        with pytest.raises(canary.ClusterError, match="No versions of servable pets found"):
            lab.wait_ready(timeout=10)
