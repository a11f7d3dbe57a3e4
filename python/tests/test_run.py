"""Runs with their evidence made for them, paused from outside, and shown while they run."""

import asyncio
import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from test_plan import APP, GATEWAY, inputs, plan, start, weights

import canary
from canary import _live

SHORT = {"hold": {"pairs": 80}}
LONG = {"hold": {"pairs": 10_000}}


def stored(lab):
    """The state in the annotation of the VirtualService."""
    annotations = lab.get("VirtualService", APP)["metadata"].get("annotations", {})
    states = [json.loads(text) for text in annotations.values() if text.startswith("{")]
    return states[0] if states else None


def good(**script):
    return canary.ScriptedModel("cat", 0.8, **script)


# Evidence that a run makes by itself.


def test_a_run_gives_up_its_routes_at_its_end():
    """Anybody may apply others then, without force."""
    with start(good()) as lab:
        assert plan().run(lab, tick=0.05).wait().promoted
        assert weights(lab) == {"stable": 0, "canary": 100}
        back = canary.VirtualService.weighted(
            APP, {"stable": 100, "canary": 0}, hosts=["*"], gateways=[GATEWAY], port=8501
        )
        lab.apply(back)
        assert weights(lab) == {"stable": 100, "canary": 0}


def test_a_plan_runs_on_a_lab_without_client_and_inputs():
    with start(good()) as lab:
        run = plan().run(lab, tick=0.05)
        assert run.wait().promoted, str(run.verdict)
        assert weights(lab) == {"stable": 0, "canary": 100}
    with start(good(disagree=0.4, other="dog", seed=3)) as lab:
        run = plan().run(lab, tick=0.05)
        assert run.wait().guardrail == "agreement", str(run.verdict)
        assert all(pair.input.startswith("random bytes") for pair in run.disagreements)


def test_a_view_has_the_bound_that_each_test_compares_with():
    guards = [canary.error_ratio(1.5), canary.agreement(0.9), canary.numeric_drift(0.1), canary.pair_errors()]
    with start(good()) as lab:
        run = plan(guards=guards, steps=[30, 100], hold={"pairs": 10_000}).run(lab, tick=0.05)
        for event in run:
            if event.kind == "seen" and event.weight == 30 and event.readings:
                break
        bounds = {reading["test"]: reading["bound"] for reading in run._view()["readings"]}
    assert bounds == {
        "observedSplit": 0.3,
        "errorRatio": 1.5,
        "agreement": 0.9,
        "numericDrift": -0.1,
        "pairErrors": 0.0,
    }


def test_requests_alone_need_no_header_and_no_pairs():
    one = plan(header=None, guards=[canary.error_ratio(1.0)], steps=[30, 100], hold=150)
    with start(good()) as lab:
        run = one.run(lab, tick=0.05)
        assert run.wait().promoted, str(run.verdict)
        assert run.disagreements == []
    # Fewer than half fail: more would be an outage, which needs no guardrail.
    with start(good(errors=0.3, seed=5)) as lab:
        bad = plan(header=None, guards=[canary.error_ratio(1.0)], steps=[30, 100], hold=50_000, bursts="none")
        run = bad.run(lab)
        assert run.wait().guardrail == "errorRatio", str(run.verdict)


def test_a_shadow_gives_pairs_without_a_header():
    shadow = {
        "header": None,
        "steps": [{"weight": 0, "mirror": 100, "hold": {"pairs": 200}}, 30, 100],
        "hold": 200,
        "guards": [canary.agreement(0.9)],
    }
    with start(good()) as lab:
        run = plan(**shadow).run(lab, tick=0.05)
        assert run.wait().promoted, str(run.verdict)
    with start(good(disagree=0.5, other="dog", seed=3)) as lab:
        run = plan(**shadow).run(lab, tick=0.05)
        assert run.wait().guardrail == "agreement", str(run.verdict)
        assert weights(lab)["stable"] == 100


def test_what_the_guardrails_need_and_nobody_gave_is_named():
    with start(good()) as lab:
        with pytest.raises(canary.PlanError, match=r"accuracy.*label"):
            plan(guards=[canary.accuracy()]).run(lab)
        with pytest.raises(canary.NotFoundError, match="version nowhere"):
            plan(stable="nowhere").run(lab)


def test_real_models_want_images():
    with canary.Lab.seed() as lab:
        lab.apply(
            canary.VirtualService.weighted(
                APP,
                {"efficientnet-lite0": 100, "efficientnet-lite1": 0},
                hosts=["*"],
                gateways=["image-classifier-gateway"],
                port=8501,
                stamp_subset="x-canary-subset",
            )
        )
        real = {"stable": "efficientnet-lite0", "canary": "efficientnet-lite1"}
        with pytest.raises(canary.PlanError, match=r"distinct images.*inputs="):
            plan(**real).run(lab)
        requests = plan(**real, guards=[canary.error_ratio(1.0)], steps=[50, 100], hold={"total_requests": 24})
        assert requests.run(lab, tick=0.1).wait().promoted


async def test_during_a_run_its_routes_are_taken_over_by_force_alone():
    """A notebook that is run again begins with its own routes after the end of the run."""
    routes = canary.VirtualService.weighted(
        APP, {"stable": 100, "canary": 0}, hosts=["*"], gateways=["gateway"], port=8501, stamp_subset="x-canary-subset"
    )
    with start(good()) as lab:
        run = plan(**LONG).run(lab, inputs=inputs(10**9), tick=0.02)
        refused = False
        for event in run:
            if event.kind == "seen" and not refused and weights(lab)["canary"] == 5:
                with pytest.raises(canary.ConflictError, match=r"canary owns it.*`force`") as raised:
                    lab.apply(routes)
                assert "force" not in raised.value.diff
                with pytest.raises(canary.ConflictError):
                    await lab.apply_async(routes)
                refused = True
                lab.apply(routes, force=True)
        assert refused
        assert run.verdict.name == "externalEdit"
        assert plan(**SHORT).run(lab, inputs=inputs(), tick=0.05, anew=True).wait().promoted
        await lab.apply_async(routes)
        assert weights(lab) == {"stable": 100, "canary": 0}


def test_an_edit_by_force_ends_a_run_on_a_lab():
    with start(good()) as lab:
        run = plan(**LONG).run(lab, inputs=inputs(10**9), tick=0.02)
        for event in run:
            if event.kind == "seen" and weights(lab)["canary"] == 5:
                routes = lab.get("VirtualService", APP)["spec"]["http"]
                routes[-1]["route"][0]["weight"], routes[-1]["route"][1]["weight"] = 60, 40
                edited = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": APP}}
                spec = lab.get("VirtualService", APP)["spec"] | {"http": routes}
                lab.apply(edited | {"spec": spec}, force=True)
        assert run.verdict.name == "externalEdit"


# Pauses from outside.


def test_a_suspended_run_goes_on_when_it_is_iterated_again():
    with start(good()) as lab:
        run = plan(**LONG).run(lab, inputs=inputs(), tick=0.02)
        kinds = []
        for event in run:
            kinds.append(event.kind)
            if event.kind == "seen" and event.pairs > 10 and "suspended" not in kinds:
                run.suspend()
        assert kinds[-1] == "suspended"
        assert run.verdict is None
        state = stored(lab)
        assert state["totals"]["pairs"] > 10
        again = next(run)
        assert (again.kind, str(again)) == ("started", "resumed at step 0")
        seen = next(event for event in run if event.kind == "seen")
        assert seen.to_dict()["totals"]["pairs"] >= state["totals"]["pairs"]
        assert seen.to_dict()["totals"]["repeated"] == 0
        # Another run of the same plan takes over from the one that nobody iterates.
        other = plan(**LONG).run(lab, tick=0.02)
        assert str(next(other)) == "resumed at step 0"


async def test_a_cancelled_task_pauses_the_run():
    with start(good()) as lab:
        run = plan(**LONG).run(lab, inputs=inputs(), tick=0.02)

        async def watch():
            async for event in run:
                if event.kind == "seen" and event.pairs > 10:
                    watched.set()

        watched = asyncio.Event()
        task = asyncio.create_task(watch())
        await asyncio.wait_for(watched.wait(), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        end = time.monotonic() + 5
        while not (lease := lab_lease(lab)) or lease["spec"]["holderIdentity"]:
            assert time.monotonic() < end, "the lock is given back"
            await asyncio.sleep(0.01)
        assert weights(lab)["canary"] == 5
        assert stored(lab)["totals"]["pairs"] > 10
        again = await anext(aiter(run))
        assert str(again) == "resumed at step 0"
        run.abort("enough")
        kinds = [event.kind async for event in run]
        assert kinds[-1] == "finished"
        assert run.verdict.rolled_back


def lab_lease(lab):
    try:
        return lab.get("Lease", f"canary-rollout-{APP}")
    except canary.NotFoundError:
        return None


def test_ctrl_c_is_answered_at_once_and_another_process_may_go_on():
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import canary
        from test_run import LONG, good, inputs, lab_lease, plan, start, stored
        lab = start(good())
        run = plan(**LONG).run(lab, inputs=inputs(10**9), tick=0.02)
        for turn in range(5):
            try:
                next(event for event in run if event.kind == "seen" and event.pairs > 10)
                print("seen", flush=True)
                for event in run:
                    pass
            except KeyboardInterrupt:
                print("stopped", time.monotonic(), flush=True)
            end = time.monotonic() + 2
            while lab_lease(lab)["spec"]["holderIdentity"] and time.monotonic() < end:
                time.sleep(0.001)
            print("stored", stored(lab)["totals"]["pairs"], repr(lab_lease(lab)["spec"]["holderIdentity"]), flush=True)
        """
    )
    took, pressed, pairs = [], None, []
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("seen") and pressed is None:
                # It waits for an event by then.
                time.sleep(0.05)
                pressed = time.monotonic()
                process.send_signal(signal.SIGINT)
            elif line.startswith("stopped"):
                took.append(float(line.split()[1]) - pressed)
            elif line.startswith("stored"):
                pressed = None
                pairs.append(int(line.split()[1]))
                assert line.split()[2] == "''", "the lock is given back"
    assert process.returncode == 0
    assert len(took) == 5
    # The machine may be busy; the driver itself needs no longer than this.
    assert min(took) < 0.05, took
    assert pairs == sorted(pairs)
    assert pairs[0] > 0


# Views.


class Display:
    """A substitute for IPython's display: keeps the displays and their updates."""

    def __init__(self):
        self.shown = []

    def __call__(self, value, *, display_id):
        assert display_id is True
        self.shown.append([value._repr_html_()])
        return Handle(self.shown[-1])


class Handle:
    def __init__(self, updates):
        self._updates = updates

    def update(self, value):
        self._updates.append(value._repr_html_())


def test_a_display_is_updated_in_place(monkeypatch):
    display = Display()
    monkeypatch.setattr(_live, "notebook_display", lambda: display)
    monkeypatch.setattr(_live, "_PAUSE", 0.0)
    with start(good(disagree=0.4, other="dog", seed=3)) as lab:
        run = plan().run(lab, tick=0.01, progress=True)
        verdict = run.wait()
    assert len(display.shown) == 1, "one display"
    updates = display.shown[0]
    assert len(updates) > 4
    assert "before the first weight" in updates[0]
    assert any("at 5 %" in page for page in updates)
    last = updates[-1]
    assert "rolled back: agreement" in last
    assert str(verdict)[:40] in last
    for part in ("<svg", "observedSplit", "E over time", "confidence sequence", "alarm"):
        assert part in last
    assert "<script" not in last
    assert "http" not in last


def test_hostile_names_stay_text_in_a_view():
    hostile = "<img src=x onerror=alert(1)>"
    reading = {
        "guardrail": hostile,
        "test": "custom",
        "quantity": hostile,
        "e": 1.0,
        "alpha": 0.05,
        "alarm": False,
        "estimate": None,
        "low": 0.0,
        "high": None,
        "bound": None,
        "trace": [],
    }
    view = {
        "title": hostile,
        "plan": {"stable": hostile, "canary": hostile, "steps": [{"weight": 5}], "guardrails": []},
        "seconds": 1.0,
        "weight": 5,
        "requests": 0,
        "served": 0,
        "pairs": 0,
        "facts": [],
        "readings": [reading],
        "verdict": None,
        "disagreements": 0,
        "cards": "",
    }
    page = _live.render(view)
    assert "<img" not in page
    assert "&lt;img" in page
    verdict = {"name": hostile, "sentence": hostile}
    assert "<img" not in _live.render(view | {"verdict": verdict})


def test_a_terminal_gets_a_line_and_a_callable_each_event(capsys):
    with start(good()) as lab:
        plan(hold={"pairs": 200}).run(lab, tick=0.01, progress=True).wait()
    message = capsys.readouterr().err
    assert "\rimage-classifier: canary at 5 %: " in message
    assert "agreement evidence " in message
    assert message.rstrip().splitlines()[-1].lstrip("\r").startswith("promoted: ")
    events = []
    with start(good()) as lab:
        run = plan().run(lab, tick=0.05, progress=events.append)
        kinds = [event.kind for event in run]
    assert [event.kind for event in events] == kinds


def test_a_callback_that_raises_ends_the_iteration():
    def broken(_event):
        raise RuntimeError("my view")

    with start(good()) as lab, pytest.raises(RuntimeError, match="my view"):
        plan().run(lab, progress=broken).wait()


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_shows_a_run_in_one_display_that_is_updated():
    here = str(Path(__file__).parent)
    setup = f"import sys; sys.path.insert(0, {here!r})\nfrom test_run import *\nlab = start(good())"
    cells = [
        setup,
        "run = plan().run(lab, tick=0.02)\nrun",
        "run.wait().name",
        (
            "async_run = plan(alpha=0.04).run(start(good()), tick=0.02, progress=True)\n"
            "[event.kind async for event in async_run][-1]"
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = notebook.cells[1].outputs
    assert [output.output_type for output in shown] == ["display_data"]
    # The iteration of another cell has updated this one.
    assert "promote" in shown[0].data["text/html"]
    assert "promote" in shown[0].data["text/plain"]
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'promote'"
    watched = notebook.cells[3].outputs
    assert [output.output_type for output in watched] == ["display_data", "execute_result"]
    assert "promote" in watched[0].data["text/html"]
