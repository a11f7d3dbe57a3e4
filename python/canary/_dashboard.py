"""A page on loopback that shows values as a notebook does, and follows them."""

from __future__ import annotations

import threading
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from canary._cards import render_records
from canary._html import page
from canary._records import Records

if TYPE_CHECKING:
    from typing_extensions import Self

_RECENT = 12
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>canary</title><style>
:root{color-scheme:light dark}
body{margin:1.5em auto;max-width:60em;padding:0 1em;font:14px system-ui,sans-serif}
section{border:1px solid rgba(128,128,128,.3);border-radius:8px;padding:.8em 1em;margin:0 0 1em;overflow-x:auto}
#state{font-size:12px;opacity:.65}
</style></head><body><div id="state">connecting</div><main id="values"></main>
<script src="/dashboard.js"></script></body></html>
"""
_SCRIPT = """"use strict";
const state = document.getElementById("state"), values = document.getElementById("values");
let shown = "";
async function follow() {
  try {
    const answer = await fetch("/values", {cache: "no-store"});
    if (!answer.ok) throw new Error("status " + answer.status);
    const html = await answer.text();
    if (html !== shown) {
      const open = [...values.querySelectorAll("details")].map((one) => one.open);
      values.innerHTML = shown = html;
      values.querySelectorAll("details").forEach((one, place) => { one.open = Boolean(open[place]); });
    }
    state.textContent = "live";
  } catch (problem) {
    state.textContent = "no longer connected: what is shown is the last state";
  }
  setTimeout(follow, 1000);
}
follow();
"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Dashboard:
    """A small page that follows values: labs, runs, and whatever else shows itself in a notebook.

    It only reads, listens on loopback unless told otherwise, and answers only to its own name. Whoever may open
    connections to it sees what it shows.

    Args:
        values: Labs, runs, and other values; each is drawn anew at every look.
        host: The address to listen on.
        port: The port; a free one unless given.

    Example:
        >>> from canary import Dashboard, Lab
        >>> with Lab() as lab, Dashboard(lab) as dashboard:
        ...     dashboard.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(self, *values: Any, host: str = "127.0.0.1", port: int = 0) -> None:
        """Begin to serve."""
        self._values = list(values)
        self._recent: deque[Any] = deque(maxlen=_RECENT)
        self._lock = threading.Lock()
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="canary-dashboard", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def show(self, *values: Any) -> None:
        """Show values above the others, newest first, such as answers; the last twelve stay."""
        with self._lock:
            self._recent.extendleft(values)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def html(self) -> str:
        """Draw everything as it is now."""
        with self._lock:
            recent = list(self._recent)
        sections = [_drawn(value) for value in self._values]
        if recent:
            sections.append(page("<h4>Recent</h4>") + "".join(_drawn(value) for value in recent))
        return "".join(f"<section>{section}</section>" for section in sections)

    def __enter__(self) -> Self:
        """Give the dashboard itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop serving."""
        self.close()

    def __repr__(self) -> str:
        """Show where the page is."""
        return f"Dashboard({self.url})"

    def _repr_html_(self) -> str:
        return page(f'<h4>Dashboard at <a href="{self.url}">{self.url}</a></h4>')


def _drawn(value: Any) -> str:
    """Draw a value, and of a lab and of a run what a notebook shows in further cells."""
    from canary import Lab, Run, VirtualService  # noqa: PLC0415 - they import this module

    parts = [str(value._repr_html_())]
    if isinstance(value, Lab):
        parts += [
            VirtualService.from_dict(found)._repr_html_()
            for found in value.objects()
            if found["kind"] == "VirtualService"
        ]
    if isinstance(value, Run) and value.disagreements:
        parts.append(page("<h4>Disagreements</h4>") + render_records(Records(value.disagreements)))
    return "".join(parts)


class _Server(ThreadingHTTPServer):
    """The server of one dashboard."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], dashboard: Dashboard) -> None:
        super().__init__(address, _Handler)
        self.dashboard = dashboard
        host, port = self.server_address[:2]
        # A page of another site may point its own name at this address; requests under such a name are refused.
        names = {str(host), address[0]}
        if ip_address(str(host)).is_loopback:
            names |= {"127.0.0.1", "localhost", "[::1]"}
        self.hosts = {f"{name}:{port}".lower() for name in names}


class _Handler(BaseHTTPRequestHandler):
    """Answers the three addresses of the page."""

    server_version = "canary"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        """Answer one request."""
        server = cast("_Server", self.server)
        if self.headers.get("Host", "").lower() not in server.hosts:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", "this name is not served here\n")
            return
        if self.path == "/":
            self._answer(HTTPStatus.OK, "text/html", _PAGE)
        elif self.path == "/dashboard.js":
            self._answer(HTTPStatus.OK, "text/javascript", _SCRIPT)
        elif self.path == "/values":
            try:
                html = server.dashboard.html()
            except Exception as error:  # noqa: BLE001 - the page says what went wrong
                self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", f"{error}\n")
                return
            self._answer(HTTPStatus.OK, "text/html", html)
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "there is nothing here\n")

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
        """Say nothing: a library does not log."""
