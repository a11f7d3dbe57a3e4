"""Inputs that wait, such as a queue or a camera: they are pulled beside the run, never in its way."""

import itertools
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from releases import APP, HEADER, good, mesh, photos, plan

import canary

HERE = str(Path(__file__).parent)


def waiting(first, gate):
    """A few inputs, and no more until the gate is open."""
    yield from itertools.islice(photos(), first)
    gate.wait()
    yield from ((f"late {number}", b"late %d" % number) for number in range(20_000))


def threads():
    return [one for one in threading.enumerate() if one.name == "canary-inputs"]


def ended(before):
    """Waits until the threads of the inputs have ended that were not there `before`."""
    end = time.monotonic() + 20
    while len(threads()) > before and time.monotonic() < end:
        time.sleep(0.01)
    return len(threads()) <= before


def lease(lab):
    return lab.get("Lease", f"canary-rollout-{APP}")["spec"]


def test_an_iterable_that_waits_stops_neither_the_clock_nor_the_lock():
    gate, before = threading.Event(), len(threads())
    with mesh(good()) as lab:
        run = plan(hold=100_000, patience=300).run(lab, inputs=waiting(3, gate), tick=0.25)
        began, ticks, quiet, renewed = time.monotonic(), 0, None, set()
        for event in run:
            renewed.add(lease(lab)["renewTime"])
            ticks += event.kind == "seen"
            if event.kind == "sourceQuiet":
                quiet = event
                break
            assert time.monotonic() - began < 60
        assert (quiet.source, str(quiet)) == ("inputs", "inputs has sent nothing for 10 s")
        # Ten seconds at four ticks a second, on a machine that is busy.
        assert ticks >= 25, ticks
        assert len(renewed) >= 2, "the lock was renewed"
        gate.set()
        run.abort("enough")
        assert run.wait().rolled_back
    assert ended(before)


def test_a_second_driver_is_refused_while_the_inputs_of_the_first_wait():
    gate, seen = threading.Event(), threading.Event()
    with mesh(good()) as lab:
        run = plan(hold=100_000, patience=300).run(lab, inputs=waiting(3, gate), tick=0.5)

        def drive():
            for event in run:
                if event.kind == "seen":
                    seen.set()

        first = threading.Thread(target=drive)
        first.start()
        assert seen.wait(30)
        # It waits for its next event by then.
        time.sleep(0.1)
        with pytest.raises(canary.PlanError, match="another driver holds the lock"):
            plan().run(lab, inputs=photos())
        run.abort("enough")
        first.join(30)
        assert not first.is_alive()
        assert run.verdict.rolled_back
        gate.set()


def test_a_pause_loses_and_reorders_nothing():
    """Inputs that were read ahead of a suspended run are sent when it continues."""
    sent = []

    def score(pair):
        sent.append(int(pair.input.removeprefix("photo ")))
        return 1.0

    with mesh(good()) as lab:
        guards = [canary.custom("mine", score, 0.5)]
        one = plan(header=HEADER, guards=guards, hold={"pairs": 10_000}, steps=[50, 100], patience=600)
        run = one.run(lab, inputs=photos(10**6), tick=0.02, concurrency=1)
        pauses = []
        for _ in range(4):
            for event in run:
                if event.kind == "seen" and event.pairs and len(sent) > sum(pauses[-1:]) + 10:
                    pauses.append(len(sent))
                    run.suspend()
        assert run.verdict is None
        assert len(pauses) == 4
        for event in run:
            if event.kind == "seen" and len(sent) > pauses[-1] + 10:
                run.abort("enough")
    assert sent == sorted(set(sent)), "in order, and none twice"
    # At each pause one input may have been under way, which was sent and not counted.
    missing = set(range(sent[-1])) - set(sent)
    assert len(missing) <= len(pauses), missing


def test_a_run_that_is_over_takes_no_more():
    taken = []

    def counting():
        for name, photo in photos(10**6):
            taken.append(name)
            yield name, photo

    before = len(threads())
    with mesh(good()) as lab:
        run = plan(hold=40).run(lab, inputs=counting(), tick=0.02)
        assert run.wait().promoted
        assert ended(before)
        count = len(taken)
        time.sleep(0.1)
        assert len(taken) == count
        sent = sum(row["requests"] for row in lab.counts())
        # The probes of both versions, and a few that were read ahead.
        assert count <= sent + 8


def test_a_run_that_nobody_holds_lets_its_thread_go():
    before = len(threads())
    with mesh(good()) as lab:
        run = plan(hold=100_000).run(lab, inputs=photos(10**6), tick=0.02)
        next(event for event in run if event.kind == "seen" and event.requests)
        assert len(threads()) == before + 1
        del run
        assert ended(before)


def test_nothing_is_taken_before_it_is_needed():
    taken = []

    def counting():
        for name, photo in photos(10**6):
            taken.append(name)
            yield name, photo

    with mesh(good(), model="pets2") as lab:
        assert plan().run(lab, inputs=counting(), tick=0.05).wait().rolled_back
        assert taken == ["photo 0"], "the one that both versions were asked about"
    with mesh(good()) as lab:
        client = canary.Client(lab.url, model="dogs", signature="serving_preprocess")
        with pytest.raises(canary.PlanError):
            plan().run(lab, client=client, inputs=counting())
        assert taken == ["photo 0"] * 2


def test_what_the_iterable_raises_comes_after_what_it_gave():
    def failing():
        yield from itertools.islice(photos(), 9)
        raise OSError("my disk")

    with mesh(good()) as lab:
        run = plan(hold=100_000).run(lab, inputs=failing(), tick=0.02)
        with pytest.raises(OSError, match="my disk"):
            run.wait()
        sent = sum(row["requests"] for row in lab.counts())
        assert sent >= 9, "all that it gave were asked about"


EXIT = """
import sys, time
sys.path.insert(0, {here!r})
from releases import good, mesh, photos, plan
def inputs():
    yield from photos(5)
    {wait}
    yield from photos(5)
with mesh(good()) as lab:
    run = plan(hold=100_000, patience=600).run(lab, inputs=inputs(), tick=0.02)
    next(event for event in run if event.kind == "seen" and event.requests and event.requests >= {seen})
    print("running", flush=True)
    {then}
"""
ENDS = {
    "while the iterable sleeps": {"wait": "time.sleep(600)", "seen": 5, "then": "pass"},
    "while it computes": {"wait": "while True: time.sleep(0)", "seen": 5, "then": "pass"},
    "while it waits for room": {"wait": "yield from photos(10**6)", "seen": 5, "then": "time.sleep(0.1)"},
    "after an exception": {"wait": "time.sleep(600)", "seen": 5, "then": "sys.exit(0)"},
}


@pytest.mark.parametrize("way", ENDS)
def test_the_interpreter_ends_whatever_the_iterable_does(way):
    script = textwrap.dedent(EXIT).format(here=HERE, **ENDS[way])
    for _ in range(20 if "sleeps" in way else 5):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, "running\n"), done.stderr
        assert "Fatal" not in done.stderr
        assert "panicked" not in done.stderr
