import os
import pickle
import threading
import urllib.request

import numpy as np
import pytest

import canary

APP, MODEL, GATEWAY = "image-classifier", "image_classifier", "gateway"


def routes(weights):
    return canary.VirtualService.weighted(
        APP, weights, hosts=["*"], gateways=[GATEWAY], port=8501, stamp_subset="x-canary-subset"
    )


@pytest.fixture
def lab():
    models = {
        "m/good": canary.ScriptedModel("military uniform", 0.45),
        "m/new": canary.ScriptedModel("academic gown", 0.5),
    }
    with canary.Lab(models=models, seed=7) as lab:
        lab.apply(canary.Workload(APP, "stable", model=MODEL, path="m/good"))
        lab.apply(canary.Workload(APP, "canary", model=MODEL, path="m/new"))
        lab.apply(
            [
                canary.Gateway.http(GATEWAY),
                canary.DestinationRule.subsets(APP, ["stable", "canary"]),
                routes({"stable": 100, "canary": 0}),
            ]
        )
        lab.wait_ready()
        yield lab


@pytest.fixture
def client(lab):
    return canary.Client(lab.url, model=MODEL, signature="serving_preprocess", timeout=10)


def test_answers_are_arrays_over_the_answers_memory(client):
    answer = client.predict(b"photo")
    assert (answer.label, answer.subset, answer.attempts) == ("military uniform", "stable", 1)
    probabilities = answer["probabilities"]
    assert probabilities.dtype == np.float32
    assert probabilities.base is not None
    with pytest.raises(ValueError, match="read-only"):
        probabilities[0] = 0
    assert set(answer) == {"labels", "probabilities"}
    with pytest.raises(KeyError, match="the answer has labels, probabilities"):
        answer["scores"]


def test_weights_and_headers_decide_where_requests_go(lab, client):
    lab.apply(routes({"stable": 70, "canary": 30}))
    answers = list(client.predict_many([b"photo"] * 400, concurrency=8))
    served = sum(answer.subset == "canary" for answer in answers)
    share = canary.observed_share(served, 400 - served, weight=0.3)
    assert share.low <= 0.3 <= share.high
    assert all(a.label == ("academic gown" if a.subset == "canary" else "military uniform") for a in answers)
    counts = {row["subset"]: row["requests"] for row in lab.counts()}
    assert counts["canary"] == served

    lab.apply(routes({"stable": 100, "canary": 0}).when_header("user-group", "canary", "canary").stamp_subset())
    assert client.predict(b"photo").subset == "stable"
    assert client.predict(b"photo", headers={"user-group": "canary"}).subset == "canary"
    assert client.replace(headers={"user-group": "canary"}).predict(b"photo").subset == "canary"


def test_the_card_keeps_requests_by_header_apart_from_the_split(lab, client):
    lab.apply(routes({"stable": 70, "canary": 30}).when_header("user-group", "canary", "canary").stamp_subset())
    by_weight = [client.predict(b"photo").subset for _ in range(20)]
    for _ in range(50):
        client.predict(b"photo", headers={"user-group": "canary"})
    counts = {(row["subset"], row["divided"]): row["requests"] for row in lab.counts()}
    assert counts[("canary", False)] == 50
    assert counts[("stable", True)] == by_weight.count("stable")
    card = lab._repr_html_()
    assert "split by weights" in card
    assert "by other routes" in card
    assert f"{by_weight.count('stable') / 20:.1%}" in card, "the share of the requests by weight"


async def test_a_lab_by_await():
    async with await canary.Lab.start_async(models={"m/1": canary.ScriptedModel("cat", 0.9)}) as lab:
        await lab.apply_async(canary.Workload("pets", "v1", model="pets", path="m/1"))
        await lab.apply_async(
            [canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)]
        )
        await lab.wait_ready_async()
        one = canary.Client(lab.url, model="pets", signature="serving_preprocess")
        assert (await one.wait_async(5), await one.ready_async()) == ({1: "AVAILABLE"}, True)
        assert await one.metadata_async() == one.metadata()
        await one.check_async(b"photo")
        assert (await one.predict_async(b"photo")).label == "cat"
    with pytest.raises(RuntimeError, match="the lab is closed"):
        lab.objects()
    async with await canary.Lab.seed_async() as seed:
        assert {one["kind"] for one in seed.objects()} >= {"Deployment", "VirtualService"}


def test_real_envoy_takes_the_place_of_the_gateway(tmp_path):
    with pytest.raises(canary.ClusterError):
        canary.Lab(envoy=tmp_path / "none")
    try:
        lab = canary.Lab(models={"m/1": canary.ScriptedModel("cat", 0.9)}, envoy=True)
    except canary.NotFoundError as error:
        if os.environ.get("CANARY_REAL_PARTS") == "required":
            raise
        pytest.skip(f"real Envoy is left out: {error}")
    with lab:
        lab.apply(canary.Workload("pets", "v1", model="pets", path="m/1"))
        lab.apply([canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
        lab.wait_ready()
        assert lab._recent(0) == [], "from now on they are kept"
        client = canary.Client(lab.url, model="pets", signature="serving_preprocess", timeout=10)
        answer = client.predict(b"photo")
        assert answer.label == "cat"
        assert answer.headers["server"] == "istio-envoy"
        # The model servers report predictions alone, with their pods' version.
        assert client.ready()
        with pytest.raises(canary.ServerError):
            client.replace(signature="none").predict(b"photo")
        kept = lab._recent(0)
        assert [(subset, status) for _, _, subset, status, *_ in kept] == [("v1", 200), ("v1", 400)]
        assert kept[0][-1] == b"photo"


def test_without_its_programs_a_lab_on_istio_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY_ISTIO", str(tmp_path))
    with pytest.raises(canary.NotFoundError, match=r"pilot-discovery.*build-istio\.sh.*CANARY_ISTIO"):
        canary.Lab(istio=True)


def test_istio_takes_the_place_of_the_gateway():
    try:
        lab = canary.Lab(models={"m/1": canary.ScriptedModel("cat", 0.9)}, istio=True)
    except canary.NotFoundError as error:
        if os.environ.get("CANARY_REAL_PARTS") == "required":
            raise
        pytest.skip(f"Istio's control plane is left out: {error}")
    with lab:
        lab.apply(canary.Workload("pets", "v1", model="pets", path="m/1"))
        lab.apply([canary.Gateway.http("g"), canary.DestinationRule.subsets("pets", ["v1"])])
        lab.apply(canary.VirtualService.weighted("pets", {"v1": 1}, hosts=["*"], gateways=["g"], port=8501))
        lab.wait_ready()
        answer = canary.Client(lab.url, model="pets", signature="serving_preprocess", attempts=1).predict(b"photo")
        assert (answer.label, answer.subset) == ("cat", "v1")
        assert answer.headers["server"] == "istio-envoy"
        # The API server has what istiod reads.
        assert canary.Cluster(lab.istio_kubeconfig).get("VirtualService", "pets")["spec"]["hosts"] == ["*"]


async def test_async_twins_give_the_same(client):
    answer = await client.predict_async(b"photo")
    assert answer.label == "military uniform"
    assert await client.status_async() == {1: "AVAILABLE"}
    labels = [answer.label async for answer in client.predict_many([b"a", b"b"])]
    assert labels == ["military uniform"] * 2


async def test_sync_calls_work_inside_a_running_loop(client):
    assert client.predict(b"photo").label == "military uniform"


def test_many_keeps_order_and_reports_failures_in_their_places(client, tmp_path):
    seen = []
    items = [b"photo", str(tmp_path / "missing.jpg"), b"photo"]
    answers = list(client.predict_many(items, progress=lambda done, total: seen.append((done, total))))
    assert [type(answer) for answer in answers] == [canary.Answer, canary.NotFoundError, canary.Answer]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_many_takes_items_only_as_their_turn_comes(client):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield b"photo"

    answers = iter(client.predict_many(items(), concurrency=4))
    next(answers)
    assert len(taken) <= 5


def test_metadata_and_status(client):
    assert client.ready()
    assert client.wait(5) == {1: "AVAILABLE"}
    assert "serving_preprocess" in client.metadata()
    client.check(b"photo")
    with pytest.raises(canary.InvalidError) as caught:
        client.check(np.zeros((1, 2), np.float32))
    assert caught.value.findings


def test_errors_name_the_part_that_failed(lab, client):
    with pytest.raises(canary.ServerError) as caught:
        client.replace(model="other").predict(b"photo")
    assert caught.value.status == 404
    lab.apply(routes({"nobody": 100}))
    with pytest.raises(canary.MeshError) as caught:
        client.replace(attempts=1).predict(b"photo")
    assert caught.value.status == 503
    nowhere = canary.Client("http://127.0.0.1:9", model=MODEL, attempts=1)
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:9"):
        nowhere.predict(b"photo")


def test_a_broken_object_is_refused_and_changes_nothing(lab, client):
    with pytest.raises(canary.InvalidError) as caught:
        lab.apply(routes({"stable": -1, "canary": 2}))
    assert caught.value.findings[0].path == "spec.http[0].route[0].weight"
    assert client.predict(b"photo").subset == "stable"


@pytest.mark.parametrize("some", [list, tuple, iter])
def test_workloads_stand_for_their_objects_in_a_list(some):
    def workload(version):
        return canary.Workload(APP, version, model=MODEL, path="m/good")

    models = {"m/good": canary.ScriptedModel("military uniform", 0.45)}
    with canary.Lab(models=models) as lab:
        rule = canary.DestinationRule.subsets(APP, ["stable", "canary"])
        lab.apply(some([workload("stable"), rule, workload("canary")]))
        lab.wait_ready()
        kinds = sorted({(one["kind"], one["metadata"]["name"]) for one in lab.objects()})
    with canary.Lab(models=models) as lab:
        for one in (workload("stable"), workload("canary"), rule):
            lab.apply(one)
        lab.wait_ready()
        assert kinds == sorted({(one["kind"], one["metadata"]["name"]) for one in lab.objects()})
    objects = workload("stable").objects()
    assert canary.dumps([workload("stable"), rule]) == canary.dumps([*objects, rule])
    assert list(canary.validate([workload("stable")])) == list(canary.validate(objects))


def test_an_unknown_model_path_says_what_is_registered():
    with canary.Lab(models={"m/a": canary.ScriptedModel("cat")}) as lab:
        lab.apply(canary.Workload("pets", "v1", model="pets", path="m/b"))
        with pytest.raises(canary.ClusterError, match="m/a"):
            lab.wait_ready(5)


def test_clients_compare_and_pickle_and_hide_header_values():
    client = canary.Client("http://h", model="m", headers={"user-group": "insiders"})
    assert pickle.loads(pickle.dumps(client)) == client
    assert "insiders" not in repr(client)
    assert "user-group" in repr(client)


def test_prometheus_can_read_the_counters(lab, client):
    client.predict(b"photo")
    with urllib.request.urlopen(lab.metrics_url) as response:
        assert b"istio_requests_total" in response.read()


def test_labs_run_side_by_side_and_close():
    labs = [canary.Lab() for _ in range(3)]
    assert len({lab.url for lab in labs}) == 3
    threads = [threading.Thread(target=lab.close) for lab in labs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(RuntimeError, match="closed"):
        _ = labs[0].url
    assert repr(labs[0]) == "Lab(closed)"
