"""The figures of docs/statistics-figures.md with fewer runs: our tests beside other tests on the same traffic."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field

from measure import Line, Missing, Row, Settings, program

PROGRAM = "canary-bench-statistics"
#: Of the program's tables, those in which a column is another test or the lack of a remedy.
TABLES = ("ratio", "promotion", "late", "bursts", "drift", "sequential", "users", "violated")


@dataclass
class _Table:
    """A table of the program: its columns, and the cells of each line by its first cell."""

    columns: list[str]
    rows: dict[str, list[str]] = field(default_factory=dict)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _tables(name: str, runs: int) -> list[_Table]:
    """Run one of the program's tables and read the Markdown that it prints."""
    command = [str(program(PROGRAM)), name, "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{PROGRAM} failed: {done.stderr.strip().splitlines()[-1]}")
    tables: list[_Table] = []
    lines = done.stdout.splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if after.startswith("|---"):
            tables.append(_Table(_cells(line)[1:]))
        elif line.startswith("|") and not line.startswith("|---"):
            first, *rest = _cells(line)
            tables[-1].rows[first] = rest
    return tables


def _number(cell: str) -> float | None:
    """Read "1.38", "7 578", "65 %", "0.0 % – 3.3 %" (the worst) or "23.62, 53 % missed" (the first); not "50 % never"."""
    if cell.endswith("never"):
        return None
    text = cell.split("–")[-1].split(",")[0].split("%")[0].replace(" ", "").removesuffix("false")
    try:
        return float(text)
    except ValueError:
        return None


def _beside(table: _Table, what: str, ours: str, theirs: list[str], unit: str) -> list[Line]:
    """One line for each row and peer; where the peer may be the better one no goal is set."""
    lines = []
    for name, cells in table.rows.items():
        found = dict(zip(table.columns, map(_number, cells), strict=True))
        if found[ours] is not None:
            lines += [
                Line(f"{what}: {name}", peer, found[ours], found[peer], 1, unit=unit, note="no goal was set")
                for peer in theirs
                if found[peer] is not None
            ]
    return lines


def _columns(table: _Table, what: str, ours: str, unit: str) -> list[Line]:
    """Put ours, a row of the table, beside the other rows, column by column."""
    lines = []
    mine = table.rows[ours]
    for peer, cells in table.rows.items():
        pairs = zip(table.columns, map(_number, mine), map(_number, cells), strict=True)
        lines += [
            Line(f"{what}: {column}", peer, left, right, 1, unit=unit, note="no goal was set")
            for column, left, right in pairs
            if peer != ours and left is not None and right is not None
        ]
    return lines


def _statistics(settings: Settings) -> list[Line]:
    runs = 1_000 if settings.rounds > 2 else 200
    found = {name: _tables(name, runs) for name in TABLES}
    floors, percent = "× the least", "%"
    plans = found["late"][0]
    false = next(name for name in plans.rows if name.startswith("no harm"))
    del plans.rows[false]
    compared = [name for name in found["sequential"][1].rows if not name.startswith("ours")]
    published = found["sequential"][1]
    tuned = next(name for name in published.rows if "harm" in name)
    powers = [
        Line(f"harm missed: {column}", peer, 100 - ours, 100 - theirs, 1, unit=percent, note="no goal was set")
        for peer in compared
        for column, ours, theirs in zip(
            published.columns[1:3],
            map(_number, published.rows[tuned][1:3]),
            map(_number, published.rows[peer][1:3]),
            strict=True,
        )
        if ours is not None and theirs is not None
    ]
    violated = [
        Line(f"false rollbacks: {name}", "without the remedy", _number(cells[3]), _number(cells[2]), 2, unit=percent)
        for name, cells in found["violated"][0].rows.items()
    ]
    return [
        *_beside(
            found["ratio"][0],
            "requests to an alarm",
            "ours",
            ["seven fixed factors, bad requests", "plug-in rates"],
            floors,
        ),
        *_beside(found["promotion"][0], "requests to a promotion", "three, each at α", ["three, each at α/3"], floors),
        *_beside(
            plans,
            "requests to an alarm",
            "ours, a start for each step",
            ["seven fixed factors", "restarted at each step", "ours, one start"],
            "",
        ),
        *_columns(found["bursts"][0], "false rollbacks", "ours, with the guard", percent),
        *_beside(found["drift"][0], "pairs to an alarm", "ours", ["empirical Bernstein", "aGRAPA alone"], floors),
        *powers,
        *_beside(found["users"][0], "false rollbacks, users that fail", "each user", ["each request"], percent),
        *violated,
    ]


ROWS = [Row("statistics", _statistics, (PROGRAM,))]
