"""The notebooks run as they are committed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_shows_what_it_showed(path):
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=300, kernel_name="python3").execute()
    for before, after in zip(committed.cells, fresh.cells, strict=True):
        kinds = [output.output_type for output in before.get("outputs", [])]
        assert kinds == [output.output_type for output in after.get("outputs", [])], before.source


def test_there_are_notebooks():
    assert NOTEBOOKS
