"""`import canary` against `import kubernetes`: whole processes, an empty one taken off."""

from __future__ import annotations

import subprocess
import sys
import time

from measure import Line, Missing, Row, Settings, medians


def _start(code: str) -> float:
    start = time.perf_counter_ns()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    took = time.perf_counter_ns() - start
    if done.returncode != 0:
        raise Missing(f"{code!r} failed: {done.stderr.strip().splitlines()[-1]}")
    return float(took)


def _imports(settings: Settings) -> list[Line]:
    took = medians(
        {
            "bare": lambda: _start("pass"),
            "ours": lambda: _start("import canary"),
            "kubernetes": lambda: _start("import kubernetes"),
        },
        3 * settings.rounds,
    )
    bare = took["bare"]
    # An import that cannot be distinguished from no import at all counts as a tenth of a millisecond.
    ours = max(took["ours"] - bare, 1e5)
    note = f"bare python {bare / 1e6:.0f} ms taken off both"
    name = "import canary"
    return [Line(name, "import kubernetes", ours, took["kubernetes"] - bare, 10, note=note)]


ROWS = [Row("import", _imports)]
