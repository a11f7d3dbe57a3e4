"""The lab, then two releases on it: a good canary is promoted, a bad one is rolled back.

Run it with `make demo`. Every answer is a real inference. The page of both releases is written to `report.html`.

The good canary is EfficientNet-Lite1. The bad one is EfficientNet-Lite0 with its preprocessing broken: it cuts the
middle out of each photo before resizing, so heads and hats are lost. Over 240 of the inputs below (seed 2024) the
stable model agreed with the good canary on 97.5 % of them and with the bad one on 57.1 %: 99 % and 26 % on the
portrait, 88 % and 82 % on the rocket. Under 90 % is harm here, and promotion waits until 80 % is excluded.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import canary
import photos
import seed_lab
from seed_lab import APP, GATEWAY, MODEL

STABLE, GOOD, BAD = "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite0-centre-crop"
REPORT = Path("report.html")


def plan(version: str) -> canary.Plan:
    """5, 30, 100 %: pairs decide, and requests must not fail more often nor go astray."""
    return canary.Plan(
        APP,
        stable=STABLE,
        canary=version,
        steps=[5, 30, 100],
        hold={"pairs": 60},
        guards=[canary.error_ratio(1.0), canary.agreement(0.9, proven_above=0.8)],
        header=("user-group", "canary"),
        settle=0.2,
        patience=120,
    )


def release(lab: canary.Lab, version: str, seed: int) -> canary.Run:
    """Run a plan and say what happens."""
    began = time.monotonic()
    client = canary.Client(lab.url, model=MODEL, signature="serving_preprocess")
    inputs = photos.augmented(2_000, seed)
    run = plan(version).run(lab, client=client, inputs=inputs, concurrency=3, tick=0.25)
    sys.stdout.write(f"\nA release of {version} against {STABLE}\n")
    said = ""
    for event in run:
        if event.kind in {"prepared", "probed", "written", "finished"} and str(event) != said:
            said = str(event)
            sys.stdout.write(f"    [{time.monotonic() - began:4.1f} s] {said}\n")
            sys.stdout.flush()
    return run


def lab_with(version: str) -> canary.Lab:
    """Start a lab in which the stable version serves everything and the canary is deployed."""
    lab = canary.Lab(seed=7)
    routes = canary.VirtualService.weighted(
        APP,
        {STABLE: 100, version: 0},
        hosts=["*"],
        gateways=[GATEWAY],
        port=8501,
        stamp_subset="x-canary-subset",
    )
    subsets = canary.DestinationRule.subsets(APP, [STABLE, version])
    lab.apply([canary.Gateway.http(GATEWAY), subsets, routes])
    for one in (STABLE, version):
        lab.apply(seed_lab.workload(one))
    lab.wait_ready()
    return lab


def main() -> None:
    """Run the lab, then both releases, and write the report."""
    seed_lab.main()
    runs: dict[str, canary.Run] = {}
    for title, version, seed in (("A good canary", GOOD, 11), ("A bad canary", BAD, 12)):
        with lab_with(version) as lab:
            runs[f"{title}: {version}"] = release(lab, version, seed)
    canary.report(REPORT, runs, title="Two releases of an image classifier")
    sys.stdout.write(f"\nThe whole story, with pictures: {REPORT.resolve()}\n")
    good, bad = (run.verdict for run in runs.values())
    if good is None or not good.promoted:
        sys.exit(f"the good canary was not promoted: {good}")
    if bad is None or not bad.rolled_back:
        sys.exit(f"the bad canary was not rolled back: {bad}")


if __name__ == "__main__":
    main()
