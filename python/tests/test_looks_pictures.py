"""Notebook views as they look in a real browser.

The pictures in tests/looks/ are what chromium drew; `CANARY_WRITE_LOOKS=1 pytest tests/test_looks_pictures.py` draws
them again.
"""

import io
import os
import re

import labs
import numpy as np
import pytest
from pictures import DARK, LIGHT, LOOKS, browser, differing, picture
from PIL import Image
from shown import Substitute, drawn, from_a_cluster, gateways, judgements, objects, routes

import canary
from canary import _html, _live, _rollout_html

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


SETS = {"objects": objects, "gateways": gateways, "judgements": judgements, "runs": runs}
SIZES = {"objects": (800, 2880), "gateways": (800, 990), "judgements": (800, 1180), "runs": (800, 1740)}


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
