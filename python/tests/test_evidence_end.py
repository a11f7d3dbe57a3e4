"""The end of a run and the next one: what is remembered, and what is left in the mesh."""

import pickle
from datetime import datetime, timedelta, timezone

import pytest
from releases import APP, HEADER, KINDS, client, good, mesh, photos, plan, release, routes, split, state, users, weights

import canary
from canary import istio

STABLE, PROMOTED = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}


# A plan that has ended and is run again.


def behind(lab, path):
    """Deploy another model behind the canary's subset."""
    lab.apply(canary.Workload(APP, "v2", model=APP, path=path))
    lab.wait_ready()


def test_another_model_behind_the_subset_is_another_release():
    with mesh(good(), more={"m/bad": good(errors=1.0)}) as lab:
        assert release(lab, plan()).verdict.promoted
        lab.apply(split(100, 0), force=True)
        behind(lab, "m/bad")
        found = release(lab, plan())
        started = found.events[0]
        assert (started.kind, started.to_dict()["resumed"]) == ("started", False)
        assert "another release" in started.anew
        assert str(started) == f"started anew: {started.anew}"
        assert found.verdict.rolled_back, found.message
        assert found.verdict.stored is None
        assert found.weights == STABLE
        assert found.served == 200


def test_a_model_that_is_exchanged_during_the_run_ends_it():
    with mesh(good(), more={"m/bad": good(errors=1.0)}) as lab:
        run = plan(hold=100_000, patience=60).run(lab, inputs=photos(10**9), tick=0.05)
        exchanged = False
        for event in run:
            if event.kind == "seen" and event.canary and event.canary > 30 and not exchanged:
                behind(lab, "m/bad")
                exchanged = True
        assert exchanged
        assert run.verdict.name in {"rollback", "externalEdit"}, str(run.verdict)
        assert weights(lab)["v2"] < 100


def test_other_weights_than_the_last_run_left_begin_a_new_one():
    with mesh(good()) as lab:
        assert release(lab, plan()).verdict.promoted
        lab.apply(split(100, 0), force=True)
        found = release(lab, plan())
        assert "left the weights" in str(found.events[0])
        assert found.verdict.promoted
        assert found.verdict.stored is None
        assert 50 in found.written, "it was tried again"
        assert found.weights == PROMOTED


@pytest.mark.parametrize("ending", ["promoted", "rolled back"])
def test_the_same_release_has_its_verdict_with_its_date(ending):
    with mesh(good()) as lab:
        one = plan(header=HEADER)
        run = one.run(lab, inputs=photos(), tick=0.02)
        for event in run:
            if ending == "rolled back" and event.kind == "written":
                run.abort("a colleague has seen something")
        first = run.verdict
        assert (first.promoted, first.rolled_back) == (ending == "promoted", ending == "rolled back")
        sent = sum(row["requests"] for row in lab.counts())
        before = lab.get("VirtualService", APP)["spec"]
        again = one.run(lab, inputs=photos(), tick=0.05)
        events = list(again)
        verdict = again.verdict
        assert (events[0].kind, str(events[0])) == (
            "started",
            "is over: an earlier run of this plan gave the verdict on this release",
        )
        assert events[0].to_dict()["resumed"] is False
        assert sum(row["requests"] for row in lab.counts()) == sent, "no request was sent"
        assert lab.get("VirtualService", APP)["spec"] == before
        assert (verdict.promoted, verdict.rolled_back) == (first.promoted, first.rolled_back)
        assert first.stored is None
        assert abs(verdict.stored - datetime.now(timezone.utc)) < timedelta(minutes=2)
        for text in (str(verdict), repr(verdict), verdict.to_dict()["sentence"], verdict._repr_html_()):
            assert "stored by an earlier run" in text
            assert "no requests were sent" in text
        assert str(verdict).startswith(str(first))
        assert verdict.to_dict()["stored"].startswith(f"{verdict.stored:%Y-%m-%dT%H:%M:%S}")
        assert first.to_dict()["stored"] is None
        assert verdict != first
        assert pickle.loads(pickle.dumps(verdict)) == verdict
        assert "no requests were sent" in again._repr_html_()
        assert "no requests were sent" in repr(again)
        lab.apply(split(100, 0), force=True)
        assert one.run(lab, inputs=photos(), tick=0.05, anew=True).wait().stored is None


# The objects left in the mesh.


def test_the_header_route_of_a_run_that_was_stopped_by_hand_is_taken_away():
    with mesh(good()) as lab:
        run = plan(header=HEADER, hold=100_000).run(lab, inputs=photos(10**9), tick=0.05)
        for event in run:
            if event.kind == "seen" and event.requests and weights(lab) != STABLE:
                edited = lab.get("VirtualService", APP)
                for to, weight in zip(edited["spec"]["http"][-1]["route"], (100, 0), strict=True):
                    to["weight"] = weight
                lab.apply(edited, force=True)
        assert run.verdict.name == "externalEdit", str(run.verdict)
        assert [rule.get("name") for rule in routes(lab)] == [None]
        assert weights(lab) == STABLE
        found = release(lab, plan(header=HEADER), anew=True)
        assert found.verdict.promoted, found.message
        assert len(found.routes) == 1
        assert found.served == 200


def test_a_header_route_that_was_left_behind_is_replaced():
    left = split().when_header(*HEADER, "v1").stamp_subset()
    first, rest = left.spec.http
    left = left.replace(http=[first.replace(name="canary-rollout-v0"), rest])
    with mesh(good(), routes=left) as lab:
        found = release(lab, plan(header=HEADER))
        assert found.verdict.promoted, found.message
        assert [rule.get("name") for rule in found.routes] == [None]
        assert found.served == 200


@pytest.mark.parametrize(
    "ending",
    [
        {"patience": 1, "hold": 100_000},
        {"patience": 1, "hold": 100_000, "on_inconclusive": "rollback"},
    ],
    ids=["keep", "rollback"],
)
def test_an_inconclusive_run_takes_its_header_route_along(ending):
    with mesh(good()) as lab:
        found = release(lab, plan(header=HEADER, **ending), inputs=photos(10**9))
        assert found.verdict.name == "inconclusive", found.message
        assert [rule.get("name") for rule in found.routes] == [None]
        assert found.weights == (STABLE if "on_inconclusive" in ending else {"v1": 50, "v2": 50})
        assert found.served == 200


def test_a_header_route_does_not_contradict_the_condition_of_its_rule():
    """The rule takes what is without the header; a route for that header needs what the rule excludes."""
    rule = split().spec.http[0]
    without = istio.HttpMatchRequest(without_headers={HEADER[0]: istio.StringMatch(regex="*")})
    with mesh(good(), routes=split().replace(http=[rule.replace(match=[without])])) as lab:
        run = plan(header=HEADER).run(lab, inputs=photos(), tick=0.05)
        made = []
        for event in run:
            if event.kind == "written" and event.weight == 50:
                made = routes(lab)
        assert run.verdict.promoted, str(run.verdict)
        (header_route,) = [one for one in made if one.get("name", "").startswith("canary-rollout-")]
        for match in header_route["match"]:
            assert HEADER[0] in match["headers"]
            assert HEADER[0] not in match.get("withoutHeaders", {})
        assert weights(lab) == PROMOTED
        assert users(lab) == 200


TO = {"host": APP, "subset": "v2", "port": {"number": 8501}}
MIRRORS = {
    "mirror": {"mirror": TO, "mirrorPercentage": {"value": 10}},
    "mirrors": {"mirrors": [{"destination": TO, "percentage": {"value": 10}}]},
}


@pytest.mark.parametrize("form", MIRRORS)
def test_a_mirror_that_is_there_already_is_refused_by_name(form):
    found = split().to_dict()
    found["spec"]["http"][0].update(MIRRORS[form])
    with mesh(good(), routes=found) as lab:
        before = lab.get("VirtualService", APP)
        with pytest.raises(canary.PlanError, match=r"spec\.http\[0\].*mirror.*v2"):
            plan().run(lab, inputs=photos())
        assert lab.get("VirtualService", APP) == before
        assert users(lab) == 200


def test_the_mirror_of_a_shadow_step_is_taken_away():
    with mesh(good()) as lab:
        run = plan(**KINDS["mirror"]).run(lab, tick=0.05)
        mirrored = False
        for event in run:
            if event.kind == "written" and event.step == 0:
                mirrored |= any("mirror" in rule or "mirrors" in rule for rule in routes(lab))
        assert mirrored
        assert run.verdict.promoted, str(run.verdict)
        assert not any("mirror" in rule or "mirrors" in rule for rule in routes(lab))
        assert users(lab) == 200


# Plans that would surprise.


def test_a_plan_that_ends_below_100_is_refused():
    with pytest.raises(canary.InvalidError, match="100") as raised:
        plan(steps=[10, 50])
    (finding,) = [one for one in raised.value.findings if one.code == "C122"]
    assert finding.path == "steps[1].weight"
    assert "add a last step of weight 100" in finding.help


def test_two_applications_of_one_version_share_nothing():
    """Both have a version v1; the ConfigMaps of their model servers are two."""
    models = {"m/pets": canary.ScriptedModel("cat", 0.9), "m/cars": canary.ScriptedModel("sedan", 0.9)}
    with canary.Lab(models=models) as lab:
        pets = canary.Workload("pets", "v1", model="pets", path="m/pets")
        lab.apply(pets)
        lab.apply(canary.Workload("cars", "v1", model="cars", path="m/cars"))
        # As by an autoscaler or the drain of a node: new pods read the ConfigMap again.
        lab.apply(pets.replace(replicas=2).objects()[1], force=True)
        lab.apply([canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
        lab.wait_ready()
        answers = list(client(lab).predict_many([b"x"] * 20, concurrency=1))
        assert [answer.label for answer in answers] == ["cat"] * 20
        names = [one["metadata"]["name"] for one in lab.objects() if one["kind"] == "ConfigMap"]
        assert len(names) == len(set(names)) == 2


def test_the_state_of_a_refused_run_is_nobody_s_verdict():
    with mesh(good(errors=1.0), more={"m/mended": good()}) as lab:
        assert release(lab, plan()).verdict.cause == "notReady"
        behind(lab, "m/mended")
        found = release(lab, plan())
        assert found.verdict.promoted, found.message
        assert found.verdict.stored is None
        assert state(lab) is not None
