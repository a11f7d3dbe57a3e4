"""Notebook views of a cluster, of its objects, and of its Prometheus. No request is sent to draw them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from canary._html import bar, code, page, table
from canary._rollout_html import render_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canary import Cluster, Preflight, Prometheus, Status

_LONGEST = 1_000
_OUTCOMES = {"fail": "error", "warn": "warning", "unknown": "warning", "pass": "ok"}


def _cut(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def render_cluster(cluster: Cluster) -> str:
    """Show how a cluster is reached."""
    kubeconfig, context, namespace, connected = cluster._about()  # noqa: SLF001 - its other half
    rows = [
        ("context", code(context) if context else '<span class="dim">the current one</span>'),
        ("namespace", code(namespace)),
        ("kubeconfig", code(str(kubeconfig)) if kubeconfig else '<span class="dim">as kubectl finds it</span>'),
    ]
    state = "" if connected else ' <span class="dim">not connected yet</span>'
    return page(f"<h4>Cluster{state}</h4>" + table(("", ""), rows))


def _remedy(text: str) -> str:
    return f"<br><span class='dim'>→ {_cut(text)}</span>" if text else ""


def render_preflight(preflight: Preflight) -> str:
    """Show each check with what to do."""
    rows = [
        (
            f'<span class="{_OUTCOMES.get(check["outcome"], "dim")}">{escape(check["outcome"])}</span>',
            escape(check["name"]),
            _cut(check["found"]) + _remedy(check["remedy"]),
        )
        for check in preflight.checks
    ]
    state = '<span class="ok">ready</span>' if preflight else '<span class="error">not ready</span>'
    return page(f"<h4>Preflight: {state}</h4>" + table(("", "check", "found"), rows))


def render_prometheus(prometheus: Prometheus) -> str:
    """Show where requests are counted, and whose."""
    what, stable, canary = prometheus._about()  # noqa: SLF001 - its other half
    rows = [("counts", escape(what)), ("stable", code(stable)), ("canary", code(canary))]
    return page(f"<h4>Prometheus at {code(prometheus.url)}</h4>" + table(("", ""), rows))


def _served(totals: Mapping[str, int], arm: str) -> str:
    failed = totals[arm + "Failed"]
    return f"{totals[arm]:,}" + (f" ({failed:,} failed)" if failed else "")


def _lost(totals: Mapping[str, int]) -> str:
    """Say how many requests no version is known of."""
    return f", {_served(totals, 'unknown')} requests of unknown version" if totals["unknown"] else ""


def render_status(status: Status) -> str:
    """Show the weights in force, who drives, what was seen and the verdict so far."""
    data = status.to_dict()
    rows = []
    for route in data["routes"]:
        total = sum(weight for _, weight in route["weights"]) or 1
        bars = "<br>".join(
            f"{bar(weight / total, index)}{weight} → {code(name)}"
            for index, (name, weight) in enumerate(route["weights"])
        )
        some = "<br><span class='dim'>some requests</span>" if route["conditional"] else ""
        rows.append((code(route["path"]) + some, bars))
    driver = f"driven by {code(data['driver'])}" if data["driver"] else "no driver runs it"
    body = f"<h4>{escape(data['object'])}</h4>" + table(("route", "weights"), rows) + f"<div>{driver}</div>"
    if data["problem"]:
        body += f'<div class="error">{_cut(data["problem"])}</div>'
    rollout = data["rollout"]
    if rollout is None:
        return page(body + ("" if data["problem"] else '<div class="dim">no rollout is stored</div>'))
    totals = rollout["totals"]
    body += (
        f"<div>step {rollout['step']}{', paused' if rollout['paused'] else ''}: "
        f"{_served(totals, 'stable')} requests by stable, {_served(totals, 'canary')} by the canary, "
        f"{totals['pairs']:,} pairs{_lost(totals)}</div>"
    )
    verdict = status.verdict
    return page(body) + ("" if verdict is None else render_verdict(verdict.name, str(verdict), verdict.evidence))
