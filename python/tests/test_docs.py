"""The documentation: it builds, its links lead somewhere, its code runs, and every error has its entry."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import canary

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "```python\n" in path.read_text())
EXCEPTIONS = [
    value for value in vars(canary).values() if inspect.isclass(value) and issubclass(value, canary.CanaryError)
]


def names(page):
    """The anchors of a page's headings."""
    return set(re.findall(r"^#+ (.*)$", (DOCS / page).read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_code_of_a_page_runs(page, tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda exception: exception.__name__)
def test_every_exception_has_its_entry(exception):
    assert exception.__name__ in names("troubleshooting.md")


def test_every_code_has_its_entry():
    known = (DOCS / "validation.md").read_text()
    used = set()
    for folder in (*ROOT.glob("crates/*/src"), ROOT / "python/src"):
        for path in folder.rglob("*.rs"):
            used |= set(re.findall(r'"([A-Z]{1,3}\d{3,4})"', path.read_text()))
    assert len(used) > 100
    assert sorted(code for code in used if f"| {code} " not in known) == []


class Links(HTMLParser):
    """The ids of a page, what it links to, and what it loads."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in {"script", "img", "iframe", "source"} and values.get("src"):
            self.loads.append(values["src"])
        if tag == "link" and values.get("rel") in {"stylesheet", "preload", "preconnect", "icon"}:
            self.loads.append(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built as `make docs` builds them, without the documentation of the crates."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_pages_lead_somewhere_and_load_nothing_from_elsewhere(site):
    pages = {}
    for path in site.rglob("*.html"):
        pages[path] = Links()
        pages[path].feed(path.read_text())
    assert len(pages) > 20
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:|//", link):
                assert link.startswith(("https://", "mailto:")), link
                continue
            if path.name == "404.html" or "rust/canary_" in target:
                continue
            there = (path.parent / target).resolve() if target else path
            if not there.exists() or (anchor and there.suffix == ".html" and anchor not in pages[there].ids):
                broken.append(f"{path.relative_to(site)}: {link}")
        for load in page.loads:
            assert not re.match(r"[a-z]+:|//", load) or load.startswith("data:"), f"{path.name} loads {load}"
            if path.name != "404.html" and not load.startswith("data:"):
                assert (path.parent / load).resolve().exists(), f"{path.name} loads {load}"
    assert broken == []
    for path in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?https?:", path.read_text()), path


def test_every_page_is_reached_in_two_clicks(site):
    links = {}
    for path in site.rglob("*.html"):
        if path.name != "404.html" and "rust" not in path.relative_to(site).parts:
            page = Links()
            page.feed(path.read_text())
            links[path] = {(path.parent / link.partition("#")[0]).resolve() for link in page.links if ":" not in link}
    reached = {site / "index.html"}
    for _ in range(2):
        reached |= {target for page in reached for target in links.get(page, ())}
    assert sorted(str(path.relative_to(site)) for path in set(links) - reached) == []


def test_the_four_kinds_of_pages_are_apart(site):  # noqa: ARG001 - the strict build has found every page of the list
    nav = re.search(r"^nav:\n(.*?)^\S", (ROOT / "mkdocs.yml").read_text(), re.DOTALL | re.MULTILINE)[1]
    sections = re.findall(r"^  - ([^:\n]+):$", nav, re.MULTILINE)
    assert sections == ["Tutorials", "How-to guides", "Reference", "Explanation"]
    pages = re.findall(r"(\S+\.md)$", nav, re.MULTILINE)
    assert len(pages) == len(set(pages)) > 40


def test_the_reference_has_everything_public(site):
    python, istio, exceptions = (
        (site / f"reference/{page}.html").read_text() for page in ("python", "istio", "exceptions")
    )
    for name in canary.__all__:
        if name.startswith("__") or name in {"Node", "istio", "gateway_api"}:
            continue
        places = {
            f'id="canary.{module}.{name}"'
            for module in (
                "_canary",
                "_dashboard",
                "_errors",
                "_numeric",
                "_objects",
                "_records",
                "_run_comparison",
                "_text",
                "_wait",
            )
        }
        assert any(place in python + exceptions for place in places), name
    for name in canary.istio.__all__:
        if name not in {"Entries", "Message"}:
            assert f'id="canary.istio.{name}"' in istio, name
    assert "The time that the whole request may take" in istio


def test_the_links_to_the_crates_lead_to_modules_that_there_are():
    facade = (ROOT / "crates/canary-core/src/lib.rs").read_text()
    inlined = "analyze|image|istio|manifest|names|predict|rollout|route|stats|tensor|validate"
    modules = set(re.findall(r"^pub mod (\w+)", facade, re.MULTILINE)) | set(re.findall(rf"\b({inlined})\b", facade))
    for page in DOCS.rglob("*.md"):
        for path in re.findall(r'href="[./]*rust/(\S+?)"', page.read_text()):
            crate, *rest = path.split("/")
            assert crate in {"canary_core", "canary_lab"}, path
            assert rest[0] == "index.html" or rest[0] in modules, path


def test_the_notebooks_have_no_errors_and_are_in_the_pages(site):
    for path in (DOCS / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert outputs
        assert not [output for output in outputs if output["output_type"] == "error"]
        for cell in cells:
            if cell["cell_type"] == "code":
                ast.parse("".join(cell["source"]))
        assert "svg" in (site / f"notebooks/{path.stem}.html").read_text()
