"""Events of `logging` in forked processes, and at the end of the interpreter."""

import os

import logs
import pytest

BEGIN = """
import logging, os, sys, threading, time
import canary
from canary import _canary
records = []
class Keep(logging.Handler):
    def emit(self, record):
        records.append(record)
logging.getLogger("canary").setLevel(logging.DEBUG)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_logs_its_own():
    done = logs.script(
        BEGIN
        + """
logging.getLogger("canary").addHandler(Keep())
_canary._log_for_ever()
while not records:
    time.sleep(0.001)
for _ in range(50):
    child = os.fork()
    if child == 0:
        records.clear()
        _canary._log_events(100)
        _canary._deliver_events()
        numbers = [record.canary["number"] for record in records if "number" in record.canary]
        os._exit(0 if numbers == list(range(100)) else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
print(len(records) > 0)
"""
    )
    assert done.stdout == "True\n", done


@pytest.mark.parametrize(
    "handler",
    ["Keep()", "logging.StreamHandler(open(os.devnull, 'w'))"],
    ids=["in memory", "to a file"],
)
def test_the_interpreter_ends_while_events_come(handler):
    for _ in range(10):
        done = logs.script(
            BEGIN
            + f"""
logging.getLogger("canary").addHandler({handler})
for _ in range(3):
    _canary._log_for_ever()
def work():
    while True:
        _canary._deliver_events()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
logging.getLogger("canary").addHandler(Keep())
while len(records) < 100:
    time.sleep(0.001)
"""
        )
        assert (done.stdout, done.stderr) == ("", "")


def test_what_came_last_is_delivered_before_the_end():
    done = logs.script(
        BEGIN
        + """
class Print(logging.Handler):
    def emit(self, record):
        print(record.canary["number"])
_canary._log_events(0)
logging.getLogger("canary").addHandler(Print())
_canary._log_events(3)
"""
    )
    assert done.stdout == "0\n1\n2\n"


def test_the_interpreter_ends_while_a_handler_waits():
    done = logs.script(
        BEGIN
        + """
class Wait(logging.Handler):
    # Not in `emit`: `logging` itself waits at its end for a handler that is in there.
    def handle(self, record):
        waits.set()
        time.sleep(600)
waits = threading.Event()
logging.getLogger("canary").addHandler(Wait())
_canary._log_events(1)
waits.wait()
"""
    )
    assert (done.stdout, done.stderr) == ("", "")
