"""The rows of values that are tables, for `records`, `to_pandas` and `to_polars`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from canary import _routes
from canary._properties import record
from canary._records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canary import Answer, Comparison, Decision, Mesh, Preflight, Run, Simulation, VirtualService

    Rows = list[dict[str, Any]]


def rows(value: object) -> Records[dict[str, Any]]:
    """Give a value of this package as rows, each a dictionary with the same keys."""
    return Records(_ROWS[type(value).__name__](value))


def _answers(answers: Iterable[object]) -> Rows:
    return [record(answer) for answer in answers]


def _answer(answer: Answer) -> Rows:
    try:
        found = answer.top_rows
    except LookupError:
        return [
            {"output": name, "dtype": str(array.dtype), "shape": array.shape} for name, array in answer.outputs.items()
        ]
    return [
        {"row": row, "rank": rank, "label": label, "probability": probability}
        for row, top in enumerate(found)
        for rank, (label, probability) in enumerate(top, 1)
    ]


def _decision(decision: Decision) -> Rows:
    clusters = [share["cluster"] for share in decision.to_dict()["shares"]]
    return [
        {
            "host": cluster["host"],
            "subset": cluster.get("subset"),
            "share": share,
            "chosen": (cluster["host"], cluster.get("subset")) == (decision.host, decision.subset),
        }
        for cluster, (_, share) in zip(clusters, decision.shares, strict=True)
    ]


def _virtual_service(service: VirtualService) -> Rows:
    return _routes.table(service.to_dict())


def _mesh(mesh: Mesh) -> Rows:
    return [
        {"virtual_service": f"{service.namespace or 'default'}/{service.name}", **row}
        for service in mesh._objects()  # noqa: SLF001 - the mesh's other half
        if type(service).__name__ == "VirtualService"
        for row in _routes.table(service.to_dict())
    ]


_MOMENT = (
    "seconds", "weight", "mirror", "requests", "served", "pairs", "guardrail", "quantity", "estimate", "low", "high",
    "e", "alpha", "alarm",
)  # fmt: skip


def _run(run: Run) -> Rows:
    history = run._history()  # noqa: SLF001 - the run's other half
    return [{name: moment[name] for name in _MOMENT} for moment in history]


def _simulation(simulation: Simulation) -> Rows:
    values = {
        "promote": simulation.p_promote,
        "rollback": simulation.p_rollback,
        "inconclusive": simulation.p_inconclusive,
    }
    found = []
    for name, value in values.items():
        low, high = simulation.intervals[name]
        found.append({"verdict": name, "probability": value, "low": low, "high": high, "runs": simulation.runs})
    return found


def _comparison(comparison: Comparison) -> Rows:
    return [
        {
            "rule": rule["name"],
            "p_rollback": rule["rollback"]["p"],
            "low": rule["rollback"]["low"],
            "high": rule["rollback"]["high"],
            "requests_to_rollback": rule["requestsToRollback"]["median"] if rule["rollbacks"] else None,
            "canary_errors": rule["canaryErrors"]["mean"],
        }
        for rule in comparison.to_dict()["rules"]
    ]


def _preflight(preflight: Preflight) -> Rows:
    return cast("Rows", preflight.checks)


_ROWS: dict[str, Any] = {
    "Answer": _answer,
    "Answers": _answers,
    "Comparison": _comparison,
    "Decision": _decision,
    "Mesh": _mesh,
    "Preflight": _preflight,
    "Run": _run,
    "Simulation": _simulation,
    "VirtualService": _virtual_service,
}
