"""Arrays that Rust cannot take as they are: bytes that are no booleans, and too many dimensions."""

import numpy as np
import pytest
from servers import Handler, serving

import canary

BYTES = [0, 1, 2, 3, 128, 255]


class Buffer:
    """An object that hands out an array by `DLPack` alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Array:
    """An object that is an array when asked."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


WAYS = {
    "array": lambda array: array,
    "strided": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "memoryview": memoryview,
    "dlpack": Buffer,
    "__array__": Array,
}


@pytest.mark.parametrize("way", WAYS)
def test_bytes_of_booleans_are_normalised(way):
    array = np.array([BYTES], dtype=np.uint8).view(bool)
    given = WAYS[way](array)
    expected = b'{"instances":[[false,true,true,true,true,true]]}'
    assert canary.encode_predict(given) == expected
    assert canary.encode_predict({"x": given}) == expected.replace(b"[[", b'[{"x":[').replace(b"]]", b"]}]")
    assert canary.encode_predict_grpc({"x": given}, model="m").endswith(b"\x00\x01\x01\x01\x01\x01")


def nested(depth):
    return b'{"predictions":' + b"[" * depth + b"1.5" + b"]" * depth + b"}"


def message(dims):
    """A gRPC answer of that many dimensions, each of size 1."""

    def varint(number):
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)

    def field(tag, payload):
        return varint(tag << 3 | 2) + varint(len(payload)) + payload

    tensor = b"\x08\x01" + field(2, field(2, b"\x08\x01") * dims) + field(5, b"\0\0\x80?")
    return field(1, field(1, b"y") + field(2, tensor))


@pytest.mark.parametrize("dimensions", [1, 31, 32])
def test_answers_have_up_to_32_dimensions(dimensions):
    assert canary.decode_predict(nested(dimensions))["predictions"].ndim == dimensions
    assert canary.decode_predict_grpc(message(dimensions))["y"].ndim == dimensions


@pytest.mark.parametrize("dimensions", [33, 40, 64])
def test_answers_with_more_dimensions_are_refused(dimensions):
    with pytest.raises(canary.AnswerError, match="more than 32 dimensions"):
        canary.decode_predict(nested(dimensions))
    with pytest.raises(canary.AnswerError, match=f"has {dimensions} dimensions, more than 32"):
        canary.decode_predict_grpc(message(dimensions))


class Deep(Handler):
    def do_POST(self):
        self.body()
        self.answer(nested(33))


def test_an_answer_with_more_dimensions_is_refused_where_it_is_read():
    with serving(Deep) as server, pytest.raises(canary.AnswerError, match="more than 32 dimensions"):
        canary.Client(server.url, model="m").predict(np.array([[1]]))


@pytest.mark.parametrize("depth", [33, 64])
def test_inputs_with_more_dimensions_are_refused(depth):
    lists = 1.5
    for _ in range(depth):
        lists = [lists]
    with pytest.raises(ValueError, match=r"at most 32|array"):
        canary.encode_predict(lists)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match=f"has {depth} dimensions, and an array at most 32"):
            canary.encode_predict_grpc({"x": np.ones((1,) * depth)}, model="m")
