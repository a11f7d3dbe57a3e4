"""Requests per second against one loopback server: the Rust client and reqwest, predict_many and Python's clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import servers
from measure import Line, Row, Settings, json_lines, medians, need, program

IN_FLIGHT = 32


def _rust(bytes_: int, name: str) -> Callable[[Settings], list[Line]]:
    def run(settings: Settings) -> list[Line]:
        program("bench-load")
        with servers.running("bench-server") as (_, port):

            def with_client(client: str) -> Callable[[], float]:
                seconds = str(max(1, round(settings.burst)))
                arguments = (port, str(bytes_), seconds, str(IN_FLIGHT), client)
                return lambda: json_lines("bench-load", *arguments)[0]["ours_ns"]

            clients = {"ours": with_client("canary"), "reqwest": with_client("reqwest")}
            took = medians(clients, settings.rounds)
        return [Line(name, "a bare loop of reqwest", took["ours"], took["reqwest"], 0.95)]

    return run


def _python(settings: Settings) -> list[Line]:
    canary, aiohttp, requests = need("canary"), need("aiohttp"), need("requests")
    item = b"\7" * 150
    body = canary.encode_predict(item)
    headers = {"content-type": "application/json"}

    with servers.running("bench-server") as (_, port):
        address = f"http://127.0.0.1:{port}"
        url = f"{address}/v1/models/m:predict"
        client = canary.Client(address, model="m")

        def ours() -> float:
            number = int(6_000 * settings.burst)
            start = time.perf_counter_ns()
            answers = client.predict_many([item] * number, concurrency=IN_FLIGHT)
            done = sum(answer.array().shape == (1, 3) for answer in answers)
            took = time.perf_counter_ns() - start
            assert done == number
            return took / number

        async def many(number: int) -> float:
            connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
            async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
                left = iter(range(number))

                async def work() -> None:
                    for _ in left:
                        async with session.post(url, data=body) as answer:
                            assert (await answer.json())["predictions"]

                start = time.perf_counter_ns()
                await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
                return (time.perf_counter_ns() - start) / number

        def with_requests() -> float:
            number = int(400 * settings.burst)
            with requests.Session() as session:
                adapter = requests.adapters.HTTPAdapter(pool_maxsize=IN_FLIGHT)
                session.mount("http://", adapter)

                def one(_: int) -> None:
                    assert session.post(url, data=body, headers=headers).json()["predictions"]

                with ThreadPoolExecutor(IN_FLIGHT) as pool:
                    start = time.perf_counter_ns()
                    list(pool.map(one, range(number)))
                    return (time.perf_counter_ns() - start) / number

        took = medians(
            {
                "ours": ours,
                "aiohttp": lambda: asyncio.run(many(int(2_500 * settings.burst))),
                "requests": with_requests,
            },
            settings.rounds,
        )
    name = f"predict_many from Python, {IN_FLIGHT} in flight"
    return [
        Line(name, "aiohttp", took["ours"], took["aiohttp"], 4),
        Line(name, "requests with threads", took["ours"], took["requests"], 30),
    ]


ROWS = [
    Row(
        "client-small",
        _rust(200, f"Rust client, {IN_FLIGHT} in flight, small bodies"),
        ("bench-server", "bench-load"),
    ),
    Row(
        "client-82k",
        _rust(82_000, f"Rust client, {IN_FLIGHT} in flight, bodies of 82 kB"),
        ("bench-server", "bench-load"),
    ),
    Row("predict-many", _python, ("bench-server",)),
]
