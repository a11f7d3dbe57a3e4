"""Values of each kind that notebooks show."""

import canary
from canary import _cards, gateway_api, istio

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


def gateways(text=None):
    """Values of the Gateway API."""
    name, subset = text or "image-classifier", text or "resnet101"
    parent = gateway_api.ParentRef(name=text or "public", section_name=text)
    route = canary.HttpRoute.weighted(name, {name: 90, subset: 10}, hostnames=[text or "models.example.com"], port=8501)
    route = route.replace(parent_refs=[parent]).when_header("user-group", text or "canary", subset)
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name, "port": 80}}}
    moved = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": text or "a.example.com"}}]}
    route = route.replace(rules=[*route.spec.rules, {**route.spec.rules[0], "filters": [mirror]}, moved])
    policy = canary.BackendTlsPolicy(
        name,
        target_refs=[{"group": "", "kind": "Service", "name": name}],
        validation={"hostname": text or "a.example.com", "wellKnownCACertificates": text or "System"},
    )
    return [
        route,
        route.spec.rules[0],
        canary.GrpcRoute.to(name, services=[name], port=9000),
        canary.KubernetesGateway.https("public", secret=name, hostname=text or "models.example.com", class_name=text),
        canary.GatewayClass(name, controller_name=text or "istio.io/gateway-controller"),
        canary.ReferenceGrant.allow_routes(text or "web", "models"),
        policy,
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


def targets(text=None):
    """Targets of plans, and the cookie of sticky users."""
    route = canary.Route.virtual_service(text or "pets", rules=[text or "rest"])
    labels = canary.VersionLabels(text or "pets", 42, deployment=text or "pets", service="pets")
    return [route, canary.Target(route), labels, canary.Sticky(text or "pets")]


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


def drawn(values):
    return [(type(value).__name__, value._repr_html_()) for value in values]
