"""Live views of a run: a display that is updated in place, or a line of text."""

from __future__ import annotations

import importlib
import math
import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from canary._html import facts, page, table
from canary._rollout_html import COLOUR, timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from canary import Progress, Run, Verdict

# The shortest time between two updates of a display, in seconds.
_PAUSE = 0.25


class Viewer(Protocol):
    """A viewer that gets a run's state after each event."""

    def update(self, run: Run, event: Progress | None, /) -> None:
        """Something has happened; `event` is None where only the newest state is known."""


class _Call:
    """Calls a function of the caller's with each event."""

    def __init__(self, callback: Callable[[Progress], object]) -> None:
        self._callback = callback

    def update(self, _run: Run, event: Progress | None) -> None:
        if event is not None:
            self._callback(event)


class _Line:
    """Writes a line again while a step is held, and a line of its own for everything else."""

    def __init__(self) -> None:
        self._open = 0

    def update(self, run: Run, event: Progress | None) -> None:
        view = run._view()  # noqa: SLF001 - the run's other half
        held = event is None or event.kind == "seen"
        text = text_of(view) if held else str(event)
        end = "" if held and view["verdict"] is None else "\n"
        sys.stderr.write(f"\r{text:<{self._open}}{end}")
        sys.stderr.flush()
        self._open = 0 if end else len(text)


class _Display:
    """Updates a notebook's display in place, a few times a second at most and at the end."""

    def __init__(self, handle: Any) -> None:
        self._handle, self._shown = handle, 0.0

    def update(self, run: Run, event: Progress | None) -> None:
        now = time.monotonic()
        passing = event is None or event.kind == "seen"
        if passing and run.verdict is None and now - self._shown < _PAUSE:
            return
        self._shown = now
        self._handle.update(_Html(run))


class _Html:
    """The run as it was at one moment."""

    def __init__(self, run: Run) -> None:
        view = run._view()  # noqa: SLF001 - the run's other half
        self._html, self._text = render(view), text_of(view)

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html


def notebook_display() -> Callable[..., Any] | None:
    """IPython's `display`, where a kernel shows displays and not a terminal; else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    display: Callable[..., Any] = importlib.import_module("IPython.display").display
    return display


class _FirstDisplay:
    """Opens its display at the first event, where the cell that iterates shows it."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._viewer: _Display | None = None

    def update(self, run: Run, event: Progress | None) -> None:
        if self._viewer is None:
            self._viewer = _Display(self._display(_Html(run), display_id=True))
        self._viewer.update(run, event)


def viewer(progress: object) -> Viewer | None:
    """Make the viewer for `progress`: a callable, True, or False for none."""
    if callable(progress):
        return _Call(progress)
    if not progress:
        return None
    display = notebook_display()
    return _Line() if display is None else _FirstDisplay(display)


async def wait(run: Run) -> Verdict | None:
    """Run to the end of a run."""
    async for _ in run:
        pass
    return run.verdict


def show(run: Run) -> Viewer:
    """Show a run where it is the value of a cell; it is updated there while it is iterated."""
    display: Callable[..., Any] = importlib.import_module("IPython.display").display
    return _Display(display(_Html(run), display_id=True))


def text_of(view: Mapping[str, Any]) -> str:
    """Describe in one line the state of a run."""
    if view["verdict"] is not None:
        return str(view["verdict"]["sentence"])
    weight = "before the first weight" if view["weight"] is None else f"at {view['weight']} %"
    parts = [f"{view['title']} {weight}: {view['requests']} requests, {view['pairs']} pairs"]
    parts += [
        f"{one['guardrail']} evidence {one['e']:.2g} (alarm at {1 / one['alpha']:.0f})" for one in view["readings"]
    ]
    return ", ".join(parts)


def state_of(view: Mapping[str, Any]) -> tuple[str, str]:
    """Give the name and the sentence of the verdict, or of a run that is not over."""
    if view["verdict"] is None:
        return "continue", text_of({**view, "readings": []})
    return str(view["verdict"]["name"]), str(view["verdict"]["sentence"])


def evidence(reading: Mapping[str, Any]) -> str:
    """Draw E over time on a logarithmic scale with the level of an alarm, and write both below."""
    needed = 1 / reading["alpha"]
    alarm = ' <span class="error">alarm</span>' if reading["alarm"] else ""
    return f"{_trace(reading)}<br>evidence {reading['e']:.3g} (alarm at {needed:.0f}){alarm}"


def estimate(reading: Mapping[str, Any]) -> str:
    """Draw the estimate with its confidence sequence, and write both below."""
    value = "" if reading["estimate"] is None else f"{reading['estimate']:.3f} in "
    return (
        f"{_sequence(reading)}<br>{value}[{_number(reading['low'])}, {_number(reading['high'])}] "
        f'<span class="dim">{escape(reading["quantity"])}</span>'
    )


def _trace(reading: Mapping[str, Any]) -> str:
    width, height = 132, 34
    needed = math.log10(1 / reading["alpha"])
    low, high = -2.0, max(needed + 0.5, *(reading["trace"] or [0.0]))
    high = min(high, needed + 6)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(float(height - 2 - share * (height - 4)), 1)

    trace: Sequence[float] = reading["trace"]
    step = (width - 4) / max(len(trace) - 1, 1)
    points = " ".join(f"{2 + index * step:.1f},{y(value)}" for index, value in enumerate(trace))
    return (
        f'<svg role="img" aria-label="E over time: {reading["e"]:.3g} at the end, alarm at {1 / reading["alpha"]:.0f}" '
        f'width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
        f'<line x1="0" x2="{width}" y1="{y(needed)}" y2="{y(needed)}" stroke="var(--violet)" '
        'stroke-dasharray="4 3"/>'
        f'<polyline points="{points}" fill="none" stroke="var(--red)" stroke-width="1.6"/></svg>'
    )


def _sequence(reading: Mapping[str, Any]) -> str:
    """Draw the confidence sequence as a bar with the estimate, and the bound of the test."""
    width, height = 132, 18
    low, high, estimate, bound = (reading[name] for name in ("low", "high", "estimate", "bound"))
    known = [value for value in (estimate, bound, low, high) if value is not None]
    ratio = reading["test"] in {"errorRatio", "slowRatio"}
    top = max([value for value in known if value < 1e6], default=1.0)
    left, right = (0.0, max(2.0, min(top, 8.0))) if ratio else (min([0.0, *known]), 1.0)

    def x(value: float | None) -> float:
        share = 1.0 if value is None else (value - left) / (right - left)
        return round(2 + min(max(share, 0.0), 1.0) * (width - 4), 1)

    parts = [
        f'<rect x="2" y="8" width="{width - 4}" height="2" fill="rgba(128,128,128,.3)"/>',
        (
            f'<rect x="{x(low)}" y="4" width="{max(x(high) - x(low), 1):.1f}" height="10" rx="2" '
            'fill="var(--blue)" fill-opacity=".45"/>'
        ),
    ]
    if bound is not None:
        parts.append(
            f'<line x1="{x(bound)}" x2="{x(bound)}" y1="1" y2="17" stroke="var(--violet)" stroke-width="1.5"/>'
        )
    if estimate is not None:
        parts.append(f'<circle cx="{x(estimate)}" cy="9" r="3.2" fill="var(--blue)"/>')
    return (
        f'<svg role="img" aria-label="between {_number(low)} and {_number(high)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )


def _number(value: float | None) -> str:
    return "∞" if value is None else f"{value:.3f}"


def render(view: Mapping[str, Any]) -> str:
    """Show the steps, the state of the run, each guardrail's evidence and confidence sequence, the verdict."""
    plan = view["plan"]
    name, sentence = state_of(view)
    rows = [
        (f"<code>{escape(reading['guardrail'])}</code>", evidence(reading), estimate(reading))
        for reading in view["readings"]
    ]
    body = (
        f"<h4>{escape(view['title'])} "
        f'<span class="dim">{escape(plan["stable"])} → {escape(plan["canary"])}, '
        f"{view['seconds']:.0f} s</span></h4>"
        f'<div style="border-left:4px solid {COLOUR.get(name, "var(--gold)")};padding-left:.6em;'
        f'margin-bottom:.5em">{escape(sentence)}</div>'
        f"{timeline(plan['steps'], view['weight'])}"
        f"{facts(view['facts'])}"
    )
    if rows:
        body += table(("guardrail", "evidence against the canary", "confidence sequence"), rows)
    if view["disagreements"]:
        # The cards are the report's, and escaped there.
        count, shown = view["disagreements"], view["cards"].count('<div class="card">')
        some = "" if shown == count else f", {shown} of {count} inputs"
        body += f'<div class="dim">Where the models disagree{some}</div>{view["cards"]}'
    return page(body)
