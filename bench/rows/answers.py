"""Reading answers into NumPy: ours against json, orjson and pysimdjson."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from measure import Line, Row, Settings, in_turns, need
from rows import samples


def _answers(rows: int, goals: dict[str, float]) -> Callable[[Settings], list[Line]]:
    name = f"read a response, {rows}×1001"

    def run(settings: Settings) -> list[Line]:
        canary, orjson, simdjson = need("canary"), need("orjson"), need("simdjson")
        body = samples.logits(rows)
        parser = simdjson.Parser()

        def with_simdjson() -> np.ndarray:
            # The quickest way there is: its array as a buffer of doubles.
            buffer = parser.parse(body)["predictions"].as_buffer(of_type="d")
            return np.frombuffer(buffer).astype(np.float32).reshape(rows, 1001)

        operations = {
            "ours": lambda: canary.decode_predict(body)["predictions"],
            "json": lambda: np.array(json.loads(body)["predictions"], np.float32),
            "orjson": lambda: np.array(orjson.loads(body)["predictions"], np.float32),
            "pysimdjson": with_simdjson,
        }
        ours = operations["ours"]()
        for peer in goals:
            samples.same(ours, operations[peer](), f"{name}, {peer}")
        took = in_turns(operations, settings.seconds)
        return [Line(name, peer, took["ours"], took[peer], goal) for peer, goal in goals.items()]

    return run


ROWS = [
    Row("answer-1", _answers(1, {"json": 6, "orjson": 2.5, "pysimdjson": 1.1})),
    Row("answer-32", _answers(32, {"json": 4.5, "orjson": 2.4, "pysimdjson": 1.1})),
]
