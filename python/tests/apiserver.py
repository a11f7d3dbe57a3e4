"""A real API server for the tests, where its programs are there."""

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


@contextlib.contextmanager
def apiserver(folder: Path) -> Iterator[Path]:
    """Run a real API server; gives its kubeconfig."""
    if not (BIN / "kube-apiserver").exists() or not (BIN / "etcd").exists() or not shutil.which("openssl"):
        left_out = "a real API server is left out; scripts/real/install.sh installs it"
        if os.environ.get("CANARY_REAL_PARTS") == "required":
            pytest.fail(left_out)
        pytest.skip(left_out)
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
