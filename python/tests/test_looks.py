"""Notebook views of each value: small, self-contained, escaped; and as it looks in a real browser.

The pictures in tests/looks/ are what chromium drew; `CANARY_WRITE_LOOKS=1 pytest tests/test_looks.py` draws them again.
"""

import inspect
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import labs
import numpy as np
import pytest
from PIL import Image

import canary
from canary import _cards, _html, _live, _rollout_html, istio

LOOKS = Path(__file__).parent / "looks"
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>&amp;\'`'


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
        mesh,
        service.records(),
        service.metadata.labels,
        canary.Node._new({name: [name, {name: name}]}, name),
        canary.ScriptedModel(name, 0.7, errors=0.02, disagree=0.1, other=name, latency=0.05),
        canary.Cluster(text, context=text, namespace=text or "models"),
        canary.Cluster(text, namespace=text or "models").release(name),
        canary.Prometheus("http://127.0.0.1:9090", name, stable=name, canary=subset, token="hunter2"),  # noqa: S106
    ]


def judgements(text=None):
    """Values of plans, simulations and statistics."""
    one = plan(guard=text[:40] if text else "as sure")
    short = canary.Plan(
        "s", stable="a", canary="b", steps=[50, 100], hold={"requests": 2000}, guards=[canary.error_ratio(1.0)]
    )
    again = canary.Plan(
        "s", stable="a", canary="b", steps=[50, 100], guards=[canary.error_ratio(1.0, name=text and text[:40])], aa=True
    )
    seen = [canary.Observation("ab"[n * 7 % 11 % 2], 1.7e9 + n, ok=n % 10 != 0) for n in range(200)]
    return [
        one,
        again.replay(seen, weights=50).aa,
        canary.error_ratio(1.0, name=text[:40] if text else None),
        short.simulate(errors=(0.01, 0.02), runs=60, seed=7),
        short.power(0.5, errors=(0.01, 0.05), runs=60, seed=7),
        canary.compare_rules(errors=(0.01, 0.02), runs=60, seed=7),
        canary.observed_share(31, 69, weight=0.2),
        canary.Observation(text or "canary", 1_700_000_000, ok=False, latency=0.21, id=text or "photo 7"),
        one.validate(),
    ]


def settings(text=None):
    """Values of the settings of model servers."""
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "pets"},
        "spec": {
            "predictor": {"model": {"modelFormat": {"name": text or "sklearn"}, "storageUri": "gs://bucket/pets"}}
        },
    }
    model = canary.ModelConfig("pets", "/models/pets", versions=[41, 42], labels={text or "stable": 41})
    return [
        model,
        canary.ModelServerConfig([model]),
        canary.BatchingParameters(max_batch_size=32),
        canary.MonitoringConfig(),
        canary.InferenceService.from_dict(service),
    ]


@pytest.fixture(scope="module")
def ran():
    """Values that only a run gives: answers, a run with its verdict, readings and pairs, a lab."""
    models = canary.ScriptedModel(HOSTILE, 0.9), canary.ScriptedModel(HOSTILE, 0.9, disagree=1.0, other=HOSTILE + "2")
    with labs.pets(*models) as lab:
        many = labs.client(lab).predict_many([b"1", b"2"])
        answers = canary.Records(many)
        failing = canary.Records(canary.Client(lab.url, model=HOSTILE, attempts=1).predict_many([b"1"]))
        inputs = [(f"{HOSTILE}{number}", str(number).encode()) for number in range(200)]
        run = labs.run(lab, canary.agreement(0.9, name=HOSTILE[:40]), 50, inputs)
        events = list(run)
        shown = [lab, many, answers, answers[0], failing, run, run.verdict, events[-1], run.records()]
        shown.append(canary.loads(routes().to_yaml() + "  tls:\n"))
        shown += [*run.verdict.evidence, *run.disagreements[:2], run.disagreements, canary.Dashboard(lab, run)]
        shown[-1].close()
        # Drawn here: afterwards the lab is closed.
        yield [(type(value).__name__, value._repr_html_()) for value in [*shown, lab]]


def drawn(values):
    return [(type(value).__name__, value._repr_html_()) for value in values]


def check(pieces):
    for name, html in pieces:
        assert len(html.encode()) < 50_000, name
        assert not re.search(r"<(script|iframe|object|link|meta|base)\b", html, re.IGNORECASE), name
        # A link to the dashboard loads nothing by itself.
        tags = re.findall(r"<[a-z][^>]*>", re.sub(r'<a href="http://127\.0\.0\.1:\d+/">', "", html))
        assert not [tag for tag in tags if re.search(r"\son\w+\s*=", tag)], name
        assert not [tag for tag in tags if re.search(r"(src|href)\s*=\s*(?![\"']?data:)", tag)], name
        assert not re.search(r"url\(\s*['\"]?https?:|@import", html), name
        assert "<img src=x" not in html, name


def test_every_value_is_small_self_contained_and_escaped(ran):
    check(drawn(objects()) + drawn(judgements()) + drawn(settings()))
    hostile = drawn(objects(HOSTILE)) + drawn(judgements(HOSTILE)) + drawn(settings(HOSTILE))
    check(hostile + ran)
    escaped = [name for name, html in hostile + ran if "&lt;script&gt;" in html]
    assert {"VirtualService", "Gateway", "DestinationRule", "Records", "Plan", "Answer", "Verdict"} <= set(escaped)


def test_every_class_shows_itself(ran):
    shown = {name for name, _ in drawn(objects()) + drawn(judgements()) + drawn(settings()) + ran}
    classes = {name for name, value in vars(canary).items() if inspect.isclass(value) and name in canary.__all__}
    classes |= {"Dashboard"}
    silent = {name for name in classes if not hasattr(getattr(canary, name), "_repr_html_")}
    assert silent == {name for name in classes if issubclass(getattr(canary, name), BaseException)}
    # These come from an API server: test_cluster.py draws them.
    assert classes - silent - shown == {"Applied", "Preflight", "Status", "Watch"}


CLASSES = [value for value in vars(istio).values() if inspect.isclass(value)]
MESSAGES = [one.__name__ for one in CLASSES if one.__module__ == istio.__name__]


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_shows_what_is_set_in_it_and_where(name):
    made = getattr(istio, name)
    html = made._new({HOSTILE: HOSTILE, "list": [{HOSTILE: 1}]}, f"spec.{HOSTILE}")._repr_html_()
    check([(name, html)])
    assert f"<h4>{name} " in html
    assert "&lt;script&gt;" in html
    assert "no field is set" in made._new({}, "")._repr_html_()


class Substitute:
    """A substitute for a value that only an API server gives."""

    def __init__(self, **fields):
        vars(self).update(fields)

    def __bool__(self):
        return False

    def __str__(self):
        return self.text


def from_a_cluster(text):
    checks = [{"name": text, "outcome": outcome, "found": text, "remedy": text} for outcome in ("pass", "warn", "fail")]
    totals = {"stable": 700, "stableFailed": 0, "canary": 300, "canaryFailed": 12, "unknown": 3, "unknownFailed": 3}
    totals["pairs"] = 100
    rollout = {"step": 1, "paused": True, "totals": totals}
    routes = [{"path": "spec.http[0]", "conditional": True, "weights": [(text, 70), ("b", 30)]}]
    data = {"object": text, "routes": routes, "driver": text, "problem": text, "rollout": rollout}
    status = Substitute(to_dict=lambda: data, verdict=Substitute(name=text, evidence=[], text=text))
    return [("Preflight", _cards.render_preflight(Substitute(checks=checks))), ("Status", _cards.render_status(status))]


def test_what_a_cluster_says_is_escaped():
    hostile = from_a_cluster(HOSTILE)
    check(hostile)
    assert all("&lt;script&gt;" in html for _, html in hostile)


def test_no_secret_is_shown():
    one = canary.Prometheus("http://127.0.0.1:9090", "s", stable="a", canary="b", token="hunter2")  # noqa: S106
    assert "hunter2" not in one._repr_html_()
    assert "127.0.0.1:9090" in one._repr_html_()


def test_tables_of_thousands_stay_small():
    many = canary.Records([{"number": number, "text": "x" * 1000} for number in range(5000)])
    html = many._repr_html_()
    assert len(html) < 50_000
    assert "and 4,900 more" in html


def test_everything_that_is_a_table_goes_to_data_frames_and_axes():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    models = canary.ScriptedModel("$cat$", 0.9), canary.ScriptedModel("$cat$", 0.9, disagree=0.5, other="dog")
    with labs.pets(*models) as lab:
        inputs = [(str(number), str(number).encode()) for number in range(200)]
        run = labs.run(lab, canary.agreement(0.3), 40, inputs)
        run.wait()
        answers = labs.client(lab).predict_many([b"1", b"2", b"3"])
        assert set(answers.to_pandas().label) <= {"$cat$", "dog"}
        assert len(answers.to_pandas()) == 0
        assert len(labs.client(lab).predict_many([b"1", b"2", b"3"]).records()) == 3
        answer = labs.client(lab).predict(b"1")
        known = canary.DestinationRule.subsets("image-classifier", ["resnet50", "resnet101"])
        mesh = canary.Mesh([canary.Gateway.http("gateway"), routes(), known])
        decision = mesh.route("http://any/", random=3)
        short = canary.Plan("s", stable="a", canary="b", steps=[50, 100], hold=200, guards=[canary.error_ratio(1.0)])
        simulation = short.simulate(errors=(0.01, 0.02), runs=20, seed=1)
        compared = canary.compare_rules(errors=(0.01, 0.01), runs=20, seed=1)
        tables = [run, answer, decision, simulation, compared, mesh, routes(), run.readings, run.disagreements]
        tables.append(lab.counts())
        for table in tables:
            rows = table.records()
            assert rows, table
            assert len({tuple(row) for row in rows}) == 1, table
            frame = table.to_pandas()
            assert isinstance(frame, pandas.DataFrame)
            assert list(frame.columns) == list(rows[0])
            frame = table.to_polars()
            assert isinstance(frame, polars.DataFrame)
            assert frame.shape == (len(rows), len(rows[0]))
        history = run.to_pandas()
        assert {"observedSplit", "agreement"} <= set(history.guardrail.dropna())
        assert history.seconds.is_monotonic_increasing
        assert history.weight.max() == 100
        assert mesh.records()[1]["share"] == 0.7
        assert mesh.records()[0]["when"] == "header user-group = image-classifier"
        power = short.power(0.5, errors=(0.01, 0.05), runs=20, seed=1)
        share = canary.observed_share(3, 7, weight=0.3)
        for picture in [run, answer, decision, simulation, compared, power, share, plan()]:
            figure, axes = plt.subplots()
            assert picture.plot(axes) is axes, picture
            figure.canvas.draw()
            assert axes.has_data(), picture
            assert picture.plot(ax=axes) is axes
            plt.close(figure)


def test_importing_draws_in_no_optional_library():
    heavy = {"matplotlib", "pandas", "polars", "PIL", "IPython", "numpy"}
    code = f"import sys, canary; print([one for one in {sorted(heavy)} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tables_go_to_pandas_and_polars():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    found = routes(subset="b").replace(hosts=["a b"]).validate()
    assert found.records()[0]["code"] == found[0].code
    columns = [name for name in dir(canary.Finding) if not name.startswith("_")]
    assert sorted(found.records()[0]) == columns
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


READINGS = [
    {
        "guardrail": "observedSplit", "test": "observedSplit", "quantity": "share", "e": 0.4, "alpha": 0.01,
        "alarm": False, "estimate": 0.31, "low": 0.25, "high": 0.37, "bound": 0.3, "trace": [0.0, 0.3, -0.1, -0.4],
    },
    {
        "guardrail": "agreement", "test": "agreement", "quantity": "agreement", "e": 61.0, "alpha": 0.025,
        "alarm": True, "estimate": 0.78, "low": 0.66, "high": 0.88, "bound": 0.9, "trace": [0.0, 0.2, 0.9, 1.3, 1.8],
    },
]  # fmt: skip


FACTS = [
    ("Object", "VirtualService default/pets"),
    ("Cluster", "staging (https://10.0.0.1:6443)"),
    ("Versions", "v1 → v2"),
    ("Date", "2026-11-30 09:30:00 to 09:30:42 UTC (42 s)"),
    ("Plan", "<code>0123456789abcdef</code>, α = 5 %"),
    ("Steps", "5 → 30 → 100 %"),
    ("Observed", "1317 requests by the stable version, 523 by the canary (12 failed)"),
    ("Compared", "60 pairs"),
    ("Divided by the weights", "523 canary requests, 1317 stable requests"),
    ("Not counted", "3 requests of unknown version"),
]


def photo():
    """A picture that is the same everywhere."""
    across, down = np.meshgrid(np.arange(96), np.arange(64))
    pixels = np.stack([across * 2, down * 3, 255 - across * 2], axis=-1).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def runs():
    """Answers, a run before and at its verdict, and verdicts, of fixed figures."""
    whole = canary.Plan(
        "pets", stable="v1", canary="v2", steps=[5, 30, 100], hold=1000, guards=[canary.agreement(0.9)],
        header=("user-group", "canary"),
    ).to_dict()  # fmt: skip
    cards = "".join(
        f'<div class="card"><img alt="" src="{_html.thumbnail_url(photo())}"><div class="dim">photo-{number}</div>'
        '<div><i class="s"></i>tabby cat<span class="dim"> 90 %</span></div>'
        '<div><i class="c"></i>Egyptian cat<span class="dim"> 61 %</span></div></div>'
        for number in range(3)
    ).replace('Egyptian cat<span class="dim"> 61 %', 'failed: 404 Servable not found<span class="dim">', 1)
    view = {
        "title": "pets: v2", "plan": whole, "seconds": 42.0, "weight": 30, "requests": 1840, "served": 523,
        "pairs": 60, "readings": READINGS, "verdict": None, "facts": FACTS,
        "disagreements": 3,
        "cards": f'<div class="gallery">{cards}</div>',
    }  # fmt: skip
    why = "rolled back: agreement: the models agree on 78 % of the inputs (interval 66 % to 88 %), evidence 61"
    kept = "promoted: no guardrail alarmed (stored by an earlier run, 2026-11-29 01:06:09 UTC; no requests were sent)"
    over = {**view, "verdict": {"name": "rollback", "sentence": why}, "disagreements": 0}
    with labs.pets(canary.ScriptedModel("tabby cat", 0.9), canary.ScriptedModel("dog", 0.9)) as lab:
        answer = labs.client(lab).predict(photo())
        pieces = [answer._repr_html_(), canary.Records([answer])._repr_html_()]
        plain = canary.Client(lab.url, model="no-such-model", attempts=1).predict_many([b"1"])
        failed = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", canary.Records(plain)._repr_html_())
    pieces = [re.sub(r"\b[\d.e-]+( ms|(?=</td><td class=.n.>1</td>))", r"3\1", piece) for piece in pieces]
    readings = [Substitute(**reading) for reading in READINGS]
    pieces += [failed, _live.render(view), _live.render(over)]
    pieces += [_rollout_html.render_verdict("promote", kept, readings[:1])]
    pieces += [_rollout_html.render_verdict("rollback", why, readings[1:])]
    pieces += [_rollout_html.render_verdict("inconclusive", "inconclusive: the inputs ended", [])]
    return [("piece", piece) for piece in pieces] + from_a_cluster("VirtualService default/pets")


SETS = {"objects": objects, "judgements": judgements, "runs": runs}
SIZES = {"objects": (800, 2880), "judgements": (800, 1180), "runs": (800, 1740)}
LIGHT, DARK = ("#ffffff", "#1b1b1b"), ("#16181d", "#e4e4e4")


@browser
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("what", SETS)
def test_it_looks_as_it_did(what, colours, tmp_path):
    made = SETS[what]()
    made = made if what == "runs" else drawn(made)
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
