"""Writing the bodies of requests: ours against json, orjson, base64, pybase64 and protobuf."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np

import servers
from measure import Line, Row, Settings, cpu_flags, in_turns, json_lines, need
from rows import samples


def _b64(settings: Settings) -> list[Line]:
    canary, pybase64 = need("canary"), need("pybase64")
    file = samples.photo()

    def with_json() -> str:
        return json.dumps({"instances": [{"b64": base64.b64encode(file).decode()}]})

    def joined() -> bytes:
        return b"".join((b'{"instances":[{"b64":"', pybase64.b64encode(file), b'"}]}'))

    assert canary.encode_predict(file) == joined()
    name = f"b64 request, a file of {len(file) // 1000} kB"
    took = in_turns(
        {"ours": lambda: canary.encode_predict(file), "json": with_json, "join": joined},
        settings.seconds,
    )
    return [
        Line(name, "json + base64", took["ours"], took["json"], 40),
        Line(name, "join + pybase64", took["ours"], took["join"], 1),
    ]


def _floats(name: str, array: np.ndarray, goals: dict[str, float]) -> Callable[[Settings], list[Line]]:
    def run(settings: Settings) -> list[Line]:
        canary, orjson = need("canary"), need("orjson")
        numpy_option = orjson.OPT_SERIALIZE_NUMPY
        values = array()
        read = np.array(json.loads(canary.encode_predict(values))["instances"], values.dtype)
        samples.same(read, values, name)
        operations = {
            "ours": lambda: canary.encode_predict(values),
            "orjson": lambda: orjson.dumps({"instances": values}, option=numpy_option),
            "json": lambda: json.dumps({"instances": values.tolist()}),
        }
        took = in_turns({peer: operations[peer] for peer in ("ours", *goals)}, settings.seconds)
        return [Line(name, peer, took["ours"], took[peer], goal) for peer, goal in goals.items()]

    return run


def _uint8(settings: Settings) -> list[Line]:
    """Against orjson with the same numbers as floats, which is what a float model is sent otherwise."""
    canary, orjson = need("canary"), need("orjson")
    values = samples.whole()
    levels = values.astype(np.uint8)
    option = orjson.OPT_SERIALIZE_NUMPY
    assert json.loads(canary.encode_predict(levels))["instances"] == levels.tolist()
    took = in_turns(
        {
            "ours": lambda: canary.encode_predict(levels),
            "floats": lambda: orjson.dumps({"instances": values}, option=option),
            "uint8": lambda: orjson.dumps({"instances": levels}, option=option),
        },
        settings.seconds,
    )
    name = "the same, uint8 array"
    return [
        Line(name, "orjson (as floats)", took["ours"], took["floats"], 15),
        Line(name, "orjson (as uint8)", took["ours"], took["uint8"], 1, note="no goal was set"),
    ]


def predict_messages() -> Any:
    """The messages of a PredictRequest, by their field numbers, for protobuf's own run time (upb)."""
    descriptor_pb2 = need("google.protobuf.descriptor_pb2")
    pool_module, factory = (
        need("google.protobuf.descriptor_pool"),
        need("google.protobuf.message_factory"),
    )
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="predict.proto", package="b", syntax="proto3")

    def message(name: str, *fields: tuple) -> None:
        added = file.message_type.add(name=name)
        for label, number, kind, repeated in fields:
            one = added.field.add(name=label, number=number)
            one.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if isinstance(kind, str):
                one.type, one.type_name = field.TYPE_MESSAGE, f".b.{kind}"
            else:
                one.type = kind

    message("Dim", ("size", 1, field.TYPE_INT64, False))
    message("Shape", ("dim", 2, "Dim", True))
    message(
        "Tensor",
        ("dtype", 1, field.TYPE_INT32, False),
        ("tensor_shape", 2, "Shape", False),
        ("tensor_content", 4, field.TYPE_BYTES, False),
        ("float_val", 5, field.TYPE_FLOAT, True),
    )
    message("Entry", ("key", 1, field.TYPE_STRING, False), ("value", 2, "Tensor", False))
    message("Spec", ("name", 1, field.TYPE_STRING, False))
    message("Request", ("model_spec", 1, "Spec", False), ("inputs", 2, "Entry", True))
    pool = pool_module.DescriptorPool()
    pool.Add(file)
    return factory.GetMessageClass(pool.FindMessageTypeByName("b.Request"))


def predict_request(request_class: Any, values: np.ndarray) -> tuple[Any, Any]:
    """A PredictRequest with one input of floats, and the tensor in it, whose elements are not there yet."""
    made = request_class()
    made.model_spec.name = "m"
    entry = made.inputs.add(key="x")
    entry.value.dtype = 1
    for size in values.shape:
        entry.value.tensor_shape.dim.add(size=size)
    return made, entry.value


def _grpc(settings: Settings) -> list[Line]:
    request_class = predict_messages()
    values = samples.pixels()

    def content() -> bytes:
        made, tensor = predict_request(request_class, values)
        tensor.tensor_content = values.tobytes()
        return made.SerializeToString()

    def float_val() -> bytes:
        made, tensor = predict_request(request_class, values)
        tensor.float_val.extend(values.ravel())
        return made.SerializeToString()

    sent = "PredictRequest (gRPC) as it is sent, 1 image"
    piece = "the same, its bytes in one piece"
    ours = dict.fromkeys(("PredictRequest to be sent", "PredictRequest bytes", "floor: copy"), float("inf"))
    least = {"content": float("inf"), "float_val": float("inf")}
    # Ours is a program of its own: the turns are taken between the two processes.
    for _ in range(settings.rounds):
        took = in_turns({"content": content, "float_val": float_val}, settings.seconds / 5)
        least = {key: min(least[key], took[key]) for key in least}
        for part in ours:
            for line in json_lines("bench-requests", str(settings.seconds / 20), part):
                ours[part] = min(ours[part], line["ours_ns"])
    to_be_sent, in_one, floor = ours.values()
    note = f"a bare copy of the array takes {floor / 1000:.3g} µs"
    return [
        Line(sent, "protobuf tensor_content", to_be_sent, least["content"], 5, note="the array is not copied"),
        Line(sent, "protobuf float_val", to_be_sent, least["float_val"], 5),
        Line(piece, "protobuf tensor_content", in_one, least["content"], 5, note=note),
        Line(piece, "protobuf float_val", in_one, least["float_val"], 5),
    ]


def _grpc_calls(settings: Settings) -> list[Line]:
    """Whole calls with one image: from the array to the answer's array, one after the other."""
    canary, grpc = need("canary"), need("grpc")
    request_class = predict_messages()
    values = samples.pixels()
    with servers.running("bench-grpc-server") as (_, port):
        client = canary.Client(f"grpc://127.0.0.1:{port}", model="m")
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict", request_class.SerializeToString)

        def theirs() -> None:
            made, tensor = predict_request(request_class, values)
            tensor.tensor_content = values.tobytes()
            # Their answer is not even read.
            assert np.frombuffer(call(made)[-12:], np.float32)[1] == 0.5

        def ours() -> None:
            assert client.predict({"x": values}).array()[0, 1] == 0.5

        took = in_turns({"ours": ours, "grpcio": theirs}, settings.seconds)
        channel.close()
    name = "a gRPC call from Python, 1 image"
    return [Line(name, "grpcio and protobuf", took["ours"], took["grpcio"], 1, note="no goal was set")]


def _reused(settings: Settings) -> list[Line]:
    """A batch of 32 into one buffer that is used again, as the Rust client's own callers do."""
    orjson = need("orjson")
    values = samples.batch()
    option = orjson.OPT_SERIALIZE_NUMPY
    ours, theirs = float("inf"), float("inf")
    for _ in range(settings.rounds):
        start = in_turns(
            {"orjson": lambda: orjson.dumps({"instances": values}, option=option)},
            settings.seconds / 5,
        )
        theirs = min(theirs, start["orjson"])
        for line in json_lines("bench-requests", str(settings.seconds / 5), "floats, 32"):
            ours = min(ours, line["ours_ns"])
    name = "float request, batch of 32, Rust, buffer reused"
    return [Line(name, "orjson", ours, theirs, 10 if wide() else 6)]


def wide() -> bool:
    """Return true when the CPU has the AVX-512 that the higher goals require."""
    return {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= cpu_flags()


ROWS = [
    Row("b64", _b64),
    Row(
        "floats-1",
        _floats(
            "float request, 1 image (resized pixels)",
            samples.pixels,
            {"json": 120, "orjson": 7.5} if wide() else {"json": 54, "orjson": 3.5},
        ),
    ),
    Row(
        "floats-whole",
        _floats(
            "the same, whole-number floats",
            samples.whole,
            {"json": 50, "orjson": 7.5} if wide() else {"json": 20, "orjson": 3.3},
        ),
    ),
    Row("uint8", _uint8),
    Row(
        "floats-32",
        _floats(
            "float request, batch of 32",
            samples.batch,
            {"json": 80, "orjson": 10 if wide() else 6},
        ),
    ),
    Row("floats-32-reused", _reused, ("bench-requests",)),
    Row("grpc", _grpc, ("bench-requests",)),
    Row("grpc-calls", _grpc_calls, ("bench-grpc-server",)),
]
