"""Pictures of pages by a real browser, and their comparison."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

LOOKS = Path(__file__).parent / "looks"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = os.environ.get("CANARY_REAL_PARTS") == "required"
browser = pytest.mark.skipif(
    not CHROMIUM and not REQUIRED, reason="chromium is missing: apt-get install chromium fonts-dejavu-core"
)
# A browser without its window and its services.
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The same for a picture.
FLAGS = [*QUIET, "--hide-scrollbars", "--force-device-scale-factor=1"]
STYLE = """<meta charset="utf-8"><style>
body{margin:16px;background:%s;color:%s}
.cnry{font-family:"DejaVu Sans"!important;margin-bottom:18px}
.cnry code,.cnry pre{font-family:"DejaVu Sans Mono"!important}
.cnry svg text{font-family:"DejaVu Sans"!important}
</style>"""

LIGHT, DARK = ("#ffffff", "#1b1b1b"), ("#16181d", "#e4e4e4")


def picture(pieces, colours, tmp_path, size):
    page, out = tmp_path / "page.html", tmp_path / "page.png"
    theme = "true" if colours == LIGHT else "false"
    body = "".join(html for _, html in pieces)
    page.write_text(f'{STYLE % colours}<body data-jp-theme-light="{theme}">{body}')
    subprocess.run(
        [
            CHROMIUM,
            *FLAGS,
            f"--window-size={size[0]},{size[1]}",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={out}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=90,
    )
    with Image.open(out) as drawn_now:
        return np.asarray(drawn_now.convert("RGB"), np.int16)


def differing(one, other):
    """The part of the pixels that differ visibly, when lines may be a pixel off."""
    assert one.shape == other.shape
    apart = np.abs(one - other).max(axis=2) > 60
    for shift in (-1, 1):
        for axis in (0, 1):
            apart &= np.abs(one - np.roll(other, shift, axis)).max(axis=2) > 60
    return apart.mean()
