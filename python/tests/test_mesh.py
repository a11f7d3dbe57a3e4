"""`canary.Mesh`: what it takes, who calls, and where requests go."""

import datetime as dt
import itertools
from typing import ClassVar

import pytest

import canary

URL = "http://any/v1/models/cats:predict"
DOOR = canary.Gateway.http("door")
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "cats"},
    "spec": {"ports": [{"name": "http", "port": 8501}]},
}


def split(weight, **more):
    weights = {"a": 100 - weight, "b": weight}
    return canary.VirtualService.weighted("cats", weights, hosts=["*"], gateways=["door"], port=8501, **more)


def bare():
    """Routes whose destination names no port."""
    return canary.VirtualService.to("cats", hosts=["*"], gateways=["door"])


class Raw:
    """An object of kr8s."""

    def __init__(self, fields):
        self.raw = fields


class Dynamic:
    """An object of the dynamic client of Kubernetes, which answers every attribute."""

    def __init__(self, fields):
        self._fields = fields

    def __getattr__(self, name):
        return None

    def to_dict(self):
        return self._fields


class Model:
    """A model of the typed client of Kubernetes: snake case, and a map of the names in JSON."""

    attribute_map: ClassVar = {}

    def __init__(self, **fields):
        for name in self.attribute_map:
            setattr(self, name, fields.get(name))

    def to_dict(self):
        shown = {name: getattr(self, name) for name in self.attribute_map}
        return {name: one.to_dict() if isinstance(one, Model) else one for name, one in shown.items()}


class Metadata(Model):
    attribute_map: ClassVar = {"name": "name", "namespace": "namespace", "creation_timestamp": "creationTimestamp"}


class Service(Model):
    attribute_map: ClassVar = {"api_version": "apiVersion", "kind": "kind", "metadata": "metadata", "spec": "spec"}


def typed_service(**fields):
    created = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)
    metadata = Metadata(name="cats", creation_timestamp=created)
    return Service(metadata=metadata, spec=SERVICE["spec"], **fields)


@pytest.mark.parametrize("shown", [dict, Raw, Dynamic])
def test_an_object_routes_however_it_is_given(shown):
    mesh = canary.Mesh([shown(DOOR.to_dict()), shown(split(30).to_dict())])
    assert mesh.route(URL).shares == [("a", 0.7), ("b", 0.3)]
    assert repr(mesh) == "Mesh(2 objects, 0 notes)"
    assert [row["share"] for row in mesh.records()] == [0.7, 0.3]
    assert "of 1 Gateway, 1 VirtualService<" in mesh._repr_html_()


def test_a_change_of_dictionaries_is_a_change():
    before, after = (canary.Mesh([DOOR.to_dict(), split(weight).to_dict()]) for weight in (0, 50))
    (change,) = before.diff(after)["changes"]
    assert [share["weight"] for share in change["after"]["shares"]] == [50, 50]
    assert before.diff(before)["changes"] == []


@pytest.mark.parametrize(
    "service",
    [
        SERVICE,
        Raw(SERVICE),
        Dynamic(SERVICE),
        typed_service(api_version="v1", kind="Service"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_service_tells_its_ports(service):
    assert canary.Mesh([DOOR, bare()]).route(URL).port == 80
    assert canary.Mesh([DOOR, bare(), service]).route(URL).port == 8501


def test_a_workload_is_its_service():
    workload = canary.Workload("cats", "v1", model="cats", path="gs://b/cats")
    whole = canary.Mesh([DOOR, bare(), workload])
    parts = canary.Mesh([DOOR, bare(), *workload.objects()])
    assert repr(whole) == repr(parts) == "Mesh(5 objects, 0 notes)"
    # Its Service has two ports, and a destination of such a service must name one.
    decision = whole.route(URL)
    assert decision == parts.route(URL)
    assert decision.status == 503
    assert "only 8500, 8501" in decision.why


def test_objects_come_from_whatever_gives_them():
    objects = [DOOR, split(30)]
    listed = {"apiVersion": "v1", "kind": "List", "items": [one.to_dict() for one in objects]}
    for given in (iter(objects), tuple(objects), listed, canary.loads(canary.dumps(objects))):
        mesh = canary.Mesh(given)
        assert mesh.route(URL).shares == [("a", 0.7), ("b", 0.3)]
        assert len(mesh.records()) == 2


def test_service_entries_and_sidecars_count():
    entry = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop}
spec:
  hosts: [out.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
"""
    sidecar = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec:
  egress: [{hosts: ["./none.example.com"]}]
  outboundTrafficPolicy: {mode: REGISTRY_ONLY}
"""
    caller = {"source_namespace": "shop"}
    known = canary.Mesh(canary.loads(entry)).route("http://out.example.com/", **caller)
    hidden = canary.Mesh(canary.loads(f"{entry}---{sidecar}")).route("http://out.example.com/", **caller)
    assert known.host == "out.example.com"
    assert (hidden.host, hidden.status) == (None, 502)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (5, canary.InvalidError, "object of type int"),
        (["a"], canary.InvalidError, "object of type list"),
        (object(), TypeError, "an object of type object cannot stand"),
        ({"kind": "Service", "metadata": {"name": "cats"}}, canary.InvalidError, "Service cats.*apiVersion"),
        (typed_service(), canary.InvalidError, "cats.*kind"),
        (Raw({}), canary.InvalidError, "object of type Raw"),
        ({**split(30).to_dict(), "spec": {"hots": ["*"]}}, canary.InvalidError, "VirtualService cats"),
    ],
    ids=["number", "list", "foreign", "no apiVersion", "model without kind", "empty", "unknown field"],
)
def test_what_is_no_object_is_refused_by_name(wrong, error, says):
    with pytest.raises(error, match=says):
        canary.Mesh([DOOR, wrong])


RULES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cats, namespace: shop}
spec:
  hosts: [cats]
  http:
  - match: [{sourceLabels: {app: web}}]
    route: [{destination: {host: cats-web, port: {number: 80}}}]
  - match: [{sourceNamespace: batch}]
    route: [{destination: {host: cats-batch, port: {number: 80}}}]
  - route: [{destination: {host: cats-rest, port: {number: 80}}}]
"""


def test_rules_know_who_calls():
    mesh = canary.Mesh(canary.loads(RULES))

    def called(**caller):
        return mesh.route("http://cats.shop/", **caller).host

    assert called(gateway="mesh") == "cats-rest.shop.svc.cluster.local"
    assert called(source_namespace="batch") == "cats-batch.shop.svc.cluster.local"
    assert called(source_labels={"app": "web"}) == "cats-web.shop.svc.cluster.local"
    assert called(source_namespace="batch", source_labels={"app": "other"}, gateway="mesh").startswith("cats-batch.")
    # A short name means the caller's namespace.
    assert mesh.route("http://cats/", source_namespace="shop").host == "cats-rest.shop.svc.cluster.local"
    with pytest.raises(ValueError, match=r'source_namespace.*"istio-system/door"'):
        called(source_namespace="batch", gateway="istio-system/door")


def test_rules_on_claims_see_them():
    claimed = split(30).to_dict()
    rule = {
        "match": [{"headers": {"@request.auth.claims.group": {"exact": "testers"}}}],
        "route": [{"destination": {"host": "cats", "subset": "b", "port": {"number": 8501}}}],
    }
    claimed["spec"]["http"].insert(0, rule)
    mesh = canary.Mesh([DOOR, claimed])
    assert mesh.route(URL, claims={"group": "testers"}).shares == [("b", 1.0)]
    for others in ({"group": "others"}, {}, None):
        assert mesh.route(URL, claims=others).shares == [("a", 0.7), ("b", 0.3)]
    with pytest.raises(TypeError, match="claims is a list"):
        mesh.route(URL, claims=["testers"])


@pytest.mark.parametrize("name", ["host", "Host", "HOST"])
def test_the_host_header_is_the_authority(name):
    named = canary.VirtualService.to("cats", hosts=["models.example.com"], gateways=["door"], port=8501)
    mesh = canary.Mesh([canary.Gateway.http("door", hosts=["models.example.com"]), named])
    address = "http://34.1.2.3/v1/models/cats"
    assert mesh.route(address).status == 404
    decision = mesh.route(address, headers={name: "models.example.com"})
    assert (decision.port, decision.to_dict()["authority"]) == (8501, "models.example.com")
    assert decision == mesh.route("http://models.example.com/v1/models/cats")


def test_a_request_has_one_host():
    mesh = canary.Mesh([DOOR, split(30)])
    with pytest.raises(ValueError, match=r'host more than once, as "a\.com" and "b\.com"'):
        mesh.route(URL, headers={"Host": "a.com", "host": "b.com"})


def test_a_host_header_leaves_the_port_to_the_url():
    servers = [canary.Gateway.http(name, port, hosts=["*"]) for name, port in (("one", 80), ("two", 8080))]
    routes = [canary.VirtualService.to(name, hosts=["*"], gateways=[name], port=1) for name in ("one", "two")]
    mesh = canary.Mesh([*servers, *routes])
    host = {"host": "a.example.com"}
    for url, port, service in (
        ("http://[::1]:8080/", None, "two"),
        ("http://[::1]/", None, "one"),
        ("http://[::1]:8080/", 80, "one"),
    ):
        assert mesh.route(url, headers=host, port=port).host == f"{service}.default.svc.cluster.local"


def test_a_passthrough_gateway_forwards_by_the_name_in_tls():
    text = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: door}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: tls, protocol: TLS}, hosts: ["*.example.com"], tls: {mode: PASSTHROUGH}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app.example.com]
  gateways: [door]
  tls:
  - match: [{port: 443, sniHosts: [app.example.com]}]
    route:
    - {destination: {host: one, port: {number: 443}}, weight: 80}
    - {destination: {host: two, port: {number: 443}}, weight: 20}
"""
    decision = canary.Mesh(canary.loads(text)).route("https://app.example.com/")
    assert decision.status is None
    hosts = [f"{name}.default.svc.cluster.local" for name in ("one", "two")]
    assert decision.shares == [(hosts[0], 0.8), (hosts[1], 0.2)]


def test_a_decision_says_the_shares_of_faults_and_mirrors():
    faulty = split(30).mirror("c", 12.5).to_dict()
    faulty["spec"]["http"][0]["fault"] = {
        "delay": {"fixedDelay": "1.5s", "percentage": {"value": 25}},
        "abort": {"httpStatus": 503, "percentage": {"value": 0.5}},
    }
    decision = canary.Mesh([DOOR, faulty]).route(URL)
    assert decision.delay_share == (1.5, 0.25)
    assert decision.abort_share == (503, 0.005)
    assert decision.mirror_shares == [("outbound|8501|c|cats.default.svc.cluster.local", 0.125)]
    plain = canary.Mesh([DOOR, split(30)]).route(URL)
    assert (plain.delay_share, plain.abort_share, plain.mirror_shares) == (None, None, [])


def test_objects_keep_their_version_until_another_is_asked_for():
    objects = (DOOR, split(30), canary.DestinationRule.subsets("cats", ["a", "b"]))
    for one, version in itertools.product(objects, ("v1beta1", "v1alpha3")):
        older = type(one).from_dict({**one.to_dict(), "apiVersion": f"networking.istio.io/{version}"})
        assert older.api_version == older.to_dict()["apiVersion"] == f"networking.istio.io/{version}"
        assert older.replace(labels={"a": "b"}).api_version == older.api_version
        assert older.to_version("v1").to_dict() == one.to_dict()
        assert one.to_version(version).to_yaml() == older.to_yaml()
    with pytest.raises(canary.ManifestError, match="v9"):
        DOOR.to_version("v9")


def route_of_pets(weight):
    """A gateway of the Gateway API, and a split by an HTTPRoute."""
    group = "gateway.networking.k8s.io/v1"
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    gateway = {
        "apiVersion": group,
        "kind": "Gateway",
        "metadata": {"name": "public"},
        "spec": {"gatewayClassName": "istio", "listeners": [listener]},
    }
    backends = [
        {"name": "pets-v1", "port": 80, "weight": 100 - weight},
        {"name": "pets-v2", "port": 80, "weight": weight},
    ]
    route = {
        "apiVersion": group,
        "kind": "HTTPRoute",
        "metadata": {"name": "pets"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [{"name": "main", "backendRefs": backends}]},
    }
    return canary.Mesh([gateway, route])


def test_routes_of_the_gateway_api_decide():
    decision = route_of_pets(10).route("http://pets.example.com/cats")
    assert [share for _, share in decision.shares] == [0.9, 0.1]
    assert decision.host == "pets-v1.default.svc.cluster.local"
    assert "HTTPRoute default/pets spec.rules[0] (main)" in decision.why
    (change,) = route_of_pets(10).diff(route_of_pets(40))["changes"]
    assert change["after"]["rule"]["object"] == "HTTPRoute default/pets"
