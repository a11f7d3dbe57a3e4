"""The notebooks run as they are committed, and show what is committed with them."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))
# A figure that depends on the moment: a port, a count of requests, a time, an estimate.
FIGURE = re.compile(r"\d[\d.,]*(e[-+]?\d+)?")
# One request, several requests.
COUNTED = re.compile(r"\b(0 (request|pair|value))s\b")


def shown(cell):
    """The output of a cell, with figures left out; the pieces in which a stream arrived are one."""
    found = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            kind, text = ("stream", output.name), output.text
            if found and found[-1][0] == kind:
                text = found.pop()[1] + text
        elif output.output_type == "error":
            kind, text = ("error", output.ename), output.evalue
        else:
            kind, text = (output.output_type, *sorted(output.data)), output.data["text/plain"]
        found.append((kind, text))
    return [(kind, COUNTED.sub(r"\1", FIGURE.sub("0", text))) for kind, text in found]


def test_the_pieces_of_a_stream_are_one():
    pieces = [nbformat.v4.new_output("stream", text=text) for text in ("step 1: weights 70/30\n", "step 2\n")]
    whole = [nbformat.v4.new_output("stream", text="step 7: weights 5/95\nstep 9\n")]
    assert shown({"outputs": pieces}) == shown({"outputs": whole})
    other = [nbformat.v4.new_output("stream", text="step 7: weights 5/95\n")]
    assert shown({"outputs": pieces}) != shown({"outputs": other})


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_shows_what_it_showed(path):
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=300, kernel_name="python3").execute()
    for before, after in zip(committed.cells, fresh.cells, strict=True):
        assert shown(before) == shown(after), before.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_says_what_one_learns_and_was_run_from_top_to_bottom(path):
    notebook = nbformat.read(path, as_version=4)
    assert "You will learn" in notebook.cells[0].source
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert path.stat().st_size < 400_000


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == 5
