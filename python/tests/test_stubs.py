"""The stubs agree with the module, their examples run, and the package is typed throughout."""

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import canary
from canary import _node

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


def docstrings():
    tree = ast.parse(STUB.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                yield pytest.param(node.name, text, id=f"{node.name}:{node.lineno}")


@pytest.mark.parametrize(("name", "text"), list(docstrings()))
def test_examples_in_the_stubs_run(name, text):
    names = {key: getattr(canary, key) for key in canary.__all__}
    example = doctest.DocTestParser().get_doctest(text, names, name, str(STUB), 0)
    outcome = doctest.DocTestRunner(verbose=False).run(example)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_examples_in_python_modules_run():
    outcome = doctest.testmod(_node)
    assert outcome.attempted > 0
    assert outcome.failed == 0


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
