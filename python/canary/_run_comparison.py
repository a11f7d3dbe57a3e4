"""Two runs side by side."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from canary._html import page, table
from canary._live import estimate, evidence, state_of
from canary._records import Records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canary import Run


class RunComparison:
    """Two runs side by side: facts, verdicts, and the readings of each guardrail.

    It keeps the runs as they are when it is made; ``Run.compare`` makes one.

    Args:
        one: The first run.
        other: The second run.
        names: What the runs are called in tables and headings.

    Example:
        >>> from canary import DestinationRule, Gateway, Lab, Plan, ScriptedModel, VirtualService, Workload, error_ratio
        >>> lab = Lab(models={"m": ScriptedModel("cat", 0.9)}, seed=1)
        >>> lab.apply([Workload("s", version, model="s", path="m") for version in ("v1", "v2")])
        >>> lab.apply([Gateway.http("g"), DestinationRule.subsets("s", ["v1", "v2"])])
        >>> first = VirtualService.weighted("s", {"v1": 100, "v2": 0}, hosts=["*"], gateways=["g"], port=8501)
        >>> lab.apply(first.stamp_subset("x-canary-subset"))
        >>> lab.wait_ready()
        >>> plan = Plan("s", stable="v1", canary="v2", steps=[50, 100], hold=20, guards=[error_ratio(1.0)], settle=0)
        >>> runs = []
        >>> for _ in range(2):
        ...     lab.apply(first.stamp_subset("x-canary-subset"), force=True)
        ...     runs.append(plan.run(lab, anew=True))
        ...     verdict = runs[-1].wait()
        >>> compared = runs[0].compare(runs[1], names=("yesterday", "today"))
        >>> [row["guardrail"] for row in compared.records()]
        ['observedSplit', 'errorRatio']
        >>> lab.close()
    """

    def __init__(self, one: Run, other: Run, names: tuple[str, str] = ("first", "second")) -> None:
        """Keep both runs as they are now."""
        if len(names) != 2 or not all(isinstance(name, str) for name in names):
            message = f"names is {names!r}; give two texts, such as names=('yesterday', 'today')"
            raise TypeError(message)
        self._names = tuple(names)
        self._views = [run._view() for run in (one, other)]  # noqa: SLF001 - the run's other half

    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each guardrail of either run: both estimates, intervals, evidence and alarms.

        The columns of the runs end with ``_1`` and ``_2``; they are ``None`` where a run does not have the guardrail.
        """
        return Records([self._row(name) for name in self._guardrails()])

    def to_pandas(self) -> Any:
        """Give the rows of ``records`` as a pandas DataFrame."""
        return self.records().to_pandas()

    def to_polars(self) -> Any:
        """Give the rows of ``records`` as a polars DataFrame."""
        return self.records().to_polars()

    def _guardrails(self) -> list[str]:
        return list(dict.fromkeys(one["guardrail"] for view in self._views for one in view["readings"]))

    def _readings(self, guardrail: str) -> list[Mapping[str, Any] | None]:
        return [next((one for one in view["readings"] if one["guardrail"] == guardrail), None) for view in self._views]

    def _row(self, guardrail: str) -> dict[str, Any]:
        readings = self._readings(guardrail)
        row: dict[str, Any] = {
            "guardrail": guardrail,
            "quantity": next(reading["quantity"] for reading in readings if reading is not None),
        }
        for number, reading in enumerate(readings, 1):
            for field in ("estimate", "low", "high", "e", "alpha", "alarm"):
                row[f"{field}_{number}"] = None if reading is None else reading[field]
        return row

    def __repr__(self) -> str:
        """Name the verdicts, or the weights of runs that are not over."""
        states = (f"{name}: {state_of(view)[1]}" for name, view in zip(self._names, self._views, strict=True))
        return f"RunComparison({'; '.join(states)})"

    def _repr_html_(self) -> str:
        names = [escape(name) for name in self._names]
        facts = [dict(view["facts"]) for view in self._views]
        rows = [["Verdict", *(escape(state_of(view)[1]) for view in self._views)]]
        rows += [[name, *(one.get(name, "–") for one in facts)] for name in dict.fromkeys([*facts[0], *facts[1]])]
        guardrails = [
            [
                f"<code>{escape(guardrail)}</code>",
                *("–" if one is None else f"{evidence(one)}<br>{estimate(one)}" for one in self._readings(guardrail)),
            ]
            for guardrail in self._guardrails()
        ]
        body = f"<h4>{names[0]} and {names[1]}</h4>" + table(("", *names), rows)
        if guardrails:
            body += table(("guardrail", *names), guardrails)
        return page(body)
