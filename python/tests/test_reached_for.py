"""Small things that people reach for: changed routes, closed clients, answers as mappings, pickles."""

import copy
import pickle
from collections.abc import Mapping

import numpy as np
import pytest
from test_plan import client, start

import canary
from canary import istio


@pytest.fixture(scope="module")
def lab():
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        yield lab


def weights(service, rule=0):
    return {one.destination.subset: one.weight for one in service.spec.http[rule].route}


def test_weights_are_changed_and_everything_else_stays():
    service = canary.VirtualService.weighted(
        "pets", {"v1": 100, "v2": 0}, hosts="pets.example", gateways="g", port=8501, stamp_subset="x-canary-subset"
    ).when_header("user-group", "canary", "v2")
    changed = service.with_weights({"v2": 25, "v3": 75})
    assert weights(changed, 1) == {"v1": 0, "v2": 25, "v3": 75}
    assert changed.spec.http[0] == service.spec.http[0]
    third = changed.spec.http[1].route[2]
    assert third.destination.port.number == 8501
    assert third.headers.response.set["x-canary-subset"] == "v3"
    assert (
        changed.with_weights([("v1", 100), ("v2", 0), ("v3", 0)]).spec.http[1].route[:2] == service.spec.http[1].route
    )
    named = canary.VirtualService(
        "pets", hosts="pets", http=[service.spec.http[1].replace(name="split"), {"name": "b"}]
    )
    assert weights(named.with_weights({"v1": 1, "v2": 1}, route="split")) == {"v1": 1, "v2": 1}


def test_a_route_is_put_in_front_or_in_the_place_of_its_name():
    service = canary.VirtualService.to("pets", subset="v1")
    gone = istio.HttpRoute(name="gone", match=[{"uri": {"prefix": "/v0"}}], redirect={"uri": "/v1"})
    both = service.with_route(gone)
    assert [one.name for one in both.spec.http] == ["gone", None]
    moved = both.with_route(gone.replace(redirect={"uri": "/v2"}).to_dict())
    assert [one.redirect and one.redirect.uri for one in moved.spec.http] == ["/v2", None]
    last = both.with_route({"name": "rest", "redirect": {"uri": "/"}})
    assert [one.name for one in last.spec.http] == ["gone", None, "rest"]
    with pytest.raises(canary.InvalidError, match=r"spec\.http\[0\]\.rediret.*did you mean `redirect`"):
        service.with_route({"rediret": {"uri": "/"}})


def test_one_name_stands_for_a_list_of_one():
    assert canary.VirtualService.to("s", hosts="*", gateways="g").spec.hosts == ("*",)
    assert canary.VirtualService("s", hosts="*", http=[]).spec.hosts == ("*",)
    assert canary.VirtualService.to("s").replace(hosts="a", export_to=".").spec.export_to == (".",)
    assert canary.Gateway.http("g", hosts="a.com").spec.servers[0].hosts == ("a.com",)
    assert [one.name for one in canary.DestinationRule.subsets("s", "v1").spec.subsets] == ["v1"]


def test_a_workload_is_written_as_its_objects():
    pets = canary.Workload("pets", "v1", model="pets", path="m/1")
    assert canary.dumps(pets) == canary.dumps(pets.objects())
    assert canary.load is not canary.loads


def test_lenient_reading_gives_what_can_be_read_and_what_is_wrong(tmp_path):
    text = (
        canary.Gateway.http("g").to_yaml().replace("servers", "sevrers")
        + "---\n"
        + canary.VirtualService.to("s").to_yaml()
    )
    with pytest.raises(canary.InvalidError):
        canary.loads(text)
    objects = canary.loads(text, lenient=True)
    assert [one.name for one in objects] == ["g", "s"]
    assert [(one.severity, one.path, one.line) for one in objects.findings] == [("warning", "spec.sevrers", 6)]
    path = tmp_path / "mesh.yaml"
    path.write_text(text)
    again = canary.load(path, lenient=True)
    assert (again, again.findings) == (objects, objects.findings)
    assert (pickle.loads(pickle.dumps(again)), pickle.loads(pickle.dumps(again)).findings) == (
        objects,
        objects.findings,
    )


def test_strict_reading_tells_what_it_takes_for_absent():
    text = canary.VirtualService.to("s").to_yaml() + "  tls:\n"
    objects = canary.loads(text)
    assert objects == [canary.VirtualService.to("s")]
    assert [(one.severity, one.code, one.path) for one in objects.findings] == [("info", "C302", "spec.tls")]
    assert canary.loads(canary.Gateway.http("g").to_yaml()).findings == []


async def test_a_client_is_closed(lab):
    with client(lab) as one:
        assert one.predict(b"photo").label == "cat"
        assert not one.is_closed
    assert one.is_closed
    one.close()
    for call in (one.predict, one.predict_async):
        with pytest.raises(RuntimeError, match=r"the client of http.* is closed; replace\(\) gives one"):
            call(b"photo")
    assert one.replace().predict(b"photo").label == "cat"
    async with client(lab) as other:
        assert (await other.predict_async(b"photo")).label == "cat"
    assert other.is_closed


def test_an_answer_is_a_mapping_of_its_outputs(lab):
    answer = client(lab).predict(b"photo")
    assert isinstance(answer, Mapping)
    assert sorted(answer) == sorted(answer.keys()) == ["labels", "probabilities"]
    assert [name for name, _ in answer.items()] == list(answer)
    assert all(value is not None for value in answer.values())
    assert "labels" in answer
    assert "logits" not in answer
    assert 5 not in answer
    assert answer.get("logits") is None
    assert answer.get("logits", 7) == 7
    assert answer.get("labels").shape == answer["labels"].shape
    assert {**answer}.keys() == {"labels", "probabilities"}
    match answer:
        case {"labels": labels}:
            assert labels[0, 0] == "cat"


@pytest.mark.parametrize("again", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy, copy.copy])
def test_an_answer_is_stored_whole(lab, again):
    logits = client(lab).replace(signature="serving_default").predict(np.zeros((1, 224, 224, 3), np.float32))
    for answer in (client(lab).predict(b"photo"), logits):
        other = again(answer)
        assert list(other) == list(answer)
        for name, output in answer.items():
            assert other[name].dtype == output.dtype
            np.testing.assert_array_equal(other[name], output)
        for name in ("subset", "elapsed", "attempts", "raw", "headers"):
            assert getattr(other, name) == getattr(answer, name)
        assert repr(other) == repr(answer)
    assert again(client(lab).predict(b"photo")).top == client(lab).predict(b"photo").top


@pytest.mark.parametrize("again", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_a_mesh_and_its_decisions_are_stored(again):
    split = canary.VirtualService.weighted("s", {"a": 70, "b": 30}, hosts="*", gateways="g", port=80)
    objects = [canary.Gateway.http("g"), split, canary.DestinationRule.subsets("s", ["a", "b"])]
    mesh = canary.Mesh(objects, cluster_domain="mesh.example")
    decision = mesh.route("http://any/v1", headers={"user-group": "x"}, random=2**63)
    other = again(decision)
    assert other == decision
    assert other.to_dict() == decision.to_dict()
    assert str(other) == str(decision)
    assert again(mesh).route("http://any/v1", headers={"user-group": "x"}, random=2**63) == decision
    assert decision.host.endswith("mesh.example")


def test_a_prometheus_is_stored_without_secrets(tmp_path):
    def prometheus(**changes):
        return canary.Prometheus("http://127.0.0.1:9", "pets", stable="v1", canary="v2", **changes)

    one = prometheus(every="30s", slower_than=0.5, labels={"zone": "a"}, token_file=tmp_path / "token")
    other = pickle.loads(pickle.dumps(one))
    assert repr(other) == repr(one)
    assert other.__getnewargs_ex__() == one.__getnewargs_ex__()
    for secret in ({"token": "hunter2"}, {"username": "a", "password": "hunter2"}, {"proxy": "http://a:hunter2@p:1"}):
        with pytest.raises(
            TypeError, match=r"cannot pickle a Prometheus that holds a token, .*; give token_file="
        ) as raised:
            pickle.dumps(prometheus(**secret))
        assert "hunter2" not in str(raised.value)


def test_values_refuse_to_be_changed():
    service = canary.VirtualService.to("s")
    with pytest.raises(AttributeError, match=r'cannot set "name" of this VirtualService.*replace\(name=…\)'):
        service.name = "x"
    with pytest.raises(AttributeError, match=r'cannot set "alarm" of this Guardrail: it is immutable$'):
        canary.error_ratio().alarm = True
    with pytest.raises(AttributeError, match="immutable"):
        del service.name
