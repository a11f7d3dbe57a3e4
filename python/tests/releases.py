"""A release from its plan to what the users get, as the tests of evidence look at it."""

import contextlib

import canary

APP, GATEWAY, HEADER = "pets", "gateway", ("user-group", "canary")
STATE = "canary-rs.github.io/rollout-state"


def good(**script):
    """A model that answers, and always the same."""
    return canary.ScriptedModel("cat", 0.9, **script)


def split(stable=100, candidate=0, **changes):
    """The routes, with so much traffic for each version."""
    arguments = {"hosts": ["*"], "gateways": [GATEWAY], "port": 8501, "stamp_subset": "x-canary-subset"}
    return canary.VirtualService.weighted(APP, {"v1": stable, "v2": candidate}, **(arguments | changes))


@contextlib.contextmanager
def mesh(candidate=None, *, stable=None, model=APP, routes=None, more=None):
    """A lab whose service sends everything to `v1`; `v2` is deployed beside it when there is a model for it.

    `model` is the name under which the canary serves, as its Deployment says; `more` are models by their paths that
    nobody serves yet.
    """
    models = {"m/v1": stable or good()} | ({"m/v2": candidate} if candidate else {}) | (more or {})
    with canary.Lab(models=models, seed=8) as lab:
        lab.apply(canary.Workload(APP, "v1", model=APP, path="m/v1"))
        if candidate:
            lab.apply(canary.Workload(APP, "v2", model=model, path="m/v2"))
        subsets = canary.DestinationRule.subsets(APP, ["v1", "v2"])
        lab.apply([canary.Gateway.http(GATEWAY), subsets, routes or split()])
        lab.wait_ready()
        yield lab


def plan(**changes):
    """A plan that is over within seconds."""
    arguments = {
        "stable": "v1",
        "canary": "v2",
        "steps": [50, 100],
        "hold": 40,
        "guards": [canary.error_ratio(1.0)],
        "settle": 0,
        "bursts": "none",
        "patience": 20,
        "startup_timeout": 5,
    }
    return canary.Plan(APP, **(arguments | changes))


# The plans by what they look at. The first one is the shortest that the kind can have.
KINDS = {
    "requests": {},
    "latencies": {"guards": [canary.slow_ratio(1.0, threshold=0.5)]},
    "pairs": {
        "header": HEADER,
        "hold": {"pairs": 40},
        "guards": [canary.agreement(0.9), canary.pair_errors()],
    },
    "mirror": {
        "steps": [{"weight": 0, "mirror": 100, "hold": {"pairs": 40}}, {"weight": 50, "hold": {"requests": 40}}, 100],
        "guards": [canary.agreement(0.9), canary.error_ratio(1.0)],
    },
}


def photos(count=20_000):
    """Distinct inputs."""
    return ((f"photo {number}", b"photo %d" % number) for number in range(count))


def client(lab):
    return canary.Client(lab.url, model=APP, signature="serving_preprocess", attempts=1, timeout=10)


def users(lab, count=200):
    """Count the users, of so many, that get an answer."""
    answers = client(lab).predict_many([b"a user's photo"] * count)
    return sum(not isinstance(answer, Exception) for answer in answers)


def routes(lab):
    return lab.get("VirtualService", APP)["spec"]["http"]


def weights(lab):
    """The weights of the rule that is divided."""
    return {to["destination"]["subset"]: to.get("weight", 100) for to in routes(lab)[-1]["route"]}


def state(lab):
    """The stored state of the run, as text; none when nothing was stored."""
    return lab.get("VirtualService", APP)["metadata"].get("annotations", {}).get(STATE)


class Released:
    """The result of a release: its verdict, the weights it wrote, and the users' answers afterwards."""

    def __init__(self, lab, run):
        self.events = list(run)
        self.run, self.verdict = run, run.verdict
        self.written = [event.weight for event in self.events if event.kind == "written"]
        self.weights, self.routes = weights(lab), routes(lab)
        self.served = users(lab)

    @property
    def message(self):
        return str(self.verdict)

    def kinds(self):
        return [event.kind for event in self.events]


def release(lab, one, **arguments):
    """Run a plan to its end."""
    arguments = {"inputs": photos(), "tick": 0.05} | arguments
    return Released(lab, one.run(lab, **arguments))
