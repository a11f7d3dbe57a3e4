"""Notebook views of plans, simulations, runs and verdicts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from canary._html import chance, page, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canary import Reading

COLOUR = {"promote": "var(--green)", "promotedByPerson": "var(--green)", "rollback": "var(--red)"}


def _hold(hold: Mapping[str, Any]) -> str:
    words = {"requests": "requests of the canary", "totalRequests": "requests", "pairs": "pairs", "time": ""}
    return " and ".join(f"{escape(str(hold[key]))} {words[key]}" for key in words if key in hold)


def timeline(steps: Sequence[Mapping[str, Any]], now: float | None = None) -> str:
    """Draw the weights as a staircase, every step as wide as the others; the one at weight `now` stands out."""
    width, height = 96, 80
    parts = []
    for index, step in enumerate(steps):
        weight = min(max(step.get("weight", 0), 0), 100)
        top = height - weight * (height - 18) / 100
        opacity = 0.9 if weight == now else 0.55 if now is None else 0.3
        left = index * width
        parts.append(
            f'<rect x="{left}" y="{top:.1f}" width="{width - 2}" height="{height - top:.1f}" '
            f'rx="2" fill="var(--orange)" fill-opacity="{opacity}"/>'
            f'<text x="{left + 4}" y="{top - 4:.1f}" font-size="12" fill="currentColor">'
            f"{weight} %</text>"
        )
    total = max(len(steps), 1) * width
    return (
        f'<svg role="img" aria-label="weights of the steps" width="{total}" height="{height}" '
        f'viewBox="0 0 {total} {height}">{"".join(parts)}</svg>'
    )


def _bound(test: str, check: Mapping[str, Any]) -> str:
    bounds = ", ".join(f"{key} {value}" for key, value in check.items())
    return escape(f"{test}: {bounds}" if bounds else test)


def render_plan(plan: Mapping[str, Any], needs: Sequence[tuple[float, int]]) -> str:
    """Show the steps as a timeline, the guardrails with their parts of α and the observations that they need."""
    target = escape(str(plan["target"]["virtualService"]))
    stable, canary = escape(plan["stable"]), escape(plan["canary"])
    steps = plan["steps"]
    rows = [
        (str(index), f"{step['weight']} %", _hold(step.get("hold", {})) or "no hold")
        for index, step in enumerate(steps)
    ]
    guards = []
    for guard, (alpha, minimum) in zip(plan.get("guardrails", []), needs, strict=True):
        test = next(key for key in guard if key not in {"name", "share", "minimum", "action"})
        name = str(guard.get("name", test))
        bound = _bound(test, guard[test]) + (f"; {escape(guard['action'])}" if "action" in guard else "")
        guards.append((f"<code>{escape(name)}</code>", bound, f"{alpha:.3g}", f"{minimum:,}"))
    facts = [f"α = {plan['alpha']:g}"]
    facts += ["A/A"] if plan.get("aa") else []
    facts += [f"users within {plan['users']['within']}"] if "users" in plan else []
    facts += [f"sticky by the cookie {plan['sticky']['cookie']}"] if "sticky" in plan else []
    facts += [f"{plan['sequential']['looks']} planned looks"] if "sequential" in plan else []
    facts += [f"labels within {plan['labels']['within']}"] if "labels" in plan else []
    return page(
        f"<h4>Plan for <code>{target}</code> "
        f'<span class="dim">{stable} → {canary}, {escape(", ".join(facts))}</span></h4>'
        + timeline(steps)
        + table(("step", "weight", "held for"), rows)
        + table(("guardrail", "test", "α", "at least"), guards)
    )


def render_simulation(simulation: Mapping[str, Any]) -> str:
    """Show how the runs ended, and what they cost."""
    rows = []
    for index, name in enumerate(("promote", "rollback", "inconclusive")):
        found = simulation[name]
        rows.append((name, chance(found["p"], found["low"], found["high"], (2, 1, 3)[index])))
    costs = [
        (
            what,
            f"{simulation[key]['median']:,.0f}",
            f"{simulation[key]['p05']:,.0f} to {simulation[key]['p95']:,.0f}",
        )
        for what, key in (
            ("requests to the verdict", "requests"),
            ("seconds to the verdict", "seconds"),
            ("requests served by the canary", "exposure"),
            ("requests to a rollback", "requestsToRollback"),
        )
        if simulation[key]["runs"]
    ]
    return page(
        f"<h4>{simulation['runs']:,} simulated runs</h4>"
        + table(("verdict", "probability, 95 % interval"), rows)
        + table(("", "median", "5 % to 95 %"), costs)
    )


def render_verdict(name: str, sentence: str, readings: Sequence[Reading]) -> str:
    """Show the verdict in words, and each reading under it."""
    colour = COLOUR.get(name, "var(--gold)")
    rows = [
        (
            f"<code>{escape(reading.guardrail)}</code>",
            "–" if reading.estimate is None else f"{reading.estimate:.3f}",
            f"{reading.low:.3f} to {reading.high:.3f}",
            f"{reading.e:.3g} of {1 / reading.alpha:.0f}",
        )
        for reading in readings
    ]
    body = f'<div style="border-left:4px solid {colour};padding-left:.6em;margin-bottom:.5em">{escape(sentence)}</div>'
    if rows:
        body += table(("guardrail", "estimate", "confidence sequence", "evidence"), rows)
    return page(body)
