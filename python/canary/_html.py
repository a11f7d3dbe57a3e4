"""What a notebook shows: self-contained HTML, escaped, without scripts, for light and dark pages."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from canary import Answer, Decision, Finding

# `currentColor` and translucent fills read on a light page and on a dark one alike.
_STYLE = """<style>
.cnry{font:13px/1.45 system-ui,sans-serif;max-width:56em}
.cnry h4{margin:0 0 .4em;font-size:14px}
.cnry table{border-collapse:collapse;margin:0 0 .5em;font-size:inherit}
.cnry th,.cnry td{text-align:left;padding:.2em .8em .2em 0;vertical-align:top;background:none;
 border-bottom:1px solid rgba(128,128,128,.25)}
.cnry th{font-weight:600;opacity:.7}
.cnry code{font:12px ui-monospace,monospace;background:rgba(128,128,128,.14);padding:.05em .3em;
 border-radius:3px;color:inherit}
.cnry pre{font:12px/1.4 ui-monospace,monospace;background:rgba(128,128,128,.1);padding:.6em;
 border-radius:4px;overflow:auto;color:inherit}
.cnry .bar{display:inline-block;height:.7em;border-radius:2px;background:#3b82c4;
 vertical-align:baseline;margin-right:.5em}
.cnry .b1{background:#d9822b}.cnry .b2{background:#4c9f70}.cnry .b3{background:#9b6bb3}
.cnry .dim{opacity:.65}.cnry .error{color:#d64545}.cnry .warning{color:#c47f17}
.cnry .info{color:#3b82c4}
.cnry .in table{margin:0}.cnry .in td{border:none;padding-top:0;padding-bottom:.1em}
.cnry summary{cursor:pointer;opacity:.75}
</style>"""


def page(body: str) -> str:
    """Wrap a fragment with the style that all fragments share."""
    return f'{_STYLE}<div class="cnry">{body}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out cells that are HTML already."""
    header = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{header}</tr></thead><tbody>{lines}</tbody></table>"


def bar(share: float, index: int = 0, width: float = 14.0) -> str:
    """Draw a share of one as a bar; `width` is in em."""
    share = min(max(share, 0.0), 1.0)
    return f'<span class="bar b{index % 4}" style="width:{share * width:.2f}em"></span>'


def _yaml(text: str) -> str:
    return f"<details><summary>YAML</summary><pre>{escape(text)}</pre></details>"


def _title(kind: str, value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata", {})
    name = escape(str(metadata.get("name", "")))
    namespace = escape(str(metadata.get("namespace", "default")))
    return f'<h4>{kind} <code>{name}</code> <span class="dim">in {namespace}</span></h4>'


def _string_match(match: Mapping[str, Any]) -> str:
    if not match:
        return "is there"
    kind, value = next(iter(match.items()))
    sign = {"exact": "=", "prefix": "begins with", "regex": "matches"}.get(kind, kind)
    return f"{escape(sign)} <code>{escape(str(value))}</code>"


def _conditions(matches: Sequence[Mapping[str, Any]]) -> str:
    def one(match: Mapping[str, Any]) -> str:
        parts = []
        for field, value in match.items():
            if field in {"headers", "queryParams", "withoutHeaders"}:
                word = {"headers": "header", "queryParams": "query", "withoutHeaders": "not header"}
                parts += [
                    f"{word[field]} <code>{escape(name)}</code> {_string_match(rule or {})}"
                    for name, rule in value.items()
                ]
            elif isinstance(value, dict):
                parts.append(f"{escape(field)} {_string_match(value)}")
            else:
                parts.append(f"{escape(field)} <code>{escape(str(value))}</code>")
        return " and ".join(parts) or "everything"

    return "<br>or ".join(one(match) for match in matches) or "everything"


def _destination(destination: Mapping[str, Any]) -> str:
    text = f"<code>{escape(str(destination.get('host', '')))}</code>"
    if "subset" in destination:
        text += f" subset <code>{escape(str(destination['subset']))}</code>"
    port = destination.get("port", {}).get("number")
    return f"{text} :{escape(str(port))}" if port else text


def _shares(routes: Sequence[Mapping[str, Any]]) -> str:
    weights = [max(int(route.get("weight", 0)), 0) for route in routes]
    if len(routes) == 1:
        weights = [1]
    total = sum(weights) or 1
    lines = []
    for index, (route, weight) in enumerate(zip(routes, weights, strict=True)):
        share = weight / total
        lines.append(
            f"{bar(share, index)}{share:.0%} → {_destination(route.get('destination', {}))}"
        )
    return "<br>".join(lines)


def _action(rule: Mapping[str, Any]) -> str:
    if rule.get("route"):
        return _shares(rule["route"])
    for action in ("redirect", "directResponse", "delegate"):
        if action in rule:
            return f"{escape(action)} <code>{escape(str(rule[action]))}</code>"
    return '<span class="dim">nothing</span>'


def render_VirtualService(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the route table with weight bars, the YAML folded beneath."""
    spec = value.get("spec", {})
    hosts = ", ".join(f"<code>{escape(str(host))}</code>" for host in spec.get("hosts", []))
    gateways = ", ".join(f"<code>{escape(str(name))}</code>" for name in spec.get("gateways", []))
    rules = spec.get("http", [])
    rows = [[_conditions(rule.get("match", [])), _action(rule)] for rule in rules]
    head = ["requests where", "go to"]
    if any("timeout" in rule for rule in rules):
        head.append("timeout")
        for row, rule in zip(rows, rules, strict=True):
            row.append(escape(str(rule.get("timeout", "–"))))
    about = f"hosts {hosts}" + (f", through {gateways}" if gateways else ", inside the mesh")
    body = (
        _title("VirtualService", value)
        + f"<div>{about}</div>"
        + table(head, rows)
        + _yaml(yaml)
    )
    return page(body)


def render_DestinationRule(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the subsets and their labels, the YAML folded beneath."""
    spec = value.get("spec", {})
    rows = [
        (
            f"<code>{escape(str(subset.get('name', '')))}</code>",
            " ".join(
                f"<code>{escape(key)}={escape(str(label))}</code>"
                for key, label in subset.get("labels", {}).items()
            ),
            ", ".join(escape(field) for field in subset.get("trafficPolicy", {})),
        )
        for subset in spec.get("subsets", [])
    ]
    body = (
        _title("DestinationRule", value)
        + f"<div>host <code>{escape(str(spec.get('host', '')))}</code></div>"
        + table(("subset", "pods with", "own policy"), rows)
        + _yaml(yaml)
    )
    return page(body)


def render_Gateway(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the servers, the YAML folded beneath."""
    spec = value.get("spec", {})
    rows = []
    for server in spec.get("servers", []):
        port = server.get("port", {})
        hosts = ", ".join(f"<code>{escape(str(host))}</code>" for host in server.get("hosts", []))
        tls = server.get("tls", {}).get("mode", "–")
        rows.append(
            (
                escape(str(port.get("number", ""))),
                escape(str(port.get("protocol", ""))),
                hosts,
                escape(str(tls)),
            )
        )
    labels = " ".join(
        f"<code>{escape(key)}={escape(str(label))}</code>"
        for key, label in spec.get("selector", {}).items()
    )
    body = (
        _title("Gateway", value)
        + f"<div>on pods with {labels or 'any label'}</div>"
        + table(("port", "protocol", "hosts", "TLS"), rows)
        + _yaml(yaml)
    )
    return page(body)


def thumbnail_url(image: bytes) -> str | None:
    """Make a small copy of an image as a `data:` URL, when Pillow is there; the file would swell a page."""
    try:
        from io import BytesIO  # noqa: PLC0415 - only when an image is shown

        from PIL import Image  # noqa: PLC0415 - optional

        with Image.open(BytesIO(image)) as picture:
            small = picture.convert("RGB")
            small.thumbnail((128, 128))
            out = BytesIO()
            small.save(out, "JPEG", quality=80)
    except (ImportError, OSError):
        return None
    data = base64.b64encode(out.getvalue()).decode()
    return f"data:image/jpeg;base64,{data}"


def thumbnail(image: bytes | None) -> str:
    """Show a small copy of an image, when Pillow is there."""
    url = None if image is None else thumbnail_url(image)
    return f'<img alt="" style="border-radius:4px" src="{url}">' if url else ""


def render_answer(answer: Answer, image: bytes | None) -> str:
    """Show the labels with bars and the image asked about."""
    how = f"{answer.elapsed * 1000:.0f} ms"
    if answer.subset:
        how += f", by subset <code>{escape(answer.subset)}</code>"
    if answer.attempts > 1:
        how += f", {answer.attempts} attempts"
    try:
        top = answer.top
    except LookupError:
        top = []
    if top:
        rows = [
            (escape(label), f"{bar(probability, 0, 10)}{probability:.1%}")
            for label, probability in top
        ]
        body = table(("label", "probability"), rows)
    else:
        rows = [
            (
                f"<code>{escape(name)}</code>",
                f"{escape(str(output.dtype))} {escape(str(output.shape))}",
            )
            for name, output in answer.outputs.items()
        ]
        body = table(("output", "array"), rows)
    picture = thumbnail(image)
    return page(
        '<div style="display:flex;gap:1em;align-items:flex-start">'
        f'{picture}<div>{body}<span class="dim">{how}</span></div></div>'
    )


def render_findings(findings: Sequence[Finding]) -> str:
    """Show findings as a table, or say that there is none."""
    if not findings:
        return page("<span>nothing found</span>")
    rows = [
        (
            f'<span class="{escape(finding.severity)}">{escape(finding.severity)}</span>',
            f"<code>{escape(finding.code)}</code>",
            f"{escape(finding.object)}<br><code>{escape(finding.path)}</code>",
            escape(finding.message)
            + (f"<br><span class='dim'>{escape(finding.help)}</span>" if finding.help else ""),
        )
        for finding in findings
    ]
    return page(table(("", "code", "where", "what"), rows))


def render_decision(decision: Decision) -> str:
    """Show where a request goes, with every destination's share and the reason."""
    if decision.shares:
        rows = [
            (
                f"<code>{escape(subset) or '–'}</code>",
                f"{bar(share, index)}{share:.1%}",
                "chosen" if subset == (decision.subset or "") else "",
            )
            for index, (subset, share) in enumerate(decision.shares)
        ]
        body = table(("subset", "share", ""), rows)
    else:
        body = f"<div>answered by the proxy itself, status {escape(str(decision.status))}</div>"
    return page(f"{body}<pre>{escape(decision.why)}</pre>")


def render_node(node: Mapping[str, Any]) -> str:
    """Show a part of an object as nested tables."""

    def cell(value: object) -> str:
        if isinstance(value, Mapping):
            rows = [(f"<code>{escape(str(key))}</code>", cell(item)) for key, item in value.items()]
            return table(("", ""), rows).replace("<thead><tr><th></th><th></th></tr></thead>", "") if rows else "{}"
        if isinstance(value, list | tuple):
            return "<br>".join(cell(item) for item in value) or "[]"
        return escape(str(value))

    title = escape(type(node).__name__)
    return page(f'<h4>{title}</h4><div class="in">{cell(node)}</div>')
