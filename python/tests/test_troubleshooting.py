"""Troubleshooting: every message that the page quotes is produced here, word for word."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest
import servers

import canary
from canary import istio

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"
MODELS = {
    "m/v1": canary.ScriptedModel("cat", 0.9),
    "m/v2": canary.ScriptedModel("cat", 0.9),
    "m/hangs": canary.ScriptedModel("cat", 0.9, latency=5),
    "m/bad": canary.ScriptedModel("dog", 0.9, errors=0.4, seed=1),
    "m/changed": canary.ScriptedModel("dog", 0.9),
    "m/slow": canary.ScriptedModel("cat", 0.9, latency=0.5),
}
HEAD = "apiVersion: networking.istio.io/v1\nkind: "


def quoted():
    """Each line of the page that quotes a message."""
    blocks = re.findall(r"```text\n(.*?)\n```", PAGE.read_text().split("\n## Codes")[0], re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


class Messages(list):
    """The messages of the exceptions that calls end with."""

    def of(self, call, *args, **kwargs):
        with pytest.raises(canary.CanaryError) as caught:
            call(*args, **kwargs)
        self.append(str(caught.value))


class LoginPage(servers.Handler):
    """Answers everything with a web page."""

    def do_POST(self):
        self.answer(b"<html>Please log in</html>", content_type="text/html")


def split(stable=100, candidate=0, name="v2"):
    weights = {"v1": stable, name: candidate}
    routes = canary.VirtualService.weighted("pets", weights, hosts=["*"], gateways=["g"], port=8501)
    return routes.stamp_subset()


def plan(name="pets", **changes):
    settings = {"steps": [10, 100], "hold": 1_000_000, "guards": [canary.error_ratio()], "settle": 0, **changes}
    return canary.Plan(name, stable="v1", canary="v2", **settings)


def started(objects):
    lab = canary.Lab(models=MODELS, seed=3)
    for version in ("v1", "v2", "slow"):
        lab.apply(canary.Workload("pets", version, model="pets", path=f"m/{version}"))
    lab.apply([canary.Gateway.http("g"), *objects])
    lab.wait_ready()
    return lab


def of_texts(found, tmp_path):
    found.of(canary.loads, "a: [1")
    found.of(canary.VirtualService.from_yaml, f"{HEAD}Gateway\nmetadata: {{name: x}}\nspec: {{}}")
    found.of(canary.Plan.from_yaml, "stable: a\nstabel: b")
    found.of(canary.VirtualService.from_yaml, f"{HEAD}VirtualService\nmetadata: {{name: x}}\nspec: {{htpp: []}}")
    found.of(canary.VirtualService.from_yaml, f"{HEAD}VirtualService\nmetadata: {{name: y}}\nspec: {{}}")
    found.of(plan, guards=[canary.agreement(0.9)])
    found.of(plan, steps=[10, 50])
    found.of(plan, hold=10)
    found.of(canary.decode_image, b"not an image")
    found.of(canary.decode_predict, b"<html>")
    found.of(canary.load, "missing.yaml")
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables/variables.index").write_bytes(b"")
    found.of(canary.copy_model, tmp_path, tmp_path / "1")
    found.of(canary.Cluster(kubeconfig="/nowhere").get, "Pod", "x")
    found.of(plan().run, cluster=canary.Cluster(kubeconfig="/nowhere"))
    found.of(plan(hold=100).power, errors=(0.01, 0.01), runs=10)
    found.of(canary.Lab, model_files="/nowhere")


def of_predictions(found):
    lab = started([canary.DestinationRule.subsets("pets", ["v1", "v2", "gone", "slow"])])

    def send(model="pets", url=lab.url, image=b"photo", signature="serving_preprocess", **settings):
        client = canary.Client(url, model=model, signature=signature, attempts=1, **settings)
        found.of(client.predict, image)

    def routed(subset, **settings):
        rule = canary.VirtualService.to("pets", subset=subset, hosts=["*"], gateways=["g"], port=8501, **settings)
        lab.apply(rule)
        return rule

    send()
    routed("no-such-subset")
    send()
    routed("gone")
    send()
    routed("slow", timeout=0.1)
    send()
    routed("slow")
    send(timeout=0.1)
    rule = routed("v1")
    abort = istio.Abort(http_status=503, percentage=istio.Percent(value=100))
    fault = istio.HttpFaultInjection(abort=abort)
    lab.apply(rule.replace(http=[rule.spec.http[0].replace(fault=fault)]))
    send()
    lab.apply(rule)
    send("nope")
    send(signature="nosig")
    send(signature="serving_default")
    send(max_answer_bytes=10)
    send(image=np.zeros((1, 2), np.float16))
    send(url="http://127.0.0.1:9")
    send(url="http://no-such-host.invalid")
    found.of(canary.Client, "34.1.2.3", model="pets")
    tensors = canary.Client(lab.url, model="pets")
    found.of(tensors.check, np.zeros((1, 2, 2, 3), np.float32))
    with servers.serving(LoginPage) as server:
        send(url=server.url)
    found.of(lab.get, "Gateway", "nope")
    found.of(lab.apply, canary.VirtualService.weighted("pets", {"a": -1, "b": 2}))
    lab.apply(canary.Workload("pets", "v9", model="pets", path="models/v9"))
    found.of(lab.wait_ready, 10)
    lab.close()


def of_releases(found):
    subsets = canary.DestinationRule.subsets("pets", ["v1", "v2"])
    with started([subsets, split(90, 10)]) as lab:
        found.of(plan().run, lab)
        found.of(plan("nopets").run, lab)
        labelled = plan(guards=[canary.accuracy()], header=("user-group", "canary"))
        lab.apply(split())
        found.of(labelled.run, lab, inputs=[("a", b"1")])
        run = plan().run(lab, tick=0.01)
        written = threading.Event()

        def drive():
            for event in run:
                # From then on the weights are the run's.
                if event.kind == "written":
                    written.set()

        thread = threading.Thread(target=drive)
        thread.start()
        assert written.wait(30)
        found.of(plan().run, lab)
        found.of(lab.apply, split(50, 50))
        run.suspend()
        thread.join()
        found.of(plan(hold=2_000_000).run, lab)
    rule = split().spec.http[0]
    first = rule.replace(match=[istio.HttpMatchRequest(uri=istio.StringMatch(prefix="/v1"))])
    with started([subsets, split().replace(http=[first, rule])]) as lab:
        found.of(plan().run, lab)
    header = {"header": ("user-group", "canary")}
    testers = istio.HttpMatchRequest(headers={"user-group": istio.StringMatch(exact="canary")})
    with started([subsets, split().mirror("v2", percent=10)]) as lab:
        found.of(plan().run, lab)
        before = canary.VirtualService.to("pets", subset="v1", hosts=["*"], gateways=["g"], port=8501).spec.http[0]
        lab.apply(split().replace(http=[before.replace(name="testers", match=[testers]), rule.replace(name="all")]))
        found.of(lambda: plan(route="all", **header).run(lab).wait())
        lab.apply(split())
        client = canary.Client(lab.url, model="dogs", signature="serving_preprocess")
        found.of(lambda: plan().run(lab, client=client, anew=True).wait())


def photos(count, distinct=10**6):
    return ((f"photo {n}", b"photo %d" % (n % distinct)) for n in range(count))


def of_verdicts(found):
    """The sentences of releases that have ended."""
    header = {"header": ("user-group", "canary")}

    def ended(lab, *, inputs=None, client=None, **changes):
        settings = {"hold": 40, "startup_timeout": 1, "patience": 20, **changes}
        one = canary.Plan(
            "pets", stable="v1", **{"canary": "v2", "steps": [50, 100], "settle": 0, "bursts": "none", **settings}
        )
        found.append(str(one.run(lab, inputs=inputs or photos(20_000), client=client, tick=0.05).wait()))

    guards = [canary.error_ratio()]
    with of_two("m/v2") as lab:
        ended(lab, canary="v3", guards=guards)
        pairs = {"hold": {"pairs": 40}, **header}
        ended(lab, guards=[canary.agreement(0.9)], inputs=photos(20_000, distinct=7), patience=120, **pairs)
        lab.apply(split(), force=True)
        ended(lab, guards=[canary.custom("mine", lambda _: 5, 0.9)], **pairs)
        lab.apply(split(), force=True)
        ended(lab, guards=guards, inputs=photos(30))
        lab.apply(split(), force=True)
        ended(lab, guards=guards, hold=100_000, patience=1)
    with of_two("m/v2", model="cats") as lab:
        ended(lab, guards=guards)
    with of_two("m/hangs") as lab:
        hasty = canary.Client(lab.url, model="pets", signature="serving_preprocess", timeout=1)
        ended(lab, guards=guards, client=hasty)
    with of_two("m/bad") as lab:
        for _ in range(20):
            ended(lab, guards=guards, hold=2000)
            if "errorRatio" in found[-1]:
                break
    with of_two("m/changed") as lab:
        ended(lab, guards=[canary.agreement(0.9)], **pairs)


def of_two(path, model="pets"):
    """A lab with two versions, the second with its model under a name of its own."""
    lab = canary.Lab(models=MODELS, seed=3)
    lab.apply(canary.Workload("pets", "v1", model="pets", path="m/v1"))
    lab.apply(canary.Workload("pets", "v2", model=model, path=path))
    lab.apply([canary.Gateway.http("g"), canary.DestinationRule.subsets("pets", ["v1", "v2"]), split()])
    lab.wait_ready()
    return lab


def test_every_message_on_the_page_is_made_as_it_stands_there(tmp_path):
    found = Messages()
    of_texts(found, tmp_path)
    of_predictions(found)
    of_releases(found)
    of_verdicts(found)
    lines = {line for message in found for line in message.splitlines()}
    quotes = quoted()
    assert len(quotes) > 50
    pattern = {line: re.compile(".*".join(re.escape(part) for part in line.split("…"))) for line in quotes}
    missing = [line for line in quotes if not any(pattern[line].match(one) for one in lines)]
    assert missing == [], "\n".join(sorted(lines))
