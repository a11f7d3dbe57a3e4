"""The figures of docs/accuracy.md: the script measures them with the lab's real network on real photos."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/accuracy.md").read_text()


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("accuracy", ROOT / "scripts/accuracy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stated():
    """(share of other classes, change of the top probability) of each row of the page, in percent."""
    rows = re.findall(r"^\| (.+?) \| (\d+) % \| ([\d.]+) points \| .* \|$", PAGE, re.MULTILINE)
    return {name: (float(changed), float(moved)) for name, changed, moved in rows}


def test_the_page_states_what_the_script_measures(script):
    few = {name: row for name, *row in script.measure(12)}
    page = stated()
    assert list(page) == list(few)
    # A twelfth of the photos is eight points; the order and the size of the effects hold.
    for name, (changed, moved, _) in few.items():
        assert abs(100 * changed - page[name][0]) <= 20, name
        assert abs(100 * moved - page[name][1]) <= 12, name
    assert few["Pillow's JPEG decoder"][0] == 0
    assert 0.3 < few["Pillow's JPEG decoder"][2] < 3
    assert few["range 0 to 255 instead of 0 to 1"][0] > 0.8
    assert few["middle 87.5 %"][1] > few["Pillow's JPEG decoder"][1]


def test_the_table_of_the_script_is_the_table_of_the_page(script):
    head = script.table([]).splitlines()[0]
    assert head in PAGE
    row = script.table([("Pillow's JPEG decoder", 0.0, 0.015, 1.0)]).splitlines()[-1]
    assert row in PAGE
