"""Notebook views: self-contained HTML, escaped, without scripts, for light and dark pages."""

from __future__ import annotations

import base64
import re
from html import escape
from typing import TYPE_CHECKING, Any

from canary import _routes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from canary import Answer, Decision, Finding

# Larger pictures are not decoded for a thumbnail.
_PIXELS = 50_000_000

# No colour of text has a contrast of 4.5 to 1 on white and on black, as WCAG AA asks: there is a set for each, chosen
# by the theme of the notebook if it has one, else by that of the browser.
_STYLE = """<style>
.cnry{--blue:#1f6cae;--orange:#b35c0c;--green:#23774a;--violet:#7a4fa3;--red:#b83232;--gold:#8a5a00}
@media (prefers-color-scheme:dark){.cnry{--blue:#74b0ec;--orange:#efa75c;--green:#74cc9a;--violet:#c0a0e6;--red:#f28a8a;
 --gold:#e3b34d}}
[data-jp-theme-light="true"] .cnry,.vscode-light .cnry{--blue:#1f6cae;--orange:#b35c0c;--green:#23774a;--violet:#7a4fa3;
 --red:#b83232;--gold:#8a5a00}
[data-jp-theme-light="false"] .cnry,.vscode-dark .cnry{--blue:#74b0ec;--orange:#efa75c;--green:#74cc9a;--violet:#c0a0e6;
 --red:#f28a8a;--gold:#e3b34d}
.cnry{font:13px/1.45 system-ui,sans-serif;max-width:56em;overflow-x:auto}
.cnry h4{margin:0 0 .4em;font-size:14px}
.cnry table{border-collapse:collapse;margin:0 0 .5em;font-size:inherit}
.cnry th,.cnry td{text-align:left;padding:.2em .8em .2em 0;vertical-align:top;background:none;
 border-bottom:1px solid rgba(128,128,128,.25)}
.cnry th{font-weight:600;opacity:.75}
.cnry th.n,.cnry td.n{text-align:right;font-variant-numeric:tabular-nums}
.cnry dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em;margin:0 0 .5em}
.cnry dt{opacity:.72}.cnry dd{margin:0;overflow-wrap:anywhere}
.cnry code{font:12px ui-monospace,monospace;background:rgba(128,128,128,.14);padding:.05em .3em;
 border-radius:3px;color:inherit}
.cnry pre{font:12px/1.4 ui-monospace,monospace;background:rgba(128,128,128,.1);padding:.6em;
 border-radius:4px;overflow:auto;color:inherit}
.cnry .bar{display:inline-block;height:.7em;border-radius:2px;background:var(--blue);
 vertical-align:baseline;margin-right:.5em}
.cnry .b1{background:var(--orange)}.cnry .b2{background:var(--green)}.cnry .b3{background:var(--violet)}
.cnry .dim{opacity:.72}.cnry .error{color:var(--red)}.cnry .warning{color:var(--gold)}
.cnry .info{color:var(--blue)}.cnry .ok{color:var(--green)}
.cnry .in table{margin:0}.cnry .in td{border:none;padding-top:0;padding-bottom:.1em}
.cnry summary{cursor:pointer;opacity:.75}
.cnry .gallery{display:flex;flex-wrap:wrap;gap:.6em;margin:.3em 0}
.cnry .card{border:1px solid rgba(128,128,128,.3);border-radius:6px;padding:.4em .6em;max-width:13em;
 overflow-wrap:anywhere;font-size:12px}
.cnry .card img{display:block;border-radius:4px;margin:0 0 .3em}
.cnry .card i{display:inline-block;width:.65em;height:.65em;border-radius:50%;margin-right:.4em}
.cnry i.s{background:var(--blue)}.cnry i.c{background:var(--orange)}
</style>"""


def page(body: str) -> str:
    """Wrap a fragment with the style that all fragments share."""
    return f'{_STYLE}<div class="cnry">{body}</div>'


# A cell that is a number, with a unit or without, or that says that there is none.
_NUMBER = re.compile(r"[-−+]?[\d.,]+(e[-+]?\d+)?( ?(%|ms|s))?|–|∞|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out cells of HTML: text at the left, columns of numbers at the right; empty names make no head."""
    lines = [list(row) for row in rows]
    columns = [[_plain(cell) for cell in column] for column in zip(*lines, strict=True)] or [[""]] * len(head)
    kinds = [' class="n"' if any(column) and all(map(_NUMBER.fullmatch, column)) else "" for column in columns]
    header = "".join(f'<th scope="col"{kind}>{cell}</th>' for cell, kind in zip(head, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(line, kinds, strict=True)) + "</tr>"
        for line in lines
    )
    top = f"<thead><tr>{header}</tr></thead>" if any(head) else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"


def _plain(cell: str) -> str:
    """Give the text of a cell; a bar begins at the left of its column, whatever number follows it."""
    return "bar" if '<span class="bar' in cell else re.sub(r"<[^>]*>", "", cell).strip()


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """List names with their values, which are HTML already."""
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in pairs) + "</dl>"


def bar(share: float, index: int = 0, width: float = 14.0) -> str:
    """Draw a share of one as a bar; `width` is in em."""
    share = min(max(share, 0.0), 1.0)
    return f'<span class="bar b{index % 4}" style="width:{share * width:.2f}em"></span>'


def chance(p: float, low: float, high: float, index: int = 0) -> str:
    """Draw a probability as a bar, with its value and its interval."""
    return f'{bar(p, index)}{p:.1%} <span class="dim">{low:.1%} to {high:.1%}</span>'


# The longest YAML that is shown whole, in characters.
_YAML = 20_000


def folded(text: str) -> str:
    if len(text) > _YAML:
        text = f"{text[:_YAML]}\n# … and {len(text) - _YAML:,} more characters"
    return f"<details><summary>YAML</summary><pre>{escape(text)}</pre></details>"


def title(kind: str, value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata", {})
    name = escape(str(metadata.get("name", "")))
    namespace = escape(str(metadata.get("namespace", "default")))
    return f'<h4>{kind} <code>{name}</code> <span class="dim">in {namespace}</span></h4>'


def code(text: str) -> str:
    """Show what the object's author wrote."""
    return f"<code>{escape(text)}</code>"


def _destination(destination: Mapping[str, Any]) -> str:
    text = f"<code>{escape(str(destination.get('host', '')))}</code>"
    if "subset" in destination:
        text += f" subset <code>{escape(str(destination['subset']))}</code>"
    port = destination.get("port", {}).get("number")
    return f"{text} :{escape(str(port))}" if port else text


def _action(rule: Mapping[str, Any]) -> str:
    routes = rule.get("route", [])
    if routes:
        return "<br>".join(
            f"{bar(share, index)}{share:.0%} → {_destination(route.get('destination', {}))}"
            for index, (route, share) in enumerate(zip(routes, _routes.shares(routes), strict=True))
        )
    does = _routes.own_action(rule)
    return f"{does[0]} {code(does[1])}" if does else '<span class="dim">nothing</span>'


def _mirrors(rule: Mapping[str, Any]) -> str:
    mirrors = rule.get("mirrors") or ([{"destination": rule["mirror"]}] if "mirror" in rule else [])
    copied = "<br><span class='dim'>copied to</span> "
    return "".join(copied + _destination(one.get("destination", {})) for one in mirrors)


_RULES = 50


def route_table(spec: Mapping[str, Any]) -> str:
    """Show the rules in the order in which they are tried, each with its destinations."""
    rules = [rule for _, rule in _routes.rules(spec)]
    rows = [
        [_routes.conditions(rule.get("match", []), code, "<br>or "), _action(rule) + _mirrors(rule)]
        for rule in rules[:_RULES]
    ]
    head = ["requests where", "go to"]
    if any("timeout" in rule for rule in rules):
        head.append("timeout")
        for row, rule in zip(rows, rules, strict=False):
            row.append(escape(str(rule.get("timeout", "–"))))
    more = f'<div class="dim">and {len(rules) - _RULES:,} more rules</div>' if len(rules) > _RULES else ""
    return table(head, rows) + more


def service_about(spec: Mapping[str, Any]) -> str:
    """Say for which hosts a VirtualService speaks, and where."""
    hosts = ", ".join(code(str(host)) for host in spec.get("hosts", []))
    gateways = ", ".join(code(str(name)) for name in spec.get("gateways", []))
    return f"hosts {hosts}" + (f", through {gateways}" if gateways else ", inside the mesh")


def render_VirtualService(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the route table with weight bars, the YAML folded beneath."""
    spec = value.get("spec", {})
    body = title("VirtualService", value) + f"<div>{service_about(spec)}</div>" + route_table(spec) + folded(yaml)
    return page(body)


def render_DestinationRule(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the subsets and their labels, the YAML folded beneath."""
    spec = value.get("spec", {})
    rows = [
        (
            f"<code>{escape(str(subset.get('name', '')))}</code>",
            " ".join(
                f"<code>{escape(key)}={escape(str(label))}</code>" for key, label in subset.get("labels", {}).items()
            ),
            ", ".join(escape(field) for field in subset.get("trafficPolicy", {})),
        )
        for subset in spec.get("subsets", [])
    ]
    body = (
        title("DestinationRule", value)
        + f"<div>host <code>{escape(str(spec.get('host', '')))}</code></div>"
        + table(("subset", "pods with", "own policy"), rows)
        + folded(yaml)
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
        f"<code>{escape(key)}={escape(str(label))}</code>" for key, label in spec.get("selector", {}).items()
    )
    body = (
        title("Gateway", value)
        + f"<div>on pods with {labels or 'any label'}</div>"
        + table(("port", "protocol", "hosts", "TLS"), rows)
        + folded(yaml)
    )
    return page(body)


def thumbnail_url(image: bytes) -> str | None:
    """Make a small copy of an image as a `data:` URL, when Pillow is there; the file would swell a page."""
    try:
        from io import BytesIO  # noqa: PLC0415 - only when an image is shown

        from PIL import Image  # noqa: PLC0415 - optional

        with Image.open(BytesIO(image)) as picture:
            if picture.width * picture.height > _PIXELS:
                return None
            picture.draft("RGB", (192, 192))
            small = picture.convert("RGB")
            small.thumbnail((96, 96))
            out = BytesIO()
            small.save(out, "JPEG", quality=75)
    except Exception:  # noqa: BLE001 - bytes of any kind come here; what is no picture has none
        return None
    data = base64.b64encode(out.getvalue()).decode()
    return f"data:image/jpeg;base64,{data}"


def thumbnail(image: bytes | None) -> str:
    """Show a small copy of an image, when Pillow is there."""
    url = None if image is None else thumbnail_url(image)
    return f'<img alt="" style="border-radius:4px" src="{url}">' if url else ""


def render_answer(answer: Answer, image: bytes | None) -> str:
    """Show the labels with bars and the image of the request."""
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
        rows = [(escape(label), f"{bar(probability, 0, 10)}{probability:.1%}") for label, probability in top]
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
            escape(finding.message) + (f"<br><span class='dim'>{escape(finding.help)}</span>" if finding.help else ""),
        )
        for finding in findings
    ]
    return page(table(("", "code", "where", "what"), rows))


def render_decision(decision: Decision) -> str:
    """Show where a request goes, with every destination's share and the reason."""
    if decision.shares:
        rows = [
            (
                f"<code>{escape(name)}</code>",
                f"{bar(share, index)}{share:.1%}",
                "chosen" if name == (decision.subset or decision.host) else "",
            )
            for index, (name, share) in enumerate(decision.shares)
        ]
        body = table(("destination", "share", ""), rows)
    else:
        body = f"<div>answered by the proxy itself, status {escape(str(decision.status))}</div>"
    return page(f"{body}<pre>{escape(decision.why)}</pre>")
