"""Proxies, by a setting and by the environment."""

import base64
import pickle
import typing

import pytest
import servers

import canary

HIDDEN = "hunter2"


class Proxy(servers.Handler):
    """Answers every request itself, and keeps what it was asked."""

    asked: typing.ClassVar[list] = []

    def do_POST(self):
        self.body()
        type(self).asked.append((self.path, self.headers.get("proxy-authorization")))
        self.answer({"predictions": [[0.25, 0.75]]})

    def do_GET(self):
        type(self).asked.append((self.path, self.headers.get("proxy-authorization")))
        self.answer({"status": "success", "data": []})


@pytest.fixture
def proxy(monkeypatch):
    servers.without_proxies(monkeypatch)
    Proxy.asked = []
    with servers.serving(Proxy) as server:
        yield server.url


def client(url="http://models.invalid:8501", **settings):
    return canary.Client(url, model="m", attempts=1, timeout=10, **settings)


def test_a_setting_is_used_with_its_password(proxy):
    inside = proxy.replace("http://", f"http://me:{HIDDEN}@")
    one = client(proxy=inside)
    assert one.predict(b"x").array().tolist() == [[0.25, 0.75]]
    path, authorization = Proxy.asked[0]
    assert path == "http://models.invalid:8501/v1/models/m:predict"
    assert base64.b64decode(authorization.removeprefix("Basic ")) == f"me:{HIDDEN}".encode()
    assert all(HIDDEN not in text for text in (repr(one), str(one), one._repr_html_()))
    with pytest.raises(TypeError, match="password of a proxy") as error:
        pickle.dumps(one)
    assert HIDDEN not in str(error.value)
    plain = client(proxy=proxy)
    assert pickle.loads(pickle.dumps(plain)) == plain != one


def test_the_environment_s_proxy_is_used_but_not_for_this_machine(proxy, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    assert client().predict(b"x").array().tolist() == [[0.25, 0.75]]
    assert len(Proxy.asked) == 1
    with pytest.raises(canary.NetworkError):
        client(proxy=False).predict(b"x")
    with pytest.raises(canary.NetworkError):
        client("http://127.0.0.1:9").predict(b"x")
    monkeypatch.setenv("NO_PROXY", "other.example,.invalid")
    with pytest.raises(canary.NetworkError):
        client().predict(b"x")
    assert len(Proxy.asked) == 1
    assert client(proxy=proxy).predict(b"x").array().tolist() == [[0.25, 0.75]]
    monkeypatch.setenv("HTTP_PROXY", f"ftp://me:{HIDDEN}@proxy")
    with pytest.raises(canary.RequestError, match="HTTP_PROXY") as error:
        client()
    assert HIDDEN not in str(error.value)


def test_prometheus_and_copies_use_it_too(proxy, monkeypatch, tmp_path):
    prometheus = canary.Prometheus("http://metrics.invalid:9090", "a", stable="b", canary="c", proxy=proxy)
    assert prometheus.thresholds() == []
    assert Proxy.asked[0][0].startswith("http://metrics.invalid:9090/api/v1/")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://store.invalid",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": HIDDEN,
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises((canary.StoreError, canary.NotFoundError)):
        canary.copy_model("s3://bucket/m/1", tmp_path / "1", proxy=proxy)
    assert Proxy.asked[-1][0].startswith("http://store.invalid/")


@pytest.mark.parametrize("wrong", ["", "ftp://proxy", f"http://me:{HIDDEN}@proxy:port"])
def test_what_is_no_proxy_is_refused_and_not_repeated(wrong):
    with pytest.raises(ValueError, match="proxy") as error:
        client(proxy=wrong)
    assert HIDDEN not in str(error.value)
    with pytest.raises(TypeError, match="proxy"):
        client(proxy=True)
