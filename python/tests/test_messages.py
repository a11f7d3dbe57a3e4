"""`canary.istio`: every message of Istio's objects, as the Rust types and as Istio's own schema have them."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import canary
from canary import gateway_api, istio

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "crates/canary-istio/tests/data/istio-schema.json").read_text())
MESSAGES = [
    value
    for module in (istio, gateway_api)
    for value in vars(module).values()
    if inspect.isclass(value) and issubclass(value, istio.Message) and value is not istio.Message
]


def test_the_messages_are_those_of_the_rust_types():
    script = ROOT / "scripts/istio_messages.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def compare(message, schema, path):
    fields = message._by_key
    # Istio's schema lists one field under two names: `mirrorPercent` is also read as `mirror_percent`.
    properties = {key: part for key, part in schema["properties"].items() if "_" not in key}
    assert set(fields) == set(properties), path
    for key, part in properties.items():
        one, at = fields[key], f"{path}.{key}"
        inner = part
        if one.kind == "list":
            assert part["type"] == "array", at
            inner = part["items"]
        elif one.kind == "map":
            inner = part["values"]
        else:
            assert part.get("type") != "array", at
        if one.of:
            compare(getattr(istio, one.of), inner, at)
        else:
            assert "properties" not in inner, at


@pytest.mark.parametrize("kind", ["Gateway", "VirtualService", "DestinationRule"])
def test_the_fields_are_those_of_istios_own_schema(kind):
    compare(getattr(istio, f"{kind}Spec"), SCHEMA[kind]["properties"]["spec"], "spec")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_every_message_and_field_is_documented(message):
    assert message.__doc__
    assert [name for name, field in message._by_name.items() if not field.__doc__] == []
    names = set(message._by_name)
    assert not names & set(dir(istio.Message)), "a field hides a method"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_unset_fields_read_as_nothing(message):
    empty = message._new({}, "")
    for name, field in message._by_name.items():
        value = getattr(empty, name)
        assert value == {"one": None, "list": (), "map": {}}[field.kind]
        assert name in dir(empty)
    assert len(empty) == 0
    assert not empty._by_key.keys() & empty.keys()


def test_messages_are_made_by_keyword_and_checked_by_the_object():
    there = istio.Destination(host="image-classifier", subset="resnet50", port=istio.PortSelector(number=8501))
    rule = istio.HttpRoute(
        match=[istio.HttpMatchRequest(headers={"user-group": istio.StringMatch(exact="canary")})],
        route=[istio.HttpRouteDestination(destination=there)],
        timeout="2s",
    )
    made = canary.VirtualService("image-classifier", hosts=["*"], http=[rule], labels={"team": "vision"})
    assert made.spec.http[0] == rule
    assert made.metadata.labels.team == made.metadata.labels["team"] == "vision"
    assert made.spec.http[0].match[0].headers["user-group"].exact == "canary"
    assert canary.VirtualService.from_yaml(made.to_yaml()) == made
    assert made.replace(http=[rule.replace(timeout=None)]).spec.http[0].timeout is None
    with pytest.raises(canary.InvalidError, match=r"spec\.http\[0\]\.timeout.*duration"):
        made.replace(http=[rule.replace(timeout="soon")])
    with pytest.raises(canary.InvalidError, match="did you mean `http`"):
        canary.VirtualService("s", htpp=[rule])


def test_mistakes_in_names_say_the_nearest_one():
    with pytest.raises(TypeError, match="HttpRouteDestination has no field 'wieght'; did you mean 'weight'"):
        istio.HttpRouteDestination(destination=istio.Destination(host="s"), wieght=1)
    with pytest.raises(TypeError, match="HttpRouteDestination needs destination"):
        istio.HttpRouteDestination(weight=1)
    with pytest.raises(AttributeError, match="Destination has no field 'hosts'; did you mean 'host'"):
        _ = istio.Destination(host="s").hosts
    with pytest.raises(TypeError, match="PortSelector has no field 'zzz'; its fields are number"):
        istio.PortSelector(number=1).replace(zzz=1)


def test_messages_are_values():
    rule = canary.VirtualService.weighted("s", {"a": 1, "b": 2}).spec.http[0]
    for other in (copy.copy(rule), copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))):
        assert other == rule
        assert hash(other) == hash(rule)
        assert type(other) is istio.HttpRoute
    assert rule == rule.to_dict()
    assert rule != rule.replace(name="x")
    assert rule.to_dict() is not rule.to_dict()
    assert repr(rule.route[0].destination) == "Destination(host='s', subset='a')"
    with pytest.raises(AttributeError, match="immutable"):
        rule.name = "x"
    with pytest.raises(AttributeError, match="immutable"):
        rule.nmae = "x"


def test_names_of_python_are_not_in_the_way():
    fallback = istio.LocalityFailover(from_="us-east", to="us-west")
    assert fallback.to_dict() == {"from": "us-east", "to": "us-west"}
    assert fallback.from_ == fallback["from"] == "us-east"
    labels = canary.Gateway.http("g").replace(labels={"items": "1", "a-b": "2"}).metadata.labels
    assert (labels["items"], labels["a-b"]) == ("1", "2")
    assert dict(labels.items()) == {"items": "1", "a-b": "2"}


def test_a_notebook_completes_fields_that_are_not_set():
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.user_ns["service"] = canary.VirtualService.weighted("s", {"a": 1, "b": 2})
    shell.user_ns["rule"] = shell.user_ns["service"].spec.http[0]
    for text in ("rule.ret", "service.spec.http[0].ret"):
        with provisionalcompleter():
            matches = [match.text for match in shell.Completer.completions(text, len(text))]
        assert any(match.endswith("retries") for match in matches), (text, matches)
