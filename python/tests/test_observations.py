"""Observations of the caller's own as evidence: from a list, a log, a queue, an async iterator, a data frame."""

import asyncio
import itertools
import pickle
import queue
import runpy
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
from releases import good, mesh, plan, weights

import canary

EXAMPLES = Path(__file__).parents[2] / "examples"


def live(lab, *, stable=0.0, candidate=0.0, most=200_000, **more):
    """Requests as they are sent: divided as the weights of the moment say, and failing so often."""
    for number in range(most):
        arm, failures = ("v2", candidate) if number * 37 % 100 < weights(lab)["v2"] else ("v1", stable)
        yield canary.Observation(arm, time.time(), ok=number * 7919 % 1000 >= failures * 1000, **more)
        time.sleep(0.0005)


async def asynchronously(items):
    for item in items:
        yield item
        await asyncio.sleep(0)


def test_observations_promote_and_roll_back():
    with mesh(good()) as lab:
        assert plan().run(lab, evidence=live(lab), tick=0.05).wait().promoted
    with mesh(good()) as lab:
        verdict = plan(hold=2_000).run(lab, evidence=live(lab, candidate=0.5), tick=0.05).wait()
        assert (verdict.rolled_back, verdict.guardrail) == (True, "errorRatio")


def test_an_async_iterator_is_driven_by_the_loop_that_awaits_the_run():
    loops = set()

    async def observed(lab):
        loops.add(asyncio.get_running_loop())
        async for one in asynchronously(live(lab)):
            yield one

    async def main(lab):
        run = await plan().run_async(lab, evidence=observed(lab), tick=0.05)
        loops.add(asyncio.get_running_loop())
        return await run.wait_async()

    with mesh(good()) as lab:
        assert asyncio.run(main(lab)).promoted
    assert len(loops) == 1
    with mesh(good()) as lab:
        assert plan().run(lab, evidence=observed(lab), tick=0.05).wait().promoted
    assert len(loops) == 2, "without a loop, one of its own"


def test_an_iterator_that_waits_stops_nothing_and_ends_with_the_run():
    waiting = queue.Queue()
    with mesh(good()) as lab:
        run = plan(patience=300).run(lab, evidence=iter(waiting.get, None), tick=0.05)
        began, ticks = time.monotonic(), 0
        for event in run:
            ticks += event.kind == "seen"
            if event.kind == "seen" and ticks == 20:
                run.abort("enough")
        assert time.monotonic() - began < 30
        assert run.verdict.rolled_back
    waiting.put(None)


def test_a_cancelled_run_ends_its_async_iterator():
    ended = threading.Event()

    async def endless():
        try:
            while True:
                yield canary.Observation("v1", time.time())
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    async def main(lab):
        run = await plan(patience=300).run_async(lab, evidence=endless(), tick=0.05)
        aborted = False
        async for event in run:
            if event.kind == "seen" and event.requests and not aborted:
                aborted = run.abort("enough")

    with mesh(good()) as lab:
        asyncio.run(main(lab))
    assert ended.wait(10)


NOW = 1_700_000_000.0
WRONG = {
    "an unknown arm": (
        [canary.Observation("v1", NOW), canary.Observation("v3", NOW)],
        'observation 1 of observations has the arm "v3", expected "v1" or "stable", "v2" or "canary", or None',
    ),
    "out of order": (
        [canary.Observation("v1", NOW), canary.Observation("v1", NOW - 0.25, id="7f")],
        r'\(id "7f"\) was sent at 2023-11-14T22:13:19.75Z, before the one that came before it \(2023-11-14T22:13:20Z\)',
    ),
    "in the future": (
        [canary.Observation("v1", time.time() + 3600)],
        "observation 0 of observations was sent at .*, which is in the future: it is ",
    ),
    "a value that nothing uses": (
        [canary.Observation("v1", NOW, value=0.5)],
        "observation 0 of observations has a value, and no guardrail of the plan uses it",
    ),
    "a user whom nothing uses": (
        [canary.Observation("v1", NOW, user="ada")],
        "observation 0 of observations has a user, and nothing in the plan uses it",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_observation_that_cannot_be_used_is_named(what):
    items, message = WRONG[what]
    with mesh(good()) as lab, pytest.raises(ValueError, match=message):
        plan().run(lab, evidence=items, tick=0.05).wait()


def test_other_things_are_refused_with_what_is_expected():
    with mesh(good()) as lab:
        one = canary.Observation("v1", NOW)
        for given, message in {
            "one": (one, "evidence is one observation; give canary.Prometheus, an iterable"),
            "number": (3, "evidence is a int; give"),
            "mixed": ([one, 3], "evidence lists observations beside other things"),
        }.values():
            with pytest.raises(TypeError, match=message):
                plan().run(lab, evidence=given)
        with pytest.raises(TypeError, match=r"observation 1 of observations is a dict; give canary.Observation\("):
            plan().run(lab, evidence=iter([one, {"arm": "v1"}]), tick=0.05).wait()


def test_a_slow_ratio_needs_latencies():
    slow = plan(guards=[canary.slow_ratio(1.0, threshold=0.5)])
    with mesh(good()) as lab, pytest.raises(ValueError, match="has no latency, and the guardrail slowRatio needs it"):
        slow.run(lab, evidence=live(lab), tick=0.05).wait()
    with mesh(good()) as lab:
        assert slow.run(lab, evidence=live(lab, latency=0.1), tick=0.05).wait().promoted


def test_the_values_of_observations_are_scored():
    def rating(observation):
        assert observation.arm == "canary"
        return observation.value

    rated = plan(guards=[canary.custom("rating", rating, 0.6)], hold=2_000)
    with mesh(good()) as lab:
        verdict = rated.run(lab, evidence=live(lab, value=0.2, user="ada"), tick=0.05).wait()
        assert (verdict.rolled_back, verdict.guardrail) == (True, "rating")
    with mesh(good()) as lab:
        unrated = itertools.chain(live(lab, most=50), live(lab, value=0.9))
        short = plan(guards=[canary.custom("rating", rating, 0.6)])
        assert short.run(lab, evidence=unrated, tick=0.05).wait().promoted


def test_what_an_iterator_raises_is_raised_by_the_run():
    def broken():
        yield canary.Observation("v1", NOW)
        raise OSError("the log is gone")

    with mesh(good()) as lab, pytest.raises(OSError, match="the log is gone"):
        plan().run(lab, evidence=broken(), tick=0.05).wait()
    with mesh(good()) as lab, pytest.raises(OSError, match="the log is gone"):
        plan().run(lab, evidence=asynchronously(broken()), tick=0.05).wait()


def test_moments_are_unix_seconds_or_have_a_zone():
    at = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
    assert canary.Observation("v1", at) == canary.Observation("v1", at.timestamp())
    assert canary.Observation("v1", pd.Timestamp(at)).sent_at == at.timestamp()
    with pytest.raises(ValueError, match="without a time zone"):
        canary.Observation("v1", datetime(2026, 11, 29))  # noqa: DTZ001 - refused
    with pytest.raises(ValueError, match="expected Unix seconds"):
        canary.Observation("v1", at.timestamp() * 1e3)
    with pytest.raises(TypeError, match="sent_at is a str"):
        canary.Observation("v1", "today")
    with pytest.raises(ValueError, match="value is NaN"):
        canary.Observation("v1", at, value=float("nan"))
    whole = canary.Observation(None, at, ok=False, latency=timedelta(seconds=2), value=3, user="ada", id="7f")
    assert pickle.loads(pickle.dumps(whole)) == whole
    assert hash(pickle.loads(pickle.dumps(whole))) == hash(whole)
    assert (whole.arm, whole.latency, whole.user, whole.id) == (None, 2.0, "ada", "7f")


def test_a_data_frame_is_evidence():
    with mesh(good()) as lab:

        def frames():
            """The rows of a data warehouse that are new at each query."""
            for number in range(1_000):
                share = weights(lab)["v2"]
                now = pd.Timestamp.now(tz="UTC")
                frame = pd.DataFrame({"arm": ["canary" if row % 100 < share else "stable" for row in range(100)]})
                yield frame.sample(frac=1, random_state=number).assign(sent_at=now, ok=True)
                time.sleep(0.02)

        rows = (row for frame in frames() for row in frame.itertuples())
        observed = (canary.Observation(row.arm, row.sent_at, ok=row.ok) for row in rows)
        assert plan().run(lab, evidence=observed, tick=0.05).wait().promoted


def test_the_access_log_of_nginx_is_evidence():
    example = runpy.run_path(str(EXAMPLES / "nginx_log.py"))
    line = (
        '10.0.0.7 - - [29/Nov/2026:12:00:0{} +0000] "POST /v1/models/m:predict HTTP/1.1" {} 512 "-" "curl/8.5" '
        "msec=1795953600.{}00 request_time={} subset={} id=r{}"
    )
    slow, quick, lost = (
        line.format(3, 200, 9, 0.8, "v2", 1),
        line.format(1, 503, 3, 0.1, "v1", 2),
        line.format(4, 504, 9, 0.2, "-", 3),
    )
    found = list(example["observations"]([quick, slow, lost]))
    assert [one.id for one in found] == ["r1", "r2", "r3"], "in the order of sending"
    assert [(one.arm, one.ok) for one in found] == [("v2", True), ("v1", False), (None, False)]
    assert found[0].sent_at == pytest.approx(1795953600.1)
    with pytest.raises(ValueError, match="line 1 of the access log"):
        list(example["observations"](["nonsense"]))
