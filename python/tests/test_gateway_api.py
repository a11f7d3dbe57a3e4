"""Objects of the Gateway API: built, read, written, checked and shown."""

import pickle
from pathlib import Path

import pytest
import yaml

import canary
from canary import gateway_api

TEXT = """\
apiVersion: gateway.networking.k8s.io/v1beta1
kind: HTTPRoute
metadata: {name: pets, namespace: models}
spec:
  parentRefs: [{name: public}]
  rules:
  - backendRefs:
    - {name: pets-v1, port: 80, weight: 90}
    - {name: pets-v2, port: 80, weight: 10}
"""
CASES = Path(__file__).parents[2] / "crates/canary-istio/src/validate/tests/gateway_api/cases.yaml"
CLASSES = {
    "HTTPRoute": canary.HttpRoute,
    "GRPCRoute": canary.GrpcRoute,
    "Gateway": canary.KubernetesGateway,
    "GatewayClass": canary.GatewayClass,
    "ReferenceGrant": canary.ReferenceGrant,
    "BackendTLSPolicy": canary.BackendTlsPolicy,
}


def split(**more):
    return canary.HttpRoute.weighted("pets", {"pets-v1": 90, "pets-v2": 10}, port=80, **more)


def test_a_split_is_written_as_it_is_meant():
    route = split(gateways="public", hostnames="pets.example.com", namespace="models")
    assert route.to_dict() == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "pets", "namespace": "models"},
        "spec": {
            "parentRefs": [{"name": "public"}],
            "hostnames": ["pets.example.com"],
            "rules": [
                {
                    "backendRefs": [
                        {"name": "pets-v1", "port": 80, "weight": 90},
                        {"name": "pets-v2", "port": 80, "weight": 10},
                    ]
                }
            ],
        },
    }
    assert list(route.validate()) == []


def test_a_text_is_read_by_its_kind_and_written_back():
    (route,) = canary.loads(TEXT)
    assert type(route) is canary.HttpRoute
    assert route.api_version == "gateway.networking.k8s.io/v1beta1"
    assert yaml.safe_load(route.to_yaml()) == yaml.safe_load(TEXT)
    assert route.to_version("v1") == route
    assert route == split(gateways=["public"], namespace="models")
    assert pickle.loads(pickle.dumps(route)) == route
    assert canary.HttpRoute.from_yaml(TEXT).spec.rules[0].backend_refs[1].weight == 10


def test_gateways_of_both_apis_are_told_apart():
    both = canary.loads(canary.dumps([canary.Gateway.http("g"), canary.KubernetesGateway.http("g")]))
    assert [type(one) for one in both] == [canary.Gateway, canary.KubernetesGateway]
    with pytest.raises(canary.ManifestError, match="found a Gateway"):
        canary.KubernetesGateway.from_yaml(canary.Gateway.http("g").to_yaml())


@pytest.mark.parametrize(
    ("old", "new", "path", "help"),
    [
        ("weight: 10", "wieght: 10", "spec.rules[0].backendRefs[1].wieght", "did you mean `weight`?"),
        ("kind: HTTPRoute", "kind: HttpRoute", "kind", "did you mean `HTTPRoute`?"),
        ("v1beta1", "v1alpha2", "apiVersion", "write gateway.networking.k8s.io/v1"),
        (
            "port: 80, weight: 10",
            'port: "80"',
            "spec.rules[0].backendRefs[1].port",
            "write the number without quotes: 80",
        ),
    ],
)
def test_a_mistake_names_its_place_and_the_remedy(old, new, path, help):  # noqa: A002 - as the finding has it
    with pytest.raises(canary.InvalidError) as caught:
        canary.loads(TEXT.replace(old, new))
    (finding,) = (one for one in caught.value.findings if one.path == path)
    assert finding.help == help
    assert finding.line is not None


def test_a_lenient_reading_leaves_out_what_it_does_not_know():
    objects = canary.loads(TEXT.replace("weight: 10", "wieght: 10"), lenient=True)
    assert objects[0].spec.rules[0].backend_refs[1].weight is None
    assert [(one.severity, one.code) for one in objects.findings] == [("warning", "C301")]


def test_the_defaults_of_the_server_are_filled_on_request():
    route = canary.HttpRoute("pets")
    assert route.spec.rules == ()
    filled = route.with_defaults()
    assert filled.spec.rules[0].matches[0].path.type == "PathPrefix"
    assert filled != route


def codes(object, **how):  # noqa: A002 - any object
    return [one.code for one in canary.validate(object, **how)]


def test_each_rule_of_the_server_is_found_from_python():
    seen = set()
    for case in yaml.safe_load(CASES.read_text()):
        kind = CLASSES[case["kind"]]
        version = "v1beta1" if case["kind"] == "ReferenceGrant" else "v1"
        value = {
            "apiVersion": f"gateway.networking.k8s.io/{version}",
            "kind": case["kind"],
            "metadata": {"name": "case"},
            "spec": case["spec"],
        }
        try:
            found = codes(kind.from_dict(value), channel=case.get("channel", "standard"))
        except canary.InvalidError as error:
            found = [one.code for one in error.findings]
        assert case["code"] in found, (case, found)
        seen.add(case["code"])
    assert len(seen) > 50


def test_the_channel_is_one_of_two():
    rule = split(gateways=["public"]).spec.rules[0].replace(retry=gateway_api.HttpRouteRetry(attempts=3))
    route = split(gateways=["public"]).replace(rules=[rule])
    assert codes(route) == ["G210"]
    assert codes(route, channel="experimental") == []
    with pytest.raises(ValueError, match="`beta` is not a channel"):
        codes(route, channel="beta")


def test_what_a_controller_would_report_is_analyzed():
    route = split(gateways=["public"], hostnames=["pets.org"])
    gateway = canary.KubernetesGateway.http("public", hostname="*.example.com")

    def found(*objects):
        return [(one.code, one.path) for one in canary.analyze(objects).findings]

    assert found(route) == [("C510", "spec.parentRefs[0].name")]
    assert found(route, gateway) == [("C512", "spec.hostnames")]
    assert found(route.replace(hostnames=None), gateway) == []
    twin = route.replace(hostnames=None)
    assert found(twin, twin.replace(name="twin"), gateway) == [("C518", "spec.rules[0]")]


def test_weights_are_a_mapping_of_services():
    with pytest.raises(TypeError, match="a dict from each Service to its weight"):
        canary.HttpRoute.weighted("pets", 5)


def test_a_picture_escapes_and_says_where_requests_go():
    html = split(gateways=["public"])._repr_html_()
    assert "90%" in html
    assert "pets-v2" in html
    assert "attached to" in html
    idle = canary.HttpRoute.weighted("<b>", {"<i>": 0}, port=80)._repr_html_()
    assert "answered with 500" in idle
    assert "<i>" not in idle.split("<div", 1)[1]
