"""Measurements without a peer have a bound: routing, analysis, observations, simulated traffic; and linear cost."""

from __future__ import annotations

import functools

from measure import Line, Row, Settings, in_turns, json_lines, need
from rows import samples


@functools.cache
def _engine(seconds: float, rounds: int) -> dict[tuple[str, int | str], float]:
    least: dict[tuple[str, int | str], float] = {}
    for _ in range(rounds):
        for line in json_lines("bench-engine", str(seconds)):
            key = (line["operation"], line.get("kind", line.get("size", 0)))
            least[key] = min(least.get(key, float("inf")), line["ours_ns"])
    return least


def _bounds(settings: Settings) -> list[Line]:
    took = _engine(settings.seconds / 10, settings.rounds)
    bound = "at most"
    return [
        Line("a routing decision over 50 rules", f"{bound} 1 µs", took["routing", 50], 1_000, 1),
        Line(
            "one observation into split, error and slow guardrails",
            f"{bound} 100 ns",
            took["observation", 0],
            100,
            1,
        ),
        *(
            Line(f"one observation into its guardrails: {kind}", f"{bound} 100 ns", took["guardrail", kind], 100, 1)
            for name, kind in sorted(took, key=str)
            if name == "guardrail"
        ),
        Line(
            "a simulated request, error ratio",
            f"{bound} 50 ns (20 M/s)",
            took["simulation", 0],
            50,
            1,
        ),
        Line(
            "analysis of 10 000 objects",
            f"{bound} 1 s",
            took["analysis", _sizes(took)[1]],
            1e9,
            1,
        ),
    ]


def _sizes(took: dict[tuple[str, int | str], float]) -> list[int]:
    return sorted(size for name, size in took if name == "analysis")


def _linear(name: str, small: float, large: float, factor: float, of: str) -> Line:
    """Cost for each unit may grow by half at most when there are `factor` times as many."""
    return Line(
        f"linear in {name}",
        f"{of}, {factor:.0f} × as many: at most {factor * 1.5:.0f} ×",
        large / small,
        factor * 1.5,
        1,
        unit="×",
    )


def _growth(settings: Settings) -> list[Line]:
    took = _engine(settings.seconds / 10, settings.rounds)
    # A thousand objects stay in the processor's cache, and are a third faster each: that is no growth.
    _, small, large = _sizes(took)
    canary, seconds = need("canary"), str(settings.seconds / 10)
    # From Rust, into a buffer that is used again: the kernel's pages of a fresh one grow by steps of their own.
    written = {
        line["operation"]: line["ours_ns"] for line in json_lines("bench-requests", seconds, "request: floats, ")
    }
    body, bodies = samples.logits(1), samples.logits(32)
    turns = in_turns(
        {
            "read 1": lambda: canary.decode_predict(body),
            "read 32": lambda: canary.decode_predict(bodies),
        },
        settings.seconds,
    )
    return [
        _linear("rules", took["routing", 50], took["routing", 400], 8, "50 rules"),
        _linear(
            "objects",
            took["analysis", small],
            took["analysis", large],
            large / small,
            f"{small} objects",
        ),
        _linear(
            "the batch, requests",
            written["request: floats, 1 image"],
            written["request: floats, 32 images"],
            32,
            "1 image",
        ),
        _linear("the batch, answers", turns["read 1"], turns["read 32"], 32, "1 row"),
    ]


ROWS = [
    Row("engine", _bounds, ("bench-engine",)),
    Row("linear", _growth, ("bench-engine", "bench-requests")),
]
