"""The whole lab, from the first prediction to the promoted canary, on a mesh inside this process.

Run it with `make demo`. Every answer is a real inference of a real model on a real photo.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import matplotlib

import canary

PHOTO = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
APP, MODEL, GATEWAY = "image-classifier", "image_classifier", "image-classifier-gateway"
STABLE, CANARY = "efficientnet-lite0", "efficientnet-lite1"
REQUESTS = 120


class Steps:
    """Prints one line a step, with the time it took."""

    def __init__(self) -> None:
        """Begin to count."""
        self.count, self.began = 0, time.monotonic()

    def done(self, what: str, seen: str) -> None:
        """Say what was done and what was seen."""
        self.count += 1
        elapsed = time.monotonic() - self.began
        sys.stdout.write(f"{self.count:2}. [{elapsed:4.1f} s] {what}: {seen}\n")
        sys.stdout.flush()


def workload(version: str) -> canary.Workload:
    """One version of the model, as TensorFlow Serving objects."""
    return canary.Workload(APP, version, model=MODEL, path=f"models/{version}")


def split(stable: int, canary_weight: int) -> canary.VirtualService:
    """The routes with these weights; each answer names the subset that gave it."""
    return canary.VirtualService.weighted(
        APP,
        {STABLE: stable, CANARY: canary_weight},
        hosts=["*"],
        gateways=[GATEWAY],
        port=8501,
        stamp_subset="x-canary-subset",
    )


def best(answer: canary.Answer) -> str:
    """The first answer with its probability."""
    label, probability = answer.top[0]
    return f"{label}, {probability:.0%}"


def main() -> None:
    """Run the lab step by step."""
    steps = Steps()
    with canary.Lab() as lab:
        client = canary.Client(lab.url, model=MODEL, signature="serving_preprocess")

        gateway = canary.Gateway.http(GATEWAY)
        everything = canary.VirtualService.to(APP, hosts=["*"], gateways=[GATEWAY], port=8501)
        sys.stdout.write(canary.dumps([gateway, everything]) + "\n")

        lab.apply(workload(STABLE))
        lab.wait_ready()
        steps.done("deployed", f"{workload(STABLE).deployment_name} is ready")

        lab.apply([gateway, everything])
        steps.done("opened the gateway", lab.url)
        steps.done("sent the photo through it", best(client.predict(PHOTO)))

        lab.apply([canary.DestinationRule.subsets(APP, [CANARY, STABLE]), split(100, 0)])
        answer = client.predict(PHOTO)
        steps.done("subsets, 100/0", f"answered by {answer.subset}: {best(answer)}")

        lab.apply(workload(CANARY))
        lab.wait_ready()
        steps.done("deployed beside it", f"{workload(CANARY).deployment_name} is ready")

        lab.apply(split(70, 30))
        answers = list(client.predict_many([PHOTO] * REQUESTS, concurrency=4))
        subsets = [answer.subset for answer in answers]
        served = subsets.count(CANARY)
        share = canary.observed_share(served, len(subsets) - served, weight=0.3)
        steps.done(
            "weights 70/30",
            f"{served} of {len(subsets)} answers by {CANARY}: {share.estimate:.0%}, "
            f"between {share.low:.0%} and {share.high:.0%} (95 %)",
        )

        focused = canary.VirtualService.to(
            APP,
            subset=STABLE,
            hosts=["*"],
            gateways=[GATEWAY],
            port=8501,
            stamp_subset="x-canary-subset",
        )
        lab.apply(focused.when_header("user-group", "canary", CANARY).stamp_subset())
        plain = client.predict(PHOTO)
        steps.done("focused routing, without the header", f"{plain.subset}: {best(plain)}")
        user = client.predict(PHOTO, headers={"user-group": "canary"})
        steps.done("focused routing, user-group: canary", f"{user.subset}: {best(user)}")
        if (plain.subset, user.subset) != (STABLE, CANARY):
            sys.exit("the header did not decide where requests go")

        lab.apply(split(0, 100))
        answers = list(client.predict_many([PHOTO] * 10, concurrency=2))
        if {answer.subset for answer in answers} != {CANARY}:
            sys.exit("not every answer came from the canary")
        steps.done("promoted", f"100 % to {CANARY}: {best(answers[0])}")


if __name__ == "__main__":
    main()
