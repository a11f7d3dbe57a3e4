"""The lab's gateway against Envoy with one worker, before the same model server, under the same load."""

from __future__ import annotations

import json

import servers
from measure import Line, Row, Settings, need


def _gateway(settings: Settings) -> list[Line]:
    body = need("canary").encode_predict(b"an image", signature="serving_preprocess").decode()
    path = "/v1/models/m:predict"
    rates: dict[str, list[float]] = {"ours": [], "envoy": []}
    tails: dict[str, list[float]] = {"ours": [], "envoy": []}
    with servers.running("bench-gateway") as (process, line):
        ports = json.loads(line)
        model = servers.rest_port(process.pid, set(ports.values()), "m")
        with servers.envoy(model) as port:
            for _ in range(settings.rounds):
                for name, to in (("ours", ports["gateway"]), ("envoy", port)):
                    seen = servers.wrk(f"http://127.0.0.1:{to}{path}", body, settings.burst)
                    rates[name].append(1e9 / seen["rate"])
                    tails[name].append(seen["p99"] * 1e9)
    name = "the lab's gateway, 32 connections"
    median = {key: sorted(values)[len(values) // 2] for key, values in rates.items()}
    tail = {key: sorted(values)[len(values) // 2] for key, values in tails.items()}
    peer = "Envoy --concurrency 1"
    return [
        Line(f"{name}, a request", peer, median["ours"], median["envoy"], 1),
        Line(f"{name}, p99", peer, tail["ours"], tail["envoy"], 1),
    ]


ROWS = [Row("gateway", _gateway, ("bench-gateway",))]
