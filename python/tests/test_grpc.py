"""The client against gRPC's own implementation: the one that TensorFlow Serving is built on."""

import struct
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest

import canary


def answer(values: list[float]) -> bytes:
    """Write a `PredictResponse` with the output `y`, `DT_FLOAT[1, len(values)]`."""
    content = struct.pack(f"<{len(values)}f", *values)
    # Lengths below 128 are one byte.
    shape = b"\x12\x02\x08\x01\x12\x02\x08" + bytes([len(values)])
    tensor = b"\x08\x01\x12" + bytes([len(shape)]) + shape + b"\x22" + bytes([len(content)]) + content
    entry = b"\x0a\x01y\x12" + bytes([len(tensor)]) + tensor
    return b"\x0a" + bytes([len(entry)]) + entry


@dataclass
class Server(grpc.GenericRpcHandler):
    """Answers with the length of what it was sent, or as the header `say` asks."""

    asked: list[tuple[str, bytes, dict[str, str], float]] = field(default_factory=list)
    port: int = 0

    def service(self, details):
        metadata = dict(details.invocation_metadata)

        def call(request, context):
            self.asked.append((details.method, request, metadata, context.time_remaining()))
            context.send_initial_metadata((("x-canary-subset", "resnet101"),))
            match metadata.get("say"):
                case "missing":
                    context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(m)")
                case "busy":
                    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "later")
                case "large":
                    return bytes(5_000_000)
            return answer([len(request), 0.5])

        return grpc.unary_unary_rpc_method_handler(call)


@pytest.fixture
def server() -> Iterator[Server]:
    handler = Server()
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with futures.ThreadPoolExecutor(8) as pool:
        running = grpc.server(pool, handlers=(handler,), options=unlimited)
        handler.port = running.add_insecure_port("127.0.0.1:0")
        running.start()
        yield handler
        running.stop(None).wait()


def client(server: Server, **settings) -> canary.Client:
    return canary.Client(f"grpc://127.0.0.1:{server.port}", model="m", **settings)


@pytest.mark.parametrize("shape", [(1, 3), (1, 224, 224, 3), (16, 224, 224, 3), (0, 3)])
def test_arrays_arrive_whole(server: Server, shape: tuple[int, ...]) -> None:
    inputs = {"x": np.random.default_rng(1).random(shape, dtype=np.float32), "file": bytes(70_000), "n": np.arange(3)}
    asked = client(server, signature="serving_preprocess", version=3)
    answered = asked.predict(inputs, headers={"user-group": "canary"})
    wanted = canary.encode_predict_grpc(inputs, model="m", signature="serving_preprocess", version=3)
    [(method, message, metadata, remaining)] = server.asked
    assert method == "/tensorflow.serving.PredictionService/Predict"
    assert message == wanted
    assert metadata["user-group"] == "canary"
    # The server is told of the deadline, which is 60 s unless set.
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
    assert len(server.asked) == 4


def test_an_answer_beyond_the_limit_is_not_read_on(server: Server) -> None:
    with pytest.raises(canary.CanaryError, match="max_answer_bytes"):
        client(server, max_answer_bytes=1_000_000, attempts=1).predict({"x": b"photo"}, headers={"say": "large"})


def test_many_arrays_keep_their_order(server: Server) -> None:
    items = [{"x": np.zeros((1, 50, 50 + number, 3), np.float32)} for number in range(150)]
    answers = list(client(server).predict_many(items, concurrency=32))
    lengths = [len(canary.encode_predict_grpc(item, model="m")) for item in items]
    assert [one.array()[0, 0] for one in answers] == lengths
