"""Mistakes that people make: of each what its message must name, where, and which remedy."""

from __future__ import annotations

import functools
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import servers

import canary
from canary import istio

if TYPE_CHECKING:
    from collections.abc import Callable


class Mistake(NamedTuple):
    """A call that fails, and what its message says: what was given, where, and what to give instead."""

    call: Callable[[], Any]
    what: str
    where: str
    remedy: str


YAML = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n  hosts: [v]\n  http:\n"
ROUTE = "    route: [{destination: {host: v}}]\n"
PHOTO = np.zeros((4, 4, 3), np.uint8)


@functools.cache
def split() -> canary.VirtualService:
    """Routes between two subsets."""
    return canary.VirtualService.weighted("s", {"a": 70, "b": 30}, hosts=["*"], gateways=["g"], port=80)


@functools.cache
def mesh() -> canary.Mesh:
    """A mesh of these routes."""
    return canary.Mesh([canary.Gateway.http("g"), split()])


@functools.cache
def plan(**changes: Any) -> canary.Plan:
    """A plan that can run."""
    return canary.Plan("s", stable="a", canary="b", guards=[canary.error_ratio()]).replace(**changes)


def new(**changes: Any) -> canary.Plan:
    """A plan with other arguments."""
    return canary.Plan("s", **({"stable": "a", "canary": "b", "guards": [canary.error_ratio()]} | changes))


def client(**changes: Any) -> canary.Client:
    """A client of nobody."""
    return canary.Client(**({"url": "http://127.0.0.1:9", "model": "m", "attempts": 1} | changes))


def with_open_file(call: Callable[[Any], Any]) -> Any:
    """Call with this file, open as text."""
    with Path(__file__).open() as file:
        return call(file)


class Unknown(servers.Handler):
    """A model server that does not know the model."""

    def do_POST(self) -> None:
        self.body()
        self.answer({"error": "Servable not found for request: Latest(cats)"}, 404, content_type="application/json")


def of_unknown_model() -> Any:
    """Ask for a model that the server does not have."""
    with servers.serving(Unknown) as server:
        return canary.Client(server.url, model="cats", attempts=1).predict(b"photo")


class ToldError(Exception):
    """What a result says of a mistake that raises nothing."""


def told(result: object) -> None:
    """Raise what a result says."""
    raise ToldError(str(result))


def in_lab(call: Callable[[canary.Lab], Any]) -> Callable[[], Any]:
    """Call with a lab."""

    def run() -> Any:
        with canary.Lab(models={"m/1": canary.ScriptedModel("cat", 0.9)}) as lab:
            lab.apply(canary.Workload("s", "a", model="m", path="m/1"))
            lab.apply([canary.Gateway.http("g"), canary.DestinationRule.subsets("s", ["a"])])
            lab.apply(canary.VirtualService.weighted("s", {"a": 100}, hosts=["*"], gateways=["g"], port=8501))
            lab.wait_ready()
            return call(lab)

    return run


WORKLOAD = functools.partial(canary.Workload, "app", "v1", model="m", path="m/1")
PROMETHEUS = functools.partial(canary.Prometheus, "http://127.0.0.1:9", "s", stable="a", canary="b")
TO_224 = canary.Preprocess((2, 2))

MISTAKES: dict[str, Mistake] = {
    # Objects
    "a number as a name": Mistake(lambda: canary.Gateway.http(7), "7", "name", "give a text"),
    "a text as a port": Mistake(lambda: canary.Gateway.http("g", "http"), "'http'", "port", "give a whole number"),
    "a port too large": Mistake(lambda: canary.Gateway.http("g", 2**40), str(2**40), "port", "from 0 to"),
    "a number as hosts": Mistake(lambda: canary.Gateway.http("g", hosts=7), "7", "hosts", "a list of texts"),
    "a number among hosts": Mistake(
        lambda: canary.VirtualService.to("s", hosts=["a", 1]), "1", r"hosts\[1\]", "give a text"
    ),
    "fractional weights": Mistake(
        lambda: canary.VirtualService.weighted("s", {"a": 33.3, "b": 66.7}), "33.3", r'weights\["a"\]', "whole number"
    ),
    "one weight": Mistake(lambda: canary.VirtualService.weighted("s", 70), "70", "weights", '{"v1": 90, "v2": 10}'),
    "weights by numbers": Mistake(
        lambda: canary.VirtualService.weighted("s", {1: 70}), "1, an int", "a key of weights", "give a text"
    ),
    "weights in one pair": Mistake(
        lambda: canary.VirtualService.weighted("s", [("a",)]), "a tuple of 1", r"weights\[0\]", "a pair"
    ),
    "a timeout in words": Mistake(lambda: canary.VirtualService.to("s", timeout="soon"), "'soon'", "timeout", '"10s"'),
    "a negative timeout": Mistake(lambda: canary.VirtualService.to("s", timeout=-1), "-1", "timeout", "0 or more"),
    "a misspelt field": Mistake(
        lambda: canary.VirtualService("s", htpp=[]), "htpp", r"spec\.htpp", "did you mean `http`"
    ),
    "a number as rules": Mistake(lambda: canary.VirtualService("s", http=5), "5", r"spec\.http", "a list"),
    "a name that is set": Mistake(lambda: setattr(split(), "name", "x"), "name", "VirtualService", r"replace\(name="),
    "a misspelt change": Mistake(lambda: split().replace(nmae="x"), "nmae", "nmae", "did you mean"),
    "a field that is set": Mistake(
        lambda: setattr(split().spec.http[0], "name", "x"), "name", "immutable", r"replace\(\)"
    ),
    "a truth value as a timeout": Mistake(
        lambda: canary.VirtualService("s", hosts=["s"], http=[istio.HttpRoute(timeout=True)]),
        "true",
        r"spec\.http\[0\]\.timeout",
        "duration",
    ),
    "a message without its field": Mistake(
        lambda: istio.HttpRouteDestination(weight=1), "needs destination", "HttpRouteDestination", "destination"
    ),
    "a misspelt message field": Mistake(
        lambda: istio.HttpRoute(retires=None), "retires", "HttpRoute", "did you mean 'retries'"
    ),
    "a number as a header's value": Mistake(
        lambda: split().when_header("user-group", 1, "b"), "1, an int", "value", "give a text"
    ),
    "a text as a share": Mistake(lambda: split().mirror("b", "10"), "'10'", "percent", "give a number"),
    "other weights with a fraction": Mistake(
        lambda: split().with_weights({"a": 50.5}), "50.5", r'weights\["a"\]', "whole number"
    ),
    "weights of a rule that is not there": Mistake(
        lambda: split().with_weights({"a": 1}, route="none"), '"none"', "VirtualService s", "its rules"
    ),
    "a number as a route": Mistake(lambda: split().with_route(5), "5", r"spec\.http\[0\]", "an object"),
    "a number as subsets": Mistake(
        lambda: canary.DestinationRule.subsets("s", 3), "3, an int", "names", "a list of texts"
    ),
    "two kinds of text": Mistake(
        lambda: canary.Gateway.from_yaml(split().to_yaml()), "a VirtualService", "Gateway", "expected a Gateway"
    ),
    # Reading and writing
    "an open file": Mistake(lambda: with_open_file(canary.load), "TextIOWrapper", "path", "the path of the file"),
    "a file that is not there": Mistake(
        lambda: canary.load("/nowhere/mesh.yaml"), "not found", "/nowhere/mesh.yaml", "check the path"
    ),
    "bytes as text": Mistake(lambda: canary.loads(b"kind: Gateway"), "a bytes", "text", "give a text"),
    "a path as text": Mistake(lambda: canary.loads("mesh.yaml"), "mesh.yaml", "manifest", "load"),
    "a timeout without a unit": Mistake(
        lambda: canary.loads(YAML + "  - timeout: 10\n" + ROUTE), "found 10", r"http\[0\]\.timeout", "10s"
    ),
    "a timeout in quotes without a unit": Mistake(
        lambda: canary.loads(YAML + '  - timeout: "10"\n' + ROUTE), "`10`", r"http\[0\]\.timeout", "10s"
    ),
    "a header without a condition": Mistake(
        lambda: told(canary.loads(YAML + "  - match: [{headers: {x: }}]\n" + ROUTE).findings[0]),
        "no value",
        r"headers\.x",
        "write {}",
    ),
    "a template": Mistake(
        lambda: canary.loads(YAML + "  - route: [{destination: {host: {{ .Values.h }}}}]\n"),
        "{{",
        "line",
        "rendered",
    ),
    "broken YAML": Mistake(lambda: canary.loads("kind: ["), "manifest", "line 1", "expected|close|,"),
    "a misspelt field in a text": Mistake(
        lambda: canary.loads(YAML + "  - rotue: []\n"), "rotue", "line 7", "did you mean `route`"
    ),
    "a number to write": Mistake(lambda: canary.dumps(5), "int", "manifest|object", "dictionary|object"),
    "a number to check": Mistake(lambda: canary.validate(5), "int", "manifest|object", "dictionary|object"),
    "an unknown version of Istio": Mistake(
        lambda: canary.validate(split(), istio_version="new"), "new", "istio_version", "1\\."
    ),
    # Routing
    "a mesh of a number": Mistake(lambda: canary.Mesh(5), "int", "manifest|object", "dictionary|object"),
    "a URL that is none": Mistake(lambda: mesh().route(5), "5, an int", "url", "give a text"),
    "headers in a list": Mistake(
        lambda: mesh().route("http://any/", headers=[("a", "b")]), "a list", "headers", "a dict of texts by name"
    ),
    "a port of a request in quotes": Mistake(
        lambda: mesh().route("http://any/", port="80"), "'80'", "port", "whole number"
    ),
    "claims that are a number": Mistake(lambda: mesh().route("http://any/", claims=5), "int", "claims", "dictionary"),
    "a difference to a text": Mistake(lambda: mesh().diff("other"), "'other'", "after", "a Mesh"),
    # Clients
    "a URL that is a number": Mistake(lambda: client(url=5), "5, an int", "url", "give a text"),
    "a URL without a scheme": Mistake(lambda: client(url="localhost:8501"), "localhost:8501", "scheme|http", "http://"),
    "a model that is a number": Mistake(lambda: client(model=5), "5, an int", "model", "give a text"),
    "a timeout of a client in words": Mistake(lambda: client(timeout="soon"), "'soon'", "timeout", "timedelta"),
    "attempts in quotes": Mistake(lambda: client(attempts="3"), "'3'", "attempts", "whole number"),
    "an unknown form": Mistake(lambda: client(form="rows"), "rows", "form", '"row" or "column"'),
    "a misspelt setting": Mistake(lambda: client().replace(tiemout=1), "tiemout", "Client", 'did you mean "timeout"'),
    "a secret of the wrong type": Mistake(
        lambda: client(headers={"authorization": 5}), "an int", "headers", "give a text"
    ),
    "a text that is not a path": Mistake(
        lambda: client().predict("hello world"), "hello world", "file", r"given as canary\.text\("
    ),
    "no input": Mistake(lambda: client().predict(None), "None", "input", "give a path"),
    "inputs of unequal length": Mistake(
        lambda: client().predict([[1.0], [2.0, 3.0]]), "inhomogeneous|array", "input", "same length"
    ),
    "named inputs of unequal length": Mistake(
        lambda: client().predict({"x": np.zeros((2, 1)), "y": np.zeros((3, 1))}),
        r"\[3, 1\]",
        '"y"',
        "same batch length",
    ),
    "an unknown model": Mistake(of_unknown_model, "Servable not found", "models/cats", "--model_name"),
    "a file open as text": Mistake(
        lambda: with_open_file(client().predict), "gives text", "file", 'open\\(path, "rb"\\)'
    ),
    "texts that are no files": Mistake(
        lambda: canary.encode_predict({"text": ["hello", "world"]}), "hello", "file", r"given as canary\.text\("
    ),
    "a scalar beside a batch": Mistake(
        lambda: canary.encode_predict({"flag": np.array(1), "x": np.zeros((1, 2))}),
        "scalar",
        '"flag"',
        "first dimension",
    ),
    "the body of an error": Mistake(
        lambda: canary.decode_predict(b'{"error": "Servable not found"}'),
        "Servable not found",
        "error|server",
        "server|answer",
    ),
    "a text as a body": Mistake(lambda: canary.decode_predict("{}"), "a str|'{}'", "body", r"\.encode\(\)"),
    "examples that are numbers": Mistake(lambda: client().classify(5), "5|int", "example", "dict"),
    # Images
    "one side of an image": Mistake(lambda: canary.Preprocess(224), "224, an int", "size", "a pair"),
    "an unknown preset": Mistake(lambda: canary.Preprocess((2, 2), preset="imagenet"), "imagenet", "preset", '"unit"'),
    "a crop that is a truth value": Mistake(lambda: canary.Preprocess((2, 2), crop=True), "True", "crop", '"square"'),
    "an image with opacity": Mistake(
        lambda: TO_224(np.zeros((4, 4, 4), np.uint8)), r"\[4, 4, 4\]", "image", "leave out the opacity"
    ),
    "a float64 image": Mistake(lambda: TO_224(PHOTO + 0.5), "from 0 to 1", "image", "multiply the image by 255"),
    "plain floats for an image": Mistake(
        lambda: TO_224([[0.5, 0.5], [0.5, 0.5]]), "from 0 to 1", "image", "multiply the image by 255"
    ),
    "16-bit samples": Mistake(lambda: TO_224(PHOTO.astype(np.uint16)), "UINT16", "image", "upper byte"),
    "a list to decode": Mistake(lambda: canary.decode_image([1, 2]), "a list", "image", "give a path"),
    "an image that is not there": Mistake(
        lambda: canary.decode_image("nowhere.jpg"), "not found", "nowhere.jpg", "check the path"
    ),
    # Plans
    "a fourth decimal": Mistake(lambda: new(steps=[5.0005, 100]), "5.0005", r"steps\[0\]", "at most three decimals"),
    "one step": Mistake(lambda: new(steps=5), "5", "steps", r"\[5, 30, 100\]"),
    "a step in words": Mistake(lambda: new(steps=["five", 100]), "a str", r"steps\[0\]", "give a weight"),
    "one guardrail": Mistake(lambda: new(guards=canary.error_ratio()), "a Guardrail", "guards", r"of one: \["),
    "guardrails by name": Mistake(
        lambda: new(guards=["errorRatio"]), "'errorRatio'", r"guards\[0\]", r"error_ratio\(\)"
    ),
    "a guardrail that was not made": Mistake(
        lambda: new(guards=[canary.error_ratio]), "builtin_function", r"guards\[0\]", r"error_ratio\(\)"
    ),
    "a hold in words": Mistake(lambda: new(hold="soon"), "'soon'", "hold", "a dict with any of requests"),
    "a hold that is true": Mistake(lambda: new(hold=True), "a bool", "hold", "a number of requests"),
    "a time of a hold in words": Mistake(lambda: new(hold={"time": "soon"}), "'soon'", r'hold\["time"\]', '"10s"'),
    "a misspelt hold": Mistake(lambda: new(hold={"reqests": 5}), "reqests", "hold", "it has requests"),
    "a header without a value": Mistake(lambda: new(header="user-group"), "'user-group'", "header", "a pair"),
    "alpha in words": Mistake(lambda: new(alpha="5 %"), "'5 %'", "alpha", "give a number"),
    "alpha in per cent": Mistake(lambda: new(alpha=5), "5", "alpha", "between 0 and 1|0 to 1|below 1"),
    "a canary that is the stable version": Mistake(
        lambda: new(canary="a"), 'found "a"', "canary", "name the subset that is to be tested"
    ),
    "an unknown guard against bursts": Mistake(lambda: new(bursts="never"), "'never'", "bursts", '"auto", "none"'),
    "an unknown end": Mistake(lambda: new(on_inconclusive="stop"), "stop", "on_inconclusive", '"keep" or "rollback"'),
    "an unknown proof": Mistake(lambda: new(proven_on="first"), "first", "proven_on", '"all_steps" or "last_step"'),
    "a misspelt argument": Mistake(lambda: new(guard=[]), "guard", "Plan", 'did you mean "guards"'),
    "a misspelt change of a plan": Mistake(lambda: plan().replace(setle=1), "setle", "Plan", 'did you mean "settle"'),
    "alpha that is set": Mistake(lambda: setattr(plan(), "alpha", 0.1), "alpha", "Plan", r"replace\(alpha="),
    "a ratio in quotes": Mistake(lambda: canary.error_ratio("1.5"), "'1.5'", "at_most", "give a number"),
    "half a request": Mistake(lambda: canary.error_ratio(minimum=5.5), "5.5", "minimum", "whole number"),
    "an unknown action": Mistake(lambda: canary.error_ratio(action="stop"), "stop", "action", '"rollback"'),
    "agreement in per cent": Mistake(
        lambda: new(guards=[canary.agreement(95)], header=("a", "b")),
        "95",
        "agreement|atLeast",
        "0 to 1|0 and 1|at most 1",
    ),
    "a score that is a number": Mistake(lambda: canary.custom("sure", 5, 0.5), "int", '"sure"', "give a function"),
    "a range that is a number": Mistake(lambda: canary.mean(range=5), "5, an int", "range", "a pair"),
    "half a range": Mistake(lambda: canary.mean(range=(1,)), "a tuple of 1", "range", "a pair"),
    "a threshold in words": Mistake(lambda: canary.slow_ratio(threshold="fast"), "'fast'", "threshold", '"10s"'),
    "a moment without a zone": Mistake(
        lambda: canary.Observation("canary", datetime(2026, 1, 1)),  # noqa: DTZ001 - the mistake
        "2026-01-01",
        "sent_at",
        "timezone",
    ),
    "a moment in words": Mistake(lambda: canary.Observation("canary", "now"), "str", "sent_at", "Unix seconds"),
    "an arm that is a number": Mistake(lambda: canary.Observation(5, 1), "5, an int", "arm", "give a text"),
    # Runs
    "a client as the lab": Mistake(lambda: plan().run(client()), "a Client", "lab", r"Lab\.seed\(\)"),
    "a run on nothing": Mistake(lambda: plan().run(), "lab", "cluster", "give"),
    "a client that is a URL": Mistake(
        in_lab(lambda lab: plan().run(lab, client="http://127.0.0.1:9")), "127.0.0.1:9", "client", "a Client"
    ),
    "one input": Mistake(in_lab(lambda lab: plan().run(lab, inputs=b"photo")), "one file", "inputs", "give a list"),
    "concurrency in quotes": Mistake(
        in_lab(lambda lab: plan().run(lab, concurrency="4")), "'4'", "concurrency", "whole number"
    ),
    "a canary that nobody has": Mistake(
        in_lab(lambda lab: told(plan(canary="v3").run(lab).wait())), "v3", "subset", "deploy|version|labels"
    ),
    "a replay of a number": Mistake(lambda: plan().replay(5, weights=50), "5|int", "observations", "Observation|file"),
    "one rate of errors": Mistake(lambda: plan().simulate(errors=0.1), "0.1, a float", "errors", "a pair"),
    "half a pair of rates": Mistake(lambda: plan().simulate(errors=(0.1,)), "a tuple of 1", "errors", "a pair"),
    "rates for rules": Mistake(lambda: canary.compare_rules(errors=0.1), "0.1, a float", "errors", "a pair"),
    # The lab, the cluster and the rest
    "models in a list": Mistake(lambda: canary.Lab(models=["m/1"]), "a list", "models", "a dict"),
    "a model that is a text": Mistake(
        lambda: canary.Lab(models={"m/1": 5}), "5", r'models\["m/1"\]', r"ScriptedModel\("
    ),
    "a server without an address": Mistake(
        lambda: canary.Lab(models={"m/1": "cat"}), '"cat"', "server", "http://127.0.0.1:8080"
    ),
    "a probability above one": Mistake(lambda: canary.ScriptedModel("cat", 1.5), "1.5", "probability", "from 0 to 1"),
    "a status that no server has": Mistake(
        lambda: canary.ScriptedModel("cat", error_status=418), "418", "error_status", "one of"
    ),
    "an object that is not there": Mistake(
        in_lab(lambda lab: lab.get("VirtualService", "nope")),
        "not found",
        "VirtualService default/nope",
        "apply|lists|objects",
    ),
    "a wait in words": Mistake(in_lab(lambda lab: lab.wait_ready("soon")), "'soon'", "timeout", "timedelta"),
    "a namespace that is a number": Mistake(
        lambda: canary.Cluster(namespace=5), "5, an int", "namespace", "give a text"
    ),
    "an unknown kind": Mistake(lambda: canary.Cluster().get("Widget", "a"), "Widget", "kind|Widget", "api_version"),
    "an interval in words": Mistake(lambda: PROMETHEUS(every="often"), "'often'", "every", '"10s"'),
    "an unknown reporter": Mistake(
        lambda: PROMETHEUS(reporter="both"), "both", "reporter", '"source" or "destination"'
    ),
    "replicas in words": Mistake(lambda: WORKLOAD(replicas="two"), "'two'", "replicas", "whole number"),
    "one argument of a server": Mistake(lambda: WORKLOAD(args="--x"), "'--x'", "args", r'of one: \["--x"\]'),
    "a weight in per cent": Mistake(lambda: canary.observed_share(1, 2, weight=30), "30", "weight", "0 and 1|0 to 1"),
    "half a request counted": Mistake(
        lambda: canary.observed_share(1.5, 2, weight=0.3), "1.5", "canary", "whole number"
    ),
    "a report of nothing": Mistake(lambda: canary.report("x.html", 5), "5|int", "runs", "give a dict from each title"),
    "a source that is a number": Mistake(lambda: canary.copy_model(5, "/models/1"), "5|int", "source", "path|folder"),
}
