# ruff: noqa: E501 - a row of the table is a line
"""The default values: the page of defaults, row by row, against the package and the source."""

import inspect
import re
from pathlib import Path

import canary

ROOT = Path(__file__).parents[2]
DEFAULTS = ROOT / "docs/reference/defaults.md"
# The value of a row, and its place in the source. Rows without a place are checked by the tests below.
SOURCES = {
    "protocol": ("TensorFlow Serving's, `tensorflow`", "canary-serving/src/predict/protocol/mod.rs", "#[default]\n    TensorFlow,"),
    "form of arrays over `v2`": ("raw over gRPC, lists over REST", "canary-serving/src/predict/protocol/open/mod.rs", "#[default]\n    Automatic,"),
    "outputs": ("all that the model gives", "canary-serving/src/predict/client.rs", "outputs: Vec::new()"),
    "prediction that a run compares": ("the most probable label", "canary-serving/src/predict/prediction.rs", "#[default]\n    Labels,"),
    "longest time of a call": ("60 s", "canary-serving/src/predict/client.rs", " timeout: Duration::from_secs(60)"),
    "longest time of one attempt": ("none of its own", "canary-serving/src/predict/client.rs", "attempt_timeout: None"),
    "longest time to connect": ("5 s", "canary-http/src/settings.rs", "connect_timeout: Duration::from_secs(5)"),
    "attempts, where sending again is safe": ("3", "canary-serving/src/predict/retry.rs", "attempts: 3,"),
    "longest pause before the second attempt": ("50 ms", "canary-serving/src/predict/retry.rs", "first_pause: Duration::from_millis(50)"),
    "longest pause before any attempt": ("2 s", "canary-serving/src/predict/retry.rs", "max_pause: Duration::from_secs(2)"),
    "part of the requests that may be sent again": ("20 %", "canary-serving/src/predict/retry.rs", "budget: 0.2,"),
    "a second request when the first one is late": ("not sent", "canary-serving/src/predict/client.rs", "hedge: None"),
    "largest answer": ("64 MiB", "canary-serving/src/predict/client.rs", "max_answer_bytes: 64 << 20"),
    "fractions in JSON answers": ("32-bit floats", "canary-serving/src/predict/client.rs", "doubles: false"),
    "header in which an answer names its subset": ("`x-canary-subset`", "canary-serving/src/predict/client.rs", '= "x-canary-subset"'),
    "`wait` waits": ("60 s", "python/src/client/wait.rs", "timeout.map_or(Duration::from_secs(60), Into::into)"),
    "an idle connection is kept": ("50 s", "canary-http/src/settings.rs", "pool_timeout: Duration::from_secs(50)"),
    "a peer that says nothing": ("30 s", "canary-http/src/settings.rs", "silence: Duration::from_secs(30)"),
    "proxy": ("that of the environment", "canary-http/src/proxy.rs", "#[default]\n    Environment,"),
    "a copy without progress": ("60 s", "canary-serving/src/store/transport.rs", "PATIENCE: Duration = Duration::from_secs(60)"),
    "progress is reported every": ("500 ms", "canary-rollout/src/cluster/driver/settings.rs", "tick: Duration::from_millis(500)"),
    "the state is stored with every weight": ("10 s", "canary-rollout/src/cluster/driver/settings.rs", "save_every: Duration::from_secs(10)"),
    "after a start the state": ("250 ms", "canary-rollout/src/cluster/driver/tick.rs", "Duration = Duration::from_millis(250)"),
    "a run that was interrupted": ("2 s", "canary-rollout/src/cluster/driver/tick.rs", "SAVE_RESUMED: Duration = Duration::from_secs(2)"),
    "a source that sends nothing": ("10 s", "canary-rollout/src/cluster/driver/source_activity.rs", "SILENT: Duration = Duration::from_secs(10)"),
    "the release behind the canary": ("10 s", "canary-rollout/src/cluster/driver/act.rs", "EVERY: Duration = Duration::from_secs(10)"),
    "refusals by the canary": ("3", "canary-rollout/src/machine/mod.rs", "MAX_REFUSALS: u32 = 3"),
    "the lock is good for": ("30 s", "canary-rollout/src/cluster/driver/settings.rs", "lease: Duration::from_secs(30)"),
    "a command of a person": ("60 s", "canary-rollout/src/cluster/release.rs", "timeout: Duration::from_secs(60)"),
    "pauses between attempts": ("200 ms to 15 s", "canary-rollout/src/cluster/driver/backoff.rs", ": Duration = Duration::from_secs(15)"),
    "pairs from mirrored traffic: records": ("4096", "canary-rollout/src/evidence/mirror.rs", "Join::new(4_096, "),
    "pairs from mirrored traffic: longest": ("30 s", "canary-rollout/src/evidence/mirror.rs", "4_096, Duration::from_secs(30))"),
    "`canary run`: inputs under way": ("8", "canary-cli/src/commands/run/mod.rs", "default_value_t = 8)]\n    pub(crate) concurrency"),
    "`canary run`: signature": ("`serving_preprocess`", "canary-cli/src/commands/run/cluster_options.rs", '{ "serving_preprocess" }'),
    "`canary run`: protocol": ("`tensorflow`", "canary-cli/src/commands/run/cluster_options.rs", 'default_value = "tensorflow"'),
    "in Python, hold of the step at 0 %": ("500 pairs", "python/src/rollout/plan_new.rs", "PAIRS: u64 = 500"),
    "ports": ("gRPC 8500, REST 8501", "canary-serving/src/workload.rs", "GRPC_PORT: u16 = 8500"),
    "rules of Istio": ("those of 1.31", "docs/faq.md", "those of Istio 1.31"),
    "cluster domain": ("`cluster.local`", "canary-istio/src/names/host.rs", 'CLUSTER_DOMAIN: &str = "cluster.local"'),
    "root namespace": ("`istio-system`", "canary-istio/src/route/mesh.rs", 'root_namespace: "istio-system"'),
    "namespace of the gateways' pods": ("the root namespace", "canary-istio/src/route/mesh.rs", ".unwrap_or(self.root_namespace)"),
    "retries of a rule without `retries`": ("2", "canary-istio/src/route/retries.rs", "attempts: 2,"),
    "services that are not among": ("exist and are healthy", "canary-istio/src/route/mesh.rs", "complete: false"),
    "most pixels of an image": ("100 000 000", "canary-serving/src/image/decode.rs", "max_pixels: 100_000_000"),
    "image of Triton": ("`nvcr.io/nvidia/tritonserver:24.10-py3`", "canary-serving/src/workload/server.rs", '"nvcr.io/nvidia/tritonserver:24.10-py3"'),
    "image of MLServer": ("`seldonio/mlserver:1.7.1`", "canary-serving/src/workload/server.rs", '"seldonio/mlserver:1.7.1"'),
    "image that copies a model": ("`kserve/storage-initializer`", "canary-serving/src/workload.rs", '"kserve/storage-initializer"'),
    "time in which Triton": ("10 min", "canary-serving/src/workload/pod.rs", '"periodSeconds": 5, "failureThreshold": 120'),
    "versions of a model": ("the highest one", "canary-serving/src/workload/settings/model.rs", "Self::Latest(1)"),
    "fitting an image to a size": ("each side on its own", "canary-serving/src/image/preprocess.rs", "fit: Fit::Stretch"),
    "filter of a resize": ("bilinear", "canary-serving/src/image/preprocess.rs", "filter: Filter::Bilinear"),
    "filter made wider": ("no", "canary-serving/src/image/preprocess.rs", "antialias: false"),
    "library whose resize": ("TensorFlow", "canary-serving/src/image/preprocess.rs", "library: Library::TensorFlow"),
    "layout of a prepared image": ("height, width, channel", "canary-serving/src/image/preprocess.rs", "layout: Layout::Nhwc"),
    "`Cluster.wait_ready` waits": ("300 s", "python/src/cluster/waiting.rs", "timeout.map_or(Duration::from_secs(300), Into::into)"),
    "a request to the API server": ("60 s", "canary-kube/src/kubernetes.rs", "LIMIT: Duration = Duration::from_secs(60)"),
    "a connection to the API server": ("10 s", "canary-kube/src/kubernetes.rs", "get_or_insert(Duration::from_secs(10))"),
    "field manager": ("`canary`", "canary-kube/src/kubernetes.rs", 'FIELD_MANAGER: &str = "canary"'),
    "Prometheus is queried every": ("15 s", "canary-kube/src/prometheus/settings.rs", "every: Duration::from_secs(15)"),
    "a window ends before now by": ("5 s", "canary-kube/src/prometheus/settings.rs", "lag: Duration::from_secs(5)"),
    "the sample before a window": ("300 s", "canary-kube/src/prometheus/settings.rs", "lookback: Duration::from_secs(300)"),
    "`canary run` serves its metrics": ("0 s", "canary-cli/src/commands/run/metrics_options.rs", 'default_value = "0s"'),
    "a query may take": ("10 s", "canary-kube/src/prometheus/client.rs", " timeout: Duration::from_secs(10)"),
    "series of one query": ("10 000", "canary-kube/src/prometheus/settings.rs", "max_series: 10_000"),
    "an answer of Prometheus": ("32 MiB", "canary-kube/src/prometheus/client.rs", "max_bytes: 32 << 20"),
    "`Prometheus.counts` counts": ("60 s", "python/src/prometheus/window.rs", "from_secs(60)"),
    "`Lab.wait_ready` waits": ("60 s", "python/src/lab/class.rs", "timeout.map_or(Duration::from_secs(60), Into::into)"),
    "body of a request": ("256 MiB", "canary-lab/src/gateway/proxy.rs", "MAX_BODY: usize = 256 << 20"),
    "pods of one Deployment": ("16", "canary-lab/src/lab/workloads.rs", "MAX_REPLICAS: u64 = 16"),
    "recent answers kept": ("12", "canary-lab/src/gateway/recent.rs", "KEPT: usize = 12"),
    "connections of a dashboard": ("16", "python/canary/_dashboard.py", "_CONNECTIONS = 16"),
    "steps (limit)": ("200", "canary-rollout/src/validation/steps.rs", "MAX_STEPS: usize = 200"),
    "guardrails": ("12", "canary-rollout/src/validation/guardrails.rs", "MAX_GUARDRAILS: usize = 12"),
    "size of the stored state": ("64 KiB", "canary-rollout/src/state.rs", "MAX_STATE_BYTES: usize = 64 * 1024"),
    "moments kept": ("600", "canary-rollout/src/report/history.rs", "MOST: usize = 600"),
    "disagreements kept": ("24", "canary-rollout/src/evidence/disagreements.rs", "MAX_PAIRS: usize = 24"),
    "pairs that the holds may require": ("26 000", "canary-stats/src/known.rs", "CAPACITY: u64 = 26_000"),
    "users that are counted": ("26 000", "canary-rollout/src/validation/units.rs", "Known::CAPACITY"),
    "time for which a client keeps the cookie": ("a day", "canary-rollout/src/sticky.rs", "Duration::from_secs(86_400)"),
    "longest time for which a client keeps": ("400 days", "canary-rollout/src/validation/sticky.rs", "Duration::from_secs(400 * 86_400)"),
    "planned looks": ("200", "canary-rollout/src/validation/units.rs", "(1..=200).contains"),
    "repeated inputs in a row": ("1000", "canary-rollout/src/machine/observations.rs", "MAX_REPEATED_IN_A_ROW: u32 = 1_000"),
    "invalid scores of a custom guardrail": ("10", "canary-rollout/src/machine/scores.rs", "MAX_INVALID_SCORES: u32 = 10"),
    "failures in a row that are an outage": ("24", "canary-rollout/src/health.rs", "which is 24 failures in a row"),
    "runs of one simulation": ("10 000 000", "canary-rollout/src/simulate.rs", "expected 1 to 10000000"),
    "by how much `power`": ("1024", "canary-rollout/src/power.rs", "MOST: f64 = 1024.0"),
}  # fmt: skip


def rows(section=None):
    """The rows of the page, or of one of its tables: what, value, how to change it."""
    text = DEFAULTS.read_text()
    if section:
        text = text.split(f"## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)


def test_every_default_of_an_argument_is_as_the_page_says():
    listed = set()
    for what, value, _ in rows("Arguments in Python"):
        name = re.match(r"`([\w.]+)`: ", what).group(1)
        argument, expected = re.fullmatch(r"`(\w+)=(.+)`", value).groups()
        found = canary
        for part in name.split("."):
            found = getattr(found, part)
        default = inspect.signature(found).parameters[argument].default
        assert repr(default) == expected, f"{name}: {argument}={default!r}"
        listed.add((name, argument))
    off = (None, inspect.Parameter.empty, ..., False, 0, (), "")
    same = {
        "Run.dashboard",
        "Dashboard",
        "agreement",
        "accuracy",
        "numeric_drift",
        "custom",
        "slow_ratio",
    }
    missing = [
        f"{name}: {parameter.name}={parameter.default!r}"
        for name, callable_ in callables()
        if not name.endswith("_async") and name not in same
        for parameter in inspect.signature(callable_).parameters.values()
        if not any(parameter.default is value or parameter.default == value for value in off)
        and (name, parameter.name) not in listed
    ]
    assert missing == []


def callables():
    """Everything public that is called: functions, classes, methods."""
    for name in canary.__all__:
        value = getattr(canary, name)
        if not callable(value) or (inspect.isclass(value) and issubclass(value, BaseException)):
            continue
        methods = [method for method in vars(value) if not method.startswith("_")] if inspect.isclass(value) else []
        for called, what in [(name, value), *((f"{name}.{method}", getattr(value, method)) for method in methods)]:
            try:
                inspect.signature(what)
            except (TypeError, ValueError):
                continue
            yield called, what


def test_the_defaults_of_a_plan_are_as_the_page_says():
    plan = canary.Plan("s", stable="a", canary="b", guards=[canary.error_ratio(), canary.slow_ratio()])
    written = re.findall(r"`(\w+: [\w.]+)`", " | ".join(value for _, value, _ in rows("A plan")))
    assert len(written) == 13
    # A default value is left out of the YAML where plans of earlier releases had no such field.
    unwritten = {
        "minimum: 20": {guard.minimum for guard in plan.guards} == {20},
        "requestTimeout: 15s": plan.request_timeout == 15,
        "bursts: auto": plan.burst_window == 15,
        "startupTimeout: 1m": plan.startup_timeout == 60,
    }
    assert [line for line in written if line not in plan.to_yaml() and not unwritten.get(line)] == []
    assert plan.weights == [5, 30, 100]
    assert plan.to_dict()["steps"][0]["hold"] == {"totalRequests": 2000}


def test_the_defaults_of_a_workload_are_as_the_page_says():
    workload = canary.Workload("pets", "v1", model="pets", path="m/1")
    deployment = workload.objects()[1]["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    probe, requests = container["readinessProbe"], container["resources"]["requests"]
    assert [value for _, value, _ in rows("A workload")] == [
        f"`{container['image']}`; pin a tag in production",
        str(deployment["replicas"]),
        requests["cpu"],
        requests["memory"],
        f"`{workload.gpu_resource}`",
        "gRPC 8500, REST 8501",
        f"{probe['initialDelaySeconds']} s",
        f"{probe['periodSeconds']} s",
        str(probe["failureThreshold"]),
    ]


def test_every_other_default_is_as_the_page_says():
    sections = re.findall(r"^## (.*)$", DEFAULTS.read_text(), re.MULTILINE)
    held = {"A plan", "Arguments in Python", "A workload"}
    sources = dict(SOURCES)
    for section in sections:
        for what, value, _ in rows(section):
            if section == "Limits of a plan and a run" and what == "steps":
                what = "steps (limit)"  # noqa: PLW2901 - the word is in two tables
            place = next((key for key in sources if what.startswith(key)), None)
            if place is None:
                assert section in held or what in {"signature", "version"}, f"{section}: {what} is held by nothing"
                continue
            expected, file, text = sources.pop(place)
            assert value == expected, f"{section}: {what}"
            path = next(path for path in (ROOT / file, ROOT / "crates" / file) if path.exists())
            assert text in path.read_text(), f"{section}: {what}: {path.name} no longer has {text}"
    assert sources == {}
