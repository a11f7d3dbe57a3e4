"""Labels that come later than the predictions: judged in the order of sending, within the time that the plan states."""

import itertools
import threading
import time

import pytest
from releases import HEADER, good, mesh, photos, plan

import canary


def labelled(**changes):
    """A plan of pairs whose labels come within so many seconds."""
    arguments = {"header": HEADER, "hold": {"pairs": 40}, "guards": [canary.accuracy()]}
    return plan(**(arguments | {"labels_within": 5, "patience": 60} | changes))


def test_a_canary_that_is_wrong_is_rolled_back_by_labels_that_come_later():
    names = []

    def inputs():
        for name, photo in photos():
            names.append(name)
            yield name, photo

    with mesh(canary.ScriptedModel("dog", 0.9)) as lab:
        run = labelled().run(lab, inputs=inputs(), tick=0.05, concurrency=1)
        labels, waiting = 0, 0
        for event in run:
            if event.kind == "seen":
                waiting = max(waiting, event.awaiting_labels)
                # A few are read ahead of the requests.
                for name in names[labels : len(names) - 8]:
                    run.label(name, "cat")
                labels = max(labels, len(names) - 8)
        assert run.verdict.guardrail == "accuracy", run.verdict
        assert waiting > 0


def test_labels_of_an_iterable_decide():
    names = []

    def inputs():
        for name, photo in photos():
            names.append(name)
            yield name, photo

    def labels():
        for number in itertools.count():
            # A few are read ahead of the requests.
            while number >= len(names) - 8:
                time.sleep(0.01)
            yield names[number], "cat"

    with mesh(good()) as lab:
        run = labelled().run(lab, inputs=inputs(), labels=labels(), tick=0.05, concurrency=1)
        assert run.wait().promoted, run.verdict


def test_without_labels_nothing_is_promoted_and_the_sentence_says_what_waited():
    with mesh(good()) as lab:
        run = labelled(labels_within=1, patience=4).run(lab, inputs=photos(10**9), tick=0.05)
        verdict = run.wait()
        assert (verdict.name, verdict.cause) == ("inconclusive", "notEnoughData")
        assert "0 of 20 pairs for accuracy" in str(verdict)
        assert "without a label in time" in str(verdict)


def test_a_late_label_is_counted_and_a_wrong_one_refused():
    with mesh(good()) as lab:
        run = labelled().run(lab, inputs=photos(), tick=0.05)
        run.label("nobody", "cat")
        for event in run:
            if event.kind == "seen" and event.to_dict()["totals"].get("unmatchedLabels"):
                break
        run.abort("enough")
        run.wait()
    with mesh(good()) as lab, pytest.raises(TypeError, match=r"label 0 is 3; give \(id, truth\), both texts"):
        labelled().run(lab, inputs=photos(), labels=[3], tick=0.05).wait()
    with mesh(good()) as lab, pytest.raises(canary.PlanError, match="the plan states no time for them"):
        plan(header=HEADER, guards=[canary.pair_errors()]).run(lab, inputs=photos(), labels=[])


def test_what_waits_survives_a_suspension():
    gate = threading.Event()

    def inputs():
        yield from photos(30)
        gate.wait()

    with mesh(good()) as lab:
        one = labelled(labels_within=600, patience=900)
        run = one.run(lab, inputs=inputs(), tick=0.05)
        for event in run:
            if event.kind == "seen" and event.awaiting_labels == 30:
                run.suspend()
        gate.set()
        again = one.run(lab, inputs=photos(), tick=0.05)
        first = next(event for event in again if event.kind == "seen")
        assert first.awaiting_labels >= 30
        again.abort("enough")
        again.wait()


def test_a_plan_says_what_uses_labels():
    with pytest.raises(canary.InvalidError, match="no guardrail uses the labels"):
        plan(labels_within=10)
    with pytest.raises(canary.InvalidError, match=r"labels\.within is zero"):
        labelled(labels_within=0)
    (finding,) = labelled(labels_within=3600).validate()
    assert (finding.code, finding.severity) == ("C127", "warning")
