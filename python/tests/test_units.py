"""Means of requests, users as observations, quantiles of latencies, limits with a ratio, planned looks."""

import itertools
import time

import numpy as np
import pytest
from releases import good, mesh, plan, weights

import canary

START = 1_700_000_000.0


def observed(count=4_000, *, share=0.5, seed=5, of_user=1, **parts):
    """Observations at a hundred a second: each part is a function of (whether it is the canary's, draws)."""
    draws = np.random.default_rng(seed)
    for n in range(count):
        user = np.random.default_rng(seed + 1 + n // of_user)
        is_canary = (user if of_user > 1 else draws).random() < share
        values = {name: of(is_canary, draws) for name, of in parts.items()}
        arm = "v2" if is_canary else "v1"
        yield canary.Observation(arm, START + n / 100, user=str(n // of_user) if of_user > 1 else None, **values)


def offline(**changes):
    """A plan whose first step is judged by observations of some minutes."""
    arguments = {"steps": [50, 100], "hold": {"total_requests": 2_000}, "patience": 3_600}
    return plan(**(arguments | changes))


def revenue(canary_buys):
    def of(is_canary, draws):
        return 60.0 if draws.random() < (canary_buys if is_canary else 0.4) else 0.0

    return of


@pytest.mark.parametrize(("buys", "verdict"), [(0.2, "rollback"), (0.4, "promote")])
def test_a_lower_mean_of_unpaired_requests_rolls_back(buys, verdict):
    one = offline(guards=[canary.mean(range=(0, 100), margin=2, name="revenue")])
    found = one.replay(observed(value=revenue(buys)), weights=50)
    assert found.name == verdict, str(found)
    if verdict == "rollback":
        assert found.guardrail == "revenue"


def test_a_function_gives_the_number_and_none_where_it_does_not_apply():
    def tokens(seen):
        assert isinstance(seen, canary.Observation)
        return None if seen.latency is None else seen.latency * 1_000

    one = plan(guards=[canary.mean(range=(0, 5_000), of=tokens, lower_is_better=True, name="tokens")], steps=[50, 100])
    seen = observed(20_000, latency=lambda is_canary, draws: draws.uniform(0.1, 3.0 if is_canary else 1.0))

    with mesh(good()) as lab:
        run = one.run(lab, evidence=retimed(lab, seen), tick=0.05)
        verdict = run.wait()
        assert (verdict.name, verdict.guardrail) == ("rollback", "tokens"), str(verdict)
        assert weights(lab) == {"v1": 100, "v2": 0}


def retimed(lab, observations):
    """The observations as if they were made now, while both versions serve."""
    for one in observations:
        try:
            while weights(lab)["v2"] in {0, 100}:
                time.sleep(0.02)
        except RuntimeError:  # the lab is closed
            return
        yield canary.Observation(one.arm, time.time(), ok=one.ok, latency=one.latency, value=one.value)


def test_a_replay_asks_the_function_too_and_raises_what_it_raises():
    seen = list(observed(8_000, latency=lambda is_canary, draws: draws.uniform(0.1, 3.0 if is_canary else 1.0)))
    of = {"range": (0, 5), "lower_is_better": True, "name": "seconds"}
    found = offline(guards=[canary.mean(of=lambda one: one.latency, **of)]).replay(seen, weights=50)
    assert (found.name, found.guardrail) == ("rollback", "seconds"), str(found)
    with pytest.raises(ZeroDivisionError):
        offline(guards=[canary.mean(of=lambda _: 1 / 0, **of)]).replay(seen, weights=50)


def test_a_value_outside_the_range_is_a_mistake_and_ten_end_the_run():
    one = offline(guards=[canary.mean(range=(0, 50), name="revenue")])
    found = one.replay(observed(value=revenue(0.4)), weights=50)
    assert found.cause == "invalidScores"
    assert "a score is a number from 0 to 50" in str(found)


def test_what_is_wrong_with_a_mean_is_said():
    with pytest.raises(TypeError, match="of is int; give a function of an Observation"):
        canary.mean(range=(0, 1), of=3)
    with pytest.raises(ValueError, match="two sources of the number"):
        canary.mean(range=(0, 1), of=lambda _: 1, labelled=True)
    with pytest.raises(canary.InvalidError, match="a range goes from a number to a larger one"):
        plan(guards=[canary.mean(range=(1, 0))])
    with pytest.raises(canary.InvalidError, match="within which labels come"):
        plan(guards=[canary.mean(range=(0, 1), labelled=True)])
    with mesh(good()) as lab, pytest.raises(canary.PlanError, match="needs requests with a value"):
        plan(guards=[canary.mean(range=(0, 1))]).run(lab, inputs=[b"photo"])


def unlucky(of_user):
    """One user in twenty whose requests fail half of the time."""

    def of(_is_canary, draws):
        of.n += 1
        bad = np.random.default_rng(7_000 + (of.n - 1) // of_user).random() < 0.05
        return draws.random() > (0.5 if bad else 0.001)

    of.n = 0
    return of


def test_a_user_is_one_observation():
    kept = {"of_user": 40, "ok": unlucky(40)}
    by_user = offline(
        guards=[canary.error_ratio(1.0)], users_within=1, request_timeout=0.1, hold={"total_requests": 5_000}
    )
    found = by_user.replay(observed(8_000, **kept), weights=50)
    assert found.promoted, str(found)
    judged = {reading.guardrail: dict(reading.counts) for reading in found.evidence}
    assert sum(judged["errorRatio"][f"{arm} requests"] for arm in ("canary", "stable")) < 8_000 / 40
    assert by_user.users_within == 1.0
    with pytest.raises(canary.PlanError, match="users needs requests with their user"), mesh(good()) as lab:
        by_user.run(lab, inputs=[b"photo"])
    with pytest.raises(canary.InvalidError, match="no guardrail counts users"):
        plan(users_within=60, guards=[])


def test_a_slower_quantile_rolls_back():
    one = offline(guards=[canary.quantile_ratio(1.1)], hold={"total_requests": 10_000})
    for slower, verdict in [(1.5, "rollback"), (1.0, "promote")]:

        def latency(is_canary, draws, slower=slower):
            return draws.lognormal(-2, 0.4) * (slower if is_canary else 1)

        found = one.replay(observed(14_000, latency=latency), weights=50)
        assert found.name == verdict, str(found)


def test_a_limit_with_a_ratio_takes_no_common_outage_for_the_canarys():
    limit, both = canary.error_rate(0.02, action="rollback"), canary.error_rate(0.02, and_worse=1.0)
    assert both.action == "rollback"
    outage = {"ok": lambda _is_canary, draws: draws.random() > 0.2}
    verdicts = [offline(guards=[one]).replay(observed(**outage), weights=50).name for one in (limit, both)]
    assert verdicts == ["rollback", "promote"]


def test_planned_looks_and_which_way_is_better():
    one = offline(
        guards=[canary.error_ratio(1.0)], hold={"total_requests": 20_000}, steps=[10, 100], sequential=20, bursts="none"
    )
    assert one.to_dict()["sequential"] == {"looks": 20, "spending": "obf"}
    power = one.power(0.5, errors=(0.01, 0.02), runs=40, seed=7)
    assert power.p_rollback >= 0.5
    assert 0 <= power.other_p_rollback <= power.p_rollback + 0.1
    assert power.other_is_better is False
    assert canary.Plan.from_yaml(one.to_yaml()) == one
    with pytest.raises(canary.InvalidError, match="no guard against bursts"):
        offline(sequential=20, bursts="auto")


def test_a_proof_may_be_asked_of_the_last_step():
    one = offline(guards=[canary.error_ratio(1.0, proven_below=3.0)], proven_on="last_step")
    assert one.to_dict()["provenOn"] == "lastStep"
    with pytest.raises(ValueError, match="proven_on"):
        offline(proven_on="never")


def test_purchases_come_later_and_count_by_the_order_of_sending():
    bought = canary.mean(range=(0, 1), labelled=True, unlabelled=0, name="bought", minimum=5)
    one = plan(guards=[bought], steps=[50, 100], labels_within=60, patience=60)
    ids = itertools.count()

    with mesh(good()) as lab:
        seen = (canary.Observation(of.arm, of.sent_at, id=f"r{next(ids)}") for of in retimed(lab, observed(100_000)))
        run = one.run(lab, evidence=seen, tick=0.05)
        for event in run:
            if event.kind == "seen" and event.awaiting_labels and event.awaiting_labels > 60:
                for n in range(500):
                    run.label(f"r{n}", str(n % 2))
        assert run.verdict.promoted, str(run.verdict)
        assert dict(run.verdict.evidence[-1].counts)["canary values"] >= 5


def test_a_plan_shows_what_it_counts_and_what_an_alarm_does():
    shown = offline(
        guards=[canary.error_ratio(1.0), canary.error_rate(0.02, action="warn", name="limit")], users_within=1800
    )._repr_html_()
    assert "errorRate: atMost 0.02; warn" in shown
    assert "users within 30m" in shown
