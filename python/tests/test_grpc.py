"""The client against gRPC's own implementation: the one that TensorFlow Serving is built on."""

from collections.abc import Iterator

import numpy as np
import pytest
from grpc_server import Server, serving

import canary


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def client(server: Server, **settings) -> canary.Client:
    return canary.Client(f"grpc://127.0.0.1:{server.port}", model="m", **settings)


@pytest.mark.parametrize("shape", [(1, 3), (1, 224, 224, 3), (16, 224, 224, 3), (0, 3)])
def test_arrays_arrive_whole(server: Server, shape: tuple[int, ...]) -> None:
    inputs = {"x": np.random.default_rng(1).random(shape, dtype=np.float32), "file": bytes(70_000), "n": np.arange(3)}
    sender = client(server, signature="serving_preprocess", version=3)
    answered = sender.predict(inputs, headers={"user-group": "canary"})
    wanted = canary.encode_predict_grpc(inputs, model="m", signature="serving_preprocess", version=3)
    [(method, message, metadata, remaining)] = server.requests
    assert method == "/tensorflow.serving.PredictionService/Predict"
    assert message == wanted
    assert metadata["user-group"] == "canary"
    # The server receives the deadline, which is 60 s unless set.
    assert 50 < remaining <= 60
    assert answered.array().tolist() == [[len(wanted), 0.5]]
    assert answered.subset == "resnet101"


def test_refusals_are_the_servers(server: Server) -> None:
    with pytest.raises(canary.ServerError, match="Servable not found") as missing:
        client(server).predict({"x": b"photo"}, headers={"say": "missing"})
    assert missing.value.attempts == 1
    with pytest.raises(canary.ServerError, match="later") as busy:
        client(server, attempts=3).predict({"x": b"photo"}, headers={"say": "busy"})
    assert busy.value.attempts == 3
    assert busy.value.subset == "resnet101"
    assert len(server.requests) == 4


def test_an_answer_beyond_the_limit_is_not_read_on(server: Server) -> None:
    with pytest.raises(canary.CanaryError, match="max_answer_bytes"):
        client(server, max_answer_bytes=1_000_000, attempts=1).predict({"x": b"photo"}, headers={"say": "large"})


def test_many_arrays_keep_their_order(server: Server) -> None:
    items = [{"x": np.zeros((1, 50, 50 + number, 3), np.float32)} for number in range(150)]
    answers = list(client(server).predict_many(items, concurrency=32))
    lengths = [len(canary.encode_predict_grpc(item, model="m")) for item in items]
    assert [one.array()[0, 0] for one in answers] == lengths
