"""The properties of values, which are the columns of tables."""

from types import GetSetDescriptorType
from typing import Any

# The columns of a table, in this order; an answer's arrays and body are left out.
_COLUMNS = {
    "Answer": ("label", "probability", "subset", "elapsed", "attempts"),
    "Applied": ("effect", "kind", "namespace", "name", "api_version", "uid"),
    "Client": ("url", "model", "signature", "version", "label"),
    "Finding": ("severity", "code", "object", "path", "message", "help", "found", "document", "line", "column"),
    "Guardrail": ("name", "test", "share", "minimum", "action"),
    "Observation": ("arm", "sent_at", "ok", "latency", "value", "user", "id"),
    "Pair": ("input", "stable", "canary", "label", "agrees", "stable_failed", "canary_failed"),
    "Reading": (
        "guardrail", "test", "quantity", "estimate", "low", "high", "e", "p_value", "alpha", "proof_alpha", "alarm",
        "proven", "counts",
    ),
}  # fmt: skip


def properties(value: object) -> list[str]:
    """Name the properties of a value of this package, in an order that is always the same."""
    named = _COLUMNS.get(type(value).__name__)
    if named:
        return list(named)
    # A class has no order of its own: its properties come differently in each process.
    return sorted(
        name
        for name, found in vars(type(value)).items()
        if isinstance(found, GetSetDescriptorType) and not name.startswith("_")
    )


def record(value: object) -> dict[str, Any]:
    """Give the properties of a value as a dictionary."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)}
    return {name: getattr(value, name) for name in properties(value)}
