"""The rules of a VirtualService as rows: which requests, and where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Code = Callable[[str], str]

_SIGNS = {"exact": "=", "prefix": "begins with", "regex": "matches"}
_MAPS = {"headers": "header", "queryParams": "query", "withoutHeaders": "not header"}
_SIMPLE = {"uri": "path", "scheme": "scheme", "method": "method", "authority": "authority"}
_OWN_ACTIONS = ("redirect", "directResponse", "delegate")


def _same(text: str) -> str:
    return text


def _condition(match: Mapping[str, Any], code: Code) -> str:
    if not match:
        return "is there"
    kind, value = next(iter(match.items()))
    return f"{_SIGNS.get(kind, code(str(kind)))} {code(str(value))}"


def conditions(matches: Sequence[Mapping[str, Any]], code: Code = _same, between: str = " or ") -> str:
    """Say which requests a rule takes; `code` marks, or escapes, what the object's author wrote."""

    def one(match: Mapping[str, Any]) -> str:
        parts = []
        for field, value in match.items():
            if field in _MAPS:
                word = _MAPS[field]
                parts += [f"{word} {code(str(name))} {_condition(rule or {}, code)}" for name, rule in value.items()]
            elif isinstance(value, dict):
                parts.append(f"{_SIMPLE.get(field, code(str(field)))} {_condition(value, code)}")
            elif isinstance(value, list | tuple):
                parts.append(f"{code(str(field))} {', '.join(code(str(item)) for item in value)}")
            else:
                parts.append(f"{code(str(field))} {code(str(value))}")
        return " and ".join(parts) or "everything"

    return between.join(one(match) for match in matches) or "everything"


def shares(routes: Sequence[Mapping[str, Any]]) -> list[float]:
    """Give the share of each destination; a single one has everything, with a weight or without."""
    weights = [1] if len(routes) == 1 else [max(int(route.get("weight", 0)), 0) for route in routes]
    total = sum(weights) or 1
    return [weight / total for weight in weights]


def own_action(rule: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name what a rule does in place of sending on."""
    return next(((action, str(rule[action])) for action in _OWN_ACTIONS if action in rule), None)


def rules(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every rule with its place, in the order in which they are tried."""
    for protocol in ("http", "tls", "tcp"):
        for index, rule in enumerate(spec.get(protocol, [])):
            yield f"{protocol}[{index}]", rule


def table(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a row for each destination of each rule."""
    rows = []
    for place, rule in rules(service.get("spec", {})):
        about = {"rule": place, "name": rule.get("name"), "when": conditions(rule.get("match", []))}
        timeout = rule.get("timeout")
        nowhere = dict.fromkeys(("host", "subset", "port", "weight", "share"))
        routes = rule.get("route", [])
        if not routes:
            does = own_action(rule)
            rows.append({**about, "does": does and " ".join(does), **nowhere, "timeout": timeout})
        for route, share in zip(routes, shares(routes), strict=True):
            to = route.get("destination", {})
            rows.append(
                {
                    **about,
                    "does": "route",
                    "host": to.get("host"),
                    "subset": to.get("subset"),
                    "port": to.get("port", {}).get("number"),
                    "weight": route.get("weight"),
                    "share": share,
                    "timeout": timeout,
                }
            )
    return rows
