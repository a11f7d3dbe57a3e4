"""The stubs agree with the module, and the package is typed throughout."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import canary

PACKAGE = Path(canary.__file__).parent
STUB = PACKAGE / "_canary.pyi"


def run(*command):
    result = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=PACKAGE.parent, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_stubs_match_the_compiled_module():
    run("mypy.stubtest", "canary._canary", "--concise")


def test_the_package_is_strictly_typed():
    run("mypy", "--strict", "canary")


def pyright(*paths, cwd=PACKAGE.parent):
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    return json.loads(done.stdout)["generalDiagnostics"]


@pytest.mark.parametrize("path", [PACKAGE, PACKAGE.parents[1] / "examples"], ids=lambda path: path.name)
def test_pyright_finds_nothing(path):
    found = pyright(path, cwd=path.parent)
    assert [f"{one['file']}:{one['range']['start']['line'] + 1}: {one['message']}" for one in found] == []


TYPED = """
from collections.abc import Mapping
from typing import Any
from numpy.typing import NDArray
from typing_extensions import assert_type
import canary
from canary import istio

split = canary.VirtualService.weighted("s", {"a": 70, "b": 30})
assert_type(split.spec.http[0].route[0].weight, int | None)
assert_type(split.spec.http[0].route[0].destination.host, str)
assert_type(split.replace(http=[split.spec.http[0].replace(timeout="2s")]), canary.VirtualService)
assert_type(canary.Gateway.from_yaml(""), canary.Gateway)

def outputs(answer: canary.Answer) -> Mapping[str, NDArray[Any]]:
    found: NDArray[Any] | None = answer.get("scores")
    print(found, answer.items())
    return answer
"""
MISTAKES = """
import canary
from canary import istio

split = canary.VirtualService.weighted("s", {"a": 70, "b": 30})
split.spec.http[0].timeuot
istio.HttpRouteDestination(weight=3)
istio.HttpRoute(retires=None)
istio.LoadBalancerSettings(simple="ROUND_ROBINS")
split.spec.http[0].name = "x"
split.replace(htpp=[])
"""


def test_a_type_checker_knows_every_field_and_finds_mistakes(tmp_path):
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(TYPED)
    wrong.write_text(MISTAKES)
    found = pyright(right, wrong)
    assert [one for one in found if one["file"].endswith("right.py")] == []
    lines = {one["range"]["start"]["line"] for one in found if one["severity"] == "error"}
    assert lines == {line for line, text in enumerate(MISTAKES.splitlines()) if line > 4 and text}
    for path, failures in ((right, 0), (wrong, 6)):
        command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", path]
        done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent, check=False)
        assert done.stdout.count(" error: ") == failures, done.stdout


def test_everything_public_is_documented_in_the_stubs():
    tree = ast.parse(STUB.read_text())
    missing = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            if not ast.get_docstring(node) and node.name != "_PilImage":
                missing.append(node.name)
            if isinstance(node, ast.ClassDef):
                missing += [
                    f"{node.name}.{item.name}"
                    for item in node.body
                    if isinstance(item, ast.FunctionDef)
                    and not item.name.startswith("_")
                    and not ast.get_docstring(item)
                    and node.name != "_PilImage"
                ]
    assert missing == []


def test_ruff_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parents[1],
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
