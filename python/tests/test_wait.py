"""`canary.wait` waits for everything that becomes ready or ends."""

import pytest
from test_plan import client, plan, start

import canary


@pytest.fixture
def lab():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        yield lab


def test_it_waits_for_a_lab_a_client_and_a_run(lab):
    assert canary.wait(lab, timeout="30s") is None
    assert canary.wait(client(lab), timeout=30) == {1: "AVAILABLE"}
    run = plan(hold=40, guards=[canary.error_ratio()], header=None, steps=[50, 100]).run(lab, tick=0.05)
    assert canary.wait(run).promoted


async def test_its_twin_is_a_coroutine(lab):
    assert await canary.wait_async(lab, timeout=30) is None
    assert await canary.wait_async(client(lab)) == {1: "AVAILABLE"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5,), "what is an int; give a Lab, a Client, a Run, or a Workload with on="),
        (("pets",), r"what is a str, which is on a cluster; give it too, as in wait\(…, on=Cluster\(\)\)"),
    ],
)
def test_it_says_what_it_can_wait_for(arguments, message):
    with pytest.raises(TypeError, match=message):
        canary.wait(*arguments)


def test_a_run_has_the_times_of_its_plan(lab):
    run = plan(hold=40, guards=[canary.error_ratio()], header=None, steps=[50, 100]).run(lab, tick=0.05)
    with pytest.raises(TypeError, match="set patience= of the Plan"):
        canary.wait(run, timeout=5)
    with pytest.raises(TypeError, match="on is for a Workload or the name of a Deployment, and what is a Run"):
        canary.wait(run, on=canary.Cluster())
    assert canary.wait(run).promoted


def test_what_is_not_ready_in_time_is_a_timeout():
    nobody = canary.Client("http://127.0.0.1:9", model="m", attempts=1)
    with pytest.raises(TimeoutError):
        canary.wait(nobody, timeout=0.2)
