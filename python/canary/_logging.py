"""What the compiled part tells, as records of `logging`: of the logger `canary` and those below it.

Nothing is configured here: without a handler and a level of the program's own, nothing is written. A record's fields are
in its text and, with those of the run or request around it, in `record.canary`.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from canary._canary import _log_to, _next_event

# In the order that the compiled part knows.
_PARTS = ["http", "kube", "lab", "notify", "rollout", "serving"]

# The handler that keeps `logging` from writing warnings to stderr by itself; it also reports errors of other handlers.
_SILENT = logging.NullHandler()


def _deliver(
    logger: logging.Logger,
    level: int,
    level_name: str,
    at: float,
    line: str,
    fields: dict[str, Any],
    target: str,
    file: str,
    line_number: int,
    thread: str | None,
) -> None:
    """Make a record and hand it to its logger; what a handler raises is reported as `logging` reports it."""
    if not logger.isEnabledFor(level):
        return
    try:
        extra = {"canary": fields}
        record = logger.makeRecord(logger.name, level, file, line_number, line, (), None, target, extra)
        # The record is delivered after the event, perhaps by another thread.
        record.relativeCreated -= (record.created - at) * 1000
        record.created, record.msecs = at, at % 1 * 1000
        record.levelname = level_name
        if thread is not None:
            record.thread, record.threadName = None, thread
        logger.handle(record)
    except Exception:  # noqa: BLE001 - a handler must not end a prediction or a run
        _SILENT.handleError(logging.LogRecord(logger.name, level, file, line_number, line, None, None))


def _deliver_all() -> None:
    """Deliver what happens between calls, until the interpreter ends.

    The loop is Python's: where the interpreter ends while a handler waits, no compiled code is on the stack of this
    thread.
    """
    while (event := _next_event()) is not None:
        try:
            _deliver(*event)
        except BaseException:  # noqa: BLE001 - such as SystemExit, which ends no other thread either
            _SILENT.handleError(logging.LogRecord("canary", logging.ERROR, __file__, 0, "not delivered", None, None))


def _start() -> None:
    """Start the thread of deliveries, which keeps no interpreter from ending."""
    threading.Thread(target=_deliver_all, name="canary-logging", daemon=True).start()


def _install() -> None:
    logging.getLogger("canary").addHandler(_SILENT)
    names = ["", "canary", *(f"canary.{part}" for part in _PARTS)]
    _log_to([logging.getLogger(name) for name in names], logging.Logger.manager, _deliver, _start)


_install()
