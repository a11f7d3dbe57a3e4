"""Additions of `make docs` to MkDocs: the stubs as the reference reads them, notebooks as pages, rustdoc beside
them."""

import json
import os
import re
import shutil
from html import escape
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python/canary"
SOURCES = ROOT / "target/docs-sources/canary"


def on_startup(**_):
    """Copy the package with the stubs of the compiled half as a module, for a reader that knows no `__new__`."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    SOURCES.mkdir(parents=True)
    for path in PACKAGE.glob("*.py"):
        shutil.copy(path, SOURCES)
    stub = (PACKAGE / "_canary.pyi").read_text()
    stub = re.sub(r"def __new__\((\s*)cls\b", r"def __init__(\1self", stub)
    (SOURCES / "_canary.py").write_text(stub)
    for path in SOURCES.glob("*.py"):
        text = re.sub(r"^( *)Example:$", r"\1Examples:", path.read_text(), flags=re.MULTILINE)
        path.write_text(re.sub(r" = field\(.*\)$", "", text, flags=re.MULTILINE) if path.stem == "istio" else text)


def on_config(config):
    """Say which version the pages describe."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    config.copyright = f"canary {version}, Apache-2.0"
    return config


def on_page_markdown(markdown, **_):
    """Leave out the lines of Rust examples that rustdoc hides: those that begin with `# `."""

    def shown(block):
        lines = block[2].splitlines(keepends=True)
        kept = [line for line in lines if not re.match(r" *#( |$)", line)]
        return f"{block[1]}```rust\n{''.join(kept)}{block[1]}```"

    return re.sub(r"^( *)```rust[a-z_,]*\n(.*?)^ *```", shown, markdown, flags=re.DOTALL | re.MULTILINE)


def on_files(files, config):
    """Add the changelog, and a page for each notebook, with the outputs that it has."""
    files.append(File.generated(config, "changelog.md", content=(ROOT / "CHANGELOG.md").read_text()))
    for path in sorted((ROOT / "docs/notebooks").glob("*.ipynb")):
        page = File.generated(config, f"notebooks/{path.stem}.md", content=notebook(path))
        files.append(page)
    return files


def notebook(path):
    """A notebook as Markdown."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [shown(output) for output in cell["outputs"]]
    here = f"docs/notebooks/{path.name}"
    parts.append(f"*This page is the notebook `{here}`, as it ran.*")
    return "\n\n".join(part for part in parts if part)


def shown(output):
    """An output of a cell: HTML as it is, else a picture, else text."""
    data = output.get("data", {})
    if "text/html" in data:
        # One line: a blank one would end the HTML for Markdown.
        html = re.sub(r"\n\s*\n", "\n", "".join(data["text/html"]))
        return f'<div class="output">{html}</div>'
    if "image/png" in data:
        picture = "".join(data["image/png"]).replace("\n", "")
        return f'<div class="output"><img alt="" src="data:image/png;base64,{picture}"></div>'
    text = "".join(data.get("text/plain", output.get("text", "")))
    return f"<pre class='output'>{escape(text)}</pre>" if text else ""


def on_post_build(config):
    """Put the documentation of the crates beside the pages, when it has been built."""
    rustdoc = os.environ.get("CANARY_RUSTDOC")
    if rustdoc:
        shutil.copytree(rustdoc, Path(config["site_dir"]) / "rust", dirs_exist_ok=True)
