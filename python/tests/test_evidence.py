"""Dead, wrong and vanishing canaries, and wrong questions: from the plan to what the users get."""

import contextlib
import socket
import threading

import pytest
from releases import APP, HEADER, KINDS, client, good, mesh, photos, plan, release, state, users, weights

import canary

STABLE = {"v1": 100, "v2": 0}


def refused(found):
    """The canary got no request of a user, everything is as it was, and nothing of the run is left."""
    assert found.verdict.rolled_back, found.message
    assert found.verdict.cause == "notReady", found.message
    assert found.verdict.exposure == 0
    assert not any(found.written), "no weight was written"
    assert found.weights == STABLE
    assert [rule.get("name") for rule in found.routes] == [None]
    assert found.served == 200


def went_back(found):
    """Everything is back at the stable version, which answers everybody."""
    assert found.verdict.rolled_back, found.message
    assert found.weights == STABLE
    assert found.served == 200


# Canaries that answer nobody.


@pytest.mark.parametrize("kind", KINDS)
def test_a_canary_under_another_model_name_gets_no_request(kind):
    with mesh(good(), model="pets2") as lab:
        found = release(lab, plan(**KINDS[kind]))
        refused(found)
        assert "v2" in found.message
        assert "404" in found.message
        assert "before its first weight" in found.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_canary_that_refuses_the_input_gets_no_request(kind):
    with mesh(good(errors=1.0, error_status=400)) as lab:
        found = release(lab, plan(**KINDS[kind]))
        refused(found)
        assert "400" in found.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_canary_without_a_pod_gets_no_request(kind):
    """Latencies alone would promote it: a 503 comes fast."""
    with mesh() as lab:
        found = release(lab, plan(**KINDS[kind], startup_timeout=2))
        refused(found)
        assert "no pod of v2 is ready" in found.message


def test_a_canary_that_is_misspelt_gets_no_request():
    with mesh(good()) as lab:
        found = release(lab, plan(canary="v3", startup_timeout=2))
        refused_of_v3 = found.verdict.rolled_back and found.verdict.cause == "notReady"
        assert refused_of_v3, found.message
        assert "v3" in found.message
        assert not any(found.written)
        assert found.weights == STABLE
        assert found.served == 200
        subsets = lab.get("DestinationRule", APP)["spec"]["subsets"]
        assert {subset["name"] for subset in subsets} == {"v1", "v2"}, "the run's own subset is gone"


# Canaries that fail while they serve. Theirs is a seed by which the first request, the probe's, is answered.


def failing(share=0.6, status=500):
    return good(errors=share, error_status=status, seed=8)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_failures_in_the_traffic_count_whatever_their_status(status):
    with mesh(failing(status=status)) as lab:
        found = release(lab, plan(hold=2000))
        went_back(found)
        assert found.verdict.guardrail in {"errorRatio", "v2"}
        assert max(found.written) == 50


@pytest.mark.parametrize("guard", [canary.agreement(0.9), canary.numeric_drift(0.1), canary.pair_errors()])
@pytest.mark.parametrize("status", [400, 500])
def test_a_half_that_failed_counts_in_pairs(guard, status):
    with mesh(failing(status=status)) as lab:
        pairs = plan(steps=[{"weight": 0, "hold": {"pairs": 500}}, 50, 100], guards=[guard], header=HEADER)
        found = release(lab, pairs)
        went_back(found)
        assert found.verdict.exposure == 0, "no user met it"
        failed = [pair for pair in found.run.disagreements if pair.canary_failed]
        assert failed
        assert failed[0].canary[0].startswith(str(status))
        assert "failed: " in repr(failed[0])


def test_latencies_alone_do_not_promote_a_canary_that_fails():
    with mesh(failing()) as lab:
        found = release(lab, plan(hold=2000, guards=[canary.slow_ratio(1.0, threshold=0.5)]))
        went_back(found)


@pytest.mark.parametrize("kind", ["requests", "latencies", "pairs"])
def test_a_canary_whose_pods_vanish_is_rolled_back(kind):
    """The gateway answers 503 without a version then, and the canary's share is missing."""
    with mesh(good()) as lab:
        long = KINDS[kind] | {"steps": [30, 100], "hold": {"requests": 100_000}}
        run = plan(**long, patience=60).run(lab, inputs=photos(10**9), tick=0.05)
        gone = False
        for event in run:
            if event.kind == "seen" and event.canary and event.canary > 30 and not gone:
                lab.apply(canary.Workload(APP, "v2", model=APP, path="m/v2", replicas=0), force=True)
                gone = True
        assert gone
        assert run.verdict.rolled_back, str(run.verdict)
        assert run.verdict.cause in {"unreachable", "canaryFails", "alarm"}, str(run.verdict)
        assert weights(lab) == STABLE
        assert users(lab) == 200


def test_a_service_that_fails_as_a_whole_is_not_judged():
    """The stable version answers the first input, and fails most of the others; so does the canary."""
    with mesh(failing(0.8), stable=failing(0.8)) as lab:
        found = release(lab, plan(hold=2000))
        assert found.verdict.name == "inconclusive", found.message
        assert found.verdict.cause == "serviceFails"
        assert "the service fails, whichever version serves" in found.message
        assert found.weights["v2"] < 100


# Wrong questions of the run's own.


def dead_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


QUESTIONS = {
    "model": (lambda lab: client(lab).replace(model="dogs"), "404"),
    "signature": (lambda lab: client(lab).replace(signature="serving"), "signature"),
    "address": (lambda _: canary.Client(dead_address(), model=APP, attempts=1), "refused"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_wrong_input_is_reported_before_anything_is_written(question, kind):
    make, message = QUESTIONS[question]
    with mesh(good()) as lab:
        before = lab.get("VirtualService", APP)
        sender = make(lab)
        with pytest.raises(canary.PlanError, match="Nothing was written") as raised:
            plan(**KINDS[kind]).run(lab, client=sender, inputs=photos())
        assert message in str(raised.value).lower()
        if question == "address":
            assert sender.url.removeprefix("http://") in str(raised.value)
        assert lab.get("VirtualService", APP) == before
        assert state(lab) is None
        assert users(lab) == 200
        # The lock was given back.
        assert plan().run(lab, inputs=photos(), tick=0.05).wait().promoted


class Relay:
    """Passes connections on to an address until it is closed."""

    def __init__(self, url):
        self._to = url.removeprefix("http://").split(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                other = socket.create_connection((self._to[0], int(self._to[1])))
                self._open += [one, other]
                for ends in ((one, other), (other, one)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    @staticmethod
    def _pass_on(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)

    def close(self):
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def test_an_address_that_goes_away_during_the_run_is_named():
    with mesh(good()) as lab:
        relay = Relay(lab.url)
        sender = canary.Client(f"http://{relay.address}", model=APP, signature="serving_preprocess")
        run = plan(hold=100_000, patience=6).run(lab, client=sender, inputs=photos(10**9), tick=0.05)
        closed = False
        for event in run:
            if event.kind == "seen" and event.requests and event.requests > 20 and not closed:
                relay.close()
                closed = True
        assert closed
        assert run.verdict.name == "inconclusive", str(run.verdict)
        assert "connection refused" in str(run.verdict).lower()
        assert relay.address in str(run.verdict)
        assert users(lab) == 200
