"""Every code block of every page is run, parsed or checked; what cannot run is listed here with the reason."""

import ast
import json
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import canary

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("crates/*/README.md"),
        ROOT / "README.md",
        ROOT / "python/README.md",
        ROOT / "examples/README.md",
    ]
)
# Programs whose commands are not run, and why. Their arguments are checked as far as that is possible.
NOT_RUN = {
    "canary": "those that are not run here are parsed by crates/canary-cli/tests/pages.rs",
    "cargo": "the tests build and run the same targets",
    "docker": "needs a container runtime",
    "gcloud": "needs a Google Cloud account",
    "git": "changes a repository of the reader's",
    "gsutil": "needs a Google Cloud account; the lab by hand",
    "helm": "needs a chart of the reader's",
    "istioctl": "needs a cluster; the tests run istiod itself",
    "kind": "needs a container runtime",
    "kubectl": "needs a cluster",
    "make": "runs what the tests run; the target exists",
    "minikube": "needs a container runtime",
    "pip": "make package installs the wheel in an empty environment",
    "python3": "make package makes such an environment",
    "scripts/real/install.sh": "builds Istio and Kubernetes; the script exists",
    "scripts/setup.sh": "the tests run in what it has set up",
    "source": "make package uses such an environment",
    "sudo": "needs a container runtime",
    "curl": "the lab by hand",
    "export": "the lab by hand",
}
# Offline commands of pages: these run, in a folder with the examples' files.
OFFLINE = {"validate", "route", "simulate", "demo", "completions", "man", "schema", "analyze"}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    line: int
    text: str

    @property
    def name(self):
        return str(self.page.relative_to(ROOT))


def blocks(page):
    """Each fenced block, also of those in tabs and lists."""
    found, inside, start, indent = [], None, 0, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = re.match(r"^( *)```(.*)$", line)
        if fence and inside is None:
            indent, inside, start, lines = fence[1], fence[2], number, []
        elif fence:
            found.append(Block(page, inside, start, "\n".join(lines)))
            inside = None
        elif inside is not None:
            lines.append(line.removeprefix(indent))
    assert inside is None, f"{page}: the block of line {start} has no end"
    return found


def commands(text):
    """The lines of a shell, with continued lines joined and without prompts and comments."""
    joined = re.sub(r"\\\n\s*", " ", text)
    found = []
    for line in joined.splitlines():
        # A quote that is open continues on the next line.
        if found and program(found[-1]) in NOT_RUN and found[-1].count("'") % 2:
            found[-1] += f"\n{line}"
        elif line.strip() and not line.startswith("#"):
            found.append(line.removeprefix("$ "))
    return found


def program(line):
    words = line.split()
    return words[0] if words else ""


BLOCKS = [block for page in PAGES for block in blocks(page)]


def each(*languages):
    """A test for each block, or for those in some languages."""
    chosen = [block for block in BLOCKS if not languages or block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=lambda block: f"{block.name}:{block.line}")


@each()
def test_every_block_has_a_test(block):
    page, language, line, text = block
    name = block.name
    if language == "python":
        ast.parse(text)
        # test_docs.py and test_readme.py run the blocks of a page together, which begin in the first column.
        assert "\n```python\n" in page.read_text()
        assert name.startswith("docs/") or name in {"README.md", "python/README.md"}, name
    elif language.startswith("rust"):
        # rustdoc compiles the crates' READMEs, and the pages that canary-tests includes.
        included = f'"../../{name}"' in (ROOT / "tests/src/lib.rs").read_text()
        assert name.startswith("crates/") or included, f"include {name} in tests/src/lib.rs, which compiles it"
    elif language == "yaml":
        assert list(yaml.safe_load_all(text)), name
    elif language == "sh":
        for command in commands(text):
            assert program(command) in NOT_RUN, (
                f"{name}:{line}: run this, or list the program with the reason: {command}"
            )
    elif language == "json":
        json.loads(text)
    else:
        assert language == "text", f"{name}:{line}: a block of {language or 'no language'} has no test"


@each("sh", "text")
def test_commands_are_valid(block):
    _, language, _, text = block
    for command in commands(text):
        if program(command) not in NOT_RUN or command.endswith(":") or "…" in command:
            continue
        if language == "sh":
            subprocess.run(["bash", "-n", "-c", command], check=True)  # noqa: S607
        name, *words = shlex.split(command, comments=True)
        if name == "make" and words and "=" not in words[0]:
            assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command
        if name.startswith("scripts/"):
            assert (ROOT / name).exists(), command
        if name == "cargo" and words[0] in {"run", "test", "install"}:
            check_cargo(words, command)


def check_cargo(words, command):
    """The packages, examples and tests that a command names exist."""
    for option, value in pairwise(words):
        if option in {"-p", "--package"}:
            assert f'name = "{value}"' in "".join(path.read_text() for path in ROOT.rglob("*/Cargo.toml")), command
        if option == "--example":
            assert (ROOT / "examples" / f"{value}.rs").exists(), command
        if option == "--test":
            assert list(ROOT.glob(f"tests/{value}*")), command
        if option == "--path":
            assert (ROOT / value / "Cargo.toml").exists(), command


@each("sh")
def test_offline_commands_run(block, tmp_path, monkeypatch):
    text = block.text
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    for folder in (
        ".local/share/bash-completion/completions",
        ".zfunc",
        ".config/fish/completions",
        ".local/share/man",
    ):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("mesh.yaml", "plan.yaml", "cases.yaml"):
        (tmp_path / name).write_text((ROOT / "examples" / name).read_text())
    for command in commands(text):
        words = command.split()
        if words[0] == "canary" and words[1] in OFFLINE:
            done = subprocess.run(
                ["bash", "-c", command],  # noqa: S607
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@each("yaml")
def test_manifests_and_plans_are_valid(block):
    text = block.text
    for document in yaml.safe_load_all(text):
        if "steps" in document:
            assert canary.Plan.from_yaml(text).weights[-1] == 100
        elif document.get("apiVersion", "").startswith("networking.istio.io/"):
            (found,) = canary.loads(yaml.safe_dump(document))
            assert [finding for finding in found.validate() if finding.severity == "error"] == []
        else:
            # Cases of `canary route` are checked by the command's tests; others' kinds only have their names.
            assert "cases" in document or document["apiVersion"].split("/")[0] in {
                "argoproj.io",
                "helm.toolkit.fluxcd.io",
                "monitoring.coreos.com",
            }


def test_the_exemptions_are_used():
    shells = [block.text for block in BLOCKS if block.language in {"sh", "text"}]
    used = {program(command) for text in shells for command in commands(text)}
    assert set(NOT_RUN) <= used, set(NOT_RUN) - used


def test_every_picture_is_drawn_by_a_script():
    scripts = "".join(path.read_text() for path in (ROOT / "scripts").glob("*.py"))
    pictures = {path.stem for path in (ROOT / "docs/images").iterdir()}
    assert pictures
    assert [name for name in sorted(pictures) if f'"{name}"' not in scripts and f"images/{name}." not in scripts] == []
    used = "".join(path.read_text() for path in PAGES)
    assert [name for name in sorted(pictures) if f"images/{name}." not in used] == []
