"""The door out of the interpreter: defects behind it, forks, and the end of the interpreter."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from servers import Handler, serving

import canary
from canary import _canary

MESSAGE = "a defect of canary .*, not of your code: a defect on purpose; please report it"


@pytest.mark.parametrize("part", ["task", "task apart", "blocking", "compute", "compute apart", "abandon"])
def test_a_panic_is_an_error_of_this_package(part, capfd):
    with pytest.raises(canary.CanaryError, match=MESSAGE) as caught:
        _canary._panic(part)
    assert isinstance(caught.value, Exception)
    assert "a defect on purpose" in capfd.readouterr().err, "with its place, for the report"


@pytest.mark.parametrize("part", ["awaitable", "blocking awaitable"])
async def test_a_panic_behind_an_awaitable_is_an_error_of_this_package(part, capfd):
    with pytest.raises(canary.CanaryError, match=MESSAGE):
        await _canary._panic(part)
    assert "a defect on purpose" in capfd.readouterr().err


class One(Handler):
    def do_POST(self):
        self.body()
        self.answer({"predictions": [1]})

    def do_GET(self):
        self.answer({"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})


@pytest.fixture(scope="module")
def server():
    with serving(One) as server:
        yield server


def client(server):
    return canary.Client(server.url, model="m", timeout=20, attempts=1)


IN_CHILD = {
    "predict": lambda client: client.predict(np.array([[1]])),
    "predict_async": lambda client: asyncio.run(awaited(lambda: client.predict_async(np.array([[1]])))),
    "status": lambda client: client.status(),
    "status_async": lambda client: asyncio.run(awaited(client.status_async)),
    "ready_async": lambda client: asyncio.run(awaited(client.ready_async)),
    "predict_many": lambda client: list(client.predict_many([np.array([[1]])])),
}


async def awaited(begin):
    return await begin()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("name", IN_CHILD)
def test_after_a_fork_every_call_says_so_at_once(server, name):
    script = f"""
import asyncio, os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import canary, test_door
client = canary.Client({server.url!r}, model="m", timeout=20, attempts=1)
client.status()
if os.fork() == 0:
    signal.alarm(10)
    try:
        print(test_door.IN_CHILD[{name!r}](client))
    except RuntimeError as error:
        print("RuntimeError:", error)
    sys.stdout.flush()
    os._exit(0)
_, status = os.wait()
print("status", status)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("RuntimeError: canary was used before this process was forked"), done
    assert done.stdout.endswith("status 0\n"), done


LAST_WORDS = """
import asyncio, sys, numpy as np, canary
client = canary.Client(sys.argv[1], model="m", timeout=20)
async def main():
    return (await client.predict_async(np.array([[1]]))).array()
print(asyncio.run(main()))
"""
DAEMON = """
import sys, threading, time, numpy as np, canary
client = canary.Client(sys.argv[1], model="m", timeout=20)
def work():
    while True:
        client.predict(np.array([[1]]))
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize(("script", "said"), [(LAST_WORDS, "[1]\n"), (DAEMON, "")], ids=["awaited", "daemons"])
def test_a_process_that_ends_right_after_a_call_ends_well(server, script, said):
    for _ in range(20):
        done = subprocess.run(
            [sys.executable, "-c", script, server.url], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


async def test_a_callback_may_wait_in_its_turn(server):
    one = client(server)
    seen = []

    def look(_elapsed, _states):
        seen.append(one.status())

    one.wait(5, progress=look)
    await one.wait_async(5, progress=look)
    assert [list(states) for states in seen] == [[1], [1]]
