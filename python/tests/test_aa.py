"""A/A: the stable version on both sides, to measure the service itself."""

import copy
import pickle

import pytest
from releases import good, mesh, photos, plan, release, weights

import canary


def aa(**changes):
    """An A/A plan that is over within seconds."""
    return plan(steps=[20, 50, 100], aa=True, **changes)


def test_an_aa_run_measures_and_ends_with_everything_at_the_stable_version(tmp_path):
    store = tmp_path / "aa.jsonl"
    with mesh(good(errors=0.05, seed=2), stable=good(errors=0.05, seed=4)) as lab:
        done = release(lab, aa(hold={"total_requests": 400}), store=store)
    assert done.verdict.name == "inconclusive", done.message
    assert (done.verdict.cause, done.verdict.promoted, done.verdict.rolled_back) == ("aa", False, False)
    assert done.written == [20, 50, 0]
    assert done.weights == {"v1": 100, "v2": 0}
    report = done.run.aa
    assert report == done.verdict.aa
    assert report.complete
    assert report.early is None
    assert [length for length, _, _ in report.levels["errorRatio"]] == [15, 60, 240]
    assert "φ" in str(report)
    assert repr(report).startswith("AaReport(")
    assert report.to_dict()["advice"]["window"] == "15s"
    assert "dispersion" in report._repr_html_()
    assert report == pickle.loads(pickle.dumps(report)) == copy.deepcopy(report)
    again = aa(hold={"total_requests": 400}).replay(store).aa
    assert again.complete
    assert set(again.levels) == {"errorRatio"}


def test_an_alarm_is_recorded_and_a_broken_canary_goes_back():
    with mesh(good(errors=0.35)) as lab:
        done = release(lab, aa(hold={"total_requests": 600}))
        assert done.verdict.cause == "aa", done.message
        assert weights(lab) == {"v1": 100, "v2": 0}
        evidence, threshold = done.run.aa.alarms["errorRatio"]
        assert evidence >= threshold == pytest.approx(20)
    with mesh(good(errors=1.0)) as lab:
        done = release(lab, aa())
        assert done.verdict.rolled_back, done.message
        assert done.run.aa is None
        assert done.weights == {"v1": 100, "v2": 0}


def test_nobody_promotes_it_and_what_ends_early_says_so():
    refused, asked = [], False
    with mesh(good()) as lab:
        run = aa(hold=100_000).run(lab, inputs=photos(2_000), tick=0.05)
        for event in run:
            if not asked and event.kind == "seen" and event.weight == 20 and (event.canary or 0) > 20:
                asked = run.promote("it looks good")
            if event.kind == "commanded":
                refused.append(str(event.to_dict()))
        assert weights(lab) == {"v1": 100, "v2": 0}
    assert "A/A" in refused[0]
    assert (run.verdict.cause, run.verdict.promoted_by) == ("aa", None)
    assert not run.aa.complete
    assert run.aa.early


def test_plans_without_rates_or_weights_are_refused():
    with pytest.raises(canary.InvalidError, match="divides the traffic"):
        plan(aa=True, steps=[100])
    with pytest.raises(canary.InvalidError, match="ratios of rates"):
        plan(aa=True, guards=[canary.error_rate(0.1)])
    assert not plan().aa
    assert "aa" not in plan().to_dict()
