import pickle
import time
import typing
import urllib.parse

import pytest
import servers

import canary

APP = "image-classifier"
HIDDEN = "hunter2"


def prometheus(url="http://127.0.0.1:9", **changes):
    return canary.Prometheus(url, APP, stable="stable", canary="canary", **changes)


class Api(servers.Handler):
    """Prometheus' API over counters that the test moves."""

    started = 0.0
    heads: typing.ClassVar[list] = []

    def do_GET(self):
        type(self).heads.append(dict(self.headers))
        now = time.time()
        seconds = now - self.started

        def series(version, code, rate):
            labels = {"destination_version": version, "response_code": code, "instance": "a", "job": "b"}
            values = [[self.started + n / 10, str(int(n * rate))] for n in range(int(seconds * 10))]
            return {"metric": labels, "values": values}

        result = [series("stable", "200", 20), series("canary", "200", 12), series("canary", "503", 8)]
        self.answer({"status": "success", "data": {"resultType": "matrix", "result": result}})


@pytest.fixture
def url():
    Api.started = time.time() - 20
    Api.heads = []
    with servers.serving(Api) as server:
        yield server.url


def test_counts_are_whole_and_credentials_are_hidden(url):
    one = prometheus(url, token=HIDDEN)
    counts = one.counts(10)
    assert counts["stable"]["failed"] == 0
    assert counts["stable"]["requests"] > 1000
    assert counts["canary"]["failed"] * 20 == counts["canary"]["requests"] * 8
    assert counts["unknown"] == 0
    assert Api.heads[0]["authorization"] == f"Bearer {HIDDEN}"
    assert HIDDEN not in repr(one)
    assert one.url == url
    assert one.counts(10, until=Api.started - 1000) is None


async def test_awaitable_twins_count_the_same(url):
    one = prometheus(url)
    until = Api.started + 19
    assert await one.counts_async(10, until=until) == one.counts(10, until=until)
    with pytest.raises(canary.ClusterError, match="cannot connect"):
        await prometheus().thresholds_async()


def test_a_plan_is_judged_by_what_prometheus_counts(url):
    models = {"m/a": canary.ScriptedModel("cat", 0.9), "m/b": canary.ScriptedModel("cat", 0.9)}
    with canary.Lab(models=models, seed=7) as lab:
        lab.apply(canary.Workload(APP, "stable", model="m", path="m/a"))
        lab.apply(canary.Workload(APP, "canary", model="m", path="m/b"))
        lab.apply(
            [
                canary.Gateway.http("gateway"),
                canary.DestinationRule.subsets(APP, ["stable"]),
                canary.VirtualService.weighted(APP, {"stable": 100}, hosts=["*"], gateways=["gateway"], port=8501),
            ]
        )
        plan = canary.Plan(
            APP, stable="stable", canary="canary", steps=[50, 100], hold=100_000, settle=0.05,
            guards=[canary.error_ratio(1.0)],
        )  # fmt: skip
        run = plan.run(lab, evidence=[prometheus(url, every=0.2, lag=0)], tick=0.05)
        for _ in run:
            pass
        assert run.verdict.name == "rollback"
        header = ("user-group", "canary")
        pairs = canary.Plan(APP, stable="stable", canary="canary", guards=[canary.agreement(0.9)], header=header)
        # The pairs' own requests by the header would be counted as traffic of the weights.
        with pytest.raises(canary.PlanError, match="mark_header"):
            pairs.run(lab, evidence=[prometheus(url)])
        with pytest.raises(canary.PlanError, match="mark_header"):
            pairs.run(lab, evidence=[prometheus(url)], client=canary.Client(lab.url, model="m"), inputs=[b"a"])


class Services(servers.Handler):
    """Prometheus' API over counters of Services, which it selects as the query says."""

    queries: typing.ClassVar[list] = []

    def do_GET(self):
        fields = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        type(self).queries.append(fields["query"][0])
        now = time.time()
        result = []
        for service, code, step in [("pets-v1", "200", 20), ("pets-v2", "200", 12), ("pets-v2", "503", 8)]:
            name = {"destination_service_name": service, "destination_version": "unknown"}
            labels = {**name, "response_code": code, "instance": "a", "job": "b"}
            values = [[now - 10 + n, str(n * step)] for n in range(10)]
            result.append({"metric": labels, "values": values})
        self.answer({"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_services_are_told_apart_by_their_names():
    Services.queries = []
    with servers.serving(Services) as server:
        one = canary.Prometheus(server.url, stable="pets-v1", canary="pets-v2", arms="services", namespace="models")
        counts = one.counts(30)
    assert counts["stable"]["failed"] == 0
    assert counts["canary"]["failed"] * 20 == counts["canary"]["requests"] * 8 > 0
    assert counts["unknown"] == 0
    (query,) = Services.queries
    hosts = r"pets\\-v1\\.models\\.svc\\..+|pets\\-v2\\.models\\.svc\\..+"
    assert f'destination_service=~"{hosts}"' in query
    assert 'reporter="source"' in query
    assert repr(one).endswith("services models/pets-v1 and models/pets-v2)")
    assert repr(pickle.loads(pickle.dumps(one))) == repr(one)


def test_what_cannot_be_is_refused(tmp_path):
    for changes, error, words in [
        ({"reporter": "both"}, ValueError, "destination"),
        ({"token": "a", "token_file": "b"}, TypeError, "not both"),
        ({"token": "a", "username": "me"}, TypeError, "not both"),
        ({"username": "me"}, TypeError, "belong together"),
        ({"cert_file": tmp_path / "a"}, TypeError, "belong together"),
        ({"ca_file": tmp_path / "nowhere"}, canary.NotFoundError, "nowhere"),
        ({"labels": {"a-b": "c"}}, canary.PlanError, "a-b"),
        ({"url": f"http://me:{HIDDEN}@host"}, canary.PlanError, "user name or a password"),
    ]:
        with pytest.raises(error, match=words) as raised:
            prometheus(**changes)
        assert HIDDEN not in str(raised.value)
    with pytest.raises(canary.ClusterError, match="cannot connect"):
        prometheus().counts()
    with pytest.raises(canary.ClusterError, match="https"):
        prometheus("http://prometheus.invalid", password=HIDDEN, username="me").counts()
    with pytest.raises(TypeError, match="service"):
        canary.Prometheus("http://127.0.0.1:9", stable="a", canary="b")
    with pytest.raises(TypeError, match='arms="services"'):
        prometheus(arms="services")
    with pytest.raises(ValueError, match="services"):
        prometheus(arms="pods")
    # The pods' proxies do not tell Services apart.
    with pytest.raises(canary.PlanError, match="reporter source"):
        canary.Prometheus("http://127.0.0.1:9", stable="a", canary="b", arms="services", reporter="destination")
