"""Inputs of `predict`, over REST and over gRPC, against a model that reports its input."""

import array
import asyncio
import base64
import io
import json

import ml_dtypes
import numpy as np
import pytest
import servers
from PIL import Image

import canary

SIGNATURE = {
    "inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}, {"size": "2"}]}}},
    "outputs": {"y": {"dtype": "DT_COMPLEX64", "tensor_shape": {"unknown_rank": True}}},
    "method_name": "tensorflow/serving/predict",
}
METADATA = {
    "model_spec": {"name": "m", "version": "3"},
    "metadata": {"signature_def": {"signature_def": {"serving_default": SIGNATURE}}},
}


class Echo(servers.Handler):
    """Answers with the instances that it was sent."""

    def do_POST(self):
        body = self.body()
        self.server.requests.append((self.path, body))
        request = json.loads(body)
        if self.path.endswith(":classify"):
            return self.answer({"results": [[["cat", 0.25], ["dog", 0.75]]] * len(request["examples"])})
        if self.path.endswith(":regress"):
            return self.answer({"results": [2.5] * len(request["examples"])})
        if "inputs" in request:
            return self.answer({"outputs": request["inputs"]})
        if request["instances"] == [{"b64": "YmFk"}]:
            return self.answer({"error": "bad"}, 400)
        return self.answer({"predictions": request["instances"]})

    def do_GET(self):
        self.server.looks += 1
        if self.path.endswith("/metadata"):
            return self.answer(METADATA)
        state = "AVAILABLE" if self.server.looks > 2 else "LOADING"
        return self.answer({"model_version_status": [{"version": "3", "state": state, "status": {}}]})


@pytest.fixture
def server():
    with servers.serving(Echo) as server:
        server.requests, server.looks = [], 0
        yield server


@pytest.fixture
def client(server):
    return canary.Client(server.url, model="m", timeout=10)


FLOATS = np.arange(6, dtype=np.float32).reshape(2, 3) + 0.5


class Dlpack:
    """Nothing except the protocol."""

    def __dlpack__(self, **options):
        return FLOATS.copy().__dlpack__(**options)

    def __dlpack_device__(self):
        return FLOATS.__dlpack_device__()


@pytest.mark.parametrize(
    "value",
    [
        FLOATS,
        np.asfortranarray(FLOATS),
        FLOATS[:, ::-1][:, ::-1],
        np.repeat(FLOATS, 2, axis=1)[:, ::2],
        FLOATS.astype(">f4"),
        FLOATS.astype(">f8"),
        FLOATS.astype(np.float64),
        FLOATS.tolist(),
        tuple(FLOATS),
        iter(FLOATS),
        (row for row in FLOATS),
        memoryview(FLOATS),
        Dlpack(),
        np.ma.array(FLOATS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_form_of_an_array_is_sent_as_the_same_numbers(client, value):
    assert client.predict(value).array().tolist() == FLOATS.tolist()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (np.array([2**63 - 1, -(2**63)]), [2**63 - 1, -(2**63)]),
        (np.array([2**64 - 1], dtype=np.uint64), [2**64 - 1]),
        (np.array([[True], [False]]), [[True], [False]]),
        (np.array([-5, 5], dtype=np.int8), [-5, 5]),
        (np.array([1, 2], dtype=">i8"), [1, 2]),
        (array.array("d", [0.1, 1e300]), [0.1, 1e300]),
        (np.array([np.nan, np.inf, -np.inf]), [np.nan, np.inf, -np.inf]),
        (np.zeros((0, 3), np.float32), []),
    ],
    ids=str,
)
def test_numbers_are_exact(server, client, value, sent):
    answer = client.predict(value) if len(sent) else client.replace(form="column").predict(value)
    body = json.loads(server.requests[-1][1])
    np.testing.assert_equal(body["instances" if len(sent) else "inputs"], sent)
    np.testing.assert_equal(answer.array().tolist(), sent)


def test_what_is_a_file_is_sent_as_its_bytes(server, client, tmp_path):
    data = b"\x00file\x00"
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    with path.open("rb") as opened:
        for value in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), opened):
            client.predict(value)
            assert json.loads(server.requests[-1][1]) == {"instances": [{"b64": "AGZpbGUA"}]}
    client.predict([path, data])
    assert json.loads(server.requests[-1][1]) == {"instances": [{"b64": "AGZpbGUA"}] * 2}
    # Zeros at the end stay, also in lists within lists, and in object arrays.
    for value in ([[data]], np.array([[data]], dtype=object)):
        client.predict({"x": value})
        assert json.loads(server.requests[-1][1]) == {"instances": [{"x": [{"b64": "AGZpbGUA"}]}]}
    with path.open() as text, pytest.raises(TypeError, match="binary mode"):
        client.predict(text)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "RGBa"])
def test_images_of_every_mode_are_sent_as_png(server, client, mode):
    base = Image.new("RGB", (3, 2), (200, 100, 50))
    image = base.convert("RGBA").convert(mode) if mode in {"LA", "RGBa"} else None
    if image is None:
        image = Image.new(mode, (3, 2)) if mode in {"LAB", "HSV", "I", "F"} else base.convert(mode)
    client.predict(image)
    sent = json.loads(server.requests[-1][1])["instances"][0]["b64"]
    file = base64.b64decode(sent)
    assert Image.open(io.BytesIO(file)).size == (3, 2)
    assert canary.decode_image(file).shape == (2, 3, 3)


def test_what_cannot_be_sent_says_so(server, client):
    for value, error, message in [
        ([[1, 2], [3]], canary.ImageError, "same length"),
        (np.zeros(2, np.float16), canary.RequestError, "DT_HALF"),
        (np.zeros(2, np.uint16), canary.RequestError, "grpc://"),
        (np.zeros(2, np.complex64), TypeError, "complex64"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), TypeError, "datetime64"),
        (np.array([{}, []], dtype=object), TypeError, "str and bytes"),
        ([b"a", 1], TypeError, "found <class 'int'>"),
        (np.float32(1), canary.RequestError, "scalar"),
        (None, TypeError, "None is not an input"),
        ({}, canary.RequestError, "no input"),
        ({"a": np.zeros(2), "b": np.zeros(3)}, canary.RequestError, "common first dimension"),
        (object(), TypeError, "object"),
    ]:
        with pytest.raises(error, match=message):
            client.predict(value)
    assert server.requests == []


def test_forms_doubles_and_signatures(server, client):
    column = client.replace(form="column", signature="s", doubles=True)
    answer = column.predict({"a": np.array(0.1), "b": [b"x"]})
    assert json.loads(server.requests[-1][1]) == {"signature_name": "s", "inputs": {"a": 0.1, "b": [{"b64": "eA=="}]}}
    assert answer["a"].dtype == np.float64
    assert answer["a"].shape == ()
    assert answer["b"].tolist() == [b"x"]
    client.replace(version=2**53 + 1).predict(FLOATS)
    assert server.requests[-1][0] == f"/v1/models/m/versions/{2**53 + 1}:predict"
    client.replace(label="a/b").predict(FLOATS)
    assert server.requests[-1][0] == "/v1/models/m/labels/a%2Fb:predict"
    with pytest.raises(ValueError, match="row"):
        client.replace(form="rows")


async def test_examples_are_classified_and_regressed(server, client):
    examples = [
        {"age": 31.5, "visits": 3, "town": "Zürich"},
        {"age": [1, 2.5], "visits": np.array([2**53 + 1]), "town": [b"\xff"]},
    ]
    answer = client.classify(examples, context={"c": True})
    assert answer.top_rows == [[("dog", 0.75), ("cat", 0.25)]] * 2
    assert json.loads(server.requests[-1][1]) == {
        "context": {"c": [1]},
        "examples": [
            {"age": [31.5], "town": [{"b64": "WsO8cmljaA=="}], "visits": [3]},
            {"age": [1.0, 2.5], "town": [{"b64": "/w=="}], "visits": [2**53 + 1]},
        ],
    }
    assert client.regress({"age": 1.0}).array().tolist() == [2.5]
    assert (await client.classify_async(examples)).top[0][0] == "dog"
    assert (await client.regress_async(iter(examples))).array().shape == (2,)
    for wrong in ([1], {"a": object()}, {"a": ["x", 1]}, [{1: 2}]):
        with pytest.raises(TypeError):
            client.classify(wrong)
    with pytest.raises(canary.RequestError, match="no example"):
        client.classify([])


async def test_metadata_is_typed_and_inputs_are_checked(client):
    signature = client.metadata()["serving_default"]
    assert signature == (await client.metadata_async())["serving_default"]
    info = signature["inputs"]["x"]
    assert (info, info.dtype, info.shape) == ("DT_FLOAT[?, 2]", "DT_FLOAT", (None, 2))
    assert signature["outputs"]["y"].shape is None
    client.check(np.zeros((4, 2), np.float32))
    assert await client.check_async(np.zeros((4, 2), np.float32)) is None
    # JSON does not tell the types of numbers apart, and a server reads any of them as floats.
    client.check(np.zeros((4, 2)))
    client.check([[1, 2]])
    with pytest.raises(canary.InvalidError, match=r"DT_DOUBLE\[4, 3\]"):
        await client.check_async(np.zeros((4, 3)))
    with pytest.raises(canary.InvalidError, match=r"DT_BOOL\[4, 2\]"):
        client.check(np.zeros((4, 2), bool))


async def test_waiting_reports_each_look(server, client, capsys):
    seen = []
    assert client.wait(10, progress=lambda seconds, states: seen.append((seconds, states))) == {3: "AVAILABLE"}
    assert [states for _, states in seen] == [{3: "LOADING"}, {3: "LOADING"}, {3: "AVAILABLE"}]
    assert seen[0][0] < seen[1][0] < seen[2][0]
    server.looks = 1
    assert await client.wait_async(10, progress=True) == {3: "AVAILABLE"}
    assert "3 LOADING" in capsys.readouterr().err
    assert await client.ready_async()
    server.looks = -1000

    def broken(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        client.wait(60, progress=broken)


def test_a_generator_that_fails_in_the_middle_gives_what_it_gave_and_then_its_error(client):
    def items():
        yield b"a"
        yield b"bad"
        raise ValueError("no more")

    first, second, third = client.predict_many(items(), concurrency=8)
    assert first.array().tolist() == [b"a"]
    assert isinstance(second, canary.ServerError)
    assert isinstance(third, ValueError)


async def test_async_iterators_stream_in_order_with_failures_in_place(client):
    taken, seen = [], []

    async def items():
        for number in range(20):
            taken.append(number)
            await asyncio.sleep(0)
            yield b"bad" if number == 7 else object() if number == 9 else np.array([number])
        raise ValueError("no more")

    answers = client.predict_many(items(), concurrency=3, progress=lambda done, total: seen.append((done, total)))
    outcomes = []
    async for answer in answers:
        outcomes.append(answer)
        assert len(taken) <= len(outcomes) + 4
    assert len(outcomes) == 21
    assert seen[-1] == (21, None)
    assert isinstance(outcomes[7], canary.ServerError)
    assert isinstance(outcomes[9], TypeError)
    assert isinstance(outcomes[20], ValueError)
    numbers = [answer.array().tolist() for answer in outcomes if isinstance(answer, canary.Answer)]
    assert numbers == [[number] for number in range(20) if number not in {7, 9}]


async def test_an_answer_does_not_wait_for_a_slow_item(client):
    async def items():
        yield np.array([1])
        await asyncio.sleep(30)
        yield np.array([2])

    answers = client.predict_many(items(), concurrency=8)
    first = await asyncio.wait_for(anext(answers), 10)
    assert first.array().tolist() == [1]
    await answers.aclose()


def test_grpc_gives_the_same(tmp_path):
    models = {"m/v1": canary.ScriptedModel("tabby cat", 0.9)}
    with canary.Lab(models=models) as lab:
        lab.apply(canary.Workload("pets", "v1", model="pets", path="m/v1"))
        lab.apply(
            [
                canary.Gateway.http("gateway"),
                canary.VirtualService.to("pets", hosts=["*"], gateways=["gateway"], port=8501),
            ]
        )
        lab.wait_ready()
        url = lab.url.replace("http://", "grpc://")
        client = canary.Client(url, model="pets", signature="serving_preprocess", timeout=10)
        file = tmp_path / "photo.jpg"
        file.write_bytes(b"photo")
        assert client.predict(file).label == "tabby cat"
        assert [answer.label for answer in client.predict_many([b"a", file, b"c"])] == ["tabby cat"] * 3
        assert client.wait(10) == {1: "AVAILABLE"}
        assert client.metadata()["serving_preprocess"]["inputs"] == {"raw_images": "DT_STRING[?]"}
        client.check([b"a", b"b"])
        with pytest.raises(canary.ServerError) as caught:
            client.replace(model="dogs").predict({"raw_images": b"x"})
        assert (caught.value.grpc_code, caught.value.origin) == (5, "server")
        # The server refuses the type, so that it did travel.
        for dtype, code in ((np.float16, 19), (ml_dtypes.bfloat16, 14)):
            with pytest.raises(canary.ServerError, match=f"element type {code}"):
                client.replace(signature=None).predict(np.zeros((1, 2), dtype))


def test_a_text_that_is_no_file_says_how_texts_are_given():
    with pytest.raises(canary.NotFoundError, match=r"file hello not found; check the path; .* canary\.text"):
        canary.encode_predict({"text": ["hello", "world"]})
    assert canary.encode_predict({"text": np.array(["hello"])}) == b'{"instances":[{"text":"hello"}]}'
