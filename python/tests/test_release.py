"""A person's hand on a release that another thread runs, as another process would."""

import asyncio
import contextlib
import threading

import pytest
from releases import APP, good, mesh, plan

import canary

ENDLESS = {"hold": 1_000_000, "patience": 600}
WAITS = {
    "steps": [{"weight": 50, "hold": {"requests": 40}}, {"weight": 100, "approve": True}],
}


class Driven:
    """A run in a thread of its own, with its events."""

    def __init__(self, run):
        self.run, self.events, self.changed = run, [], threading.Condition()
        self.thread = threading.Thread(target=self._follow)
        self.thread.start()

    def _follow(self):
        for event in self.run:
            with self.changed:
                self.events.append(event)
                self.changed.notify_all()

    def until(self, kind, **wanted):
        """The first event of that kind that has these properties."""

        def found():
            fits = (one for one in self.events if one.kind == kind)
            return next((one for one in fits if all(getattr(one, key) == of for key, of in wanted.items())), None)

        with self.changed:
            assert self.changed.wait_for(found, 60), [one.kind for one in self.events]
            return found()

    def verdict(self):
        """The verdict, once the run is over."""
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.run.verdict


@contextlib.contextmanager
def driven(**changes):
    """A release that continues in the background, and its handle."""
    with mesh(good()) as lab:
        other = Driven(plan(**changes).run(lab, tick=0.05))
        try:
            yield lab, other, lab.release(APP, by="alice", timeout=30)
        finally:
            other.run.suspend()
            other.thread.join(60)


def weights(lab):
    """The weights in force."""
    routes = lab.get("VirtualService", APP)["spec"]["http"][-1]["route"]
    return {one["destination"]["subset"]: one.get("weight", 0) for one in routes}


def test_a_release_is_paused_resumed_and_aborted():
    with driven(**ENDLESS) as (lab, other, release):
        assert repr(release) == f'Release("{APP}", namespace="default")'
        other.until("written", weight=50)
        paused = release.pause()
        assert (paused["command"], paused["by"], paused["outcome"]) == ("pause", "alice", "done")
        other.until("paused")
        with pytest.raises(canary.RefusedError, match="paused already"):
            release.pause()
        assert other.until("commanded", problem="it is paused already")
        assert asyncio.run(release.resume_async())["outcome"] == "done"
        release.abort("the labels are shifted")
        assert weights(lab) == {"v1": 100, "v2": 0}
        verdict = other.verdict()
        assert verdict.cause == "asked"
        assert "the labels are shifted (alice)" in str(verdict)
        assert [one["command"] for one in release.commands()] == ["pause", "pause", "resume", "abort"]
        with pytest.raises(canary.RefusedError, match="the release is over: rollback"):
            release.promote("after all")


@pytest.mark.parametrize("hand", ["release", "run"])
def test_a_step_waits_until_a_person_approves(hand):
    with driven(**WAITS) as (lab, other, release):
        event = other.until("awaitingApproval")
        assert event.step == 1
        assert "waits for approval" in str(event)
        assert weights(lab) == {"v1": 50, "v2": 50}
        if hand == "run":
            assert other.run.approve()
        else:
            release.approve()
        assert other.verdict().promoted
        assert weights(lab) == {"v1": 0, "v2": 100}


@pytest.mark.parametrize("hand", ["release", "run"])
def test_a_person_promotes_and_it_is_not_the_statistics(hand):
    with driven(**ENDLESS) as (lab, other, release):
        other.until("written", weight=50)
        while other.until("seen").canary == 0:
            other.events.clear()
        if hand == "run":
            assert other.run.promote("urgent")
        else:
            release.promote("urgent")
        verdict = other.verdict()
        by = {"release": "alice", "run": "a person"}[hand]
        assert (verdict.name, verdict.promoted, verdict.promoted_by) == ("promotedByPerson", False, by)
        assert "not by the evidence (urgent)" in str(verdict)
        assert verdict.exposure > 0
        assert weights(lab) == {"v1": 0, "v2": 100}
        assert f"promoted by {by}" in verdict._repr_html_()


def test_without_a_release_or_a_driver_nothing_is_carried_out():
    with mesh(good()) as lab:
        with pytest.raises(canary.RefusedError, match="no release is under way"):
            lab.release(APP).pause()
        with pytest.raises(canary.NotFoundError):
            lab.release("other").pause()
        run = plan(**ENDLESS).run(lab, tick=0.05)
        for event in run:
            if event.kind == "written":
                break
        run.suspend()
        with pytest.raises(canary.NotReadyError, match="no driver runs it"):
            lab.release(APP, timeout=5).pause()
        lab.release(APP, plan=plan(**ENDLESS)).abort("nothing watches it")
        assert weights(lab) == {"v1": 100, "v2": 0}
