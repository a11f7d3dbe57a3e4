"""A lab with two versions behind one gateway, as several tests use it."""

import contextlib

import canary


@contextlib.contextmanager
def pets(stable, candidate, seed=1):
    """A lab whose service `pets` sends everything to `v1`, with `v2` ready beside it."""
    with canary.Lab(models={"m/v1": stable, "m/v2": candidate}, seed=seed) as lab:
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


def run(lab, guard, pairs, inputs, tick=0.05):
    """A run that holds at 50 % for so many pairs."""
    plan = canary.Plan(
        "pets",
        stable="v1",
        canary="v2",
        steps=[50, 100],
        hold={"pairs": pairs},
        guards=[guard],
        header=("user-group", "canary"),
        settle=0,
    )
    return plan.run(lab, client=client(lab), inputs=inputs, tick=tick)
