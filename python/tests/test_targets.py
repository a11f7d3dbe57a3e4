"""Targets of plans: routes that move together."""

import json
import pickle

import pytest

import canary
from canary import Plan, Route, Target


def plan(target: object) -> Plan:
    return Plan(target=target, stable="pets-v1", canary="pets-v2", guards=[canary.error_ratio(1.0)])


def test_a_target_is_a_value() -> None:
    target = Target(
        Route.http_route("pets", rules="all"), Route.grpc_route("grpc", namespace="edge"), namespace="models"
    )
    same = Target(*target.routes, namespace=target.namespace)
    assert target == same
    assert hash(target) == hash(same)
    assert pickle.loads(pickle.dumps(target)) == target
    assert [route.kind for route in target.routes] == ["HTTPRoute", "GRPCRoute"]
    assert json.loads(json.dumps(target.to_dict())) == {
        "namespace": "models",
        "routes": [{"httpRoute": "pets", "rules": "all"}, {"grpcRoute": "grpc", "namespace": "edge"}],
    }


def test_a_plan_has_its_target_in_every_form() -> None:
    target = Target(Route.http_route("pets"))
    by_class, by_dict = plan(target), plan(target.to_dict())
    assert by_class == by_dict
    assert by_class.target == target
    assert by_class.virtual_service == "pets"
    assert Plan.from_yaml(by_class.to_yaml()) == by_class
    assert pickle.loads(pickle.dumps(by_class)) == by_class
    moved = by_class.replace(target=Target(Route.grpc_route("other"), namespace="edge"))
    assert (moved.target.state_object, moved.namespace) == ("GRPCRoute edge/other", "edge")
    short = Plan("pets", stable="v1", canary="v2", route="rest", guards=[canary.error_ratio(1.0)])
    assert short.target == Target(Route.virtual_service("pets", rules=["rest"]))
    assert short.replace(namespace="edge").target.state_object == "VirtualService edge/pets"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (Target, ValueError, "a target needs at least one route"),
        (lambda: Plan(stable="a", canary="b"), TypeError, "a VirtualService, or a target"),
        (
            lambda: Plan("x", stable="a", canary="b", target=Target(Route.http_route("pets"))),
            TypeError,
            "target and virtual_service are both given, and virtual_service is another",
        ),
        (
            lambda: Plan(stable="a", canary="b", namespace="edge", target=Target(Route.http_route("pets"))),
            TypeError,
            "target and namespace are both given",
        ),
        (lambda: Target(Route.http_route("pets"), arms="service"), ValueError, "services"),
        (lambda: plan({"routes": [{"httproute": "pets"}]}), canary.CanaryError, "httpRoute"),
        (lambda: plan(Target(Route.http_route("a"), Route.http_route("a"))), canary.InvalidError, "C131"),
        (lambda: plan(Target(Route.http_route("a"), arms="subsets")), canary.InvalidError, "C132"),
        (
            lambda: Plan(
                target=Target(Route.virtual_service("a", protocol="tcp")),
                stable="v1",
                canary="v2",
                header=("user-group", "canary"),
                guards=[canary.error_ratio(1.0)],
            ),
            canary.InvalidError,
            "C133",
        ),
    ],
)
def test_a_target_that_cannot_be_is_refused(make: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        make()  # type: ignore[operator]
    assert words in str(caught.value)


def test_a_release_between_two_services_by_an_http_route() -> None:
    """The seed's lab on the Gateway API: two Services, one HTTPRoute, released by weights and by the header."""
    with canary.Lab(models={"m/v1": canary.ScriptedModel("suit"), "m/v2": canary.ScriptedModel("suit")}) as lab:
        for version in ("v1", "v2"):
            lab.apply(canary.Workload("pets", version, model="m", path=f"m/{version}", own_service=True))
        lab.apply(
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "Gateway",
                "metadata": {"name": "public"},
                "spec": {
                    "gatewayClassName": "istio",
                    "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
                },
            }
        )

        def backend(name: str, weight: int) -> dict[str, object]:
            stamp = {"set": [{"name": "x-canary-subset", "value": name}]}
            filters = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": stamp}]
            return {"name": name, "port": 8501, "weight": weight, "filters": filters}

        lab.apply(
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "metadata": {"name": "pets"},
                "spec": {
                    "parentRefs": [{"name": "public"}],
                    "rules": [{"backendRefs": [backend("pets-v1", 100), backend("pets-v2", 0)]}],
                },
            }
        )
        lab.wait_ready()
        release = Plan(
            target=Target(Route.http_route("pets")),
            stable="pets-v1",
            canary="pets-v2",
            steps=[30, 100],
            hold=100,
            header=("user-group", "canary"),
            bursts="none",
            settle=0,
            guards=[canary.error_ratio(1.0), canary.agreement(0.9, minimum=20)],
        )
        run = release.run(lab, inputs=[str(number).encode() for number in range(4000)], tick=0.02)
        assert run.wait().name == "promote", str(run.verdict)
        live = lab.get("HTTPRoute", "pets")
        assert live is not None
        assert [entry["weight"] for entry in live["spec"]["rules"][0]["backendRefs"]] == [0, 100]
        assert len(live["spec"]["rules"]) == 1
