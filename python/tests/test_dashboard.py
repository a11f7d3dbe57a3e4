"""The dashboard: read-only, on loopback, under its own name only; and how a real browser shows it."""

import http.client
import io
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import labs
import pytest
from pictures import CHROMIUM, QUIET, browser
from PIL import Image
from shown import HOSTILE

import canary


@pytest.fixture
def lab():
    disagreeing = canary.ScriptedModel("tabby cat", 0.9, disagree=0.1, other=HOSTILE)
    with labs.pets(canary.ScriptedModel("tabby cat", 0.9), disagreeing) as lab:
        yield lab


def photo(colour):
    """A small JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def started(lab, pairs=60):
    inputs = [(f"photo-{number}", photo((number % 256, number // 256, 0))) for number in range(2000)]
    return labs.run(lab, canary.agreement(0.6), pairs, inputs)


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
        assert "Recent answers" not in before
        labs.client(lab).predict(b"no picture")
        _, after = get(dashboard.url, "/values")
        assert "Recent answers" in after
        assert "tabby cat" in after
        assert "100.0%" in after
        assert "<img" not in after
        labs.client(lab).predict(photo("red"))
        assert get(dashboard.url, "/values")[1].count("<img alt") == 1
        dashboard.show(canary.observed_share(3, 7, weight=0.3))
        assert "Observed share" in get(dashboard.url, "/values")[1]
        lab.apply(canary.VirtualService.weighted("pets", {"v1": 60, "v2": 40}, hosts=["*"], gateways=["g"], port=8501))
        assert "40%" in get(dashboard.url, "/values")[1]
    with pytest.raises(OSError, match=r"refused|reset"):
        get(dashboard.url)


def test_only_the_last_answers_stay(lab):
    with lab.dashboard() as dashboard:
        get(dashboard.url, "/values")
        list(labs.client(lab).predict_many([photo((number, 0, 0)) for number in range(40)]))
        _, html = get(dashboard.url, "/values")
        assert html.count("<img alt") == 12
        assert len(html) < 100_000


def test_a_lab_shows_the_runs_on_it(lab):
    with lab.dashboard() as dashboard:
        assert "agreement" not in get(dashboard.url, "/values")[1]
        run = started(lab)
        run.wait()
        _, html = get(dashboard.url, "/values")
        assert "pets: v2" in html
        assert "Where the models disagree" in html
        assert "data:image/jpeg" in html
        assert "<script" not in html
    with canary.Dashboard(lab, run) as dashboard:
        # The run's own section, once.
        assert get(dashboard.url, "/values")[1].count("<h4>pets: v2") == 1


def test_connections_are_bounded(lab):
    with lab.dashboard() as dashboard:
        address = urllib.parse.urlsplit(dashboard.url)
        idle = [socket.create_connection((address.hostname, address.port), timeout=5) for _ in range(40)]
        refused = 0
        for one in idle:
            one.settimeout(0.3)
            try:
                refused += one.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                refused += 1
        assert refused == 24
        for one in idle:
            one.close()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                assert get(dashboard.url)[0].status == 200
                break
            except (http.client.HTTPException, ConnectionError):
                time.sleep(0.05)
        else:
            pytest.fail("no connection became free")


def test_a_lab_that_was_closed_is_reported(lab):
    with canary.Dashboard(lab) as dashboard:
        lab.close()
        answer, html = get(dashboard.url, "/values")
    assert answer.status == 200
    assert "closed" in html


def test_a_run_is_followed_with_its_disagreements_escaped(lab):
    run = started(lab)
    with run.dashboard() as dashboard:
        for _ in run:
            get(dashboard.url, "/values")
        _, html = get(dashboard.url, "/values")
    assert run.verdict.promoted
    assert "promote" in html
    assert "Where the models disagree" in html
    assert "Recent answers" in html
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


def test_a_value_that_cannot_be_drawn_is_reported():
    class Broken:
        def _repr_html_(self):
            raise RuntimeError("no picture today")

    with canary.Dashboard(Broken()) as dashboard:
        answer, body = get(dashboard.url, "/values")
    assert answer.status == 200
    assert '<div class="error">no picture today</div>' in body


@browser
def test_a_real_browser_follows_a_run(lab, tmp_path):
    run = started(lab, pairs=1900)
    for event in run:
        if event.kind == "seen" and event.weight == 50 and run.disagreements:
            break
    run.pause()
    with canary.Dashboard(lab, run) as dashboard:
        labs.client(lab).predict(photo("red"))
        done = subprocess.run(
            [
                CHROMIUM,
                *QUIET,
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
    for part in ("Lab at", "VirtualService", "50%", "agreement", "observedSplit", "Recent answers", "Where the models"):
        assert part in done.stdout, part
    assert "<script>alert" not in done.stdout
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_closing_is_quick(lab):
    began = time.monotonic()
    lab.dashboard().close()
    assert time.monotonic() - began < 2
