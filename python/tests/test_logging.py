"""Events of the compiled part in `logging`: levels, order, fields, and what handlers may do."""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time

import grpc_server
import pytest
import releases
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


@pytest.fixture
def keep():
    """Handlers on `canary` at a level, removed after the test with the levels that it set."""
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


@pytest.fixture(scope="module")
def lab():
    with releases.mesh(releases.good()) as lab:
        yield lab


class Answers(servers.Handler):
    def do_POST(self):
        self.body()
        self.answer({"predictions": [[0.1, 0.9]]})

    def do_GET(self):
        self.answer({"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {}}]})


@pytest.fixture(scope="module")
def server():
    with servers.serving(Answers) as server:
        yield server


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


def test_the_import_configures_nothing():
    done = script(
        "import logging, canary\n"
        "assert logging.getLogger().handlers == []\n"
        "canary_ = logging.getLogger('canary')\n"
        "assert [type(one) for one in canary_.handlers] == [logging.NullHandler]\n"
        "assert (canary_.level, canary_.propagate) == (logging.NOTSET, True)\n"
        "assert logging.getLevelName(5) == 'Level 5'\n"
        "client = canary.Client('http://127.0.0.1:9', model='m')\n"
        "try: client.predict(b'x')\n"
        "except canary.NetworkError: pass\n"
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_records_are_there_when_a_call_returns(server, keep):
    kept = keep()
    client(server).predict(b"photo")
    names = [record.name for record in kept.records]
    assert names == ["canary.http", "canary.serving"]
    response, answered = kept.records
    assert (response.levelno, response.levelname) == (logging.DEBUG, "DEBUG")
    assert response.getMessage().startswith("response status=200 duration_ms=")
    fields = response.canary
    assert fields["status"] == 200
    assert isinstance(fields["duration_ms"], float)
    # Those of the spans around it.
    assert (fields["method"], fields["host"]) == ("POST", server.url.removeprefix("http://"))
    assert (fields["path"], fields["call"]) == ("/v1/models/m:predict", "Predict")
    assert (fields["model"], fields["protocol"], fields["attempt"]) == ("m", "REST", 1)
    assert answered.canary["attempts"] == 1
    assert response.pathname.endswith("crates/canary-http/src/client.rs")
    assert response.funcName == "canary_http::client"
    assert response.created <= answered.created <= time.time()
    assert abs(response.msecs - response.created % 1 * 1000) < 1
    assert "status=200" in logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s").format(response)


async def test_records_are_there_when_a_coroutine_gives_its_result(server, keep):
    kept = keep()
    await client(server).predict_async(b"photo")
    # Watches of clusters of earlier tests may report, too, that their server is gone.
    of_this = [record.name for record in kept.records if record.name != "canary.kube"]
    assert of_this == ["canary.http", "canary.serving"]
    await asyncio.gather(*(client(server).predict_async(b"photo") for _ in range(20)))
    assert len(kept.of("canary.http")) == len(kept.of("canary.serving")) == 21


def test_a_level_takes_effect_at_the_next_call(server, keep):
    kept = keep(logging.INFO)
    one = client(server)
    one.predict(b"photo")
    assert kept.records == []
    logging.getLogger("canary.http").setLevel(logging.DEBUG)
    one.predict(b"photo")
    assert [record.name for record in kept.records] == ["canary.http"]
    logging.getLogger("canary.http").setLevel(logging.WARNING)
    one.predict(b"photo")
    logging.getLogger("canary").setLevel(logging.DEBUG)
    one.predict(b"photo")
    assert [record.name for record in kept.records] == ["canary.http", "canary.serving"]
    logging.disable(logging.DEBUG)
    one.predict(b"photo")
    logging.disable(logging.NOTSET)
    logging.getLogger("canary.serving").disabled = True
    one.predict(b"photo")
    assert len(kept.records) == 2
    # Numbers between the names, and the root's level where `canary` has none.
    logging.getLogger("canary.serving").disabled = False
    logging.getLogger("canary").setLevel(11)
    one.predict(b"photo")
    assert len(kept.records) == 2
    logging.getLogger("canary").setLevel(logging.NOTSET)
    before = logging.getLogger().level
    try:
        logging.getLogger().setLevel(logging.DEBUG)
        one.predict(b"photo")
    finally:
        logging.getLogger().setLevel(before)
    assert [record.name for record in kept.records][2:] == ["canary.serving"]


def test_an_event_below_the_level_asks_no_logger(server, keep, monkeypatch):
    asked = []
    for name in ("canary.http", "canary.serving"):
        logger = logging.getLogger(name)
        is_enabled = logger.isEnabledFor

        def ask(level, is_enabled=is_enabled, name=name):
            asked.append(name)
            return is_enabled(level)

        monkeypatch.setattr(logger, "isEnabledFor", ask)
    keep(logging.INFO)
    for _ in range(5):
        client(server).predict(b"photo")
    assert asked == []
    logging.getLogger("canary").setLevel(logging.DEBUG)
    client(server).predict(b"photo")
    assert asked == ["canary.http", "canary.serving"]


async def until_told(kept, start):
    """Wait until a record that begins so has come, a minute at most; the test then finds what is missing."""
    for _ in range(3_000):
        if any(message.startswith(start) for message in kept.messages()):
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"no record begins with {start!r}: {kept.messages()[-10:]}")


async def test_a_level_takes_effect_while_something_goes_on_in_the_background(keep):
    kept = keep(logging.WARNING)
    with releases.mesh(releases.good()) as lab:
        plan = releases.plan(hold=1_000_000)
        run = plan.run(lab, client=releases.client(lab), inputs=releases.photos(), tick=0.02)
        task = asyncio.create_task(run.wait_async())
        await asyncio.sleep(0.3)
        assert [record for record in kept.records if record.levelno < logging.WARNING] == []
        # Nothing of `canary` is called meanwhile.
        logging.getLogger("canary.rollout").setLevel(logging.DEBUG)
        await until_told(kept, "look ")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # A cancelled wait suspends the rollout, which ends on its own thread: its last record comes later.
        await until_told(kept, "suspended ")
    record = next(record for record in kept.records if record.getMessage().startswith("look "))
    assert (record.canary["virtual_service"], record.canary["stable"]) == (releases.APP, "v1")
    assert record.threadName != threading.current_thread().name


def test_a_rollout_is_told_in_its_order(keep):
    kept = keep(logging.INFO)
    with releases.mesh(releases.good(errors=0.4)) as lab:
        run = releases.plan().run(lab, client=releases.client(lab), inputs=releases.photos(), tick=0.05)
        verdict = run.wait()
    assert verdict.rolled_back
    lines = [record for record in kept.of("canary.rollout") if not record.getMessage().startswith("hold ")]
    messages = [record.getMessage().split(" ")[0:2] for record in lines]
    order = [" ".join(words) for words in messages]
    assert order[:2] == ["lock taken", "rollout began"]
    assert order.index("weights written") < order.index("rollback decided") < order.index("verdict verdict=rollback")
    alarm = next(record for record in lines if record.getMessage().startswith("alarm "))
    assert alarm.levelno == logging.WARNING
    assert alarm.canary["evidence"] >= alarm.canary["threshold"] > 1
    assert alarm.canary["plan"] == releases.plan().digest
    created = [record.created for record in kept.records]
    assert created == sorted(created)


def test_traces_have_a_level_below_debug(keep):
    kept = keep(5)
    with releases.mesh(releases.good()) as lab:
        run = releases.plan().run(lab, client=releases.client(lab), inputs=releases.photos(), tick=0.05)
        run.wait()
    seen = [record for record in kept.records if record.getMessage().startswith("observation ")]
    assert seen
    assert {(record.levelno, record.levelname) for record in seen} == {(5, "TRACE")}


def test_the_order_is_kept_and_the_gil_is_not_needed(keep):
    kept = keep()
    # They happen in another thread, which this one waits for with the GIL.
    _canary._log_events(2_000)
    _canary._deliver_events()
    assert [record.canary["number"] for record in kept.of("canary")] == list(range(2_000))
    assert {record.threadName for record in kept.records} == {"another thread"}


def test_events_that_find_no_room_are_counted(keep):
    kept = keep()
    _canary._log_events(10_000)
    end = time.monotonic() + 30
    while time.monotonic() < end and not any("dropped" in one.canary for one in kept.of("canary")):
        # The thread of deliveries may be at work, for which a call waits half a second.
        _canary._deliver_events()
    *kept_events, last = kept.of("canary")
    assert last.levelno == logging.WARNING
    assert last.canary["dropped"] + len(kept_events) == 10_000
    assert len(kept_events) >= 8192
    assert [record.canary["number"] for record in kept_events] == list(range(len(kept_events)))


def test_a_handler_that_raises_is_reported_and_ends_nothing(server, keep, capsys):
    def fail(_record):
        raise ValueError("a handler's mistake")

    kept = keep(then=fail)
    assert list(client(server).predict(b"photo"))
    assert len(kept.records) == 2
    reported = capsys.readouterr().err
    assert reported.count("--- Logging error ---") == 2
    assert "a handler's mistake" in reported


def test_an_interrupt_in_a_handler_is_raised(server, keep):
    def stop(_record):
        raise KeyboardInterrupt

    keep(then=stop)
    one = client(server)

    def predict_until_a_call_delivers():
        # The thread of deliveries may be first; what it raises ends nothing.
        for _ in range(100):
            one.predict(b"photo")

    with pytest.raises(KeyboardInterrupt):
        predict_until_a_call_delivers()


def test_a_handler_may_log_and_call_in_its_turn(server, keep):
    own = logging.getLogger("canary_test_of_handlers")
    one = client(server)

    def again(record):
        if record.name == "canary.http":
            own.warning("%s", record.getMessage())
            one.predict(b"another photo")

    kept = keep(then=again)
    for _ in range(3):
        one.predict(b"photo")
    _canary._deliver_events()
    assert len(kept.of("canary.http")) == 3, "what a handler causes is not told"


def test_a_handler_that_waits_for_the_caller_delays_it_only(server, keep):
    lock = threading.Lock()

    def wait(_record):
        with lock:
            pass

    kept = keep(then=wait)
    one = client(server)

    async def background():
        return await one.predict_async(b"photo")

    with lock:
        other = threading.Thread(target=lambda: asyncio.run(background()), daemon=True)
        other.start()
        while not kept.records:
            time.sleep(0.001)
        # Somebody delivers and waits for this thread.
        one.predict(b"photo")
    other.join()
    _canary._deliver_events()
    while len(kept.records) < 4:
        time.sleep(0.001)
    assert len(kept.records) == 4


def test_many_threads_at_once(server, keep):
    kept = keep()
    one = client(server)

    def work(number):
        for step in range(20):
            one.replace(model=f"m{number}_{step}").predict(b"photo")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _canary._deliver_events()
    answered = [record.canary["model"] for record in kept.of("canary.serving")]
    assert len(answered) == 120
    for number in range(6):
        own = [model for model in answered if model.startswith(f"m{number}_")]
        assert own == [f"m{number}_{step}" for step in range(20)]


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
    done = script(
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
        done = script(
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
    done = script(
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
    done = script(
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


PLAN = """
target: {virtualService: image-classifier}
stable: resnet50
canary: resnet101
settle: 0s
steps:
- {weight: 50, hold: {requests: 40}}
- {weight: 100}
guardrails:
- errorRatio: {atMost: 1.0}
"""


def test_the_command_logs_to_stderr(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    done = script(
        "import sys\nfrom canary.__main__ import main\nsys.argv[1:] = ['run', sys.argv[1], '--log', 'info']\nmain()",
        str(plan),
    )
    assert " INFO rollout{" in done.stderr
    assert "weights written step=0 weight=50" in done.stderr
    assert "verdict verdict=" in done.stderr


SECRET = "c7-hunter2-secret"  # noqa: S105


class Echo(servers.Handler):
    """Sends back the headers of each request."""

    def do_GET(self):
        text = " ".join(f"{name}={value}" for name, value in self.headers.items())
        fields = {"error": text, "message": text, "status": "error", "errorType": "bad_data", "kind": "Status"}
        self.answer(fields | {"apiVersion": "v1", "code": 403}, 403)

    def do_POST(self):
        self.body()
        self.do_GET()

    do_PATCH = do_POST  # noqa: N815 - as the server calls it


def test_no_record_has_a_secret(keep, lab, tmp_path, monkeypatch):
    servers.without_proxies(monkeypatch)
    kept = keep(1)
    headers = {"authorization": f"Bearer {SECRET}", "cookie": f"id={SECRET}", "x-api-key": SECRET}
    token = tmp_path / "token"
    token.write_text(SECRET)
    with servers.serving(Echo) as echo, grpc_server.serving() as grpc:
        for url in (lab.url, echo.url, "http://127.0.0.1:9", f"grpc://127.0.0.1:{grpc.port}", "grpc://127.0.0.1:9"):
            one = canary.Client(url, model="pets", headers=headers, attempts=2, timeout=5)
            for call in (lambda one=one: one.predict(SECRET.encode()), one.metadata, one.status):
                with contextlib.suppress(canary.CanaryError):
                    call()
        for url in (echo.url, "http://127.0.0.1:9"):
            for settings in ({"token": SECRET}, {"username": "me", "password": SECRET}):
                source = canary.Prometheus(url, "pets", stable="v1", canary="v2", **settings)
                with pytest.raises(canary.CanaryError):
                    source.counts(10)
            for user in ({"token": SECRET}, {"tokenFile": str(token)}, {"username": "me", "password": SECRET}):
                file = tmp_path / "kubeconfig"
                kubeconfig = {"apiVersion": "v1", "kind": "Config", "current-context": "c"}
                kubeconfig["contexts"] = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
                kubeconfig["clusters"] = [{"name": "c", "cluster": {"server": url}}]
                kubeconfig["users"] = [{"name": "u", "user": user}]
                file.write_text(json.dumps(kubeconfig))
                cluster = canary.Cluster(file)
                with pytest.raises(canary.CanaryError):
                    cluster.get("VirtualService", "pets")
                with pytest.raises(canary.CanaryError):
                    cluster.apply(canary.Gateway.http("gateway"))
        proxied = canary.Client("http://models.invalid", model="m", proxy=f"http://me:{SECRET}@127.0.0.1:9", attempts=1)
        with pytest.raises(canary.CanaryError):
            proxied.predict(b"x")
        with pytest.raises(canary.CanaryError):
            canary.copy_model(tmp_path / "nothing" / "1", tmp_path / "to" / "1")
    names = {record.name for record in kept.records}
    assert {"canary.http", "canary.serving", "canary.kube"} <= names
    for record in kept.records:
        text = f"{record.getMessage()} {record.__dict__}"
        assert not any(part in text for part in (SECRET, "c7-hun", "bWU6Yz")), text
