"""Draw the screenshots of the pages with a headless browser: `python scripts/docs_screenshots.py [report] [dashboard]`.

docs/images/report.png is the report of `make demo`, docs/images/dashboard.png the live page of a lab with a release. It
needs chromium, and the real models that `scripts/setup.sh demo` installs.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

import canary

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
sys.path.insert(0, str(ROOT / "examples"))
import photos  # noqa: E402 - the sample photos of the examples

COLOURS = 128


def screenshot(address, name, size, folder):
    """Draw a page, and keep it as a picture with a palette."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("chromium is missing: apt-get install chromium fonts-dejavu-core")
    drawn = folder / "page.png"
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=8000",
        f"--window-size={size[0]},{size[1]}", f"--user-data-dir={folder / 'profile'}", f"--screenshot={drawn}", address,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(COLOURS).save(IMAGES / f"{name}.png", optimize=True)


def report(folder):
    """Draw the report that the demo writes: real models, three releases."""
    subprocess.run([sys.executable, ROOT / "examples/demo.py"], check=True, cwd=folder)
    screenshot((folder / "report.html").as_uri(), "report", (1100, 1876), folder)


def dashboard(folder):
    """Draw the live page of a lab on which a canary is rolled back."""
    models = {
        "m/v1": canary.ScriptedModel("military uniform", 0.9, seed=1),
        "m/v2": canary.ScriptedModel("military uniform", 0.93, disagree=0.3, other="bow tie", seed=2),
    }
    with canary.Lab(models=models, seed=1) as lab:
        for version in ("v1", "v2"):
            lab.apply(canary.Workload("pets", version, model="pets", path=f"m/{version}"))
        split = canary.VirtualService.weighted(
            "pets", {"v1": 100, "v2": 0}, hosts=["*"], gateways=["gateway"], port=8501, stamp_subset="x-canary-subset"
        )
        lab.apply([canary.Gateway.http("gateway"), canary.DestinationRule.subsets("pets", ["v1", "v2"]), split])
        lab.wait_ready()
        plan = canary.Plan(
            "pets", stable="v1", canary="v2", steps=[10, 50, 100], hold={"pairs": 200}, settle=0.1,
            guards=[canary.error_ratio(1.0), canary.agreement(0.9)], header=("user-group", "canary"),
        )  # fmt: skip
        client = canary.Client(lab.url, model="pets", signature="serving_preprocess")
        run = plan.run(lab, client=client, inputs=photos.augmented(2_000, 7))
        with canary.Dashboard(lab, run) as page:
            run.wait()
            screenshot(page.url, "dashboard", (880, 1700), folder)


if __name__ == "__main__":
    for draw in (report, dashboard):
        if not sys.argv[1:] or draw.__name__ in sys.argv[1:]:
            with tempfile.TemporaryDirectory() as name:
                draw(Path(name))
