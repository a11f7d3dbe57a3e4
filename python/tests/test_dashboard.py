"""The dashboard: read-only, on loopback, under its own name only; and what a real browser makes of it."""

import http.client
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from test_looks import CHROMIUM, HOSTILE, browser

import canary

MODELS = {
    "m/v1": canary.ScriptedModel("tabby cat", 0.9),
    "m/v2": canary.ScriptedModel("tabby cat", 0.9, disagree=0.1, other=HOSTILE),
}


@pytest.fixture
def lab():
    with canary.Lab(models=MODELS, seed=1) as lab:
        for version in ("v1", "v2"):
            lab.apply(canary.Workload("pets", version, model="pets", path=f"m/{version}"))
        split = canary.VirtualService.weighted(
            "pets", {"v1": 100, "v2": 0}, hosts=["*"], gateways=["g"], port=8501, stamp_subset="x-canary-subset"
        )
        lab.apply([canary.Gateway.http("g"), canary.DestinationRule.subsets("pets", ["v1", "v2"]), split])
        lab.wait_ready()
        yield lab


def client(lab):
    return canary.Client(lab.url, model="pets", signature="serving_preprocess", attempts=1)


def started(lab, pairs=60):
    plan = canary.Plan(
        "pets",
        stable="v1",
        canary="v2",
        steps=[50, 100],
        hold={"pairs": pairs},
        guards=[canary.agreement(0.6)],
        header=("user-group", "canary"),
        settle=0.05,
    )
    inputs = [(f"photo-{number}", str(number).encode()) for number in range(2000)]
    return plan.run(lab, client=client(lab), inputs=inputs, tick=0.05)


def get(url, path="/", host=None, method="GET"):
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request(method, path, headers={"Host": host or address.netloc})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def test_it_shows_what_the_values_show_and_follows_them(lab):
    with lab.dashboard() as dashboard:
        assert dashboard.url.startswith("http://127.0.0.1:")
        _, before = get(dashboard.url, "/values")
        assert "no request yet" in before
        assert "VirtualService" in before
        dashboard.show(client(lab).predict(b"photo"))
        _, after = get(dashboard.url, "/values")
        assert "tabby cat" in after
        assert "100.0%" in after
        lab.apply(
            canary.VirtualService.weighted("pets", {"v1": 60, "v2": 40}, hosts=["*"], gateways=["g"], port=8501)
        )
        assert "40%" in get(dashboard.url, "/values")[1]
    with pytest.raises(OSError, match=r"refused|reset"):
        get(dashboard.url)


def test_a_run_is_followed_with_its_disagreements_escaped(lab):
    run = started(lab)
    with run.dashboard() as dashboard:
        for _ in run:
            get(dashboard.url, "/values")
        _, html = get(dashboard.url, "/values")
    assert run.verdict.promoted
    assert "promote" in html
    assert "Disagreements" in html
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html


def test_it_answers_to_its_own_name_only(lab):
    with lab.dashboard() as dashboard:
        port = urllib.parse.urlsplit(dashboard.url).port
        assert get(dashboard.url, host=f"localhost:{port}")[0].status == 200
        for name in (f"attacker.example:{port}", "attacker.example", f"127.0.0.1:{port + 1}", ""):
            assert get(dashboard.url, "/values", host=name or " ")[0].status == 421, name


def test_it_only_reads(lab):
    with lab.dashboard() as dashboard:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert get(dashboard.url, "/values", method=method)[0].status == 501
        for path in ("/etc/passwd", "/../x", "/values/", "/values?x=1"):
            assert get(dashboard.url, path)[0].status == 404
        answer, _ = get(dashboard.url)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_value_that_cannot_be_drawn_is_told():
    class Broken:
        def _repr_html_(self):
            raise RuntimeError("no picture today")

    with canary.Dashboard(Broken()) as dashboard:
        answer, body = get(dashboard.url, "/values")
    assert (answer.status, body) == (500, "no picture today\n")


@browser
def test_a_real_browser_follows_a_run(lab, tmp_path):
    run = started(lab, pairs=1900)
    for event in run:
        if event.kind == "seen" and event.weight == 50:
            break
    run.pause()
    with canary.Dashboard(lab, run) as dashboard:
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--virtual-time-budget=4000",
                f"--user-data-dir={tmp_path}",
                "--dump-dom",
                dashboard.url,
            ],
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
    assert '<div id="state">live</div>' in done.stdout
    for part in ("Lab at", "VirtualService", "50%", "agreement"):
        assert part in done.stdout, part
    assert "<script>alert" not in done.stdout
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_closing_is_quick(lab):
    began = time.monotonic()
    lab.dashboard().close()
    assert time.monotonic() - began < 2
