"""A page on loopback that shows values as a notebook does, and follows them."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from canary._canary import Lab, Run, VirtualService
from canary._html import bar, code, page, table, thumbnail
from canary._live import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

_RECENT = 12
# Connections that are answered at once; another one is closed.
_CONNECTIONS = 16
# The first HTTP status of a failure.
_FAILED = 300
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
    """A live page of values: labs, runs, and every other value with a notebook view.

    Of a lab it shows the routes, who served the requests, the last answers with small pictures where images were
    asked about, and the runs on it; of a run also where the models disagree. It only reads, listens on loopback unless
    told otherwise, and answers only to its own name. Everyone who can connect to it sees its content.

    Args:
        values: Labs, runs, and other values; each is rendered again at every request.
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
        self._answers: dict[str, _Answers] = {}
        self._lock = threading.Lock()
        for lab in self._labs():
            # From now on the lab keeps its last answers.
            _open(lab, lab._recent, 0)  # noqa: SLF001 - the lab's other half
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="canary-dashboard", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the page."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def show(self, *values: Any) -> None:
        """Show values above the others, newest first, such as answers; the last twelve stay.

        Args:
            values: Whatever shows itself in a notebook.

        Example:
            >>> from canary import ScriptedModel
            >>> with Dashboard() as dashboard:
            ...     dashboard.show(ScriptedModel("cat", 0.9))
            ...     "ScriptedModel" in dashboard.html()
            True
        """
        with self._lock:
            self._recent.extendleft(values)

    def close(self) -> None:
        """Stop serving.

        Example:
            >>> Dashboard().close()
        """
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def html(self) -> str:
        """Draw everything as it is now.

        Example:
            >>> with Dashboard() as dashboard:
            ...     isinstance(dashboard.html(), str)
            True
        """
        with self._lock:
            recent = list(self._recent)
            sections = [_safely(draw) for draw in self._sections()]
        if recent:
            shown = "".join(_safely(value._repr_html_) for value in recent)
            sections.append(page("<h4>Shown</h4>") + shown)
        return "".join(f"<section>{section}</section>" for section in sections if section)

    def _sections(self) -> Iterator[Callable[[], str]]:
        runs = any(isinstance(value, Run) for value in self._values)
        for value in self._values:
            yield value._repr_html_
            if isinstance(value, Lab):
                yield partial(_routes, value)
                if not runs:
                    yield partial(_runs, value)
        for lab in self._labs():
            yield partial(self._last_answers, lab)

    def _labs(self) -> list[Lab]:
        """Give the labs that are shown, and those of the runs that are, each once."""
        found: list[Lab] = []
        for value in self._values:
            lab = value._lab() if isinstance(value, Run) else value  # noqa: SLF001 - its other half
            if not isinstance(lab, Lab):
                continue
            if not any(lab is one for one in found):
                found.append(lab)
        return found

    def _last_answers(self, lab: Lab) -> str:
        if lab.is_closed:
            return ""
        return self._answers.setdefault(lab.url, _Answers()).html(lab)

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


def _safely(draw: Callable[[], str]) -> str:
    """Draw a part; if it cannot be drawn, it shows the reason, and the others stay."""
    try:
        return str(draw())
    except Exception as error:  # noqa: BLE001 - the page says what went wrong
        return page(f'<div class="error">{escape(str(error) or type(error).__name__)}</div>')


def _open(lab: Lab, read: Callable[..., list[Any]], *args: Any) -> list[Any]:
    """Read from a lab, which may have been closed meanwhile."""
    try:
        return read(*args)
    except RuntimeError:
        if lab.is_closed:
            return []
        raise


def _routes(lab: Lab) -> str:
    """Show the routes of a lab."""
    return "".join(
        VirtualService.from_dict(found)._repr_html_()
        for found in _open(lab, lab.objects)
        if found["kind"] == "VirtualService"
    )


def _runs(lab: Lab) -> str:
    """Show the runs on a lab that somebody holds."""
    return "".join(render(view) for view in _open(lab, lab._runs))  # noqa: SLF001 - likewise


class _Answers:
    """The last answers of one lab, each drawn once."""

    def __init__(self) -> None:
        self._seen = 0
        self._rows: deque[tuple[str, ...]] = deque(maxlen=_RECENT)

    def html(self, lab: Lab) -> str:
        """Show them, newest first."""
        answers = _open(lab, lab._recent, self._seen)  # noqa: SLF001 - the lab's other half
        for number, path, subset, status, seconds, top, file in answers:
            self._seen = number
            if top:
                label, probability = top[0]
                answer = f"{escape(label)}<br>{bar(probability, 0, 5)}{probability:.1%}"
            else:
                answer = f"<span class='dim'>{escape(path)}</span>"
            state = str(status) if status < _FAILED else f'<span class="error">{status}</span>'
            self._rows.appendleft((thumbnail(file), code(subset or "–"), answer, state, f"{seconds * 1000:.1f} ms"))
        if not self._rows:
            return ""
        pictures = any(row[0] for row in self._rows)
        head = ("", "subset", "answer", "status", "time")
        rows = [row if pictures else row[1:] for row in self._rows]
        return page("<h4>Recent answers</h4>" + table(head if pictures else head[1:], rows))


class _Server(ThreadingHTTPServer):
    """The server of one dashboard."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], dashboard: Dashboard) -> None:
        super().__init__(address, _Handler)
        self.dashboard = dashboard
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        host, port = self.server_address[:2]
        # A page of another site may point its own name at this address; requests under such a name are refused.
        names = {str(host), address[0]}
        if ip_address(str(host)).is_loopback:
            names |= {"127.0.0.1", "localhost", "[::1]"}
        self.hosts = {f"{name}:{port}".lower() for name in names}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, or close the connection when there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that has closed the connection."""


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
            self._answer(HTTPStatus.OK, "text/html", server.dashboard.html())
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
        """Log nothing: a library does not print."""
