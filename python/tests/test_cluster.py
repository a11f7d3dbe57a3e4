"""A Kubernetes cluster from Python, against a real API server where its programs are there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import canary

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".cache" / "bin"
TOKEN = "a-token-of-this-test"  # noqa: S105


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def kubeconfig(folder: Path, server: str, certificate: Path | None = None) -> Path:
    """A kubeconfig with the token."""
    cluster = {"server": server} | ({"certificate-authority": str(certificate)} if certificate else {})
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "admin", "user": {"token": TOKEN}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
                "current-context": "test",
            }
        )
    )
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real API server with Istio's definitions; gives its kubeconfig."""
    if not (BIN / "kube-apiserver").exists() or not (BIN / "etcd").exists() or not shutil.which("openssl"):
        left_out = "a real API server is left out; scripts/real/install.sh installs it"
        if os.environ.get("CANARY_REAL_PARTS") == "required":
            pytest.fail(left_out)
        pytest.skip(left_out)
    folder = tmp_path_factory.mktemp("apiserver")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,1,"system:masters"\n')
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)  # noqa: S607
    etcd, peer, port = free_port(), free_port(), free_port()
    commands = [
        [
            BIN / "etcd",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        ],
        [
            BIN / "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={folder / 'certs'}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
        ],
    ]
    log = (folder / "log").open("w")
    running = [subprocess.Popen(command, stdout=log, stderr=log) for command in commands]
    try:
        config = kubeconfig(folder, f"https://127.0.0.1:{port}", folder / "certs" / "apiserver.crt")
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.2)
            # The server is there before its first namespace is.
            with contextlib.suppress(canary.ClusterError):
                if canary.Cluster(config).get("Namespace", "default"):
                    break
        yield config
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()
        log.close()


def workload() -> canary.Workload:
    """A version of a model."""
    return canary.Workload("image-classifier", "resnet50", model="image_classifier", path="gs://b/resnet50")


def test_objects_are_applied_read_listed_and_deleted(server: Path) -> None:
    """The kinds that the server knows without Istio."""
    cluster = canary.Cluster(server)
    tried = cluster.apply(workload(), dry_run=True)
    assert [effect for effect, _ in tried] == ["created"] * 3
    assert cluster.get("Deployment", "image-classifier-resnet50") is None
    assert [effect for effect, _ in cluster.apply(workload())] == ["created"] * 3
    assert cluster.apply(workload().objects())[0] == ("unchanged", "ConfigMap default/resnet50-configs")
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
    """Validation comes first, and no Istio is told as such."""
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
