"""Values compare by content, hash, copy, pickle, and cannot be changed; every other class says why it is none."""

import copy
import datetime as dt
import inspect
import pickle

import numpy as np
import pytest
from test_plan import APP, client, inputs, plan, start

import canary

GATEWAY = canary.Gateway.http("g")
SPLIT = canary.VirtualService.weighted("s", {"a": 70, "b": 30}, hosts=["*"], gateways=["g"])
RULE = canary.DestinationRule.subsets("s", ["a", "b"])

# Classes whose instances are not values, or not picklable, with the reason.
NO_VALUES = {
    "Answer": "holds the answer's own memory, which its arrays show; it is pickled whole",
    "Answers": "an iterator with requests in flight",
    "Dashboard": "a server",
    "Lab": "a mesh with model servers",
    "Mesh": "a table compiled from objects, which are the values; it is pickled by them",
    "Node": "the base of the messages of `canary.istio`, which have their own test",
    "Prometheus": "a source of counts, pickled by its arguments unless one is a credential",
    "Objects": "a list",
    "Records": "a list",
    "Release": "a handle of what another process runs",
    "Run": "a plan at work; the cluster keeps its state",
    "RunComparison": "a view of two runs, whose rows `records` keeps",
    "Watch": "an open connection",
}
# Values that a cluster or a mesh gives for the moment: they compare and hash, and their dict or JSON is what is kept.
NOT_PICKLED = {"Preflight"}


@pytest.fixture(scope="module")
def values():
    """One value of each class, created at each call."""
    with start(canary.ScriptedModel("cat", 0.8, disagree=0.3, other="dog", seed=3)) as lab:
        run = plan(guards=[canary.agreement(0.9)]).run(lab, client=client(lab), inputs=inputs(), tick=0.02)
        events = list(run)
        assert run.verdict is not None
        seen = next(event for event in events if event.kind == "seen")
        pair, verdict, reading = run.disagreements[0], run.verdict, run.readings[0]
        kept = {type(one).__name__: one for one in (seen, pair, verdict, reading)}

    def make():
        one = canary.Plan(APP, stable="a", canary="b", steps=[50, 100], hold=200, guards=[canary.error_ratio(1.0)])
        again = canary.Plan(APP, stable="a", canary="b", steps=[50, 100], guards=[canary.error_ratio(1.0)], aa=True)
        seen = [canary.Observation("ab"[n * 7 % 11 % 2], 1.7e9 + n, ok=n % 10 != 0) for n in range(200)]
        return kept | {
            "AaReport": again.replay(seen, weights=50).aa,
            "BatchingParameters": canary.BatchingParameters(max_batch_size=32, batch_timeout=0.25),
            "InferenceService": canary.InferenceService.from_text(
                "{kind: InferenceService, metadata: {name: a}, spec: {predictor: {canaryTrafficPercent: 10}}}"
            ),
            "ModelConfig": canary.ModelConfig("a", "/a", versions=[1, 2], labels={"b": 2}),
            "ModelServerConfig": canary.ModelServerConfig([canary.ModelConfig("a", "/a", latest=2)]),
            "MonitoringConfig": canary.MonitoringConfig("/metrics"),
            "Analysis": canary.analyze([GATEWAY, SPLIT]),
            "Comparison": canary.compare_rules(errors=(0.01, 0.05), runs=20, seed=7),
            "Client": canary.Client("http://127.0.0.1:1", model="m", headers={"a": "b"}),
            "Cluster": canary.Cluster("config", context="a", namespace="n"),
            "Decision": canary.Mesh([GATEWAY, SPLIT, RULE]).route("http://any/"),
            "DestinationRule": canary.DestinationRule.subsets("s", ["a", "b"]),
            "Finding": canary.VirtualService.weighted("s", {"a": -1, "b": 2}).validate()[0],
            "Gateway": canary.Gateway.http("g"),
            "GatewayClass": canary.GatewayClass("istio", controller_name="istio.io/gateway-controller"),
            "GrpcRoute": canary.GrpcRoute.to("s", gateways=["g"], port=9000),
            "HttpRoute": canary.HttpRoute.weighted("s", {"a": 1, "b": 2}, gateways=["g"], port=80),
            "KubernetesGateway": canary.KubernetesGateway.http("g"),
            "ReferenceGrant": canary.ReferenceGrant.allow_routes("web", "models"),
            "BackendTlsPolicy": canary.BackendTlsPolicy(
                "s",
                target_refs=[{"group": "", "kind": "Service", "name": "s"}],
                validation={"hostname": "a.example.com", "wellKnownCACertificates": "System"},
            ),
            "Guardrail": canary.error_ratio(1.0, proven_below=1.5),
            "Observation": canary.Observation("a", 1.7e9, ok=False, latency=0.1, value=0.5, user="ada", id="7f"),
            "ObservedShare": canary.observed_share(31, 69, weight=0.3),
            "Plan": one,
            "Power": one.power(0.5, errors=(0.01, 0.5), runs=20, seed=7),
            "Preprocess": canary.Preprocess((2, 2), crop=0.8, mean_std=([1, 2, 3], [4, 5, 6])),
            "ScriptedModel": canary.ScriptedModel("cat", 0.8, latency=0.1, seed=7),
            "Simulation": one.simulate(errors=(0.01, 0.05), runs=20, seed=7),
            "Route": canary.Route.http_route("s", rules=["a"]),
            "Sticky": canary.Sticky("canary-s", max_age=3600),
            "Target": canary.Target(canary.Route.virtual_service("s"), arms="services"),
            "VersionLabels": canary.VersionLabels("m", 2, deployment="d", service="s"),
            "VirtualService": canary.VirtualService.to("s"),
            "Workload": canary.Workload("a", "v", model="m", path="p", replicas=2, args=["--x"]),
        }

    return make


def classes():
    """Every public class that is no exception."""
    for name in canary.__all__:
        one = getattr(canary, name)
        if inspect.isclass(one) and not issubclass(one, BaseException):
            yield name


def test_every_class_is_a_value_or_says_why_not(values):
    made = values()
    # These are read from a cluster; test_cluster and test_cluster_run have them.
    assert set(classes()) - set(NO_VALUES) - {"Applied", "Preflight", "Status"} == set(made)
    assert not set(NO_VALUES) & set(made)


def test_values_compare_hash_copy_and_pickle(values):
    one, two = values(), values()
    for name, value in one.items():
        assert value == two[name], name
        assert value != object(), name
        assert hash(value) == hash(two[name]), name
        assert type(value).__name__ == name
        if name in NOT_PICKLED:
            continue
        copies = [copy.copy(value), copy.deepcopy(value)]
        copies += [pickle.loads(pickle.dumps(value, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
        for other in copies:
            assert other == value, name
            assert hash(other) == hash(value), name
            assert repr(other) == repr(value), name


def test_values_cannot_be_changed(values):
    for name, value in values().items():
        for field, found in vars(type(value)).items():
            if inspect.isgetsetdescriptor(found):
                with pytest.raises(AttributeError):
                    setattr(value, field, None)
        with pytest.raises(AttributeError):
            value.something = 1
        assert name


def test_replace_gives_a_copy_with_other_settings(values):
    changes = {
        "Client": {"timeout": dt.timedelta(seconds=2)},
        "Cluster": {"namespace": "other"},
        "Gateway": {"namespace": "other"},
        "GatewayClass": {"description": "other"},
        "GrpcRoute": {"hostnames": ["other"]},
        "HttpRoute": {"hostnames": ["other"]},
        "KubernetesGateway": {"namespace": "other"},
        "ReferenceGrant": {"namespace": "other"},
        "BackendTlsPolicy": {"namespace": "other"},
        "VirtualService": {"hosts": ["other"]},
        "DestinationRule": {"host": "other"},
        "Preprocess": {"layout": "nchw"},
        "ScriptedModel": {"errors": 0.5},
        "Workload": {"replicas": 3},
    }
    for name, change in changes.items():
        value = values()[name]
        assert value.replace() == value, name
        assert value.replace(**change) != value, name
        with pytest.raises((TypeError, canary.CanaryError)):
            value.replace(nothing_of_this_name=1)


def test_a_hash_distinguishes_most_values():
    sizes = {hash(canary.Preprocess((size, 2))) for size in range(1, 50)}
    assert len(sizes) > 45
    seeds = {hash(canary.ScriptedModel("cat", seed=seed)) for seed in range(50)}
    assert len(seeds) > 45


def test_other_libraries_objects_are_read():
    class Kr8s:
        """As kr8s' objects show themselves."""

        raw = SPLIT.to_dict()

    class Kubernetes:
        """As the Kubernetes client's models show themselves."""

        def to_dict(self):
            return GATEWAY.to_dict()

    assert canary.VirtualService.from_dict(Kr8s()) == SPLIT
    assert canary.Gateway.from_dict(Kubernetes()) == GATEWAY
    objects = [Kr8s(), Kubernetes(), RULE]
    assert canary.analyze(objects) == canary.analyze(iter([SPLIT, GATEWAY, RULE]))
    assert canary.dumps(tuple(objects)) == canary.dumps([SPLIT, GATEWAY, RULE])
    assert canary.validate(one for one in objects) == canary.validate(objects)


def test_seconds_are_numbers_or_timedeltas():
    second = dt.timedelta(seconds=1)
    url = "http://127.0.0.1:1"
    pairs = [
        (lambda t: canary.Client(url, model="m", timeout=t)),
        (lambda t: canary.Plan("s", stable="a", canary="b", settle=t, patience=100, hold={"time": t})),
        (lambda t: canary.ScriptedModel("cat", latency=t)),
        (lambda t: canary.slow_ratio(1.0, threshold=t)),
        (lambda t: canary.VirtualService.to("s", timeout=t)),
        (lambda t: repr(canary.Prometheus(url, "s", stable="a", canary="b", every=t, lag=t, lookback=t, timeout=t))),
    ]
    for make in pairs:
        assert make(1) == make(1.0) == make(second)
        with pytest.raises((ValueError, TypeError)):
            make(-1)
        with pytest.raises((ValueError, TypeError)):
            make("1s or so")


def test_paths_are_texts_or_path_objects(tmp_path):
    file = tmp_path / "mesh.yaml"
    file.write_text(canary.dumps([GATEWAY, SPLIT]))
    assert canary.load(file) == canary.load(str(file)) == [GATEWAY, SPLIT]
    with pytest.raises(canary.NotFoundError, match=r"none\.yaml"):
        canary.load(tmp_path / "none.yaml")
    assert canary.Cluster(file) == canary.Cluster(str(file))
    with pytest.raises(canary.NotFoundError):
        canary.decode_image(tmp_path / "none.png")
    picture = np.zeros((2, 2, 3), np.uint8)
    assert canary.Preprocess()(picture).shape == (2, 2, 3)


def test_arguments_after_the_first_are_named():
    """One or two arguments have an order; whatever is set beyond them has its name in the call."""
    allowed = {
        # kubectl's order, and what is counted or mapped: the order says what it is.
        "Cluster.get": 2, "Cluster.get_async": 2, "Cluster.delete": 2, "Cluster.delete_async": 2, "Cluster.watch": 2,
        "Lab.get": 3, "Gateway.http": 3, "Gateway.https": 3, "VirtualService.when_header": 3, "custom": 3,
        "HttpRoute.when_header": 3, "GrpcRoute.when_header": 3,
    }  # fmt: skip
    for name in canary.__all__:
        one = getattr(canary, name)
        if not getattr(one, "__module__", "").startswith(("canary", "builtins")) or name in {"gateway_api", "istio"}:
            continue
        members = {name: one} if not inspect.isclass(one) else {
            f"{name}.{key}": value for key, value in vars(one).items() if not key.startswith("_") and callable(value)
        }  # fmt: skip
        for full, member in members.items():
            try:
                parameters = inspect.signature(member).parameters.values()
            except (TypeError, ValueError):
                continue
            ordered = [
                one for one in parameters
                if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD} and one.name not in {"self", "cls"}
            ]  # fmt: skip
            assert len(ordered) <= allowed.get(full, 2), full
