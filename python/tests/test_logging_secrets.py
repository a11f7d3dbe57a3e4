"""Records of `logging` without secrets."""

import contextlib
import json

import grpc_server
import logs
import pytest
import releases
import servers

import canary


@pytest.fixture
def keep():
    with logs.listening() as listen:
        yield listen


@pytest.fixture(scope="module")
def lab():
    with releases.mesh(releases.good()) as lab:
        yield lab


SECRET = "c7-hunter2-secret"  # noqa: S105


class Echo(servers.Handler):
    """Sends back the headers of each request."""

    def do_GET(self):
        text = " ".join(f"{name}={value}" for name, value in self.headers.items())
        fields = {"error": text, "message": text, "status": "error", "errorType": "bad_data", "kind": "Status"}
        self.answer(fields | {"apiVersion": "v1", "code": 403}, 403)

    def do_POST(self):
        self.body()
        self.do_GET()

    do_PATCH = do_POST  # noqa: N815 - as the server calls it


def test_no_record_has_a_secret(keep, lab, tmp_path, monkeypatch):
    servers.without_proxies(monkeypatch)
    kept = keep(1)
    headers = {"authorization": f"Bearer {SECRET}", "cookie": f"id={SECRET}", "x-api-key": SECRET}
    token = tmp_path / "token"
    token.write_text(SECRET)
    with servers.serving(Echo) as echo, grpc_server.serving() as grpc:
        for url in (lab.url, echo.url, "http://127.0.0.1:9", f"grpc://127.0.0.1:{grpc.port}", "grpc://127.0.0.1:9"):
            one = canary.Client(url, model="pets", headers=headers, attempts=2, timeout=5)
            for call in (lambda one=one: one.predict(SECRET.encode()), one.metadata, one.status):
                with contextlib.suppress(canary.CanaryError):
                    call()
        for url in (echo.url, "http://127.0.0.1:9"):
            for settings in ({"token": SECRET}, {"username": "me", "password": SECRET}):
                source = canary.Prometheus(url, "pets", stable="v1", canary="v2", **settings)
                with pytest.raises(canary.CanaryError):
                    source.counts(10)
            for user in ({"token": SECRET}, {"tokenFile": str(token)}, {"username": "me", "password": SECRET}):
                file = tmp_path / "kubeconfig"
                kubeconfig = {"apiVersion": "v1", "kind": "Config", "current-context": "c"}
                kubeconfig["contexts"] = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
                kubeconfig["clusters"] = [{"name": "c", "cluster": {"server": url}}]
                kubeconfig["users"] = [{"name": "u", "user": user}]
                file.write_text(json.dumps(kubeconfig))
                cluster = canary.Cluster(file)
                with pytest.raises(canary.CanaryError):
                    cluster.get("VirtualService", "pets")
                with pytest.raises(canary.CanaryError):
                    cluster.apply(canary.Gateway.http("gateway"))
        proxied = canary.Client("http://models.invalid", model="m", proxy=f"http://me:{SECRET}@127.0.0.1:9", attempts=1)
        with pytest.raises(canary.CanaryError):
            proxied.predict(b"x")
        with pytest.raises(canary.CanaryError):
            canary.copy_model(tmp_path / "nothing" / "1", tmp_path / "to" / "1")
    names = {record.name for record in kept.records}
    assert {"canary.http", "canary.serving", "canary.kube"} <= names
    for record in kept.records:
        text = f"{record.getMessage()} {record.__dict__}"
        assert not any(part in text for part in (SECRET, "c7-hun", "bWU6Yz")), text
