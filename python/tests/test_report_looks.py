"""The report as a real browser draws it: light, dark, on a phone, and printed.

The page is that of `crates/canary-rollout/src/report/golden_tests.rs`; the pictures in tests/looks/ are what chromium
drew.
`CANARY_WRITE_LOOKS=1 pytest tests/test_report_looks.py` draws them again.
"""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pictures import CHROMIUM, FLAGS, LOOKS, browser, differing
from PIL import Image

PAGE = Path(__file__).parents[2] / "crates/canary-rollout/tests/data/report.html"
FONTS = (
    '<style>body{font-family:"DejaVu Sans"!important}code{font-family:"DejaVu Sans Mono"!important}'
    'svg text{font-family:"DejaVu Sans"!important}</style></head>'
)
SIZES = {"light": (1100, 3700), "dark": (1100, 3700), "phone": (400, 6200)}


def drawn(tmp_path, *flags):
    page = tmp_path / "page.html"
    text = PAGE.read_text().replace("</head>", FONTS)
    if "--dark" in flags:
        # What a browser does for a person who has asked for dark pages.
        text = text.replace("@media(prefers-color-scheme:dark)", "@media all").replace("light dark", "dark")
    page.write_text(text)
    chosen = [flag for flag in flags if flag != "--dark"]
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *chosen, page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=90)


@browser
@pytest.mark.parametrize("what", SIZES)
def test_the_report_looks_as_it_did(what, tmp_path):
    out = tmp_path / "page.png"
    width, height = SIZES[what]
    # A window is at least 500 wide: a phone is a frame in it.
    flags = [f"--window-size={max(width, 500)},{height}", f"--screenshot={out}"]
    drawn(tmp_path, *flags, *(["--dark"] if what == "dark" else []))
    with Image.open(out) as picture:
        now = np.asarray(picture.convert("RGB"), np.int16)
    path = LOOKS / f"report-{what}.png"
    if os.environ.get("CANARY_WRITE_LOOKS"):
        Image.fromarray(now.astype(np.uint8)).quantize(64).save(path, optimize=True)
    with Image.open(path) as golden:
        assert differing(now, np.asarray(golden.convert("RGB"), np.int16)) < 0.004, path.name


@browser
def test_a_release_is_one_page_in_print(tmp_path):
    out = tmp_path / "page.pdf"
    drawn(tmp_path, f"--print-to-pdf={out}", "--no-pdf-header-footer")
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", out.read_bytes())
    # Two releases and their comparison.
    assert len(pages) == 3


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def themes(style):
    """The sets of colours of a style sheet, each a dictionary."""
    blocks = [re.findall(r"--(\w+):(#\w+)", block) for block in re.findall(r"\{([^{}]*--[^{}]*)\}", style)]
    return [{name: long(value) for name, value in block} for block in blocks if block]


def long(colour):
    return "#" + "".join(sign * 2 for sign in colour[1:]) if len(colour) == 4 else colour


def test_texts_and_lines_of_the_report_have_the_contrast_of_wcag_aa():
    style = re.search(r"<style>(.*?)</style>", PAGE.read_text(), re.DOTALL)[1]
    found = themes(style)
    assert len(found) == 3
    for theme in found:
        for ground in ("bg", "card"):
            for name in ("fg", "dim", "red"):
                assert contrast(theme[name], theme[ground]) >= 4.5, (name, theme)
            for name in ("blue", "orange", "green", "violet"):
                assert contrast(theme[name], theme[ground]) >= 3, (name, theme)


def test_texts_of_the_notebook_views_have_the_contrast_of_wcag_aa():
    from canary import _html

    light, dark, light_again, dark_again = themes(_html._STYLE)
    assert (light, dark) == (light_again, dark_again)
    for theme, grounds in ((light, ("#ffffff", "#fbfbfa")), (dark, ("#111111", "#1e1e1e"))):
        for name in ("blue", "gold", "green", "red"):
            for ground in grounds:
                assert contrast(theme[name], ground) >= 4.5, (name, ground)
