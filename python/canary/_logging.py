"""What the compiled part tells, as records of `logging`: of the logger `canary` and those below it.

Nothing is configured here: without a handler and a level of the program's own, nothing is written. A record's fields
are in its text and, with those of the run or request around it, in `record.canary`.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, TypeAlias

from canary._canary import _log_to, _next_event

# In the order that the compiled part knows.
_PARTS = ["http", "kube", "lab", "notify", "rollout", "serving"]

# Logger, level with its name, time, text, fields, module, file, line, and the thread where it is not the present one.
_Event: TypeAlias = tuple[logging.Logger, int, str, float, str, dict[str, Any], str, str, int, str | None]

# The handler that keeps `logging` from writing warnings to stderr by itself; it also reports errors of other handlers.
_SILENT = logging.NullHandler()


def _deliver(event: _Event) -> None:
    """Make a record and hand it to its logger; what a handler raises is reported as `logging` reports it."""
    logger, level, level_name, at, line, fields, target, file, number, thread = event
    if not logger.isEnabledFor(level):
        return
    try:
        extra = {"canary": fields}
        record = logger.makeRecord(logger.name, level, file, number, line, (), None, target, extra)
        # The record is delivered after the event, perhaps by another thread.
        record.relativeCreated -= (record.created - at) * 1000
        record.created, record.msecs = at, at % 1 * 1000
        record.levelname = level_name
        if thread is not None:
            record.thread, record.threadName = None, thread
        logger.handle(record)
    except Exception:  # noqa: BLE001 - a handler must not end a prediction or a run
        _SILENT.handleError(logging.LogRecord(logger.name, level, file, number, line, None, None))


def _deliver_apart(event: _Event) -> None:
    """Deliver in the thread of deliveries, where an exception ends nothing."""
    try:
        _deliver(event)
    except BaseException:  # noqa: BLE001 - such as SystemExit, which ends no other thread either
        _SILENT.handleError(logging.LogRecord("canary", logging.ERROR, __file__, 0, "not delivered", None, None))


def _deliver_all() -> None:
    """Deliver what happens between calls, until the interpreter ends.

    The loop is Python's: where the interpreter ends while a handler waits, no compiled code is on the stack of this
    thread.
    """
    while (event := _next_event()) is not None:
        _deliver_apart(event)


def _start() -> None:
    """Start the thread of deliveries, which keeps no interpreter from ending."""
    threading.Thread(target=_deliver_all, name="canary-logging", daemon=True).start()


def _install() -> None:
    logging.getLogger("canary").addHandler(_SILENT)
    names = ["", "canary", *(f"canary.{part}" for part in _PARTS)]
    _log_to([logging.getLogger(name) for name in names], logging.Logger.manager, _deliver, _start)


_install()
