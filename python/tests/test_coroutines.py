"""The `_async` twins are coroutines: whatever takes a coroutine takes them."""

import asyncio
import inspect
import sys

import pytest

import canary


@pytest.fixture(scope="module")
def lab():
    with canary.Lab(models={"m/1": canary.ScriptedModel("cat", 0.9)}) as lab:
        lab.apply(canary.Workload("pets", "v1", model="pets", path="m/1"))
        lab.apply(canary.Gateway.http("gateway"))
        lab.apply(canary.VirtualService.weighted("pets", {"v1": 100}, hosts=["*"], gateways=["gateway"], port=8501))
        lab.apply(canary.DestinationRule.subsets("pets", ["v1"]))
        lab.wait_ready()
        yield lab


def client(lab, **settings):
    return canary.Client(lab.url, model="pets", signature="serving_preprocess", **settings)


def test_asyncio_runs_one(lab):
    assert asyncio.run(client(lab).predict_async(b"photo")).label == "cat"


async def test_tasks_are_made_of_them(lab):
    coroutine = client(lab).predict_async(b"photo")
    assert inspect.iscoroutine(coroutine)
    task = asyncio.create_task(coroutine, name="a photo")
    assert (await task).label == "cat"
    assert await asyncio.wait_for(client(lab).ready_async(), 10)
    answers = await asyncio.gather(*(client(lab).predict_async(b"%d" % n) for n in range(8)))
    assert {answer.label for answer in answers} == {"cat"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup is new in Python 3.11")
async def test_a_group_of_tasks_ends_together(lab):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client(lab).predict_async(b"%d" % n)) for n in range(4)]
    assert [task.result().label for task in tasks] == ["cat"] * 4


async def test_nothing_is_sent_before_it_is_awaited(lab):
    def sent():
        return sum(row["requests"] for row in lab.counts())

    before = sent()
    coroutine = client(lab).predict_async(b"photo")
    await asyncio.sleep(0.05)
    assert sent() == before
    coroutine.close()
    task = asyncio.create_task(client(lab).predict_async(b"photo"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent() == before


async def test_one_runs_once(lab):
    coroutine = client(lab).ready_async()
    assert await coroutine
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await coroutine
