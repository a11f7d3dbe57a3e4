"""A duration is given in seconds, as a timedelta or as a text, wherever one is taken."""

from datetime import timedelta

import pytest

import canary
from canary import istio

FORMS = [90, 90.0, timedelta(minutes=1, seconds=30), "90s", "1m30s", "1m 30s"]


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_every_form_is_the_same_time(form):
    def plan(**changes):
        return canary.Plan("s", **({"stable": "a", "canary": "b", "guards": [canary.error_ratio()]} | changes))

    for name in ("settle", "request_timeout", "startup_timeout", "patience", "users_within"):
        assert getattr(plan(**{name: form}), name) == 90.0
    assert plan(bursts=form).burst_window == 90.0
    # A plain number is a number of requests.
    times = [] if isinstance(form, int | float) else [form]
    for hold in ({"time": form}, *times):
        assert plan(hold=hold).steps[0]["hold"] == {"time": 90.0}
        assert plan(steps=[{"weight": 5, "hold": hold}, 100]).steps[0]["hold"] == {"time": 90.0}
    assert canary.slow_ratio(threshold=form) == canary.slow_ratio(threshold=90)
    assert canary.ScriptedModel("cat", latency=form).latency == 90.0
    assert canary.Observation("canary", 0, latency=form).latency == 90.0
    client = canary.Client("http://localhost:1", model="m", timeout=form, attempt_timeout=form, hedge=form)
    assert client == canary.Client("http://localhost:1", model="m", timeout=90, attempt_timeout=90, hedge=90)
    assert canary.VirtualService.to("s", timeout=form).spec.http[0].timeout in {"90s", "1m30s"}


@pytest.mark.parametrize(
    ("form", "text"), [(2, "2s"), (0.25, "0.25s"), (timedelta(milliseconds=1500), "1.5s"), ("1m", "1m")], ids=repr
)
def test_the_messages_of_istio_take_them_too(form, text):
    rule = istio.HttpRoute(timeout=form, retries=istio.HttpRetry(attempts=2, per_try_timeout=form))
    assert (rule.timeout, rule.retries.per_try_timeout) == (text, text)
    assert rule.replace(timeout=form) == rule
    assert (
        canary.VirtualService("s", hosts="s", http=[rule.replace(redirect={"uri": "/"})]).spec.http[0].timeout == text
    )
