"""The server's report of a version that it could not load."""

import asyncio
import pickle

import pytest
import servers

import canary

VERSIONS = [
    {"version": "2", "state": "END", "status": {"error_code": "NOT_FOUND", "error_message": "no file variables.index"}},
    {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}},
]


class Status(servers.Handler):
    def do_GET(self):
        self.answer({"model_version_status": VERSIONS})


@pytest.fixture
def client():
    with servers.serving(Status) as server:
        yield canary.Client(server.url, model="m", timeout=10)


def test_the_error_of_a_version_is_kept(client):
    async def both():
        return await client.status_async(), await client.wait_async(10)

    for states in (client.status(), client.wait(10), *asyncio.run(both())):
        assert states == {1: "AVAILABLE", 2: "END"}
        failed = states[2]
        assert (failed.error_code, failed.error_message) == ("NOT_FOUND", "no file variables.index")
        assert (states[1].error_code, states[1].error_message) == ("OK", "")
        copy = pickle.loads(pickle.dumps(failed))
        assert (copy, copy.error_code, copy.error_message) == (failed, failed.error_code, failed.error_message)


def test_a_line_of_progress_says_the_error(client, capfd):
    client.wait(10, progress=True)
    assert "1 AVAILABLE, 2 END (no file variables.index)" in capfd.readouterr().err
