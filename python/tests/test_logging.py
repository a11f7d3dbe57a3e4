"""Events of the compiled part in `logging`: records, their fields and their levels."""

import asyncio
import logging
import time

import logs
import pytest
import servers


@pytest.fixture
def keep():
    with logs.listening() as listen:
        yield listen


@pytest.fixture(scope="module")
def server():
    with servers.serving(logs.Answers) as server:
        yield server


def test_the_import_configures_nothing():
    done = logs.script(
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
    logs.client(server).predict(b"photo")
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
    assert (fields["model"], fields["protocol"], fields["transport"]) == ("m", "tensorflow", "REST")
    assert fields["attempt"] == 1
    assert answered.canary["attempts"] == 1
    assert response.pathname.endswith("crates/canary-http/src/client.rs")
    assert response.funcName == "canary_http::client"
    assert response.created <= answered.created <= time.time()
    assert abs(response.msecs - response.created % 1 * 1000) < 1
    assert "status=200" in logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s").format(response)


async def test_records_are_there_when_a_coroutine_gives_its_result(server, keep):
    kept = keep()
    await logs.client(server).predict_async(b"photo")
    # Watches of clusters of earlier tests may report, too, that their server is gone.
    of_this = [record.name for record in kept.records if record.name != "canary.kube"]
    assert of_this == ["canary.http", "canary.serving"]
    await asyncio.gather(*(logs.client(server).predict_async(b"photo") for _ in range(20)))
    assert len(kept.of("canary.http")) == len(kept.of("canary.serving")) == 21


def test_a_level_takes_effect_at_the_next_call(server, keep):
    kept = keep(logging.INFO)
    one = logs.client(server)
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
        logs.client(server).predict(b"photo")
    assert asked == []
    logging.getLogger("canary").setLevel(logging.DEBUG)
    logs.client(server).predict(b"photo")
    assert asked == ["canary.http", "canary.serving"]
