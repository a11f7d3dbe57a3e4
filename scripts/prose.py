"""Check the English of every text that a person reads: `python scripts/prose.py [--list] [FILE…]`.

The texts are the pages, the notebooks, doc comments and comments, and the string literals of errors, help and verdicts.
`scripts/prose.txt` lists the phrases that are not used, each with what to write instead. `--list` prints the texts.
"""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
RULES = Path(__file__).with_name("prose.txt")
# Not prose: the list itself with its test, generated code, and inputs of the fuzzer.
SKIPPED = (
    "scripts/prose.txt",
    "python/tests/test_prose.py",
    "crates/canary-proto/src/generated/",
    "fuzz/",
)
RUST = re.compile(
    r"""(?P<comment>//[^\n]*)|(?P<block>/\*.*?\*/)|b?r(?P<hash>\#*)"(?P<raw>.*?)"(?P=hash)"""
    r"""|b?"(?P<text>(?:[^"\\]|\\.)*)"|b?'(?:[^'\\\n]|\\[^\n])[^'\n]{0,8}?'""",
    re.DOTALL,
)


class Rule(NamedTuple):
    """A phrase that is not used: a pattern, what to write instead, and a sentence that has it."""

    pattern: re.Pattern
    instead: str
    example: str


class Text(NamedTuple):
    """A piece of prose with the line that it begins at."""

    line: int
    text: str


def rules():
    """Read the list; a rule is `pattern => instead :: example`."""
    found = []
    for line in RULES.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, rest = line.split(" => ")
            instead, example = rest.split(" :: ")
            found.append(Rule(re.compile(pattern.strip(), re.IGNORECASE), instead, example))
    return found


def markdown(source):
    """The prose of a page, without code blocks and code in a line."""
    source = re.sub(r"^```.*?^```", lambda code: "\n" * code[0].count("\n"), source, flags=re.DOTALL | re.MULTILINE)
    yield Text(1, re.sub(r"`[^`\n]*`", "`x`", source))


def notebook(source):
    """The prose of a notebook's cells; its outputs are the library's own texts."""
    for number, cell in enumerate(json.loads(source)["cells"], 1):
        text = "".join(cell["source"])
        inner = markdown(text) if cell["cell_type"] == "markdown" else python(text)
        yield from (Text(number, one.text) for one in inner)


def joined(comments):
    """Comments of consecutive lines as one text each."""
    start, last, lines = 0, -1, []
    for line, text in comments:
        if line != last + 1 and lines:
            yield Text(start, "\n".join(lines))
            lines = []
        start, last = (line if not lines else start), line
        lines.append(text)
    if lines:
        yield Text(start, "\n".join(lines))


def rust(source):
    """Comments of Rust, and literals of several words."""
    comments = []
    for found in RUST.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        if found["comment"]:
            comments.append((line, re.sub(r"`[^`]*`", "`x`", found["comment"].lstrip("/!"))))
        elif found["block"]:
            yield Text(line, found["block"])
        else:
            text = found["raw"] if found["raw"] is not None else found["text"]
            if text and len(text.split()) > 1:
                yield Text(line, re.sub(r"\\\n\s*", "", text))
    yield from joined(comments)


def python(source):
    """Comments of Python, docstrings, and literals of several words."""
    comments = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments.append((token.start[0], token.string.lstrip("#")))
        elif token.type in {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}:
            text = token.string
            if token.type == tokenize.STRING and not re.match(r"\w*[fF]", text):
                value = ast.literal_eval(text)
                text = value if isinstance(value, str) else ""
            if len(text.split()) > 1:
                yield Text(token.start[0], re.sub(r"`[^`]*`", "`x`", text))
    yield from joined(comments)


def schema(source):
    """The descriptions of a JSON schema."""
    for found in re.finditer(r'"(?:description|title)":\s*("(?:[^"\\]|\\.)*")', source):
        yield Text(source.count("\n", 0, found.start()) + 1, json.loads(found[1]))


def commented(source):
    """The comments of a Makefile, a script or a configuration."""
    yield from joined(
        (number, line[found.end() :])
        for number, line in enumerate(source.splitlines(), 1)
        if (found := re.search(r"(?:^|\s)#+(?!!)", line))
    )


READERS = {
    ".md": markdown,
    ".ipynb": notebook,
    ".rs": rust,
    ".py": python,
    ".pyi": python,
    ".json": schema,
    ".toml": commented,
    ".yaml": commented,
    ".yml": commented,
    ".sh": commented,
    "Makefile": commented,
    "Dockerfile": commented,
}


def files():
    """Every file of the project that has texts."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if reader(path) and path.exists() and not name.startswith(SKIPPED) and "/tests/data/" not in name:
            yield path


def reader(path):
    """The function that finds the texts of a file; None for a file that has none."""
    if path.suffix == ".json" and "schemas" not in path.parts:
        return None
    return READERS.get(path.suffix or path.name)


def texts(path):
    """The texts of a file."""
    return reader(path)(path.read_text())


def problems(text, known):
    """Find the phrases of the list in a text; each with its line, and as a line of the report."""
    # One space for each line break, so that a phrase may go over two lines, and positions still tell the line.
    lines = "\n".join(line.strip() for line in text.text.splitlines())
    flat = lines.replace("\n", " ")
    for rule in known:
        for match in rule.pattern.finditer(flat):
            line = text.line + lines.count("\n", 0, match.start())
            yield line, f"not '{match[0]}', but {rule.instead}: …{flat[max(0, match.start() - 40) : match.end() + 40]}…"


def main(arguments):
    listing = "--list" in arguments
    chosen = [Path(name).resolve() for name in arguments if not name.startswith("--")] or list(files())
    if listing:
        for path in chosen:
            for text in texts(path):
                print(f"{path.relative_to(ROOT)}:{text.line}: {' '.join(text.text.split())}")
        return 0
    known = rules()
    found = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in chosen
        for text in texts(path)
        for line, problem in problems(text, known)
    ]
    print("\n".join(found) if found else f"the English of {len(chosen)} files holds")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
