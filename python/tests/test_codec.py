import json
from pathlib import Path

import numpy as np
import pytest

import canary


def test_floats_read_back_exactly() -> None:
    values = np.random.default_rng(7).random((2, 5, 3), dtype=np.float32)
    body = json.loads(canary.encode_predict(values, signature="serving_default"))
    assert body["signature_name"] == "serving_default"
    assert np.array_equal(np.array(body["instances"], dtype=np.float32), values)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64", "bool"])
def test_other_numbers(dtype: str) -> None:
    values = np.array([[0, 1], [1, 0]], dtype=dtype)
    assert json.loads(canary.encode_predict(values))["instances"] == values.tolist()


def test_an_array_that_is_not_contiguous() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4).T
    assert json.loads(canary.encode_predict(values))["instances"] == values.tolist()


def test_inputs_by_name_in_columns() -> None:
    body = canary.encode_predict({"x": np.array([1]), "y": [b"ab", b"c"]}, form="column")
    assert json.loads(body) == {"inputs": {"x": [1], "y": [{"b64": "YWI="}, {"b64": "Yw=="}]}}


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match='form is "rows"'):
        canary.encode_predict(b"x", form="rows")  # type: ignore[arg-type]
    with pytest.raises(canary.CanaryError, match="DT_HALF"):
        canary.encode_predict(np.zeros((1, 2), dtype=np.float16))
    with pytest.raises(canary.AnswerError, match="at byte"):
        canary.decode_predict(b'{"predictions": [1,}')


def test_answers_of_every_type() -> None:
    outputs = canary.decode_predict(
        b'{"outputs": {"p": [[0.5, NaN]], "n": [9007199254740993], "s": ["a", "\xc3\xa9"], "b": [true]}}'
    )
    assert outputs["p"].dtype == np.float32
    assert np.array_equal(outputs["p"], [[0.5, np.nan]], equal_nan=True)
    assert outputs["n"].tolist() == [9007199254740993]
    assert outputs["s"].tolist() == ["a", "é"]
    assert outputs["b"].tolist() == [True]
    assert canary.decode_predict(b'{"predictions": [0.1]}', doubles=True)["predictions"][0] == 0.1


def varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return number, at


def fields(data: bytes) -> list[tuple[int, bytes | int]]:
    """Read the fields of a protobuf message, numbers and bytes alone."""
    found: list[tuple[int, bytes | int]] = []
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, at = varint(data, at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + number]))
            at += number
        else:
            found.append((key >> 3, number))
    return found


def test_grpc_inputs_however_they_are_held() -> None:
    values = np.arange(6000, dtype=np.float32).reshape(2, 3000)
    swapped = values.astype(">f4")
    files = [bytes(5000), b"", memoryview(b"abc")]
    inputs = {
        "rows": values,
        "columns": values.T,
        "swapped": swapped,
        "list": [1.5],
        "file": b"f" * 9000,
        "files": files,
    }
    message = canary.encode_predict_grpc(inputs, model="m", label="stable")
    spec, *entries = fields(message)
    assert spec == (1, b"\x0a\x01m\x22\x06stable")
    found = {}
    for number, entry in entries:
        assert number == 2
        assert isinstance(entry, bytes)
        (_, name), (_, tensor) = fields(entry)
        assert isinstance(name, bytes)
        assert isinstance(tensor, bytes)
        found[name.decode()] = [value for field, value in fields(tensor) if field in (4, 8)]
    # A map of protobuf has no order.
    assert sorted(found) == sorted(inputs)
    assert found["rows"] == found["swapped"] == [values.tobytes()]
    assert found["columns"] == [values.T.tobytes()]
    assert found["list"] == [np.array([1.5]).tobytes()]
    assert found["file"] == [b"f" * 9000]
    assert found["files"] == [bytes(5000), b"", b"abc"]
    with pytest.raises(canary.CanaryError, match="gRPC has no inputs without a name"):
        canary.encode_predict_grpc(values, model="m")  # type: ignore[arg-type]


def test_grpc_answers_of_every_type() -> None:
    # As protobuf writes it: scripts/grpc_fixtures.py.
    data = Path(__file__).parents[2] / "crates/canary-serving/tests/data/grpc/predict_response.bin"
    outputs = canary.decode_predict_grpc(data.read_bytes())
    dtypes = {name: output.dtype.name for name, output in outputs.items()}
    same = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
    assert {name: dtypes[name] for name in same if name in dtypes} == {name: name for name in same if name in dtypes}
    assert dtypes["half"] == "float16"
    assert dtypes["bfloat16"] == dtypes["float"] == "float32"
    assert dtypes["double"] == "float64"
    assert outputs["float"].tolist() == [[1.0, 2.0], [3.5, -4.0]]
    assert outputs["bfloat16"].tolist() == [1.0, 2.0]
    assert outputs["empty"].shape == (0, 5)
    # TensorFlow Serving's strings are text unless the name ends in _bytes.
    assert outputs["string"].tolist() == ["\udcff", "a"]
    assert outputs["uint64"].tolist() == [2**64 - 1]
    with pytest.raises(canary.AnswerError, match="not the message expected"):
        canary.decode_predict_grpc(b"<html>")
