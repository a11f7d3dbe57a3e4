"""Pictures with matplotlib, which is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from canary import Answer, Comparison, Decision, ObservedShare, Plan, Power, Run, Simulation

_BLUE, _ORANGE, _GREEN, _GRAY = "#3b82c4", "#d9822b", "#4c9f70", "#8a8a8a"
_COLOURS = {"promote": _GREEN, "rollback": _ORANGE, "inconclusive": _GRAY}


def plot(value: Any, ax: Any = None) -> Any:
    """Draw a value on the axes given, or on new ones; gives the axes."""
    return _PLOTS[type(value).__name__](value, _axes(ax))


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        message = "plots need matplotlib: pip install matplotlib"
        raise ImportError(message) from error
    return plt.subplots(figsize=(6, 2.4), layout="constrained")[1]


def _bars(ax: Any, names: list[str], shares: list[float], colours: list[str], what: str) -> Any:
    """Draw one bar a name, the first on top."""
    places = range(len(names))
    ax.barh(places, shares, color=colours, height=0.6)
    for place, share in zip(places, shares, strict=True):
        ax.annotate(f"{share:.1%}", (share, place), xytext=(6, 0), textcoords="offset points", va="center")
    ax.set_yticks(places, [_literal(name) for name in names])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12)
    ax.set_xlabel(what)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _literal(text: str) -> str:
    """Keep matplotlib from reading dollars as mathematics; cut what is long."""
    short = text if len(text) <= 40 else text[:39] + "…"
    return short.replace("$", r"\$")


def _chances(ax: Any, rows: list[tuple[str, float, float, float]], colours: list[str], what: str) -> Any:
    """Draw a bar for each name, with its probability and 95 % interval, the first on top."""
    for place, ((_, value, low, high), colour) in enumerate(zip(rows, colours, strict=True)):
        ax.barh(place, value, color=colour, height=0.6)
        ax.errorbar(value, place, xerr=[[max(value - low, 0)], [max(high - value, 0)]], color="black", capsize=3)
        ax.annotate(f"{value:.1%}", (high, place), xytext=(6, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(rows)), [_literal(name) for name, *_ in rows])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12)
    ax.set_xlabel(what)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _simulation(result: Simulation, ax: Any) -> Any:
    """Draw the probability of each verdict."""
    rows = [(row["verdict"], row["probability"], row["low"], row["high"]) for row in result.records()]
    colours = [_COLOURS[name] for name, *_ in rows]
    return _chances(ax, rows, colours, f"probability of the verdict ({result.runs:,} runs)")


def _power(power: Power, ax: Any) -> Any:
    """Draw how long each step is held, in requests or in pairs, under what these holds catch."""
    holds = [step.get("hold", {}) for step in power.plan.to_dict()["steps"]]
    units = {"requests": "requests of the canary", "totalRequests": "requests", "pairs": "pairs"}
    unit = next((unit for unit in units if any(unit in hold for hold in holds)), None)
    if unit is None:
        _plan(power.plan, ax)
    else:
        held = [hold.get(unit, 0) for hold in holds]
        places = range(len(held))
        ax.bar(places, held, width=0.7, color=_ORANGE)
        for place, count in zip(places, held, strict=True):
            ax.annotate(f"{count:,}", (place, count), xytext=(0, 3), textcoords="offset points", ha="center")
        ax.set_xticks(places, [f"{weight} %" for weight in power.plan.weights])
        ax.set_xlabel("weight of the canary")
        ax.set_ylabel(f"held for so many {units[unit]}")
        ax.margins(y=0.2)
        ax.spines[["top", "right"]].set_visible(False)
    low, high = power.interval
    ax.set_title(f"{power.p_rollback:.1%} rolled back ({low:.1%} to {high:.1%})", fontsize="medium")
    return ax


def _comparison(comparison: Comparison, ax: Any) -> Any:
    """Draw how often each rule rolls back."""
    rows = [(row["rule"], row["p_rollback"], row["low"], row["high"]) for row in comparison.records()]
    colour, canaries = (_GREEN, "harmful") if comparison.harmful else (_ORANGE, "healthy")
    what = f"{canaries} canaries rolled back ({comparison.runs:,} runs)"
    return _chances(ax, rows, [colour] * len(rows), what)


def _answer(answer: Answer, ax: Any) -> Any:
    """Draw the classes of the first row."""
    top = answer.top
    return _bars(ax, [label for label, _ in top], [p for _, p in top], [_BLUE] * len(top), "probability")


def _decision(decision: Decision, ax: Any) -> Any:
    """Draw every destination's share, the chosen one in full colour."""
    chosen = decision.subset or decision.host
    colours = [_ORANGE if name == chosen else _GRAY for name, _ in decision.shares]
    names = [name for name, _ in decision.shares]
    return _bars(ax, names, [share for _, share in decision.shares], colours, "share of the rule's requests")


def _share(share: ObservedShare, ax: Any) -> Any:
    """Draw the observed share with its confidence sequence, and the weight that was configured."""
    ax.plot([share.low, share.high], [0, 0], color=_ORANGE, linewidth=9, alpha=0.45, solid_capstyle="butt")
    if share.estimate is not None:
        ax.plot([share.estimate], [0], "o", color=_ORANGE, label="observed")
    ax.axvline(share.weight, color="black", linestyle="dashed", label="configured")
    ax.set_xlim(0, 1)
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    ax.set_xlabel("the canary's share, with its confidence sequence")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def _plan(plan: Plan, ax: Any) -> Any:
    """Draw the weights of the steps."""
    weights = plan.weights
    ax.bar(range(len(weights)), weights, width=0.95, color=_ORANGE)
    for place, weight in enumerate(weights):
        ax.annotate(f"{weight} %", (place, weight), xytext=(0, 3), textcoords="offset points", ha="center")
    ax.set_xticks(range(len(weights)), [f"step {place}" for place in range(len(weights))])
    ax.set_ylim(0, 112)
    ax.set_ylabel("weight of the canary, %")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _run(run: Run, ax: Any) -> Any:
    """Draw the evidence of each guardrail over time, as a part of what its alarm needs, and the weights behind it."""
    guards: dict[str, tuple[list[float], list[float]]] = {}
    steps: list[tuple[float, int]] = []
    for row in run.records():
        if not steps or steps[-1][0] != row["seconds"]:
            steps.append((row["seconds"], row["weight"]))
        if row["guardrail"] is not None:
            seconds, parts = guards.setdefault(row["guardrail"], ([], []))
            seconds.append(row["seconds"])
            parts.append(max(row["e"] * row["alpha"], 1e-6))
    behind = ax.twinx()
    behind.step([at for at, _ in steps], [weight for _, weight in steps], where="post", color=_GRAY, alpha=0.5)
    behind.set_ylim(0, 105)
    behind.set_ylabel("weight of the canary, %")
    for name, (seconds, parts) in guards.items():
        ax.plot(seconds, parts, label=_literal(name))
    ax.axhline(1, color="black", linestyle="dashed", linewidth=1)
    ax.set_yscale("log")
    ax.set_xlabel("seconds")
    ax.set_ylabel("evidence / alarm")
    ax.spines["top"].set_visible(False)
    behind.spines["top"].set_visible(False)
    if guards:
        ax.legend(frameon=False, fontsize="small")
    return ax


_PLOTS: dict[str, Any] = {
    "Answer": _answer,
    "Comparison": _comparison,
    "Decision": _decision,
    "ObservedShare": _share,
    "Plan": _plan,
    "Power": _power,
    "Run": _run,
    "Simulation": _simulation,
}
