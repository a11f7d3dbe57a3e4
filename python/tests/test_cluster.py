"""A Kubernetes cluster from Python, against a real API server where its programs are there."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING

import pytest
from apiserver import TOKEN, apiserver, free_port, kubeconfig

import canary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real API server without Istio's definitions."""
    with apiserver(tmp_path_factory.mktemp("apiserver")) as config:
        yield config


def workload() -> canary.Workload:
    """A version of a model."""
    return canary.Workload("image-classifier", "resnet50", model="image_classifier", path="gs://b/resnet50")


def test_objects_are_applied_read_listed_and_deleted(server: Path) -> None:
    """The kinds that the server knows without Istio."""
    cluster = canary.Cluster(server)
    tried = cluster.apply(workload(), dry_run=True)
    assert [one.effect for one in tried] == ["created"] * 3
    assert cluster.get("Deployment", "image-classifier-resnet50") is None
    assert [one.effect for one in cluster.apply(workload())] == ["created"] * 3
    again = cluster.apply(workload().objects())
    assert str(again[0]) == "unchanged ConfigMap default/image-classifier-resnet50-configs"
    deployment = cluster.get("Deployment", "image-classifier-resnet50")
    assert deployment is not None
    assert deployment["spec"]["template"]["metadata"]["labels"]["version"] == "resnet50"
    names = [found["metadata"]["name"] for found in cluster.list("Service")]
    assert "image-classifier" in names
    assert cluster.delete("Service", "image-classifier")
    assert not cluster.delete("Service", "image-classifier")
    with pytest.raises(ValueError, match="api_version"):
        cluster.get("Widget", "a")


def test_what_is_wrong_is_found_before_it_is_sent(server: Path) -> None:
    """Validation comes first, so its error is not reported as Istio's."""
    cluster = canary.Cluster(server)
    routes = canary.VirtualService.weighted("image-classifier", {"resnet50": 100}, hosts=["*"], gateways=["g"])
    wrong = routes.to_dict()
    wrong["spec"]["http"][0]["timeout"] = "0s"
    with pytest.raises(canary.InvalidError, match="timeout"):
        cluster.apply(canary.VirtualService.from_dict(wrong))
    with pytest.raises(canary.ClusterError, match="install the CRDs"):
        cluster.apply(routes)


async def test_preflight_in_every_form(server: Path) -> None:
    """Text, HTML and JSON, by call and by await."""
    cluster = canary.Cluster(server)
    report = cluster.preflight(workload=workload())
    assert not report
    assert not report.is_ready
    found = {check["name"]: check["outcome"] for check in report.checks}
    assert found["API server"] == "pass"
    assert found["Istio's definitions"] == "fail"
    assert found["quota"] == "pass"
    assert "→ install Istio" in str(report)
    assert "<h4>Preflight" in report._repr_html_()
    assert report.to_html().startswith("<table>")
    assert report.records()[0]["name"]
    assert "<script" not in report._repr_html_()
    assert json.loads(report.to_json())["ready"] is False
    again = await cluster.preflight_async()
    assert len(again.checks) == len(report.checks) - 1


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    """Clear errors, without a token in them, and no connection before the first call."""
    cluster = canary.Cluster(kubeconfig(tmp_path, f"http://127.0.0.1:{free_port()}"), namespace="models")
    assert cluster.namespace == "models"
    with pytest.raises(canary.ClusterError, match="cannot be reached") as error:
        cluster.preflight()
    assert TOKEN not in str(error.value)
    assert TOKEN not in repr(cluster)
    with pytest.raises(canary.ClusterError, match="cannot be read"):
        canary.Cluster(tmp_path / "none").status("image-classifier")
    with pytest.raises(canary.ClusterError, match="no context"):
        canary.Cluster(tmp_path / "kubeconfig", context="other").get("Pod", "a")


async def test_exactly_what_was_created_is_torn_down(server: Path) -> None:
    """Objects that were there before stay, and so does one that somebody has put in the place of ours since."""

    def settings(name: str) -> dict[str, object]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}

    cluster = canary.Cluster(server)
    cluster.apply(settings("before"))
    applied = cluster.apply([settings(name) for name in ("before", "ours", "replaced")])
    assert [(one.effect, one.name) for one in applied] == [
        ("unchanged", "before"),
        ("created", "ours"),
        ("created", "replaced"),
    ]
    assert (applied[1].kind, applied[1].api_version, applied[1].namespace) == ("ConfigMap", "v1", "default")
    assert list(applied.records()[0]) == ["effect", "kind", "namespace", "name", "api_version", "uid"]
    assert pickle.loads(pickle.dumps(applied[1])) == applied[1]
    assert hash(applied[1]) != hash(applied[2])
    assert "ours" in applied[1]._repr_html_()
    cluster.delete("ConfigMap", "replaced")
    cluster.apply(settings("replaced"))
    assert cluster.tear_down(cluster.apply(settings("tried"), dry_run=True)) == []
    assert cluster.tear_down(applied) == ["ConfigMap default/ours"]
    assert await cluster.tear_down_async(applied) == []
    assert cluster.get("ConfigMap", "before") is not None
    assert cluster.get("ConfigMap", "replaced") is not None


async def test_every_call_has_an_awaitable_twin(server: Path) -> None:
    """The same answers, and a watch that gives what happens."""
    cluster = canary.Cluster(server)
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "twins"}, "data": {"a": "1"}}
    assert [one.effect for one in await cluster.apply_async(settings)] == ["created"]
    assert await cluster.get_async("ConfigMap", "twins") == cluster.get("ConfigMap", "twins")
    names = [found["metadata"]["name"] for found in await cluster.list_async("ConfigMap", namespace="*")]
    assert "twins" in names
    changes = cluster.watch("ConfigMap", "twins")
    assert "ConfigMap default/twins" in repr(changes)
    assert "twins" in changes._repr_html_()
    seen = [await anext(changes)]
    cluster.apply(settings | {"data": {"a": "2"}})
    seen.append(next(changes))
    assert await cluster.delete_async("ConfigMap", "twins")
    seen.append(await anext(changes))
    seen_changes = [(kind, found["data"]["a"]) for kind, found in seen]
    assert seen_changes == [("applied", "1"), ("applied", "2"), ("deleted", "2")]
    assert not await cluster.delete_async("ConfigMap", "twins")
    assert await cluster.get_async("ConfigMap", "twins") is None


def test_pods_that_do_not_come_are_waited_for_in_vain(server: Path) -> None:
    """No kubelet runs here: the message says how far it came."""
    cluster = canary.Cluster(server)
    cluster.apply(workload())
    with pytest.raises(canary.ClusterError, match="0 of 1 pods ready"):
        cluster.wait_ready(workload(), timeout=0.1)
    with pytest.raises(canary.NotFoundError):
        cluster.wait_ready("none", timeout=0.1)
    with pytest.raises(canary.NotFoundError, match=r"VirtualService default/none|install the CRDs"):
        cluster.gateway_url("none")


def test_a_cluster_is_its_settings(tmp_path: Path) -> None:
    """Equal, hashed, copied and pickled by how it is reached."""
    one = canary.Cluster(tmp_path / "config", context="a", namespace="models")
    for other in (pickle.loads(pickle.dumps(one)), copy.copy(one), copy.deepcopy(one)):
        assert other == one
        assert hash(other) == hash(one)
    assert one != canary.Cluster(tmp_path / "config", context="b", namespace="models")


def test_a_workload_asks_for_gpus_and_limits() -> None:
    """Whole devices, as request and as limit; the rest is checked as Kubernetes would."""
    one = workload().replace(
        image="tensorflow/serving:latest-gpu",
        gpus=2,
        memory_limit="8Gi",
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
        tolerations=["pool=models:NoSchedule"],
    )
    pod = one.objects()[1]["spec"]["template"]["spec"]
    resources = pod["containers"][0]["resources"]
    assert resources["limits"] == {"memory": "8Gi", "nvidia.com/gpu": "2"}
    assert resources["requests"]["nvidia.com/gpu"] == "2"
    assert [taint["key"] for taint in pod["tolerations"]] == ["pool", "nvidia.com/gpu"]
    assert pod["nodeSelector"] == one.node_selector
    assert (one.gpus, one.memory_limit, one.cpu_limit, one.tolerations) == (2, "8Gi", None, ["pool=models:NoSchedule"])
    assert repr(one).endswith("gpus=2)")
    assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    assert one.replace(gpus=1) != one
    for wrong, error, words in [
        ({"gpus": 0.5}, TypeError, r"gpus=0\.5: a pod has whole GPUs"),
        ({"gpus": -1}, ValueError, r"gpus=-1: a pod has whole GPUs"),
        ({"gpu_resource": "gpu"}, canary.InvalidError, "domain/name"),
        ({"memory_limit": "1Gi"}, canary.InvalidError, "at least 4Gi"),
        ({"tolerations": ["a b"]}, canary.ManifestError, "key=value:effect"),
        ({"node_selector": {"a b": "c"}}, canary.InvalidError, "label of the nodes"),
    ]:
        with pytest.raises(error, match=words):
            workload().replace(**wrong)
    assert [found.path for found in one.replace(image="tensorflow/serving").validate()] == ["image"]
