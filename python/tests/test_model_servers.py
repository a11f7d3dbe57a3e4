"""Clients of other model servers, what a run compares, and functions in place of a client."""

import asyncio
import json
import pickle

import numpy as np
import pytest
import servers

import canary


class Open(servers.Handler):
    """The Open Inference Protocol: gives inputs back, and an answer of each kind for the output that is asked for."""

    def do_GET(self):
        known = {
            "/v2": {"name": "fake", "version": "1", "extensions": None},
            "/v2/models/mix": {
                "name": "mix",
                "versions": ["1", "v2"],
                "platform": "python",
                "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
            },
            "/v2/models/mix/ready": {"name": "mix", "ready": True},
        }
        found = known.get(self.path)
        self.answer(found or {"detail": "Not Found"}, 200 if found else 404)

    def do_POST(self):
        body = self.body()
        if self.path != "/v2/models/mix/infer":
            self.answer({"detail": "Not Found"}, 404)
            return
        length = int(self.headers.get("inference-header-content-length", len(body)))
        request = json.loads(body[:length])
        self.server.sent = (request, body[length:])
        wanted = [one["name"] for one in request.get("outputs", [])]
        one = {
            "text": {"datatype": "BYTES", "data": ["hi"], "parameters": {"content_type": "str"}},
            "raw": {"datatype": "BYTES", "data": ["hi"]},
            "price": {"datatype": "FP64", "data": [21.5]},
            "logits": {"datatype": "FP32", "data": [0.0, None]},
        }
        outputs = [
            {"name": name, "shape": [1, len(one[name]["data"])], **one[name]} for name in wanted if name in one
        ] or request["inputs"]
        json_part = json.dumps({"model_name": "mix", "outputs": outputs}).encode()
        self.answer(json_part + body[length:], Inference_Header_Content_Length=str(len(json_part)))


@pytest.fixture(scope="module")
def server():
    with servers.serving(Open) as found:
        yield found


@pytest.fixture
def client(server):
    return canary.Client(server.url, model="mix", protocol="v2")


def test_every_dtype_comes_back(client):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    kinds = [
        "bool",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "float32",
        "float64",
    ]
    for encoding in ("auto", "raw", "lists"):
        for kind in kinds:
            array = np.array([[0, 1]], kind)
            found = client.replace(encoding=encoding).predict({"a": array})["a"]
            assert found.dtype == array.dtype, kind
            assert np.array_equal(found, array), kind
    wide = client.predict({"a": np.array([1.5], bfloat16)})["a"]
    assert (wide.dtype, wide.tolist()) == (np.float32, [1.5])
    exact = np.array([2**63 - 1, -(2**53) - 1])
    assert client.predict({"a": exact})["a"].tolist() == exact.tolist()


def test_text_and_bytes_are_told_apart_by_what_is_declared(client, server):
    x = np.zeros((1, 2), np.float32)
    text = client.replace(outputs=["text"]).predict(x).array()
    assert text.tolist() == [["hi"]]
    raw = client.replace(outputs=["raw"]).predict(x).array()
    assert raw.tolist() == [[b"hi"]]
    assert client.predict({"t": canary.text(["a", "é"])})["t"].tolist() == [b"a", "é".encode()]
    request, rest = server.sent
    assert request["inputs"][0]["data"] == ["a", "é"]
    assert rest == b""
    assert client.predict({"b": b"plain"})["b"].tolist() == [b"plain"]
    request, rest = server.sent
    assert rest == b"\x05\0\0\0plain"
    # TensorFlow Serving sends bytes as base64, and all else is text.
    decode = canary.decode_predict
    encoded = [decode(b'{"predictions": [{"b64": "%s"}]}' % one)["predictions"][0] for one in (b"aGk=", b"/9j/")]
    assert encoded == [b"hi", b"\xff\xd8\xff"]
    assert decode(b'{"predictions": ["\xff"]}')["predictions"].tolist() == ["\udcff"]
    assert decode(b'{"outputs": {"x_bytes": ["a"]}}')["x_bytes"].tolist() == [b"a"]


def test_state_and_description(client):
    assert client.ready()
    assert client.status() == {1: "AVAILABLE"}
    assert client.wait(timeout=5) == {1: "AVAILABLE"}
    info = client.metadata()["serving_default"]["inputs"]["x"]
    assert (str(info), info.shape) == ("FP32[?, 2]", (None, 2))
    client.check(np.zeros((3, 2), np.float32))
    with pytest.raises(canary.InvalidError, match=r"FP32\[\?, 2\]"):
        client.check(np.zeros((1, 3), np.float32))
    answers = list(client.predict_many([np.zeros((1, 2), np.float32)] * 5))
    assert [answer["x"].shape for answer in answers] == [(1, 2)] * 5
    assert not client.replace(model="other").ready()


def test_the_protocol_is_found_out(server):
    found = canary.Client.detect(server.url, model="mix", timeout=5)
    assert found.protocol == "v2"
    assert asyncio.run(canary.Client.detect_async(server.url, model="mix")).protocol == "v2"
    assert found.predict(np.zeros((1, 2), np.float32)).array().shape == (1, 2)
    with pytest.raises(TypeError, match="leave them out"):
        canary.Client.detect(server.url, model="mix", protocol="v2")
    with pytest.raises(canary.ServerError, match=r'fake 1 speaks the Open Inference Protocol .* protocol "v2"'):
        canary.Client(server.url, model="mix").status()
    with pytest.raises(canary.NetworkError):
        canary.Client.detect("http://127.0.0.1:1", model="mix")


def test_a_client_with_a_protocol_is_a_value(server):
    settings = {"model": "mix", "protocol": "v2", "encoding": "lists", "outputs": ["y"], "prediction": {"number": "y"}}
    client = canary.Client(server.url, **settings)
    assert pickle.loads(pickle.dumps(client)) == client
    assert client.replace(prediction="number") != client
    assert 'protocol="v2"' in repr(client)
    for wrong, message in [
        ({"protocol": "v3"}, "protocol is .v3.; choose one of"),
        ({"encoding": "json"}, "encoding is .json."),
        ({"prediction": "top"}, "prediction is .top."),
        ({"prediction": {"classes": ["a"]}}, "names no choice"),
        ({"prediction": {"argmax": "a", "number": "b"}}, "names two choices"),
    ]:
        with pytest.raises(ValueError, match=message):
            canary.Client(server.url, **(settings | wrong))
    with pytest.raises(TypeError, match="prediction is"):
        canary.Client(server.url, model="mix", prediction=5)


def test_a_path_that_does_not_exist_names_the_way_to_send_text(client):
    with pytest.raises(canary.NotFoundError, match=r"How are you\? not found; .*canary\.text"):
        client.predict("How are you?")
    with pytest.raises(TypeError, match="decode bytes first"):
        canary.text([b"a"])


def lab(**servers_by_version):
    """A lab whose versions are these models."""
    found = canary.Lab(models={f"m/{version}": model for version, model in servers_by_version.items()})
    for version in servers_by_version:
        found.apply(canary.Workload("mix", version, model="mix", path=f"m/{version}"))
    split = canary.VirtualService.weighted("mix", {"v1": 100, "v2": 0}, hosts=["*"], gateways=["g"], port=8501)
    rules = canary.DestinationRule.subsets("mix", list(servers_by_version))
    found.apply([canary.Gateway.http("g"), rules, split.stamp_subset()])
    found.wait_ready()
    return found


def plan(*guards):
    return canary.Plan(
        "mix",
        stable="v1",
        canary="v2",
        steps=[50, 100],
        hold={"pairs": 30},
        header=("user-group", "canary"),
        guards=list(guards),
        settle=0,
    )


class Scores(Open):
    """A server whose scores a test chooses."""

    def do_POST(self):
        request = json.loads(self.body())
        scores = self.server.scores(request["inputs"][0]["data"])
        output = {"name": "y", "datatype": "FP32", "shape": [1, len(scores)], "data": scores}
        self.answer({"model_name": "mix", "outputs": [output]})


ROWS = [np.array([[number, -number]], np.float32) for number in range(1, 400)]


def size(answer):
    """A caller's own reading of an answer."""
    return ("big" if answer.array()[0, 0] > 0 else "small", 0.9)


@pytest.mark.parametrize(
    ("prediction", "guard", "good", "bad"),
    [
        ("argmax", canary.agreement(0.9), lambda row: row, lambda row: row[::-1]),
        ("number", canary.numeric_agreement(0.5, 0.9), lambda row: [row[0] + 0.25], lambda row: [row[0] + 1]),
        (size, canary.agreement(0.9), lambda row: row, lambda row: row[::-1]),
    ],
    ids=["argmax", "number", "function"],
)  # fmt: skip
def test_a_release_compares_what_the_client_reads(prediction, guard, good, bad):
    for scores, name in [(good, "promote"), (bad, "rollback")]:
        with servers.serving(Scores) as one, servers.serving(Scores) as other:
            one.scores = (lambda row: row[:1]) if prediction == "number" else (lambda row: row)
            other.scores = scores
            with lab(v1=one.url, v2=other.url) as place:
                client = canary.Client(place.url, model="mix", protocol="v2", prediction=prediction)
                verdict = plan(guard).run(place, client=client, inputs=ROWS, tick=0.05).wait()
                assert verdict.name == name, verdict


def test_what_the_function_raises_ends_the_run():
    def broken(_):
        raise RuntimeError("a mistake of mine")

    with servers.serving(Scores) as one:
        one.scores = lambda row: row
        with lab(v1=one.url, v2=one.url) as place:
            client = canary.Client(place.url, model="mix", protocol="v2", prediction=broken)
            with pytest.raises(canary.CanaryError, match="a mistake of mine"):
                plan(canary.agreement(0.9)).run(place, client=client, inputs=ROWS, tick=0.05).wait()


def test_a_function_takes_the_place_of_a_client():
    def ask(row, headers):
        subset = "v2" if headers else "v1"
        if subset == "v2" and row[0, 0] % 3 == 0 and ask.failing:
            error = RuntimeError("503 full")
            error.subset = "v2"
            raise error
        return subset, (float(row[0, 0]), None)

    scripted = {"v1": canary.ScriptedModel("cat", 0.9), "v2": canary.ScriptedModel("cat", 0.9)}
    guards = (canary.numeric_agreement(0.1, 0.9), canary.pair_errors())
    for ask.failing, name in [(False, "promote"), (True, "rollback")]:
        with lab(**scripted) as place:
            verdict = plan(*guards).run(place, client=ask, inputs=ROWS, tick=0.05).wait()
            assert verdict.name == name, verdict
    with lab(**scripted) as place:
        with pytest.raises(canary.CanaryError, match="give inputs="):
            plan(canary.pair_errors()).run(place, client=ask).wait()
        with pytest.raises(TypeError, match="client is"):
            plan(canary.pair_errors()).run(place, client=5, inputs=ROWS)


def test_a_function_that_gives_no_answer_is_refused():
    scripted = {"v1": canary.ScriptedModel("cat", 0.9), "v2": canary.ScriptedModel("cat", 0.9)}
    with lab(**scripted) as place, pytest.raises(canary.CanaryError, match=r"must give \(subset, prediction\)"):
        plan(canary.agreement(0.9)).run(place, client=lambda *_: "cat", inputs=ROWS, tick=0.05).wait()
