"""Evidence that is missing, invalid or repeated: no data is neither success nor failure."""

import re
import threading
import time

import pytest
import servers
from releases import APP, HEADER, good, mesh, photos, plan, release, users

import canary


def timed(**changes):
    """Held by time alone."""
    return plan(steps=[10, 50, 100], hold={"time": 0.5}, **changes)


# Silence.


def test_silence_does_not_promote_in_a_simulation():
    found = timed(patience=60).simulate(runs=100, errors=(0, 1.0), rate=0)
    assert found.p_promote == 0
    assert found.p_inconclusive == 1
    assert set(found.inconclusive_because) == {"notEnoughData"}


class Empty(servers.Handler):
    """A Prometheus that has scraped nothing."""

    def do_GET(self):
        self.answer({"status": "success", "data": {"resultType": "matrix", "result": []}})


def counted(server, **changes):
    return canary.Prometheus(server.url, APP, stable="v1", canary="v2", every=0.5, lag=0, **changes)


def test_a_prometheus_without_samples_promotes_nobody():
    with servers.serving(Empty) as server, mesh(good(errors=1.0)) as lab:
        found = release(lab, timed(patience=3, request_timeout=0.5), inputs=None, evidence=[counted(server)])
        assert found.verdict.name == "inconclusive", found.message
        assert found.verdict.cause == "notEnoughData"
        assert "0 of 20 requests" in found.message
        assert "errorRatio" in found.message
        assert found.weights["v2"] < 100


def test_a_prometheus_that_cannot_be_reached_is_named():
    with mesh(good()) as lab:
        with servers.serving(Empty) as server:
            source = counted(server)
        found = release(lab, timed(patience=3, request_timeout=0.5), inputs=None, evidence=[source])
        assert found.verdict.name == "inconclusive", found.message
        assert "connection refused" in found.message.lower()
        assert server.url.removeprefix("http://") in found.message


class Scraped(servers.Handler):
    """A Prometheus that scrapes the gateway of a lab."""

    lab = None
    samples: list = []  # noqa: RUF012 - reset by the test

    @classmethod
    def scrape(cls):
        """Keep the counters as they are now."""
        counts = {}
        for row in cls.lab.counts():
            key = (row["subset"] or "unknown", str(row["code"]))
            counts[key] = counts.get(key, 0) + row["requests"]
        cls.samples.append((time.time(), counts))

    def do_GET(self):
        series = {}
        for at, counts in list(self.samples):
            for (version, code), count in counts.items():
                series.setdefault((version, code), []).append([at, str(count)])
        result = [
            {"metric": {"destination_version": version, "response_code": code, "instance": "a"}, "values": values}
            for (version, code), values in series.items()
        ]
        self.answer({"status": "success", "data": {"resultType": "matrix", "result": result}})


@pytest.mark.parametrize(
    ("candidate", "promoted"),
    [(good(), True), (good(errors=0.6, seed=4), False), (good(errors=0.6, error_status=404, seed=4), False)],
    ids=["good", "500", "404"],
)
def test_what_prometheus_counts_of_the_canary_decides(candidate, promoted):
    with mesh(candidate) as lab, servers.serving(Scraped) as server:
        Scraped.lab, Scraped.samples = lab, []
        over = threading.Event()

        def traffic():
            sender = canary.Client(lab.url, model=APP, signature="serving_preprocess", attempts=1)
            while not over.is_set():
                list(sender.predict_many([b"x"] * 20, concurrency=4))
                Scraped.scrape()

        people = threading.Thread(target=traffic)
        people.start()
        try:
            one = plan(hold=100, request_timeout=0.5, patience=60)
            found = release(lab, one, inputs=None, evidence=[counted(server, new_targets_from_zero=True)])
        finally:
            over.set()
            people.join()
        assert found.verdict.promoted is promoted, found.message
        assert found.weights == ({"v1": 0, "v2": 100} if promoted else {"v1": 100, "v2": 0})
        assert found.served == 200


def test_inputs_beside_prometheus_probe_the_canary_before_its_first_weight():
    """Also in a plan without a header, which is judged by what others send."""
    with servers.serving(Empty) as server, mesh(good(), model="pets2") as lab:
        found = release(lab, timed(patience=3, request_timeout=0.5), evidence=[counted(server)])
        assert found.verdict.cause == "notReady", found.message
        assert "404" in found.message
        assert found.weights == {"v1": 100, "v2": 0}
        assert found.served == 200


def test_a_wrong_address_beside_prometheus_is_reported_before_anything_is_written():
    with servers.serving(Empty) as server, mesh(good()) as lab:
        before = lab.get("VirtualService", APP)
        sender = canary.Client(server.url, model=APP, attempts=1)
        with pytest.raises(canary.PlanError, match="Nothing was written"):
            timed().run(lab, client=sender, evidence=[counted(server)], inputs=photos())
        assert lab.get("VirtualService", APP) == before


# The least number of observations.


def test_each_guardrail_has_its_least_number_in_each_step():
    one = plan(hold={"time": 0.2}, guards=[canary.error_ratio(1.0, minimum=60)])
    assert one.to_dict()["guardrails"][1] == {"errorRatio": {"atMost": 1.0}, "minimum": 60}
    assert [guard.minimum for guard in one.guards] == [20, 60]
    with mesh(good()) as lab:
        run = one.run(lab, inputs=photos(), tick=0.02)
        last = [event for event in run if event.kind == "seen" and event.weight == 50][-1]
        assert run.verdict.promoted, str(run.verdict)
        # The next weight is written as soon as both have theirs, which is between two ticks.
        assert last.canary >= 30, "the step did not pass by its time alone"
    with mesh(good()) as lab:
        long = plan(hold={"time": 0.2}, guards=[canary.error_ratio(1.0, minimum=10**6)], patience=2)
        found = release(lab, long, inputs=photos(10**9))
        assert found.verdict.cause == "notEnoughData"
        message = r"\d+ of 1000000 requests of the (canary|stable version) for errorRatio"
        assert re.search(message, found.message), found.message


def test_a_minimum_that_a_plan_cannot_reach_is_refused():
    with pytest.raises(canary.InvalidError) as raised:
        plan(hold=10)
    assert {one.code for one in raised.value.findings} == {"C121"}
    assert plan(hold=10, guards=[canary.error_ratio(1.0, minimum=10)]).validate() == []
    with pytest.raises(canary.InvalidError, match="C118"):
        plan(guards=[canary.pair_errors()])
    with mesh(good()) as lab, pytest.raises(canary.PlanError, match="label"):
        plan(guards=[canary.accuracy()], header=HEADER).run(lab, inputs=photos())


def test_a_hold_is_by_the_requests_of_the_canary_or_of_both():
    assert plan(hold=40).to_dict()["steps"][0]["hold"] == {"requests": 40}
    assert plan(hold={"total_requests": 90}).to_dict()["steps"][0]["hold"] == {"totalRequests": 90}
    assert plan(hold=None).to_dict()["steps"][0]["hold"] == {"totalRequests": 2000}
    for hold, count in (({"requests": 200}, "canary"), ({"total_requests": 200}, "requests")):
        with mesh(good()) as lab:
            run = plan(steps=[25, 100], hold=hold).run(lab, inputs=photos(), tick=0.005, concurrency=1)
            last = [event for event in run if event.kind == "seen" and event.weight == 25][-1]
            assert run.verdict.promoted
            # The next weight is written when the count is reached, between two ticks.
            assert 100 <= getattr(last, count) <= 200


# Inputs that repeat themselves, and scores that are none.


def test_a_run_whose_inputs_repeat_themselves_says_so():
    with mesh(good()) as lab:
        few = [(f"photo {number % 7}", b"photo %d" % (number % 7)) for number in range(20_000)]
        one = plan(header=HEADER, guards=[canary.agreement(0.9)], hold={"pairs": 40}, patience=60)
        found = release(lab, one, inputs=few)
        assert found.verdict.name == "inconclusive", found.message
        assert found.verdict.cause == "inputsRepeat"
        assert "7 inputs" in found.message
        assert found.served == 200


class Unshown:
    def __repr__(self):
        raise RuntimeError("nothing to show")


INVALID = {
    "too large": (lambda _: 5, "5"),
    "too small": (lambda _: -1.0, "-1"),
    "NaN": (lambda _: float("nan"), "NaN"),
    "None": (lambda _: None, "None"),
    "text": (lambda _: "good", "'good'"),
    "a long text": (lambda _: "x" * 1_000, "'" + "x" * 79 + "…"),
    "no repr": (lambda _: Unshown(), "<class 'test_evidence_data.Unshown'>"),
    "infinite": (lambda _: float("inf"), "inf"),
}


def scored(score):
    return plan(header=HEADER, hold={"pairs": 100}, guards=[canary.custom("mine", score, 0.9)])


@pytest.mark.parametrize("kind", INVALID)
def test_ten_invalid_scores_end_the_run(kind):
    score, message = INVALID[kind]
    with mesh(good()) as lab:
        found = release(lab, scored(score))
        assert found.verdict.name == "inconclusive", found.message
        assert found.verdict.cause == "invalidScores"
        assert f"mine got 10 invalid scores, the last one {message};" in found.message
        assert found.events[-2].to_dict()["totals"]["refused"] == 10
        assert found.weights["v2"] < 100


SURE = {"True": lambda _: True, "one": lambda _: 1, "comparison": lambda pair: pair.canary[1] >= 0.5}


@pytest.mark.parametrize("score", SURE.values(), ids=SURE)
def test_true_is_a_score(score):
    with mesh(good()) as lab:
        found = release(lab, scored(score))
        assert found.verdict.promoted, found.message
        (reading,) = [one for one in found.verdict.evidence if one.guardrail == "mine"]
        assert reading.estimate == 1.0
        assert users(lab) == 200


def test_false_is_the_worst_score():
    with mesh(good()) as lab:
        found = release(lab, scored(lambda _: False))
        assert (found.verdict.rolled_back, found.verdict.guardrail) == (True, "mine"), found.message
        assert found.served == 200


def test_what_a_conversion_raises_is_raised():
    class Broken:
        def __float__(self):
            raise RuntimeError("my number")

    with mesh(good()) as lab, pytest.raises(RuntimeError, match="my number"):
        release(lab, scored(lambda _: Broken()))
