"""Notebook views of the parts of an object."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from canary._html import code, page, table


def render_node(node: Mapping[str, Any], path: str) -> str:
    """Show a part of an object as nested tables."""

    def cell(value: object) -> str:
        if isinstance(value, Mapping):
            rows = [(f"<code>{escape(str(key))}</code>", cell(item)) for key, item in value.items()]
            return table(("", ""), rows) if rows else "{}"
        if isinstance(value, list | tuple):
            return "<br>".join(cell(item) for item in value) or "[]"
        return escape(str(value))

    where = f' <span class="dim">at {code(path)}</span>' if path else ""
    shown = cell(node) if node else '<span class="dim">no field is set</span>'
    return page(f'<h4>{escape(type(node).__name__)}{where}</h4><div class="in">{shown}</div>')
