"""What a server says of a version that it could not load."""

import asyncio
import json
import pickle
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import canary

VERSIONS = [
    {"version": "2", "state": "END", "status": {"error_code": "NOT_FOUND", "error_message": "no file variables.index"}},
    {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}},
]


class Status(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"model_version_status": VERSIONS}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def client():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Status)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield canary.Client(f"http://127.0.0.1:{server.server_port}", model="m", timeout=10)
    server.shutdown()
    server.server_close()


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
