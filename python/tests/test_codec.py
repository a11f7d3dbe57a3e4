import json

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
