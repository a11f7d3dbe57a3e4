"""Threads, Ctrl-C, forks and other processes: the interpreter continues while the core works."""

import asyncio
import math
import multiprocessing
import os
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


def power(size, _):
    PLAN.power(0.2, errors=(0.01, 0.3), runs=size, seed=1)


def mesh(count, weight=30):
    weights = {"a": 100 - weight, "b": weight}
    hosts = [f"h{number}.example" for number in range(count)]
    routed = [canary.VirtualService.weighted(host, weights, gateways=["g"], port=80) for host in hosts]
    return canary.Mesh([canary.Gateway.http("g"), *routed])


def diff(size, _, made={}):  # noqa: B006 - what is compared is made once
    if size not in made:
        made[size] = (mesh(size), mesh(size, 40))
    before, after = made[size]
    before.diff(after)


def analyze(size, _, made={}):  # noqa: B006 - what is analyzed is made once
    if size not in made:
        # One object of many rules: the analysis takes long, handing it over does not.
        rule = canary.VirtualService.to("s").to_dict()["spec"]["http"][0]
        rules = [rule | {"match": [{"uri": {"prefix": f"/{number}"}}]} for number in range(4 * size)]
        made[size] = canary.VirtualService("s", hosts=["s"], http=rules)
    canary.analyze([made[size]])


def decode(size, _, made={}):  # noqa: B006 - the file is made once
    if size not in made:
        # Square as far as that goes: a side has a limit.
        side = 100 * math.isqrt(size)
        bits = 3 * side * side
        made[size] = (
            b"BM" + (54 + bits).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
            + (40).to_bytes(4, "little") + side.to_bytes(4, "little") * 2 + b"\x01\0\x18\0" + bytes(24 + bits)
        )  # fmt: skip
    for _ in range(4):
        canary.decode_image(made[size], max_pixels=10**10)


def decode_predict(size, _, made={}):  # noqa: B006 - the body is made once
    if size not in made:
        made[size] = b'{"predictions": [[' + b",".join([b"0.25"] * (size * 1000)) + b"]]}"
    canary.decode_predict(made[size])


def took(call, size, lab):
    """Seconds that a call takes."""
    began = time.perf_counter()
    call(size, lab)
    return time.perf_counter() - began


@pytest.mark.parametrize(
    "call",
    [preprocess, batch, simulate, predict, predict_many, power, diff, analyze, decode, decode_predict],
    ids=lambda call: call.__name__,
)
def test_other_threads_run_while_a_call_works(call, lab):
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    # As much work as takes a tenth of a second here.
    size, elapsed = 1, 0.0
    while elapsed < 0.1:
        size *= 2
        elapsed = min(took(call, size, lab) for _ in range(2))
    thread = threading.Thread(target=count)
    thread.start()
    time.sleep(0.05)
    shares = []
    # A crowded machine may give the thread no time at all during one call. With the lock held, it would have had a
    # switch interval of 5 ms at the edges of every call.
    while len(shares) < 10 and max(shares, default=0.0) <= 0.2:
        before, began = counted[0], time.perf_counter()
        call(size, lab)
        during = (counted[0] - before) / (time.perf_counter() - began)
        before, began = counted[0], time.perf_counter()
        time.sleep(0.1)
        shares.append(during / max((counted[0] - before) / (time.perf_counter() - began), 1.0))
    stop.set()
    thread.join()
    assert max(shares) > 0.2, shares


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


def send(one):
    return one.predict(b"photo").label


def test_another_process_is_started_with_pickled_clients(lab):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(send, [client(lab)] * 2) == ["cat", "cat"]


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
