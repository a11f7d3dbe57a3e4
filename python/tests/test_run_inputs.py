"""Inputs of a run: files, arrays, arrays by name, and an array of many."""

import numpy as np
import pandas as pd
import pytest
from test_plan import MODEL, plan, start, weights

import canary

PIXELS = (1, 224, 224, 3)


def good():
    return canary.ScriptedModel("cat", 0.8)


def requests(**changes):
    return plan(guards=[canary.error_ratio(1.0)], steps=[50, 100], hold=20, header=None, **changes)


def texts(count=20_000):
    return (np.array([f"photo {number}".encode()], dtype=object) for number in range(count))


def paths(folder, count):
    """So many files, each with other bytes."""
    made = [folder / f"{number}.bin" for number in range(count)]
    for number, path in enumerate(made):
        path.write_bytes(f"photo {number}".encode())
    return made


def sent(lab):
    return sum(row["requests"] for row in lab.counts())


def test_arrays_are_sent_with_the_signature_that_takes_them():
    with start(good()) as lab:
        pixels = [np.full(PIXELS, 0.5, np.float32)] * 60
        assert requests().run(lab, inputs=pixels, tick=0.02).wait().promoted
    with start(good()) as lab:
        # The array of all inputs: each entry of its first dimension is one request.
        run = requests().run(lab, inputs=np.zeros((3, *PIXELS[1:]), np.float32), tick=0.02)
        assert run.wait().name == "inconclusive"
        # Two more: each version gets the first one before its traffic is divided.
        assert sent(lab) == 5
    with start(good()) as lab:
        named = ({"x": np.zeros(PIXELS, np.float32)} for _ in range(60))
        client = canary.Client(lab.url, model=MODEL, signature="serving_default")
        assert requests().run(lab, client=client, inputs=named, tick=0.02).wait().promoted


def test_a_batch_is_one_request_where_nothing_is_compared():
    with start(good()) as lab:
        batches = [np.zeros((4, *PIXELS[1:]), np.float32)] * 60
        assert requests().run(lab, inputs=batches, tick=0.02).wait().promoted


@pytest.mark.parametrize("name", [None, "raw_images"])
def test_both_models_are_compared_on_arrays(name):
    given = texts() if name is None else ({name: text} for text in texts())
    with start(good()) as lab:
        client = canary.Client(lab.url, model=MODEL, signature="serving_preprocess", timeout=10)
        run = plan().run(lab, client=client, inputs=given, tick=0.05)
        assert run.wait().promoted
        assert weights(lab) == {"stable": 0, "canary": 100}


def test_arrays_have_labels_and_names():
    with start(canary.ScriptedModel("dog", 0.8)) as lab:
        client = canary.Client(lab.url, model=MODEL, signature="serving_preprocess", timeout=10)
        given = ((f"pet {number}", text, "cat") for number, text in enumerate(texts()))
        judged = plan(guards=[canary.accuracy()])
        run = judged.run(lab, client=client, inputs=given, tick=0.05)
        verdict = run.wait()
        assert (verdict.rolled_back, verdict.guardrail) == (True, "accuracy")
    assert {(pair.input[:4], pair.stable[0], pair.canary[0]) for pair in run.disagreements} == {("pet ", "cat", "dog")}


def test_an_equal_array_is_one_observation():
    with start(good()) as lab:
        client = canary.Client(lab.url, model=MODEL, signature="serving_preprocess", timeout=10)
        one = plan(hold={"pairs": 20}, patience=2)
        run = one.run(lab, client=client, inputs=[np.array([b"same"], dtype=object)] * 40, tick=0.05)
        for event in run:
            if event.kind == "seen":
                totals = event.to_dict()["totals"]
        assert run.verdict.name == "inconclusive"
        assert (totals["pairs"], totals["repeated"]) == (1, 39)


def test_an_array_of_the_wrong_shape_is_refused_before_the_run():
    with start(good()) as lab:
        with pytest.raises(canary.PlanError, match=r"400 .*has the shape \[1, 10\], expected"):
            requests().run(lab, inputs=np.zeros((8, 10), np.float32))
        with pytest.raises(canary.PlanError, match="labels"):
            plan().run(lab, inputs=np.zeros((8, *PIXELS[1:]), np.float32))
        assert weights(lab) == {"stable": 100, "canary": 0}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([np.zeros((224, 224, 3), np.float32)], ValueError, r"input 0 is a batch of 224.*array\[None\]"),
        ([[b"one", b"two"]], ValueError, "input 0 is a batch of 2"),
        ("photo.jpg", TypeError, "inputs is one file"),
        (b"photo", TypeError, "inputs is one file"),
        ({"x": np.zeros(3)}, TypeError, "inputs is one dictionary"),
        ([(np.zeros(PIXELS), "cat")], TypeError, r"tuple of ndarray, str; give \(name, input\)"),
        ([("a", b"1", "cat", "dog")], TypeError, "tuple of str, bytes, str, str"),
        ([("a", b"1", 7)], TypeError, "tuple of str, bytes, int"),
        ([()], TypeError, "tuple of nothing"),
        ([object()], TypeError, "input 0: "),
        ([None], TypeError, "input 0: None is not an input"),
        (np.zeros((0, 224, 224, 3), np.float32), ValueError, "inputs is empty"),
    ],
)
def test_what_is_no_input_is_refused_with_the_remedy(given, error, message):
    with start(good()) as lab, pytest.raises(error, match=message):
        plan().run(lab, inputs=given)


def test_a_later_batch_ends_the_run_with_the_same_message():
    def later():
        yield np.array([b"one"], dtype=object)
        yield np.array([b"two", b"three"], dtype=object)

    with start(good()) as lab:
        client = canary.Client(lab.url, model=MODEL, signature="serving_preprocess", timeout=10)
        with pytest.raises(ValueError, match="input 1 is a batch of 2"):
            plan().run(lab, client=client, inputs=later(), tick=0.02).wait()


def test_a_column_of_paths_is_files(tmp_path):
    with start(good()) as lab:
        column = pd.DataFrame({"path": [str(path) for path in paths(tmp_path, 300)]})["path"]
        few = plan(hold={"pairs": 20}, steps=[50, 100])
        assert few.run(lab, inputs=column[::-1], tick=0.02).wait().promoted
    with start(good()) as lab:
        array = np.array([str(path) for path in paths(tmp_path, 300)])
        assert few.run(lab, inputs=array, tick=0.02).wait().promoted
