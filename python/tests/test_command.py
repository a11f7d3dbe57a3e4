"""The command of the package: `python -m canary` and the console script, by the same compiled code as the program."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from canary import _canary

ROOT = Path(__file__).parents[2]
MESH, PLAN, CASES = (ROOT / "examples" / name for name in ("mesh.yaml", "plan.yaml", "cases.yaml"))
MODULE = [sys.executable, "-m", "canary"]


def command(*arguments, start=MODULE, cwd=None, text=None, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CLICOLOR_FORCE"}}
    return subprocess.run(
        [*start, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=text,
        env=kept | environment,
        timeout=120,
        check=False,
    )


def test_the_module_and_the_script_are_the_command():
    script = Path(sys.prefix) / "bin" / "canary"
    for start in (MODULE, [script]) if script.exists() else (MODULE,):
        done = command("validate", MESH, start=start)
        assert (done.returncode, done.stdout, done.stderr) == (0, "3 objects, 0 errors, 0 warnings\n", "")
        done = command("--version", start=start)
        assert done.stdout == f"canary {_canary.__version__}\n"


def test_statuses_and_streams_are_the_programs(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(MESH.read_text().replace("weight: 70", "weight: -70"))
    done = command("validate", wrong, "--output", "json")
    assert (done.returncode, done.stderr) == (1, "")
    assert [finding["code"] for finding in json.loads(done.stdout)["findings"]] == ["V073"]
    done = command("validate", tmp_path / "gone.yaml")
    assert done.returncode == 2
    assert "gone.yaml" in done.stderr
    done = command("no-such-subcommand")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no-such-subcommand" in done.stderr
    done = command("validate", "-", text=MESH.read_text())
    assert done.returncode == 0


def test_cases_and_simulations_need_no_cluster():
    done = command("route", MESH, "--test", CASES)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 cases, 0 failed")
    done = command("simulate", PLAN, "--runs", 20, "--errors", "0.01,0.2", "--output", "json")
    (row,) = json.loads(done.stdout)
    assert row["simulation"]["rollback"]["p"] == 1


def test_a_release_on_the_lab_ends_with_its_status(tmp_path):
    done = command("run", PLAN, "--canary-disagree", "0.4", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("rolled back: agreement")
    assert "written: 95/5" in done.stderr


def started(*arguments, cwd):
    """The module as a process of its own."""
    return subprocess.Popen(
        [*MODULE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
    )


def test_ctrl_c_suspends_a_release(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.read_text().replace("requests: 300", "requests: 10000000"))
    with started("run", plan, "--output", "json", "--tick", "20ms", cwd=tmp_path) as process:
        for line in process.stdout:
            if json.loads(line)["event"] == "seen":
                process.send_signal(signal.SIGINT)
                break
        rest, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert '"suspended"' in rest


def test_ctrl_c_ends_what_only_computes(tmp_path):
    with started("simulate", PLAN, "--runs", 10_000_000, cwd=tmp_path) as process:
        assert "simulating" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT


def test_colours_are_for_terminals(tmp_path):
    pty = pytest.importorskip("pty")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(MESH.read_text().replace("weight: 70", "weight: -70"))

    def shown(**environment):
        """What a terminal gets."""
        ours, theirs = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CI", "TERM"}}
        process = subprocess.Popen(
            [*MODULE, "validate", str(wrong)], stdout=theirs, env=kept | {"TERM": "xterm"} | environment
        )
        os.close(theirs)
        text = b""
        # Linux ends a terminal whose other side is closed with an error.
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        os.close(ours)
        assert process.wait(timeout=60) == 1
        return text.decode()

    assert "\x1b[31m" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in shown(TERM="dumb")
