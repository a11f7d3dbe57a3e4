"""The English of every text: scripts/prose.py finds each phrase of its list in every kind of text, and none here."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("prose", ROOT / "scripts/prose.py")
prose = importlib.util.module_from_spec(spec)
spec.loader.exec_module(prose)
RULES = prose.rules()


def found(reader, source):
    """The lines and the findings of a text in a format."""
    return [problem for text in reader(source) for problem in prose.problems(text, RULES)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example)
def test_each_phrase_is_found(rule):
    assert rule.pattern.search(rule.example)
    assert any(rule.instead in problem for _, problem in found(prose.markdown, f"{rule.example}\n"))
    # Over two lines, in capitals, and in the middle of a paragraph.
    words = rule.example.rstrip(".").upper().split()
    broken = "It is plain.\n" + "\n".join(words) + ".\nAnd so on.\n"
    assert any(rule.instead in problem for _, problem in found(prose.markdown, broken))


def test_there_are_rules():
    assert len(RULES) > 50
    assert len({rule.pattern.pattern for rule in RULES}) == len(RULES)


PHRASE = "None is no input"
WHERE = {
    "a page": (prose.markdown, f"# Title\n\nSome text.\n{PHRASE}.\n", 4),
    "a list of a page": (prose.markdown, "- one\n- None is\n  no input\n", 2),
    "a table of a page": (prose.markdown, f"| a |\n|---|\n| {PHRASE} |\n", 3),
    "a doc comment": (prose.rust, f"/// First.\n/// {PHRASE}.\nfn f() {{}}\n", 2),
    "a doc comment over two lines": (prose.rust, "    /// None is\n    /// no input.\n", 1),
    "a comment": (prose.rust, f"let a = 1; // {PHRASE}\n", 1),
    "a literal": (prose.rust, f'fn f() {{\n    fail("{PHRASE}; give a path")\n}}\n', 2),
    "a literal over two lines": (prose.rust, 'fail("None is \\\n    no input")', 1),
    "a raw literal": (prose.rust, f'fail(r#"say "{PHRASE}""#)', 1),
    "the error of an enum": (prose.rust, f'#[error("{PHRASE}: {{0}}")]\nInput(String),\n', 1),
    "a docstring": (prose.python, f'def f():\n    """Do it.\n\n    {PHRASE}.\n    """\n', 4),
    "a message": (prose.python, f'raise TypeError(f"{{name}}: {PHRASE}")\n', 1),
    "a comment of Python": (prose.python, f"x = 1  # {PHRASE}\n", 1),
    "a schema": (prose.schema, json.dumps({"description": PHRASE}), 1),
    "a Makefile": (prose.commented, f"test: ## {PHRASE}\n", 1),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_phrase_is_found_where_it_is(where):
    reader, source, line = WHERE[where]
    (problem,) = found(reader, source)
    assert problem[0] == line
    assert "'None is no input'" in problem[1] or "'is no input'" in problem[1]


def test_a_notebook_names_its_cell():
    cells = [{"cell_type": "markdown", "source": ["Fine."]}, {"cell_type": "code", "source": [f"# {PHRASE}\n", "f()"]}]
    ((line, _),) = found(prose.notebook, json.dumps({"cells": cells}))
    assert line == 2


def test_code_is_not_prose():
    page = f"Write `{PHRASE}`.\n\n```python\n# {PHRASE}\n```\n"
    assert found(prose.markdown, page) == []
    assert found(prose.rust, "let stands_there = '\"'; let x = 'a; // fine\n") == []


FILES = list(prose.files())


def test_the_files_are_those_that_people_read():
    names = {str(path.relative_to(ROOT)) for path in FILES}
    assert {"README.md", "docs/index.md", "examples/README.md", "python/canary/_html.py", "Makefile"} <= names
    assert {
        "crates/canary-cli/src/args.rs",
        "crates/canary-cli/src/schemas/plan.json",
        "docs/notebooks/seed_lab.ipynb",
    } <= names
    assert len(FILES) > 900


def test_no_text_has_a_phrase_of_the_list():
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in FILES
        for text in prose.texts(path)
        for line, problem in prose.problems(text, RULES)
    ]
    assert problems == []
