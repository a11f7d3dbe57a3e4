"""Secrets are in no repr, page, pickle, error, report, stored state or log, whatever a server sends back."""

import base64
import json
import logging
import pickle
import traceback

import grpc
import grpc_server
import pytest
import releases
import servers

import canary

SECRET = "c7-hunter2-secret"  # noqa: S105
ENCODED = base64.b64encode(f"me:{SECRET}".encode()).decode()
HEADERS = {
    "bearer": {"authorization": f"Bearer {SECRET}"},
    "basic": {"Authorization": f"Basic {ENCODED}"},
    "cookie": {"cookie": f"theme=dark; id={SECRET}"},
    "key": {"x-api-key": SECRET},
}


def hidden(text):
    """Whether no form of the secret, nor a beginning of it, is in the text."""
    return not any(part in text for part in (SECRET, ENCODED, "c7-hun", ENCODED[:6]))


class Echo(servers.Handler):
    """Sends back the headers of each request, as a server that debugs does."""

    status = 400

    def do_GET(self):
        text = " ".join(f"{name}={value}" for name, value in self.headers.items())
        for value in self.headers.values():
            if ENCODED in value:
                text += f" which is me:{SECRET}"
        fields = {"error": text, "message": text, "status": "error", "errorType": "bad_data", "kind": "Status"}
        self.answer(fields | {"apiVersion": "v1", "code": self.status}, self.status)

    def do_POST(self):
        self.body()
        self.do_GET()


def failed(call, *arguments):
    """The error of a call, as a log shows it, with what its attributes hold, and its pickle."""
    with pytest.raises(canary.CanaryError) as error:
        call(*arguments)
    shown = "".join(traceback.format_exception(error.value))
    return f"{shown} {error.value!r} {vars(error.value)} {pickle.dumps(error.value)}"


def kubeconfig(folder, url, user):
    """A kubeconfig with this user."""
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    return path


def client(url, **settings):
    return canary.Client(url, model="m", attempts=1, timeout=10, **settings)


def prometheus(url, **settings):
    return canary.Prometheus(url, "pets", stable="v1", canary="v2", **settings)


def holders(folder):
    """Everything that holds a secret, by its name."""
    url = "http://127.0.0.1:9"
    identity = (b"-----BEGIN CERTIFICATE-----\n", f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n".encode())
    yield from ((f"a client's {name}", client(url, headers=headers)) for name, headers in HEADERS.items())
    yield "a client over gRPC", client("grpc://127.0.0.1:9", headers=HEADERS["bearer"])
    yield "a client's proxy", client(url, proxy=f"http://me:{SECRET}@proxy:3128")
    yield "Prometheus with a token", prometheus(url, token=SECRET)
    yield "Prometheus with a password", prometheus(url, username="me", password=SECRET)
    yield "Prometheus with a proxy", prometheus(url, proxy=f"http://me:{SECRET}@proxy:3128")
    yield "a cluster", canary.Cluster(kubeconfig(folder, url, {"token": SECRET}))
    with pytest.raises(canary.CanaryError) as error:
        client("https://127.0.0.1:9", identity=identity)
    yield "the error of a key", error.value


def pickled(one):
    """The pickle of a value, or the error with which it is refused."""
    try:
        return pickle.dumps(one).decode("latin1")
    except TypeError as error:
        return str(error)


def test_no_repr_page_or_pickle_shows_a_secret(tmp_path):
    for name, one in holders(tmp_path):
        shown = [repr(one), str(one), f"{one}", getattr(one, "_repr_html_", str)(), str(vars(type(one)).keys())]
        assert all(hidden(text) for text in shown), name
        assert hidden(pickled(one)), name


def test_a_client_with_credentials_is_pickled_without_them_and_gets_them_back():
    one = client("http://h", headers={"user-group": "canary", "authorization": f"Bearer {SECRET}"})
    with pytest.raises(TypeError, match=r"header \"authorization\".*replace\(headers=…\)"):
        pickle.dumps(one)
    plain = one.replace(headers={"user-group": "canary"})
    read = pickle.loads(pickle.dumps(plain))
    assert read == plain
    assert read.replace(headers={"user-group": "canary", "authorization": f"Bearer {SECRET}"}) == one


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_no_error_repeats_what_a_server_sends_back(status, tmp_path, monkeypatch, caplog):
    servers.without_proxies(monkeypatch)
    caplog.set_level(logging.DEBUG)
    with servers.serving(type("Sender", (Echo,), {"status": status})) as server:
        for name, headers in HEADERS.items():
            one = client(server.url, headers=headers)
            for call in (lambda one=one: one.predict(b"x"), one.metadata, lambda one=one: one.wait(timeout=0.05)):
                text = failed(call)
                assert hidden(text), f"{name}: {text}"
        for settings in ({"token": SECRET}, {"username": "me", "password": SECRET}):
            text = failed(prometheus(server.url, **settings).counts, 10)
            assert hidden(text), text
            assert "[redacted]" in text
        if status != 200:
            file = tmp_path / "token"
            file.write_text(SECRET)
            for user in ({"token": SECRET}, {"tokenFile": str(file)}):
                text = failed(canary.Cluster(kubeconfig(tmp_path, server.url, user)).get, "VirtualService", "pets")
                assert hidden(text), text
                assert "[redacted]" in text
    assert hidden(caplog.text)


def test_no_error_repeats_what_a_server_sends_back_over_grpc():
    class Sender(grpc_server.Server):
        def service(self, details):
            sent = " ".join(str(pair.value) for pair in details.invocation_metadata)

            def call(_, context):
                context.set_trailing_metadata((("x-canary-subset", sent),))
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"you sent {sent}")

            return grpc.unary_unary_rpc_method_handler(call)

    with grpc_server.serving(handler=Sender()) as server:
        for name, headers in HEADERS.items():
            one = client(f"grpc://127.0.0.1:{server.port}", headers={key.lower(): at for key, at in headers.items()})
            text = failed(one.predict, b"x")
            assert hidden(text), f"{name}: {text}"
            assert "[redacted]" in text


def test_no_run_keeps_a_secret(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with releases.mesh(releases.good(errors=0.4)) as lab:
        one = releases.client(lab)
        one = one.replace(headers=HEADERS["bearer"])
        run = releases.plan().run(lab, client=one, inputs=releases.photos(), tick=0.05)
        shown = [repr(event) + str(event) + event._repr_html_() for event in run]
        assert run.verdict is not None
        run.report(tmp_path / "report.html")
        shown += [repr(run), str(run), run._repr_html_(), (tmp_path / "report.html").read_text()]
        shown += [
            repr(run.verdict),
            str(run.verdict),
            json.dumps(run.verdict.to_dict()),
            str(pickle.dumps(run.verdict)),
        ]
        shown += [json.dumps(lab.get(kind, releases.APP)) for kind in ("VirtualService", "DestinationRule", "Service")]
        assert releases.state(lab)
    assert len(shown) > 10
    assert all(hidden(text) for text in shown)
    assert hidden(caplog.text)
