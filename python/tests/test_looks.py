"""What a notebook shows of each value: small, self-contained, escaped; and as it looks in a real browser.

The pictures in tests/looks/ are what chromium drew; `CANARY_WRITE_LOOKS=1 pytest tests/test_looks.py` draws them anew.
"""

import inspect
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import canary
from canary import istio

LOOKS = Path(__file__).parent / "looks"
HOSTILE = "<script>alert(\"x\")</script><img src=x onerror=alert(1)>&amp;'`"


def routes(name="image-classifier", subset="resnet101", host="*"):
    return canary.VirtualService.weighted(
        name, {"resnet50": 70, subset: 30}, hosts=[host], gateways=["gateway"], port=8501, timeout=2
    ).when_header("user-group", name, subset)


def plan(name="image-classifier", version="resnet101", guard="as sure"):
    return canary.Plan(
        name,
        stable="resnet50",
        canary=version,
        steps=[5, 30, 100],
        hold={"requests": 2000, "pairs": 100},
        guards=[
            canary.error_ratio(1.0, proven_below=1.5),
            canary.slow_ratio(1.0, threshold=0.25),
            canary.custom(guard, lambda _: 1.0, 0.9),
        ],
        header=("user-group", "canary"),
    )


def objects(text=None):
    """Values of Istio, of checking and of routing; with a hostile text in every place that takes one."""
    name, subset = text or "image-classifier", text or "resnet101"
    service = routes(name, subset, text or "*")
    gateway = canary.Gateway.http(text or "gateway", hosts=[text or "models.example.com"])
    rule = canary.DestinationRule.subsets(name, ["resnet50", subset])
    broken = canary.VirtualService.weighted(name, {subset: -1, "b": 2}, hosts=[text or "*"])
    known = canary.DestinationRule.subsets("image-classifier", ["resnet50", "resnet101"])
    mesh = canary.Mesh([canary.Gateway.http("gateway"), routes(), known])
    return [
        gateway,
        service,
        rule,
        service.spec.http[0],
        service.metadata,
        istio.HttpRoute(name=text, route=service.spec.http[1].route),
        canary.Workload("image-classifier", "v1", model="m", path="gs://bucket/v1", args=[text or "--x=1"]),
        broken.validate(),
        broken.validate()[0],
        canary.analyze([service, rule]),
        mesh.route("http://any/v1/models/m:predict", headers={"user-group": "image-classifier", "x": name}),
        mesh.route("http://any/v1/models/m:predict", random=3),
        canary.Client("http://34.1.2.3", model=name, signature=text, headers={"x": "y"}),
        canary.Preprocess((224, 224), preset="caffe"),
        canary.Records([{"weight": 30, name: text}, {"weight": 0.5, "more": (1, True, None)}]),
    ]


def judgements(text=None):
    """Values of plans, simulations and statistics."""
    one = plan(guard=text[:40] if text else "as sure")
    short = canary.Plan(
        "s", stable="a", canary="b", steps=[50, 100], hold={"requests": 2000}, guards=[canary.error_ratio(1.0)]
    )
    return [
        one,
        canary.error_ratio(1.0, name=text[:40] if text else None),
        short.simulate(errors=(0.01, 0.02), runs=60, seed=7),
        short.power(0.5, errors=(0.01, 0.05), runs=60, seed=7),
        canary.observed_share(31, 69, weight=0.2),
        one.validate(),
    ]


@pytest.fixture(scope="module")
def ran():
    """What only a run gives: answers, a run with its verdict, readings and pairs, a lab."""
    models = {
        "m/v1": canary.ScriptedModel(HOSTILE, 0.9),
        "m/v2": canary.ScriptedModel(HOSTILE, 0.9, disagree=1.0, other=HOSTILE + "2"),
    }
    with canary.Lab(models=models, seed=1) as lab:
        for version in ("v1", "v2"):
            lab.apply(canary.Workload("pets", version, model="pets", path=f"m/{version}"))
        split = canary.VirtualService.weighted(
            "pets", {"v1": 100, "v2": 0}, hosts=["*"], gateways=["g"], port=8501, stamp_subset="x-canary-subset"
        )
        lab.apply([canary.Gateway.http("g"), canary.DestinationRule.subsets("pets", ["v1", "v2"]), split])
        lab.wait_ready()
        client = canary.Client(lab.url, model="pets", signature="serving_preprocess", attempts=1)
        answers = canary.Records(client.predict_many([b"1", b"2"]))
        failing = canary.Records(canary.Client(lab.url, model=HOSTILE, attempts=1).predict_many([b"1"]))
        inputs = [(f"{HOSTILE}{number}", str(number).encode()) for number in range(200)]
        judged = canary.Plan(
            "pets",
            stable="v1",
            canary="v2",
            steps=[50, 100],
            hold={"pairs": 50},
            guards=[canary.agreement(0.9, name=HOSTILE[:40])],
            header=("user-group", "canary"),
            settle=0.05,
        )
        run = judged.run(lab, client=client, inputs=inputs, tick=0.05)
        events = list(run)
        shown = [lab, answers, answers[0], failing, run, run.verdict, events[-1]]
        shown += [*run.verdict.evidence, *run.disagreements[:2], canary.Records(run.disagreements)]
        # Drawn here: afterwards the lab is closed.
        yield [(type(value).__name__, value._repr_html_()) for value in [*shown, lab]]


def drawn(values):
    return [(type(value).__name__, value._repr_html_()) for value in values]


def check(pieces):
    for name, html in pieces:
        assert len(html.encode()) < 50_000, name
        assert not re.search(r"<(script|iframe|object|link|meta|base)\b", html, re.IGNORECASE), name
        tags = re.findall(r"<[a-z][^>]*>", html)
        assert not [tag for tag in tags if re.search(r"\son\w+\s*=", tag)], name
        assert not [tag for tag in tags if re.search(r"(src|href)\s*=\s*(?![\"']?data:)", tag)], name
        assert not re.search(r"url\(\s*['\"]?https?:|@import", html), name
        assert "<img src=x" not in html, name


def test_every_value_is_small_self_contained_and_escaped(ran):
    check(drawn(objects()) + drawn(judgements()))
    hostile = drawn(objects(HOSTILE)) + drawn(judgements(HOSTILE))
    check(hostile + ran)
    escaped = [name for name, html in hostile + ran if "&lt;script&gt;" in html]
    assert {"VirtualService", "Gateway", "DestinationRule", "Records", "Plan", "Answer", "Verdict"} <= set(escaped)


def test_every_class_shows_itself(ran):
    shown = {name for name, _ in drawn(objects()) + drawn(judgements()) + ran}
    classes = {name for name, value in vars(canary).items() if inspect.isclass(value) and name in canary.__all__}
    nothing_to_show = {name for name in classes if not hasattr(getattr(canary, name), "_repr_html_")}
    assert nothing_to_show == {
        name for name in classes if issubclass(getattr(canary, name), BaseException)
    } | {"Answers", "Cluster", "Mesh", "Prometheus", "ScriptedModel", "Status"}
    # A preflight is drawn in test_cluster.py, against a real API server.
    assert classes - nothing_to_show - shown <= {"Dashboard", "Node", "Preflight"}


def test_tables_of_thousands_stay_small():
    many = canary.Records([{"number": number, "text": "x" * 1000} for number in range(5000)])
    html = many._repr_html_()
    assert len(html) < 50_000
    assert "and 4,900 more" in html


def test_tables_go_to_pandas_and_polars():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    found = routes(subset="b").replace(hosts=["a b"]).validate()
    assert found.records()[0]["code"] == found[0].code
    frame = found.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.code) == [one.code for one in found]
    frame = found.to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame["path"].to_list() == [one.path for one in found]
    assert canary.Records([canary.ServerError("no")]).to_pandas().error[0] == "ServerError"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = os.environ.get("CANARY_REAL_PARTS") == "required"
browser = pytest.mark.skipif(
    not CHROMIUM and not REQUIRED, reason="chromium is missing: apt-get install chromium fonts-dejavu-core"
)
STYLE = """<meta charset="utf-8"><style>
body{margin:16px;background:%s;color:%s}
.cnry{font-family:"DejaVu Sans"!important;margin-bottom:18px}
.cnry code,.cnry pre{font-family:"DejaVu Sans Mono"!important}
.cnry svg text{font-family:"DejaVu Sans"!important}
</style>"""


def picture(pieces, colours, tmp_path, size):
    page, out = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(STYLE % colours + "".join(html for _, html in pieces))
    subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
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


SIZES = {"objects": (800, 2150), "judgements": (800, 920)}
LIGHT, DARK = ("#ffffff", "#1b1b1b"), ("#16181d", "#e4e4e4")


@browser
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("what", ["objects", "judgements"])
def test_it_looks_as_it_did(what, colours, tmp_path):
    made = drawn({"objects": objects, "judgements": judgements}[what]())
    now = picture(made, colours, tmp_path, SIZES[what])
    path = LOOKS / f"{what}-{'light' if colours == LIGHT else 'dark'}.png"
    if os.environ.get("CANARY_WRITE_LOOKS"):
        LOOKS.mkdir(exist_ok=True)
        Image.fromarray(now.astype(np.uint8)).quantize(64).save(path, optimize=True)
    with Image.open(path) as golden:
        assert differing(now, np.asarray(golden.convert("RGB"), np.int16)) < 0.004, path.name


@browser
def test_the_comparison_sees_what_a_person_would(tmp_path):
    size = (800, 420)
    before = picture(drawn([routes()]), LIGHT, tmp_path, size)
    again = picture(drawn([routes()]), LIGHT, tmp_path, size)
    changed = picture(drawn([routes().replace(hosts=["other.example.com"])]), LIGHT, tmp_path, size)
    assert differing(before, again) == 0
    assert differing(before, changed) > 0.0005
