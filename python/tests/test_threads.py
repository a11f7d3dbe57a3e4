"""Threads, Ctrl-C, forks and other processes: the interpreter goes on while the core works."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

import canary

PLAN = canary.Plan(
    "s", stable="a", canary="b", steps=[5, 100], hold={"requests": 20_000}, guards=[canary.error_ratio(1)]
)


@pytest.fixture(scope="module")
def lab():
    with canary.Lab(models={"m/1": canary.ScriptedModel("cat", 0.9, latency=0.3)}) as lab:
        lab.apply(canary.Workload("pets", "v1", model="pets", path="m/1"))
        lab.apply([canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
        lab.wait_ready()
        yield lab


def client(lab):
    return canary.Client(lab.url, model="pets", signature="serving_preprocess")


def preprocess(size, _):
    canary.Preprocess((60 * size, 60 * size), filter="bicubic")(np.zeros((90, 90, 3), np.uint8))


def batch(size, _):
    canary.Preprocess((60, 60)).batch([np.zeros((90, 90, 3), np.uint8)] * size)


def simulate(size, _):
    PLAN.simulate(errors=(0.01, 0.01), runs=size, seed=1)


def predict(_, lab):
    client(lab).predict(b"photo")


def predict_many(_, lab):
    list(client(lab).predict_many([b"1", b"2"]))


@pytest.mark.parametrize("call", [preprocess, batch, simulate, predict, predict_many], ids=lambda call: call.__name__)
def test_other_threads_run_while_a_call_works(call, lab):
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    # As much work as takes a tenth of a second here.
    size, elapsed = 1, 0.0
    while elapsed < 0.1:
        size *= 2
        began = time.perf_counter()
        call(size, lab)
        elapsed = time.perf_counter() - began
    thread = threading.Thread(target=count)
    thread.start()
    time.sleep(0.05)
    before, began = counted[0], time.perf_counter()
    call(size, lab)
    during, elapsed = counted[0] - before, time.perf_counter() - began
    before, began = counted[0], time.perf_counter()
    time.sleep(0.1)
    alone = (counted[0] - before) / (time.perf_counter() - began)
    stop.set()
    thread.join()
    # With the lock held, the thread would have had a switch interval of 5 ms at the edges of the call.
    assert during > 0.2 * alone * elapsed, f"{during} counts in {elapsed:.3f} s, {alone:.0f} a second alone"


def test_two_threads_work_at_the_same_time():
    image = np.zeros((300, 300, 3), np.uint8)
    preprocess = canary.Preprocess((300, 300), filter="bicubic")
    spans = []

    def work():
        for _ in range(20):
            began = time.perf_counter()
            preprocess(image)
            spans.append((began, time.perf_counter()))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans.sort()
    assert any(later[0] < earlier[1] for earlier, later in pairwise(spans))


INTERRUPTED = """
import os, signal, socket, threading, time
import numpy as np
import canary

silent = socket.socket()
silent.bind(("127.0.0.1", 0))
silent.listen(8)
client = canary.Client(f"http://127.0.0.1:{silent.getsockname()[1]}", model="m", timeout=30)
plan = canary.Plan("s", stable="a", canary="b", steps=[5, 100], hold={"requests": 5000}, guards=[canary.error_ratio(1)])
lab = canary.Lab(models={"m/1": canary.ScriptedModel("cat", latency=0.05)})
lab.apply(canary.Workload("pets", "v1", model="pets", path="m/1"))
lab.apply([canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
lab.wait_ready()
served = canary.Client(lab.url, model="pets", signature="serving_preprocess")
image = np.zeros((60, 60, 3), np.uint8)
calls = {
    "predict": lambda: client.predict(b"x"),
    "wait": lambda: client.wait(30),
    "status": lambda: client.status(),
    "predict_many": lambda: list(served.predict_many((b"x" for _ in range(10**6)), concurrency=2)),
    "simulate": lambda: plan.simulate(errors=(0.01, 0.01), runs=1_000_000),
    "power": lambda: plan.power(0.9, errors=(0.01, 0.0101), runs=1_000_000),
    "batch": lambda: canary.Preprocess((100, 100)).batch([image] * 30_000),
}
for name, call in calls.items():
    sent = []

    def interrupt():
        time.sleep(0.2)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        call()
        print(name, -1)
    except KeyboardInterrupt:
        print(name, time.perf_counter() - sent[0])
lab.close()
"""


def test_ctrl_c_is_answered_at_once():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    took = {name: float(seconds) for name, seconds in (line.split() for line in done.stdout.splitlines())}
    assert len(took) == 7
    assert min(took.values()) >= 0, f"not interrupted: {took}"
    # 50 ms on a machine of its own; a crowded one gets more.
    assert sorted(took.values())[len(took) // 2] < 0.05, took
    assert max(took.values()) < 1, took


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_says_why_it_cannot_go_on(lab):
    client(lab).status()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            client(lab).status()
            text = "no error"
        except Exception as error:  # noqa: BLE001 - told to the parent
            text = f"{type(error).__name__}: {error}"
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    text = os.read(read, 4000).decode()
    os.close(read)
    os.waitpid(child, 0)
    assert text.startswith("RuntimeError: canary was used before this process was forked")
    assert "spawn" in text


def ask(one):
    return one.predict(b"photo").label


def test_another_process_is_started_with_pickled_clients(lab):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(ask, [client(lab)] * 2) == ["cat", "cat"]


async def test_plain_calls_work_inside_a_running_loop(lab):
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    assert client(lab).predict(b"photo").label == "cat"
    blocked = len(ticks)
    answers = await asyncio.gather(*(client(lab).predict_async(b"photo") for _ in range(3)))
    assert [answer.label for answer in answers] == ["cat"] * 3
    assert len(ticks) > blocked + 5, "the loop runs on while it awaits"
    assert [answer.label async for answer in client(lab).predict_many([b"1", b"2"])] == ["cat"] * 2
    ticking.cancel()


def test_a_closed_lab_says_so():
    with canary.Lab() as lab:
        pass
    lab.close()
    with pytest.raises(RuntimeError, match="the lab is closed"):
        _ = lab.url


def test_ctrl_c_inside_the_callers_iterator_is_no_failed_item(lab):
    def items():
        yield b"1"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(client(lab).predict_many(items(), concurrency=4))
