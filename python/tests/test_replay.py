"""Replays: what a run has stored, judged again by its own plan and by others."""

import json

import pytest
from releases import HEADER, good, mesh, photos, plan

import canary


def stored(tmp_path, candidate, one, **arguments):
    """Run a plan, and give its verdict and the file of its observations."""
    path = tmp_path / "observations.jsonl"
    with mesh(candidate) as lab:
        verdict = one.run(lab, inputs=photos(), tick=0.05, store=path, **arguments).wait()
    return verdict, path


def test_the_plan_of_a_run_says_again_what_it_said(tmp_path):
    one = plan(steps=[20, 50, 100], header=HEADER, guards=[canary.error_ratio(1.0), canary.agreement(0.9)], hold=60)
    verdict, path = stored(tmp_path, good(), one)
    assert verdict.promoted
    assert one.replay(path).promoted
    kinds = [next(iter(json.loads(line))) for line in path.read_text().splitlines()]
    assert kinds[0] == "started"
    assert {"split", "observed"} <= set(kinds)
    longer = plan(steps=[20, 50, 100], guards=[canary.error_ratio(1.0)], hold=100_000, patience=10_000)
    again = longer.replay(str(path))
    assert again.name == "inconclusive"
    assert "the stored observations end here" in str(again)


def test_a_stricter_plan_would_have_said_no(tmp_path):
    one = plan(header=HEADER, guards=[canary.agreement(0.5)], hold={"pairs": 300})
    verdict, path = stored(tmp_path, canary.ScriptedModel("cat", 0.9, disagree=0.25, other="dog"), one)
    assert verdict.promoted
    stricter = plan(header=HEADER, guards=[canary.agreement(0.95)], hold={"pairs": 300}).replay(path)
    assert (stricter.rolled_back, stricter.guardrail) == (True, "agreement")


def seen(failing, count=2_000, since=1_700_000_000):
    for number in range(count):
        arm = "v2" if number % 10 < 5 else "v1"
        yield canary.Observation(arm, since + number / 10, ok=not (arm == "v2" and number % 20 < failing))


def test_observations_are_judged_at_the_weights_that_were_in_force():
    one = plan(patience=1_000)
    assert one.replay(seen(0), weights=50).promoted
    assert one.replay(seen(4), weights=50).rolled_back
    assert one.replay(seen(4), weights=[(1_700_000_000, 5)]).name == "inconclusive"
    assert one.replay(seen(4), weights=[(1_700_000_000, 5), (1_700_000_010, 50)]).rolled_back
    with pytest.raises(TypeError, match="give weights=, the canary's percent"):
        one.replay(seen(0))
    with pytest.raises(ValueError, match="a weight is 300; give a percent"):
        one.replay(seen(0), weights=300)
    with pytest.raises(ValueError, match="weights are not in the order of time"):
        one.replay(seen(0), weights=[(1_700_000_010, 50), (1_700_000_000, 5)])
    with pytest.raises(canary.PlanError, match="there are no stored observations"):
        one.replay([], weights=50)
    with pytest.raises(ValueError, match="observation 1 of observations was sent at"):
        one.replay([*reversed(list(seen(0, count=2)))], weights=50)


def test_a_damaged_or_missing_file_is_named(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"split": {"at": 1, "split": {"canary": 5}}}\n{"cut')
    with pytest.raises(canary.ManifestError, match="line 2"):
        plan().replay(broken)
    with pytest.raises(canary.NotFoundError):
        plan().replay(tmp_path / "nothing")
    with pytest.raises(TypeError, match="leave weights out"):
        plan().replay(broken, weights=5)
