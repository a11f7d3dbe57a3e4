"""A plan's settings can be read, and replaced one by one."""

import inspect

import pytest

import canary

GATES = {"golden": {"hopper.jpg": "military uniform"}}
FULL = {
    "stable": "a",
    "canary": "b",
    "steps": [{"weight": 10, "hold": {"total_requests": 300, "time": 90}}, 50, 100],
    "hold": 700,
    "guards": [canary.error_ratio(1.5), canary.custom("sure", float, 0.5)],
    "header": ("user-group", "canary"),
    "alpha": 0.01,
    "namespace": "models",
    "route": "split",
    "destination_rule": "rule",
    "gates": GATES,
    "settle": 3,
    "request_timeout": "20s",
    "bursts": 60,
    "startup_timeout": 90,
    "patience": "2h",
    "on_inconclusive": "rollback",
    "proven_on": "last_step",
    "canary_labels": {"track": "canary"},
    "canary_matches": [{"headers": {"x-team": {"prefix": "ml-"}}}, {"sourceLabels": {"app": "web"}}],
}


@pytest.fixture
def plan():
    return canary.Plan("pets", **FULL)


def test_every_setting_is_an_attribute(plan):
    names = list(inspect.signature(canary.Plan).parameters)
    # The hold is that of each step.
    assert [name for name in names if name != "hold" and not hasattr(plan, name)] == []
    assert plan.steps == [
        {"weight": 10, "hold": {"total_requests": 300, "time": 90.0}},
        {"weight": 50, "hold": {"requests": 700}},
        {"weight": 100},
    ] or plan.steps[0].pop("gates") == ["golden"]
    assert (plan.namespace, plan.route, plan.destination_rule) == ("models", "split", "rule")
    assert (plan.gates, plan.bursts, plan.canary_labels) == (GATES, 60.0, {"track": "canary"})
    assert (plan.on_inconclusive, plan.proven_on, plan.sequential) == ("rollback", "last_step", None)
    looked = canary.Plan(
        "s",
        stable="a",
        canary="b",
        hold={"total_requests": 900},
        guards=[canary.error_ratio()],
        bursts="none",
        sequential=5,
    )
    assert looked.sequential["looks"] == 5


def test_what_the_attributes_give_makes_the_same_plan(plan):
    given = {name: getattr(plan, name) for name in inspect.signature(canary.Plan).parameters if name != "hold"}
    given["guards"] = [guard for guard in given["guards"] if guard.test != "observedSplit"]
    assert canary.Plan(**given) == plan


@pytest.mark.parametrize("name", [name for name in FULL if name != "hold"])
def test_a_setting_is_replaced_and_the_others_stay(plan, name):
    base = canary.Plan("pets", stable="x", canary="y", header=("x", "y"), guards=[canary.error_ratio()])
    changed = base.replace(**{name: FULL[name]})
    if name == "guards":
        assert [guard.name for guard in changed.guards] == ["observedSplit", "errorRatio", "sure"]
        assert changed.guards[2] == plan.guards[2]
    else:
        assert getattr(changed, name) != getattr(base, name)
    kept = set(inspect.signature(canary.Plan).parameters) - {"hold", name}
    # The gates are named by the steps, and the labels of the canary are usually its name.
    # The namespace and the names of the objects are parts of the target.
    parts = {one: {"target"} for one in ("namespace", "route", "destination_rule")}
    kept -= {"gates": {"steps"}, "steps": {"gates"}, "canary": {"canary_labels"}, **parts}.get(name, set())
    assert {one: getattr(changed, one) for one in kept} == {one: getattr(base, one) for one in kept}


def test_a_new_hold_is_that_of_every_step_and_none_is_the_usual(plan):
    held = plan.replace(hold={"time": "1m"})
    assert [step.get("hold") for step in held.steps] == [{"time": 60.0}, {"time": 60.0}, None]
    assert plan.replace(steps=[20, 100]).steps[0]["gates"] == ["golden"]
    usual = plan.replace(header=None, canary_matches=None, alpha=None, gates=None, route=None)
    assert (usual.header, usual.alpha, usual.gates, usual.route) == (None, 0.05, {}, None)
    assert plan.replace() == plan
    assert plan.replace(canary="b") == plan


def test_a_plan_that_makes_no_sense_is_refused(plan):
    with pytest.raises(canary.InvalidError, match="alpha"):
        plan.replace(alpha=2)
