"""Pictures with matplotlib, which is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from canary import Simulation

_COLOURS = {"promote": "#4c9f70", "rollback": "#d9822b", "inconclusive": "#8a8a8a"}


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        message = "plots need matplotlib: pip install 'canary[plot]'"
        raise ImportError(message) from error
    return plt.subplots(figsize=(6, 2.4), layout="constrained")[1]


def simulation(result: Simulation, ax: Any = None) -> Any:
    """Draw the probability of each verdict with its 95 % interval; gives the axes."""
    ax = _axes(ax)
    values = {
        "promote": result.p_promote,
        "rollback": result.p_rollback,
        "inconclusive": result.p_inconclusive,
    }
    for place, (name, value) in enumerate(values.items()):
        low, high = result.intervals[name]
        ax.barh(place, value, color=_COLOURS[name], height=0.6)
        ax.errorbar(
            value,
            place,
            xerr=[[max(value - low, 0)], [max(high - value, 0)]],
            color="black",
            capsize=3,
        )
        ax.annotate(
            f"{value:.1%}", (high, place), xytext=(6, 0), textcoords="offset points", va="center"
        )
    ax.set_yticks(range(len(values)), list(values))
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12)
    ax.set_xlabel(f"probability of the verdict ({result.runs:,} runs)")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
