"""The proxy on the way to an API server."""

import base64
import json
import typing

import pytest
import servers

import canary

HIDDEN = "hunter2"


class ApiServer(servers.Handler):
    """Has no object."""

    def do_GET(self):
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "message": "not found"}
        self.answer(status, status=404)


class Proxy(servers.Handler):
    """Opens no tunnel, and keeps what it was asked for."""

    asked: typing.ClassVar[list] = []

    def do_CONNECT(self):
        type(self).asked.append((self.path, self.headers.get("proxy-authorization")))
        self.answer(b"", status=502)

    do_GET = do_CONNECT


def cluster(tmp_path, server, **more):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server} | more}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    return canary.Cluster(file)


@pytest.fixture
def proxy(monkeypatch):
    servers.without_proxies(monkeypatch)
    Proxy.asked = []
    with servers.serving(Proxy) as server:
        yield server.url.replace("http://", f"http://me:{HIDDEN}@")


def test_the_environment_s_proxy_is_not_for_loopback(proxy, monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with servers.serving(ApiServer) as server:
        assert cluster(tmp_path, server.url).get("Namespace", "default") is None
    assert Proxy.asked == []


def test_the_environment_s_proxy_leads_to_other_hosts_unless_no_proxy_names_them(proxy, monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(canary.CanaryError) as error:
        cluster(tmp_path, "https://api.invalid:6443").get("Namespace", "default")
    path, authorization = Proxy.asked[0]
    assert path == "api.invalid:6443"
    assert base64.b64decode(authorization.removeprefix("Basic ")) == f"me:{HIDDEN}".encode()
    assert HIDDEN not in str(error.value)
    Proxy.asked.clear()
    monkeypatch.setenv("NO_PROXY", "example.com,.invalid")
    with pytest.raises(canary.CanaryError):
        cluster(tmp_path, "https://api.invalid:6443").get("Namespace", "default")
    assert Proxy.asked == []


def test_the_kubeconfig_s_proxy_is_used_whatever_the_environment_says(proxy, monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "api.invalid")
    with pytest.raises(canary.CanaryError) as error:
        cluster(tmp_path, "https://api.invalid:6443", **{"proxy-url": proxy}).get("Namespace", "default")
    assert Proxy.asked[0][0] == "api.invalid:6443"
    assert HIDDEN not in str(error.value)


@pytest.mark.parametrize("bad", ["ftp://me:hunter2@p:1", "http://"])
def test_a_proxy_that_is_none_is_refused_and_not_repeated(tmp_path, bad):
    with pytest.raises(canary.CanaryError, match="proxy") as error:
        cluster(tmp_path, "https://api.invalid:6443", **{"proxy-url": bad}).get("Namespace", "default")
    assert HIDDEN not in str(error.value)
