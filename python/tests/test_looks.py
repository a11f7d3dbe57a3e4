"""Notebook views of each value: small, self-contained, escaped."""

import inspect
import re
import subprocess
import sys

import labs
import pytest
from shown import HOSTILE, drawn, from_a_cluster, gateways, judgements, objects, plan, routes, settings, targets

import canary
from canary import istio


def test_targets_show_hostile_names_as_text():
    check(drawn(targets(HOSTILE)))


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
    check(drawn(objects()) + drawn(gateways()) + drawn(judgements()) + drawn(settings()))
    hostile = drawn(objects(HOSTILE)) + drawn(gateways(HOSTILE)) + drawn(judgements(HOSTILE)) + drawn(settings(HOSTILE))
    check(hostile + ran)
    escaped = [name for name, html in hostile + ran if "&lt;script&gt;" in html]
    assert {"VirtualService", "Gateway", "DestinationRule", "Records", "Plan", "Answer", "Verdict"} <= set(escaped)


def test_every_class_shows_itself(ran):
    shown = {
        name
        for name, _ in drawn(objects())
        + drawn(gateways())
        + drawn(judgements())
        + drawn(settings())
        + drawn(targets())
        + ran
    }
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
