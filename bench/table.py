"""The performance table: ours and its peers, measured in turns in one run on one machine.

    python bench/table.py [--quick] [--only NAME]… [--json] [--markdown]

`make bench` installs the peers into an environment of its own and runs this there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measure import Line, Missing, Settings, cpu_flags, say
from rows import ROWS

HEAD = ("operation", "best peer", "ours", "theirs", "ratio", "goal", "met?")


def cost(value: float | None, unit: str) -> str:
    """Write a cost with three digits and a unit that fits."""
    if value is None:
        return "–"
    if unit != "ns":
        return f"{value:.3g} {unit}"
    for size, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g} ns"


def cells(line: Line) -> tuple[str, ...]:
    """Write one line of the table."""
    if line.ratio is None:
        return (line.operation, line.peer, "–", "–", "–", "–", f"not run: {line.note[:90]}")
    judged = line.note if line.note == "no goal was set" else "yes" if line.met else "NO"
    note = "" if line.note in ("", "no goal was set") else f" ({line.note})"
    goal = "–" if line.note == "no goal was set" else f"≥ {line.goal:g}×"
    return (
        line.operation,
        line.peer,
        cost(line.ours, line.unit),
        cost(line.theirs, line.unit),
        f"{line.ratio:.3g}×",
        goal,
        ("–" if judged == "no goal was set" else judged) + note,
    )


def show(lines: list[Line], *, markdown: bool) -> str:
    """Lay the table out for a terminal, or as Markdown."""
    rows = [HEAD, *map(cells, lines)]
    if markdown:
        texts = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([texts[0], "|" + "---|" * len(HEAD), *texts[1:]])
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([texts[0], "-" * (sum(widths) + 2 * len(widths) - 2), *texts[1:]])


def machine() -> str:
    """Say on what the table was measured."""
    name = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
        name = next(line.split(":")[1].strip() for line in text.splitlines() if "model name" in line)
    except (OSError, StopIteration):
        pass
    wide = "with AVX-512" if "avx512f" in cpu_flags() else "without AVX-512"
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{name} {wide}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load {load}"
    )


def main() -> int:
    """Measure the requested rows and print them."""
    parser = argparse.ArgumentParser(description="Measure ours and its peers in turns.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, for a first look")
    parser.add_argument("--only", action="append", metavar="NAME", help="one row; may be given again")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each line")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    arguments = parser.parse_args()
    names = [row.name for row in ROWS]
    if arguments.list:
        print("\n".join(names))
        return 0
    unknown = set(arguments.only or []) - set(names)
    if unknown:
        parser.error(f"no row is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    settings = Settings(0.3, 1.0, 1) if arguments.quick else Settings()
    say(f"Measuring on {machine()}")
    lines: list[Line] = []
    for row in ROWS:
        if arguments.only and row.name not in arguments.only:
            continue
        say(f"  {row.name} …")
        try:
            measured = row.run(settings)
        except Missing as missing:
            measured = [Line(row.name, "–", None, None, 0, note=str(missing))]
        except Exception as error:  # noqa: BLE001 (a row that fails does not take the table with it)
            measured = [Line(row.name, "–", None, None, 0, note=f"{type(error).__name__}: {error}")]
        for line in measured:
            say("    " + "  ".join(cells(line)))
        lines += measured
    if arguments.json:
        for line in lines:
            print(json.dumps({**asdict(line), "ratio": line.ratio, "met": line.met}, ensure_ascii=False))
    else:
        print(show(lines, markdown=arguments.markdown))
        print(f"\n{machine()}")
    failed = [line for line in lines if line.met is False and line.note != "no goal was set"]
    missing = [line for line in lines if line.met is None]
    met = len([line for line in lines if line.met and line.note != "no goal was set"])
    say(f"{met} goals met, {len(failed)} not met, {len(missing)} rows not run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
