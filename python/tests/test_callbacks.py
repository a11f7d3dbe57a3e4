"""Code of the user that a run calls: its errors end the run with their traceback; blocking or calling back does not."""

import threading
import time
import traceback

import pytest
from test_plan import plan, start

import canary

PAIRS = {"hold": {"pairs": 40}}


def good():
    return canary.ScriptedModel("cat", 0.8)


def test_a_score_that_raises_ends_the_run_with_its_traceback():
    def mine(_pair):
        raise LookupError("my labels")

    with start(good()) as lab:
        run = plan(guards=[canary.custom("mine", mine, 0.5)], **PAIRS).run(lab, tick=0.02)
        with pytest.raises(LookupError, match="my labels") as error:
            run.wait()
    frames = traceback.extract_tb(error.value.__traceback__)
    assert frames[-1].name == "mine", [frame.name for frame in frames]


def test_inputs_that_raise_end_the_run_with_their_traceback():
    def mine():
        yield "one", b"one"
        raise LookupError("my disk")

    with start(good()) as lab:
        run = plan(**PAIRS).run(lab, inputs=mine(), tick=0.02)
        with pytest.raises(LookupError, match="my disk") as error:
            run.wait()
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "mine"


def test_code_that_calls_back_into_the_run_gets_its_answer():
    seen = []

    def mine(_pair):
        seen.append(str(run.verdict))
        return 1.0

    def watch(event):
        seen.append(f"{event.kind} {run.verdict}")

    def photos():
        number = 0
        while True:
            seen.append(repr(run)[:1] if number else "")
            yield f"photo {number}", f"photo {number}".encode()
            number += 1

    with start(good()) as lab:
        guards = [canary.custom("mine", mine, 0.5)]
        run = plan(guards=guards, **PAIRS).run(lab, inputs=photos(), tick=0.02, progress=watch)
        assert run.wait().promoted, str(run.verdict)
    assert len(seen) > 40


def test_a_score_that_blocks_stops_neither_the_abort_nor_the_process():
    entered, leave = threading.Event(), threading.Event()

    def mine(_pair):
        entered.set()
        leave.wait(30)
        return 1.0

    with start(good()) as lab:
        run = plan(guards=[canary.custom("mine", mine, 0.5)], **PAIRS).run(lab, tick=0.02)
        waiting = threading.Thread(target=run.wait, daemon=True)
        waiting.start()
        assert entered.wait(20)
        began = time.monotonic()
        run.abort("it blocks")
        assert time.monotonic() - began < 5
        leave.set()
        waiting.join(20)
        assert not waiting.is_alive()
        assert run.verdict.rolled_back, str(run.verdict)
