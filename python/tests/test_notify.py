"""A run tells others, by the same words as the command's `--notify` and `--events`."""

import http.server
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from releases import APP, good, mesh, plan, weights

import canary

HIDDEN = "c7-hunter2"


class Receiver:
    """A server that takes every notice."""

    def __init__(self):
        self.heard = heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                heard.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def until(found):
    """Wait until something is there: notices are sent in the background."""
    deadline = time.monotonic() + 60
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kinds(receiver, path):
    return [body["data"]["kind"] for at, _, body in receiver.heard if at == path]


def events_of(lab):
    return [found for found in lab.objects() if found["kind"] == "Event"]


def test_a_run_in_the_lab_tells_webhooks_and_writes_events(receiver, monkeypatch, tmp_path):
    monkeypatch.setenv("CANARY_TEST_HOOK", f"slack:{receiver.url}/{HIDDEN}")
    token = tmp_path / "token"
    token.write_text(f"{HIDDEN}-token\n")
    with mesh(good()) as lab:
        run = plan().run(
            lab,
            tick=0.05,
            notify=["env:CANARY_TEST_HOOK", f"{receiver.url}/events"],
            notify_token_file=token,
            notify_link="https://reports.example/7",
            events=True,
        )
        assert run.wait().promoted
        until(lambda: len(receiver.heard) == 8)
        until(lambda: len(events_of(lab)) == 4)
        events = events_of(lab)
        assert run.undelivered == []
    told = [body for path, _, body in receiver.heard if path == "/events"]
    assert kinds(receiver, "/events") == ["started", "step", "step", "verdict"]
    assert told[-1]["data"]["verdict"] == "promote"
    assert told[-1]["data"]["link"] == "https://reports.example/7"
    heads = [head for path, head, _ in receiver.heard if path == "/events"]
    heads = [{name.lower(): value for name, value in head.items()} for head in heads]
    assert {head["authorization"] for head in heads} == {f"Bearer {HIDDEN}-token"}
    chat = [(headers, body["text"]) for path, headers, body in receiver.heard if path == f"/{HIDDEN}"]
    assert len(chat) == 4
    assert "promoted" in chat[-1][1]
    assert "https://reports.example/7" in chat[-1][1]
    assert not any("authorization" in map(str.lower, headers) for headers, _ in chat)
    assert sorted(event["reason"] for event in events) == [
        "RolloutPromoted",
        "RolloutStarted",
        "RolloutStep",
        "RolloutStep",
    ]


def test_one_address_is_enough_and_a_suspended_run_says_so(receiver):
    with mesh(good()) as lab:
        run = plan(hold=1_000_000, patience=600).run(lab, tick=0.05, notify=f"{receiver.url}/x")
        for event in run:
            if event.kind == "seen":
                run.suspend()
        until(lambda: "suspended" in kinds(receiver, "/x"))
    assert kinds(receiver, "/x")[0] == "started"
    assert run.undelivered == []


def test_a_dead_webhook_changes_nothing_and_is_named_without_its_address(receiver):
    receiver.close()
    with mesh(good()) as lab:
        run = plan().run(lab, tick=0.05, notify=f"slack:{receiver.url}/{HIDDEN}")
        assert run.wait().promoted
        until(lambda: run.undelivered and "4 of 4" in run.undelivered[0])
        (line,) = run.undelivered
    assert line.startswith(receiver.url.removeprefix("http://"))
    assert "4 of 4 notices not delivered" in line
    assert HIDDEN not in line


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (f"slack:{HIDDEN}", ValueError, "does not begin with http:// or https://"),
        (f"ftp://h/{HIDDEN}", ValueError, "does not begin with http:// or https://"),
        (f"https://me:{HIDDEN}@h/", ValueError, "holds a user name or a password"),
        ("env:CANARY_NO_SUCH_VARIABLE", ValueError, "CANARY_NO_SUCH_VARIABLE is not set"),
        ("file:/no/such/file", ValueError, "cannot read the file /no/such/file"),
        (7, TypeError, "give an address, such as env:SLACK_WEBHOOK"),
        ([7], TypeError, "give an address, such as env:SLACK_WEBHOOK"),
        (f"slack:http://chat.example/{HIDDEN}", canary.PlanError, "http:// does not encrypt them"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_and_not_repeated(given, error, words):
    with mesh(good()) as lab:
        with pytest.raises(error, match=words) as raised:
            plan().run(lab, notify=given)
        assert HIDDEN not in str(raised.value)
        assert weights(lab) == {"v1": 100, "v2": 0}


def test_a_program_that_ends_after_its_verdict_has_told_it(receiver, tmp_path):
    """The end of the interpreter waits for the notices that are under way."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, canary\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from releases import good, mesh, plan\n"
        "with mesh(good()) as lab:\n"
        "    plan().run(lab, tick=0.05, notify=sys.argv[1]).wait()\n"
    )
    folder = Path(__file__).parent
    subprocess.run([sys.executable, program, f"{receiver.url}/x", folder], check=True, timeout=120)
    assert kinds(receiver, "/x")[-1] == "verdict"


def test_the_old_version_is_scaled_down_in_the_lab():
    with mesh(good()) as lab:
        events = list(plan(scale_down_after=0.2).run(lab, tick=0.05))
        order = [event.kind for event in events]
        assert order.index("scaleDownAwaited") < order.index("scaledDown") < order.index("finished")
        assert events[-1].verdict.promoted
        told = next(event for event in events if event.kind == "scaledDown")
        assert str(told) == f"Deployment default/{APP}-v1 scaled from 1 to 0 replicas"
        assert told.problem is None
        assert lab.get("Deployment", f"{APP}-v1")["spec"]["replicas"] == 0
        assert lab.get("Deployment", f"{APP}-v2")["spec"].get("replicas", 1) == 1
    with mesh(good()) as lab:
        scaler = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "old", "namespace": "default"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{APP}-v1"}},
        }
        lab.apply(scaler)
        events = list(plan(scale_down_after=0.2).run(lab, tick=0.05))
        told = next(event for event in events if event.kind == "scaledDown")
        assert "HorizontalPodAutoscaler old scales" in told.problem
        assert events[-1].verdict.promoted
        assert lab.get("Deployment", f"{APP}-v1")["spec"].get("replicas", 1) == 1
