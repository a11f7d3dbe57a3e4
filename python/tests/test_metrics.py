"""The metrics of a run: served where the caller says, before anything is written and after the end."""

import re
import socket
import urllib.error
import urllib.request

import labs
import pytest
import releases

import canary


def scrape(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def value(text, name, **labels):
    """The value of a sample of the object; its own labels in their order."""
    own = "".join(f',{key}="{what}"' for key, what in labels.items())
    found = re.search(rf'^{name}\{{namespace="default",object="pets"{re.escape(own)}\}} (\S+)$', text, re.MULTILINE)
    return found and float(found.group(1))


def test_a_run_is_scraped_while_it_goes_on_and_after_its_end():
    with releases.mesh(releases.good()) as lab:
        run = releases.plan().run(lab, tick=0.02, metrics="127.0.0.1:0")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", run.metrics_url)
        for event in run:
            if event.kind == "seen":
                text = scrape(run.metrics_url)
                assert value(text, "canary_rollout_state", state="running") == 1
                assert value(text, "canary_rollout_verdict", verdict="none") == 1
                break
        verdict = run.wait()
        assert verdict.promoted
        text = scrape(run.metrics_url, "application/openmetrics-text")
        assert text.endswith("# EOF\n")
        assert value(text, "canary_rollout_state", state="ended") == 1
        assert value(text, "canary_rollout_verdict", verdict="promoted") == 1
        assert value(text, "canary_rollout_weight", subset="v2") == 100
        assert value(text, "canary_rollout_evidence_threshold", guardrail="errorRatio") > 1
        exposure = value(text, "canary_rollout_requests_total", subset="v2")
        assert exposure == verdict.exposure
        served = exposure + value(text, "canary_rollout_requests_total", subset="v1")
        assert value(text, "canary_prediction_requests_total", route="weights", result="ok") >= served > 0
        assert value(text, "canary_api_requests_total", verb="patch", result="ok") >= 3
        assert releases.plan().digest in text


def test_an_address_in_use_ends_the_run_before_anything_is_written():
    with releases.mesh(releases.good()) as lab, socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        before = lab.get("VirtualService", "pets")
        with pytest.raises(canary.PlanError, match=rf"{address}, where another program listens"):
            releases.plan().run(lab, metrics=address)
        assert lab.get("VirtualService", "pets") == before
        with pytest.raises(canary.PlanError, match=r"'?\"?localhost:1\"?'? is not an address"):
            releases.plan().run(lab, metrics="localhost:1")
        # The lock was not taken either.
        assert releases.plan().run(lab, tick=0.02).wait().promoted


def test_runs_share_an_address_and_a_later_one_takes_the_place_of_the_one_before():
    with releases.mesh(releases.good()) as lab:
        first = releases.plan().run(lab, tick=0.02, metrics="127.0.0.1:0")
        assert first.wait().promoted
        address = first.metrics_url.removeprefix("http://").removesuffix("/metrics")
        with labs.pets(canary.ScriptedModel("cat", 0.9), canary.ScriptedModel("cat", 0.9)) as other:
            plan = releases.plan(steps=[10, 100])
            second = plan.run(other, tick=0.02, metrics=address)
            assert second.metrics_url == first.metrics_url
            text = scrape(second.metrics_url)
            assert plan.digest in text
            assert releases.plan().digest not in text
            assert second.wait().promoted


def test_without_an_address_there_are_no_metrics():
    with releases.mesh(releases.good()) as lab:
        run = releases.plan().run(lab, tick=0.02)
        assert run.metrics_url is None
        run.suspend()


def test_other_paths_are_not_served():
    with releases.mesh(releases.good()) as lab:
        run = releases.plan().run(lab, tick=0.02, metrics="127.0.0.1:0")
        root = run.metrics_url.removesuffix("/metrics")
        assert scrape(f"{root}/healthz") == "ok\n"
        with pytest.raises(urllib.error.HTTPError) as refused:
            scrape(f"{root}/")
        refused.value.close()
        assert refused.value.code == 404
        run.suspend()
