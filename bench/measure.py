"""Measuring two or more things in turns, and what a row of the table is."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


class Missing(Exception):
    """A row cannot run here; the text says why."""


@dataclass(frozen=True)
class Line:
    """One comparison: ours with one peer, or with a fixed bound where nothing of the kind exists.

    `ours` and `theirs` are costs (nanoseconds, or whatever the unit says): less is better, and the ratio is
    `theirs / ours`. A goal of 3 means that the peer takes at least three times as long.
    """

    operation: str
    peer: str
    ours: float | None
    theirs: float | None
    goal: float
    unit: str = "ns"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The peer's time as a multiple of ours; None when the row was not run."""
        if self.ours is None or self.theirs is None:
            return None
        # Nothing beside nothing is a draw, and beside something it is beyond every ratio.
        return self.theirs / self.ours if self.ours else float("inf" if self.theirs else 1)

    @property
    def met(self) -> bool | None:
        """True when the goal is met; None when the row was not run."""
        return None if self.ratio is None else self.ratio >= self.goal


@dataclass(frozen=True)
class Settings:
    """Durations of the measurements: seconds for each operation of a row, and for each burst of load."""

    seconds: float = 2.0
    burst: float = 2.0
    rounds: int = 5


@dataclass(frozen=True)
class Row:
    """A group of lines that are measured together."""

    name: str
    run: Callable[[Settings], list[Line]]
    programs: tuple[str, ...] = field(default=())


def in_turns(operations: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Time all operations in turns A B A B …; the least nanoseconds of one call of each."""
    calls = {}
    for name, operation in operations.items():
        operation()
        start = time.perf_counter_ns()
        operation()
        once = max(1, time.perf_counter_ns() - start)
        calls[name] = max(1, min(2_000_000 // once, 20_000))
    least = dict.fromkeys(operations, float("inf"))
    spent = dict.fromkeys(operations, 0.0)
    rounds = 0
    # Every operation has at least three rounds and, when it is quick, at least its share of the time.
    while rounds < 3 or min(spent.values()) < seconds * 1e9 / len(operations):
        for name, operation in operations.items():
            # An operation that has had its time waits for the others; a slow one is not repeated for a quick one.
            if rounds >= 3 and spent[name] > 2 * seconds * 1e9 / len(operations):
                continue
            number = calls[name]
            start = time.perf_counter_ns()
            for _ in range(number):
                operation()
            took = time.perf_counter_ns() - start
            spent[name] += took
            least[name] = min(least[name], took / number)
        rounds += 1
    return least


def medians(operations: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Take each operation's own figure in turns, and give the median of the rounds."""
    taken: dict[str, list[float]] = {name: [] for name in operations}
    for _ in range(rounds):
        for name, operation in operations.items():
            taken[name].append(operation())
    return {name: statistics.median(values) for name, values in taken.items()}


def program(name: str) -> Path:
    """Give the path of a release binary, or say how it is made."""
    path = RELEASE / name
    if not path.exists():
        raise Missing(f"{name} is not built: scripts/setup.sh bench")
    return path


def json_lines(name: str, *arguments: str, whole: bool = False) -> list[dict]:
    """Run a release binary to its end and read its lines of JSON, or one object over all of them."""
    command = [str(program(name)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    return [json.loads(text) for text in ([done.stdout] if whole else done.stdout.splitlines())]


def least_lines(name: str, *arguments: str, rounds: int, key: str = "operation") -> dict[str, dict]:
    """Run a release binary several times; for each operation the line with the least time."""
    least: dict[str, dict] = {}
    for _ in range(rounds):
        for line in json_lines(name, *arguments):
            best = least.setdefault(str(line[key]), line)
            if line["ours_ns"] < best["ours_ns"]:
                least[str(line[key])] = line
    return least


def need(module: str) -> ModuleType:
    """Import a peer, or say that it is missing."""
    try:
        return __import__(module, fromlist=["_"])
    except ImportError as error:
        raise Missing(f"{module} is not installed in this environment ({error})") from None


def cpu_flags() -> set[str]:
    """Give the CPU's features as Linux lists them; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.split())


def say(text: str) -> None:
    """Print the progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)
