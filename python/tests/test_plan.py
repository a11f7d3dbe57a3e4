import pickle
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import matplotlib as mpl
import pytest

import canary

APP, MODEL, GATEWAY = "image-classifier", "image_classifier", "gateway"


def plan(**changes):
    arguments = {
        "stable": "stable",
        "canary": "canary",
        "steps": [5, 30, 100],
        "hold": {"pairs": 80},
        "guards": [canary.error_ratio(1.0), canary.agreement(0.9)],
        "header": ("user-group", "canary"),
        "settle": 0,
        "patience": 60,
    }
    return canary.Plan(APP, **(arguments | changes))


def start(new):
    lab = canary.Lab(models={"m/old": canary.ScriptedModel("cat", 0.9), "m/new": new}, seed=7)
    lab.apply(canary.Workload(APP, "stable", model=MODEL, path="m/old"))
    lab.apply(canary.Workload(APP, "canary", model=MODEL, path="m/new"))
    lab.apply(
        [
            canary.Gateway.http(GATEWAY),
            canary.DestinationRule.subsets(APP, ["stable", "canary"]),
            canary.VirtualService.weighted(
                APP,
                {"stable": 100, "canary": 0},
                hosts=["*"],
                gateways=[GATEWAY],
                port=8501,
                stamp_subset="x-canary-subset",
            ),
        ]
    )
    lab.wait_ready()
    return lab


def client(lab):
    return canary.Client(lab.url, model=MODEL, signature="serving_preprocess", timeout=10)


def inputs(count=20_000):
    return ((f"photo {number}", f"photo {number}".encode()) for number in range(count))


def weights(lab):
    routes = lab.get("VirtualService", APP)["spec"]["http"]
    return {d["destination"]["subset"]: d.get("weight") for d in routes[-1]["route"]}


def test_a_plan_is_plain_data_and_round_trips():
    one = plan()
    assert canary.Plan.from_yaml(one.to_yaml()) == one
    assert canary.Plan.from_dict(one.to_dict()) == one
    assert pickle.loads(pickle.dumps(one)) == one
    assert hash(one) == hash(plan())
    assert one != plan(alpha=0.01)
    assert one.weights == [5, 30, 100]
    assert [guard.name for guard in one.guards] == ["observedSplit", "errorRatio", "agreement"]
    assert pickle.loads(pickle.dumps(one.guards)) == one.guards
    assert "stable='stable'" in repr(one) or 'stable="stable"' in repr(one)
    assert one.validate() == []


def test_a_wrong_plan_says_where_and_what():
    with pytest.raises(canary.InvalidError) as raised:
        plan(steps=[30, 5, 100], alpha=0)
    paths = {finding.path for finding in raised.value.findings}
    assert "alpha" in paths
    assert any(path.startswith("steps[1]") for path in paths)
    with pytest.raises(canary.ManifestError, match="wieght"):
        canary.Plan.from_yaml(plan().to_yaml().replace("weight", "wieght", 1))
    with pytest.raises(ValueError, match=r"hold has no .minutes"):
        plan(hold={"minutes": 3})
    with pytest.raises(TypeError, match="give a function of a pair"):
        canary.custom("sure", 0.5, 0.8)


def test_a_notebook_shows_a_plan_escaped():
    hostile = plan().to_dict() | {"canary": "<b>", "stable": "<i>"}
    page = canary.Plan.from_dict(hostile)._repr_html_()
    assert "<svg" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert len(page) < 50_000


def test_a_simulation_is_the_same_for_a_seed():
    one = canary.Plan(APP, stable="a", canary="b", hold=400, guards=[canary.error_ratio(1.0)])
    harm = one.simulate(errors=(0.01, 0.05), runs=200, seed=7)
    assert harm == one.simulate(errors=(0.01, 0.05), runs=200, seed=7)
    assert harm.p_rollback > 0.9
    assert harm.rolled_back_by["errorRatio"] == round(harm.p_rollback * 200)
    fine = one.simulate(errors=(0.01, 0.01), runs=200, seed=7)
    low, high = fine.intervals["rollback"]
    assert low <= fine.p_rollback <= high
    assert low <= 0.05
    assert fine.p_promote > 0.9
    assert fine.requests["p05"] <= fine.requests["median"] <= fine.requests["p95"]
    assert fine.to_dict()["scenario"]["errors"] == {"stable": 0.01, "canary": 0.01}
    assert "simulated runs" in fine._repr_html_()
    with pytest.raises(canary.PlanError, match=r"errors\.canary is 2"):
        one.simulate(errors=(0.0, 2.0))


def test_power_lengthens_the_holds():
    one = canary.Plan(APP, stable="a", canary="b", steps=[10, 100], hold=50, guards=[canary.error_ratio(1.0)])
    power = one.power(0.9, errors=(0.01, 0.05), runs=100, seed=7)
    assert power.p_rollback >= 0.9
    assert power.plan.to_dict()["steps"][0]["hold"]["requests"] > 100


def test_a_plot_draws_on_the_axes_given():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    result = plan().simulate(runs=20)
    assert result.plot(axes) is axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["promote", "rollback", "inconclusive"]
    plt.close(figure)


def test_a_good_canary_is_promoted(tmp_path):
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        run = plan().run(lab, client=client(lab), inputs=inputs(), tick=0.05)
        events = list(run)
        assert run.verdict.promoted, str(run.verdict)
        assert events[-1].verdict == run.verdict
        written = [event.weight for event in events if event.kind == "written"]
        assert list(dict.fromkeys(written)) == [5, 30, 100]
        assert weights(lab) == {"stable": 0, "canary": 100}
        assert {reading.guardrail for reading in run.readings} == {"observedSplit", "errorRatio", "agreement"}
        assert "promote" in run._repr_html_()
        run.report(tmp_path / "report.html")
        page = (tmp_path / "report.html").read_text()
        assert "promote" in page
        assert not re.search(r"https?://(?!www\.w3\.org)", page)
        assert not run.pause()


def test_a_bad_canary_is_rolled_back_with_the_evidence_named(tmp_path):
    with start(canary.ScriptedModel("cat", 0.8, disagree=0.4, other="dog", seed=3)) as lab:
        run = plan().run(lab, client=client(lab), inputs=inputs(), tick=0.05)
        for _ in run:
            pass
        verdict = run.verdict
        assert verdict.rolled_back, str(verdict)
        assert verdict.guardrail == "agreement"
        reading = verdict.evidence[0]
        assert reading.alarm
        assert reading.e >= 1 / reading.alpha
        assert reading.estimate < 0.9
        assert weights(lab) == {"stable": 100, "canary": 0}
        assert {pair.canary[0] for pair in run.disagreements} == {"dog"}
        canary.report(tmp_path / "both.html", {"<first>": run, "second": run})
        page = (tmp_path / "both.html").read_text()
        assert "&lt;first&gt;" in page
        assert "<first>" not in page


def test_failures_of_the_canary_roll_it_back():
    with start(canary.ScriptedModel("cat", 0.8, errors=0.5, seed=5)) as lab:
        one = plan(steps=[30, 100], hold=2000, guards=[canary.error_ratio(1.0)])
        run = one.run(lab, client=client(lab), inputs=inputs(), tick=0.05)
        for _ in run:
            pass
        assert run.verdict.guardrail == "errorRatio", str(run.verdict)


def test_a_repeated_input_is_one_observation():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        one = plan(hold={"pairs": 20}, patience=5)
        run = one.run(lab, client=client(lab), inputs=[("same", b"same")] * 40, tick=0.05)
        for _ in run:
            pass
        assert run.verdict.name == "inconclusive", str(run.verdict)


async def test_a_run_is_an_async_iterator():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        run = plan().run(lab, client=client(lab), inputs=inputs(), tick=0.05)
        kinds = [event.kind async for event in run]
        assert kinds[0] == "started"
        assert kinds[-1] == "finished"
        assert run.verdict.promoted


def test_pause_resume_and_abort():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        run = plan(hold={"pairs": 5000}).run(lab, client=client(lab), inputs=inputs(), tick=0.02)
        seen = []
        for event in run:
            seen.append(event.kind)
            if event.kind == "seen" and "paused" not in seen:
                assert run.pause()
            if event.kind == "paused":
                assert run.resume()
            if event.kind == "resumed":
                assert run.abort("enough seen")
        assert "enough seen" in str(run.verdict)
        assert weights(lab) == {"stable": 100, "canary": 0}


def sure(pair):
    return pair.canary[1]


def test_a_function_can_be_a_guardrail():
    guard = canary.custom("sure", sure, 0.6)
    one = plan(guards=[guard])
    assert pickle.loads(pickle.dumps(one)) == one
    with start(canary.ScriptedModel("cat", 0.2)) as lab:
        run = one.run(lab, client=client(lab), inputs=inputs(), tick=0.05)
        for _ in run:
            pass
        assert run.verdict.guardrail == "sure", str(run.verdict)


def test_what_the_callers_code_raises_is_raised():
    def broken(_pair):
        raise RuntimeError("my score")

    def failing():
        yield ("one", b"one")
        raise OSError("my disk")

    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        one = plan(guards=[canary.custom("broken", broken, 0.5)])
        with pytest.raises(RuntimeError, match="my score"):
            list(one.run(lab, client=client(lab), inputs=inputs()))
    with start(canary.ScriptedModel("cat", 0.8)) as lab, pytest.raises(OSError, match="my disk"):
        list(plan().run(lab, client=client(lab), inputs=failing()))


def test_a_run_without_what_it_needs_is_refused():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        with pytest.raises(canary.InvalidError, match="give the plan a header"):
            plan(header=None)
        with pytest.raises(ValueError, match="inputs is empty"):
            plan().run(lab, client=client(lab), inputs=[])
        with pytest.raises(canary.PlanError, match="label"):
            plan(guards=[canary.accuracy()]).run(lab, client=client(lab), inputs=inputs())


@pytest.mark.parametrize("moment", ["waiting", "between two events"])
def test_ctrl_c_leaves_the_mesh_as_last_written(moment):
    body = "os.kill(os.getpid(), signal.SIGINT)" if moment == "between two events" else "pass"
    script = textwrap.dedent(
        f"""
        import os, signal, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import canary
        from test_plan import client, inputs, plan, start, weights
        from test_run import lab_lease, stored
        lab = start(canary.ScriptedModel("cat", 0.8))
        run = plan(hold={{"pairs": 10_000}}).run(lab, client=client(lab), inputs=inputs(10**9), tick=0.05)
        try:
            for event in run:
                print(event.kind, event.weight, flush=True)
                if event.kind == "seen" and event.weight == 5:
                    {body}
        except KeyboardInterrupt:
            print("stopped", weights(lab)["canary"], run.verdict, flush=True)
            end = time.monotonic() + 5
            while lab_lease(lab)["spec"]["holderIdentity"] and time.monotonic() < end:
                time.sleep(0.001)
            print("written", stored(lab)["written"], repr(lab_lease(lab)["spec"]["holderIdentity"]), flush=True)
            print("again", next(run), flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        rest = ""
        for line in process.stdout:
            if line.startswith("seen 5") and moment == "waiting":
                process.send_signal(signal.SIGINT)
                break
            rest += line
        rest += process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert "stopped 5 None" in rest
    assert "again resumed at step 0" in rest, rest
    written = next(line for line in rest.splitlines() if line.startswith("written {"))
    assert "5" in written, "what is stored is what the mesh says"
    assert written.endswith("''"), "the lock is given back"


def test_leaving_a_loop_stores_the_run():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        run = plan(hold={"pairs": 10_000}).run(lab, client=client(lab), inputs=inputs(10**9), tick=0.02)
        for event in run:
            if event.kind == "seen" and event.pairs > 10:
                break
        assert str(next(run)) == "resumed at step 0"
        seen = next(event for event in run if event.kind == "seen")
        assert seen.pairs > 10
        run.abort("enough")
        assert run.wait().rolled_back


def test_a_run_over_mirrored_traffic_goes_on_after_a_pause():
    shadow = {
        "header": None,
        "steps": [{"weight": 0, "mirror": 100, "hold": {"pairs": 300}}, 30, 100],
        "hold": 200,
        "guards": [canary.agreement(0.9)],
    }
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        run = plan(**shadow).run(lab, tick=0.02)
        pairs = [next(event for event in run if event.kind == "seen" and event.pairs > 20).pairs]
        again = iter(run)
        assert str(next(again)) == "resumed at step 0"
        pairs += [event.pairs for event in again if event.kind == "seen" and event.step == 0]
        assert pairs == sorted(pairs), "none is lost or counted twice"
        assert run.verdict.promoted, str(run.verdict)


def test_a_step_takes_a_hold_as_the_plan_does():
    given = [{"weight": 5, "hold": {"time": 30, "total_requests": 1000}}, 100]
    as_in_yaml = [{"weight": 5, "hold": {"time": "30s", "totalRequests": 1000}}, 100]
    assert plan(steps=given) == plan(steps=as_in_yaml)
    assert given[0]["hold"] == {"time": 30, "total_requests": 1000}, "the caller's dictionary stays"


def test_a_weight_may_have_three_decimals():
    careful = plan(steps=[0.1, 1, {"weight": 2.5, "mirror": 0.5, "hold": 100}, 100])
    assert repr(careful.weights) == "[0.1, 1, 2.5, 100]"
    assert [step["weight"] for step in careful.steps] == careful.weights
    assert careful.steps[2]["mirror"] == 0.5
    assert "steps=[0.1, 1, 2.5, 100]" in repr(careful)
    assert type(careful)(virtual_service="s", stable="a", canary="b", steps=[1.0, 100]).weights == [1, 100]
    read = type(careful).from_yaml(careful.to_yaml())
    assert read == careful
    assert read.digest == careful.digest
    assert ">0.1 %</text>" in careful._repr_html_()
    wrong = r"steps\[0\] is {}; give a weight in percent, from 0 to 100 with at most three decimals"
    for weight in (0.0005, -0.1, -1, float("nan")):
        with pytest.raises(ValueError, match=wrong.format(re.escape(str(weight)))):
            plan(steps=[weight, 100])
