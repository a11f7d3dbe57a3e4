"""The delivery of events to handlers of `logging`: their order, and handlers that are slow or fail."""

import asyncio
import logging
import threading
import time

import logs
import pytest
import servers

from canary import _canary


@pytest.fixture
def keep():
    with logs.listening() as listen:
        yield listen


@pytest.fixture(scope="module")
def server():
    with servers.serving(logs.Answers) as server:
        yield server


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
    assert list(logs.client(server).predict(b"photo"))
    assert len(kept.records) == 2
    reported = capsys.readouterr().err
    assert reported.count("--- Logging error ---") == 2
    assert "a handler's mistake" in reported


def test_an_interrupt_in_a_handler_is_raised(server, keep):
    def stop(_record):
        raise KeyboardInterrupt

    keep(then=stop)
    one = logs.client(server)

    def predict_until_a_call_delivers():
        # The thread of deliveries may be first; what it raises ends nothing.
        for _ in range(100):
            one.predict(b"photo")

    with pytest.raises(KeyboardInterrupt):
        predict_until_a_call_delivers()


def test_a_handler_may_log_and_call_in_its_turn(server, keep):
    own = logging.getLogger("canary_test_of_handlers")
    one = logs.client(server)

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
    one = logs.client(server)

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
    one = logs.client(server)

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
