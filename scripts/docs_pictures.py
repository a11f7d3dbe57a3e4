"""Draw the pictures of docs/statistics.md, from the library itself: `python scripts/docs_pictures.py`."""

import random
from pathlib import Path

import matplotlib as mpl

import canary

mpl.use("svg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).parent.parent / "docs/images"
STABLE, CANARY, GREY = "#4c9f70", "#d9822b", "#8a8a8a"
mpl.rcParams.update(
    {
        "svg.hashsalt": "canary",
        "svg.fonttype": "path",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
    }
)


def stream(share, seed, count=5000):
    """Count the requests that the canary served among the first 1, 2, …."""
    draws = random.Random(seed)  # noqa: S311 - no secret is made of it
    served = 0
    for _ in range(count):
        served += draws.random() < share
        yield served


def moments(count=5000):
    return sorted({round(10 * 1.06**step) for step in range(108) if 10 * 1.06**step <= count})


def save(name):
    plt.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    plt.close()


def confidence_sequence():
    """The share of one stream: a confidence sequence, and an interval that is meant for one look."""
    at = moments()
    served = list(stream(0.3, 11))
    seen = [canary.observed_share(served[n - 1], n - served[n - 1], weight=0.3) for n in at]
    share = [served[n - 1] / n for n in at]
    half = [1.96 * (p * (1 - p) / n) ** 0.5 for p, n in zip(share, at, strict=True)]
    plt.figure(figsize=(7, 3))
    plt.fill_between(
        at,
        [one.low for one in seen],
        [one.high for one in seen],
        color=CANARY,
        alpha=0.25,
        lw=0,
        label="confidence sequence: right at all moments together, 95 %",
    )
    plt.plot(
        at,
        [p - h for p, h in zip(share, half, strict=True)],
        color=GREY,
        lw=1,
        ls="dashed",
        label="usual interval: right at one moment, 95 %",
    )
    plt.plot(at, [p + h for p, h in zip(share, half, strict=True)], color=GREY, lw=1, ls="dashed")
    plt.plot(at, share, color=CANARY, lw=1.2, label="the canary's share so far")
    plt.axhline(0.3, color="black", lw=0.7)
    plt.xscale("log")
    plt.ylim(0, 0.8)
    plt.xlabel("requests")
    plt.legend(frameon=False, loc="upper right")
    save("confidence_sequence")


def evidence():
    """Twelve streams as configured and twelve that are not: who crosses 1/α."""
    at = moments()
    plt.figure(figsize=(7, 3))
    for truth, colour, label in ((0.3, STABLE, "split as configured, 30 %"), (0.26, CANARY, "really 26 %")):
        for seed in range(12):
            served = list(stream(truth, 100 + seed))
            e = [canary.observed_share(served[n - 1], n - served[n - 1], weight=0.3).e for n in at]
            crossed = max(e) >= 20
            assert crossed == (truth != 0.3), "the caption says who crosses the line"
            plt.plot(at, [min(value, 1e4) for value in e], color=colour, lw=0.8, label=None if seed else label)
    plt.axhline(20, color="black", lw=0.8, ls="dotted")
    plt.annotate("alarm at 1/α = 20", (11, 26))
    plt.xscale("log")
    plt.yscale("log")
    plt.ylim(0.02, 1e4)
    plt.xlabel("requests")
    plt.ylabel("evidence E")
    plt.legend(frameon=False, loc="lower left")
    save("evidence")


def power():
    """P(rollback) of one plan by the canary's error rate, for three lengths of its holds."""
    rates = [0.01, 0.0125, 0.015, 0.0175, 0.02, 0.025, 0.03, 0.04, 0.05]
    plt.figure(figsize=(7, 3))
    for hold, colour in ((2_000, GREY), (8_000, CANARY), (32_000, STABLE)):
        plan = canary.Plan(
            "s",
            stable="a",
            canary="b",
            steps=[5, 30, 100],
            hold={"total_requests": hold},
            guards=[canary.error_ratio(1.0)],
        )
        caught = [plan.simulate(errors=(0.01, rate), runs=400, seed=5).p_rollback for rate in rates]
        label = f"{hold:,} requests a step"
        plt.plot([100 * rate for rate in rates], caught, color=colour, marker="o", ms=3, label=label)
    plt.axhline(0.05, color="black", lw=0.7, ls="dotted")
    plt.annotate("α", (4.85, 0.065))
    plt.xlabel("the canary's error rate, %; the stable version's is 1 %")
    plt.ylabel("P(rollback)")
    plt.ylim(0, 1.03)
    plt.legend(frameon=False, loc="center right")
    save("power")


if __name__ == "__main__":
    confidence_sequence()
    evidence()
    power()
