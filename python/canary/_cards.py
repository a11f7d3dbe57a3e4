"""Notebook views of values that are a handful of properties, and of tables of them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from canary._cluster_html import render_cluster, render_preflight, render_prometheus, render_status
from canary._html import bar, chance, code, page, render_findings, route_table, service_about, table
from canary._properties import properties, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary import (
        AaReport,
        Answers,
        Comparison,
        Finding,
        Lab,
        Mesh,
        Objects,
        ObservedShare,
        Power,
        Reading,
        ScriptedModel,
    )

# The compiled half calls this module for every card.
__all__ = ["render_cluster", "render_preflight", "render_prometheus", "render_status"]

_ROWS = 100
_LONGEST = 300
# The HTTP statuses that are no failure.
_SUCCESS = range(200, 300)


def _text(value: Any) -> str:
    """Show a value in a cell, cut where it is long."""
    if value is None or value == "":
        return '<span class="dim">–</span>'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        parts = [f"{escape(str(key))} <b>{_text(item)}</b>" for key, item in value.items()]
        return ", ".join(parts) or '<span class="dim">–</span>'
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or '<span class="dim">–</span>'
    text = str(value)
    return escape(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def render_value(value: Any) -> str:
    """Show the properties of a value as a small table."""
    rows = [(escape(name.replace("_", " ")), _text(getattr(value, name))) for name in properties(value)]
    if not rows:
        return page(f"<code>{escape(repr(value))}</code>")
    return page(f"<h4>{escape(type(value).__name__)}</h4>{_plain_table(rows)}")


def _plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out without a head."""
    return table(("", ""), rows)


def render_records(values: Sequence[Any]) -> str:
    """Show a list of values as a table, a row each."""
    if not values:
        return page('<span class="dim">nothing found</span>')
    if all(type(value).__name__ == "Finding" for value in values):
        return render_findings(values[:_ROWS]) + _rest(len(values))
    rows = [record(value) for value in values[:_ROWS]]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    return page(table([escape(name.replace("_", " ")) for name in columns], cells)) + _rest(len(values))


def render_objects(objects: Objects) -> str:
    """Show which objects a text has, and what was found when it was read."""
    rows = []
    for one in objects[:_ROWS]:
        value = one if isinstance(one, dict) else one.to_dict()
        metadata = value.get("metadata", {})
        parts = (value.get("kind", ""), metadata.get("namespace", ""), metadata.get("name", ""))
        rows.append([escape(str(part)) for part in parts])
    listed = page(table(["kind", "namespace", "name"], rows)) if rows else ""
    found = render_findings(objects.findings) if objects.findings else ""
    return listed + _rest(len(objects)) + found


def _rest(count: int) -> str:
    return page(f'<span class="dim">and {count - _ROWS:,} more</span>') if count > _ROWS else ""


def interval(low: float, high: float, estimate: float | None, mark: float | None = None) -> str:
    """Draw an interval of shares between 0 and 1: a band, the estimate, and a mark to compare with."""
    width = 220

    def at(share: float) -> float:
        return 4 + min(max(share, 0.0), 1.0) * width

    parts = [
        f'<line x1="4" x2="{4 + width}" y1="14" y2="14" stroke="currentColor" stroke-opacity=".25"/>',
        (
            f'<rect x="{at(low):.1f}" y="9" width="{max(at(high) - at(low), 1):.1f}" height="10" rx="3" '
            'fill="var(--orange)" fill-opacity=".45"/>'
        ),
    ]
    if estimate is not None:
        parts.append(f'<circle cx="{at(estimate):.1f}" cy="14" r="4" fill="var(--orange)"/>')
    if mark is not None:
        parts.append(
            f'<line x1="{at(mark):.1f}" x2="{at(mark):.1f}" y1="4" y2="24" stroke="currentColor" stroke-width="2"/>'
        )
    words = [(4, "start", "0"), (4 + width, "end", "1")]
    text = "".join(
        f'<text x="{x}" y="36" font-size="10" text-anchor="{side}" fill="currentColor" fill-opacity=".65">{word}</text>'
        for x, side, word in words
    )
    return (
        f'<svg role="img" aria-label="{low:.3f} to {high:.3f}" width="{width + 8}" height="40" '
        f'viewBox="0 0 {width + 8} 40">{"".join(parts)}{text}</svg>'
    )


def render_share(share: ObservedShare) -> str:
    """Show the share with its confidence sequence and the evidence against the configured weight."""
    estimate = "–" if share.estimate is None else f"{share.estimate:.1%}"
    return page(
        f"<h4>Observed share {estimate}</h4>"
        + interval(share.low, share.high, share.estimate, share.weight)
        + f"<div>configured <b>{share.weight:.1%}</b> (the mark), "
        f"confidence sequence {share.low:.1%} to {share.high:.1%}</div>"
        f'<div class="dim">evidence that the split is another: {share.e:.3g}, p = {share.p_value:.3g}</div>'
    )


def render_comparison(comparison: Comparison) -> str:
    """Show the frequency, the time and the cost of each rule's rollbacks."""
    stable, canary = comparison.errors
    rows = [
        (
            escape(row["rule"]),
            chance(row["p_rollback"], row["low"], row["high"], 2 if comparison.harmful else 1),
            "–" if row["requests_to_rollback"] is None else f"{row['requests_to_rollback']:,.0f}",
            f"{row['canary_errors']:,.1f}",
        )
        for row in comparison.records()
    ]
    what = "rolled back, as it should" if comparison.harmful else "rolled back by mistake"
    return page(
        f"<h4>{comparison.runs:,} runs with errors of {stable:.3g} and {canary:.3g}</h4>"
        + table(("rule", what, "median requests", "the canary's errors a run"), rows)
    )


def render_power(power: Power) -> str:
    """Show the length of the holds, and the probability of a detection."""
    low, high = power.interval
    return page(
        f"<h4>Holds {power.factor:.3g} times as long</h4>"
        f"<div>{bar(power.p_rollback, 1)}<b>{power.p_rollback:.1%}</b> of the runs with this harm are rolled back "
        f'<span class="dim">{low:.1%} to {high:.1%}</span></div>'
        f"<div>{power.requests:,} requests over all steps</div>" + _other_test(power)
    )


def _other_test(power: Power) -> str:
    """Show the probability of a detection with the other way to test ratios, where the holds allow both."""
    if power.other_p_rollback is None:
        return ""
    other = "without planned looks" if "sequential" in power.plan.to_dict() else "with planned looks"
    better = ", which is better" if power.other_is_better else ""
    return f"<div>{other} {power.other_p_rollback:.1%}{better}</div>"


def render_aa(report: AaReport) -> str:
    """Show what an A/A run has measured, and what follows."""
    rows = [
        (code(name) if place == 0 else "", f"{seconds:g} s", f"{phi:.2f}", f"{count:,}")
        for name, levels in report.levels.items()
        for place, (seconds, phi, count) in enumerate(levels)
    ]
    advice = str(report).splitlines()[1 + len(report.levels) :]
    return page(
        "<h4>A/A</h4>"
        + table(("guardrail", "windows of", "dispersion φ", "windows with bad requests"), rows)
        + "".join(f"<div>{escape(line.strip())}</div>" for line in advice)
    )


def render_reading(reading: Reading) -> str:
    """Show the reading of a guardrail."""
    state = '<span class="error">alarm</span>' if reading.alarm else "quiet"
    needed = 1 / reading.alpha
    share = min(reading.e / needed, 1.0)
    rows = [
        (escape(reading.quantity), "–" if reading.estimate is None else f"{reading.estimate:.4g}"),
        ("confidence sequence", f"{reading.low:.4g} to {reading.high:.4g}"),
        ("evidence", f"{bar(share, 1, 10)}{reading.e:.3g} (alarm at {needed:.3g})"),
        ("counted", _text(reading.counts)),
    ]
    return page(f"<h4><code>{escape(reading.guardrail)}</code> {state}</h4>" + table(("", ""), rows))


def render_workload(objects: Sequence[dict[str, Any]], yaml: str) -> str:
    """Show the objects of a workload."""
    deployment = next(one for one in objects if one["kind"] == "Deployment")
    spec = deployment["spec"]["template"]["spec"]["containers"][0]
    metadata = deployment["metadata"]
    rows = [
        ("image", f"<code>{escape(str(spec.get('image', '')))}</code>"),
        ("replicas", escape(str(deployment["spec"].get("replicas", 1)))),
        ("labels", _text(metadata.get("labels"))),
        ("objects", ", ".join(escape(one["kind"]) for one in objects)),
    ]
    return page(
        f"<h4>Workload <code>{escape(str(metadata['name']))}</code> "
        f'<span class="dim">in {escape(str(metadata.get("namespace", "default")))}</span></h4>'
        + table(("", ""), rows)
        + f"<details><summary>YAML</summary><pre>{escape(yaml)}</pre></details>"
    )


def render_finding(finding: Finding) -> str:
    """Show one finding."""
    return render_findings([finding])


def traffic(counts: Sequence[dict[str, Any]]) -> str:
    """Show the split of the requests by weights, the requests of other routes, and the failed ones."""
    split: dict[str, int] = {}
    others: dict[str, int] = {}
    failed: dict[str, int] = {}
    for row in counts:
        name = str(row["subset"] or row["workload"] or "answered by the gateway")
        kept = split if row["divided"] else others
        kept[name] = kept.get(name, 0) + row["requests"]
        if row["code"] not in _SUCCESS:
            failed[name] = failed.get(name, 0) + row["requests"]
    names = sorted({*split, *others})
    if not names:
        return '<div class="dim">no request yet</div>'
    # Without weights there is no split: then the shares of all requests are shown.
    shown, rest = (split, others) if split else (others, {})
    total = sum(shown.values())
    rows = []
    for index, name in enumerate(names):
        count = shown.get(name, 0)
        cells = [
            f"<code>{escape(name)}</code>",
            f"{bar(count / total, index)}{count / total:.1%} <span class='dim'>{count:,}</span>",
        ]
        if rest:
            cells.append(f"{rest.get(name, 0):,}")
        rows.append((*cells, f"{failed.get(name, 0):,}"))
    head = ["served by", "split by weights" if split else "requests"]
    return table((*head, *(["by other routes"] if rest else []), "failed"), rows)


def render_lab(lab: Lab, running: bool) -> str:  # noqa: FBT001 - called by the compiled half
    """Show where the lab listens and who served its requests."""
    if not running:
        return page("<h4>Lab <span class='dim'>closed</span></h4>")
    problem = f'<div class="error">{escape(lab.problem)}</div>' if lab.problem else ""
    return page(f"<h4>Lab at <code>{escape(lab.url)}</code></h4>{problem}{traffic(lab.counts())}")


def render_answers(answers: Answers) -> str:
    """Show how far an iterator over answers is; none is taken from it."""
    given, under_way, most, more = answers._state()  # noqa: SLF001 - its other half
    state = "" if more else " <span class='dim'>there is nothing more to send</span>"
    rows = [("given", f"{given:,}"), ("under way", f"{under_way:,} of at most {most:,}")]
    hint = "iterate over it for the answers; <code>list()</code> and <code>to_pandas()</code> take them all"
    return page(f"<h4>Answers{state}</h4>{_plain_table(rows)}<div class='dim'>{hint}</div>")


_SERVICES = 10


def render_mesh(mesh: Mesh) -> str:
    """Show the routes of every VirtualService of a mesh, and what was noticed."""
    kinds: dict[str, int] = {}
    services = []
    for one in mesh._objects():  # noqa: SLF001 - its other half
        kind = type(one).__name__
        kind = str(one.get("kind", "object")) if kind == "dict" else kind
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind == "VirtualService":
            services.append(one.to_dict())
    made_of = ", ".join(f"{count:,} {escape(kind)}" for kind, count in kinds.items()) or "no object"
    parts = [f"<h4>Mesh <span class='dim'>of {made_of}</span></h4>"]
    for service in services[:_SERVICES]:
        spec = service.get("spec", {})
        parts.append(f"<div>{code(str(service['metadata'].get('name', '')))}: {service_about(spec)}</div>")
        parts.append(route_table(spec))
    if len(services) > _SERVICES:
        parts.append(f"<div class='dim'>and {len(services) - _SERVICES:,} more VirtualServices</div>")
    notes = mesh.notes
    if notes:
        parts.append("<div>" + "<br>".join(_text(note) for note in notes[:_SERVICES]) + "</div>")
    return page("".join(parts))


def render_scripted_model(model: ScriptedModel) -> str:
    """Show what a scripted model says, and how it fails."""
    says = [(escape(model.label), f"{bar(model.probability, 0, 10)}{model.probability:.1%}")]
    shares = [
        ("requests that fail", model.errors),
        (f"answers that say <code>{escape(model.other)}</code> instead", model.disagree),
        ("that share grows with each answer by", model.drift),
    ]
    rows = [(what, f"{bar(share, 1, 10)}{share:.4g}") for what, share in shares if share]
    if model.latency:
        rows.append(("an answer takes", f"{model.latency:.4g} s"))
    return page("<h4>ScriptedModel</h4>" + table(("", ""), [*says, *rows]))
