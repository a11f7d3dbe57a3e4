"""Shared parts of the tests of logging: handlers that keep records, a model server, and scripts."""

import contextlib
import logging
import os
import subprocess
import sys

import servers

import canary
from canary import _canary

PARTS = ["http", "kube", "lab", "notify", "rollout", "serving"]


class Keep(logging.Handler):
    """Keeps records, and does something at each."""

    def __init__(self, then=None):
        super().__init__()
        self.records = []
        self.then = then

    def emit(self, record):
        self.records.append(record)
        if self.then:
            self.then(record)

    def of(self, name):
        return [record for record in self.records if record.name == name]

    def messages(self):
        return [record.getMessage() for record in self.records]


@contextlib.contextmanager
def listening():
    """Give a function that adds a handler to `canary` at a level; handlers and levels are removed at the end."""
    logger, kept = logging.getLogger("canary"), []

    def listen(level=logging.DEBUG, then=None):
        handler = Keep(then)
        kept.append(handler)
        logger.addHandler(handler)
        logger.setLevel(level)
        return handler

    yield listen
    for handler in kept:
        logger.removeHandler(handler)
    for one in (logger, *(logging.getLogger(f"canary.{part}") for part in PARTS)):
        one.setLevel(logging.NOTSET)
        one.disabled = False
    logging.disable(logging.NOTSET)
    # The levels of the next test are those that it sets.
    _canary._log_events(0)


class Answers(servers.Handler):
    def do_POST(self):
        self.body()
        self.answer({"predictions": [[0.1, 0.9]]})

    def do_GET(self):
        self.answer({"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {}}]})


def client(server, **settings):
    return canary.Client(server.url, model="m", attempts=1, timeout=20, **settings)


def script(text, *arguments, code=0, **environment):
    """Run a script in an interpreter of its own; give its output."""
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == code, done
    return done
