"""The number of crates that a user of the light core builds."""

from __future__ import annotations

import subprocess

from measure import ROOT, Line, Missing, Row, Settings


def _crates(_: Settings) -> list[Line]:
    command = ["cargo", "tree", "-p", "canary-core", "--no-default-features"]
    command += ["-e", "normal,build", "--prefix", "none", "--format", "{p}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"cargo tree failed: {done.stderr.strip().splitlines()[-1]}")
    # "name version (path or kind) (*)": the same crate is listed once for each that needs it.
    crates = {tuple(line.split()[:2]) for line in done.stdout.splitlines() if line.strip()}
    count = float(len(crates))
    name = "light core (no default features), crates to build"
    return [Line(name, "at most 40", count, 40, 1, unit="crates")]


ROWS = [Row("crates", _crates)]
