"""Ctrl-C is answered at once by every call that may take long."""

import subprocess
import sys
from pathlib import Path

from interrupted import CALLS

SCRIPT = Path(__file__).parent / "interrupted.py"
# Between two checks for an interrupt, a build without optimisation works ten times as long as an optimised one, and on
# a crowded machine longer still. A call without checks continues for minutes.
CROWDED = 10.0


def interrupted(names):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *names], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split("\t") for line in done.stdout.splitlines())


def test_ctrl_c_is_answered_at_once():
    took = {name: float(message) for name, message in interrupted(CALLS).items()}
    assert set(took) == set(CALLS)
    assert {name: message for name, message in took.items() if message < 0} == {}, "not interrupted"
    # 50 ms on a machine of its own; a crowded one gets more.
    assert sorted(took.values())[len(took) // 2] < 0.05, took
    assert {name: message for name, message in took.items() if message > CROWDED} == {}
