"""The notebooks run as they are committed."""

from itertools import groupby
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def kinds(cell):
    """The kinds of a cell's outputs; text may arrive in one piece or in several."""
    pieces = groupby(output.output_type for output in cell.get("outputs", []))
    return [kind for kind, same in pieces for _ in ([0] if kind == "stream" else same)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_shows_what_it_showed(path):
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=300, kernel_name="python3").execute()
    for before, after in zip(committed.cells, fresh.cells, strict=True):
        assert kinds(before) == kinds(after), before.source


def test_there_are_notebooks():
    assert NOTEBOOKS
