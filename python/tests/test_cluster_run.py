"""Rollouts from Python on a real API server: a lab serves the traffic and follows the cluster's objects."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from apiserver import BIN, apiserver
from test_plan import APP, client, inputs, plan, start

import canary

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real API server with Istio's definitions."""
    with apiserver(tmp_path_factory.mktemp("apiserver")) as config:
        cluster = canary.Cluster(config)
        definitions = [one for one in canary.load(BIN / "istio-crds.yaml") if isinstance(one, dict)]
        kinds = ("Gateway", "VirtualService", "DestinationRule")
        wanted = [one for one in definitions if one["spec"]["names"]["kind"] in kinds]
        cluster.apply(wanted)
        for kind in kinds:
            end = time.monotonic() + 30
            while True:
                try:
                    cluster.list(kind)
                    break
                except canary.CanaryError:
                    assert time.monotonic() < end, f"{kind} is not served"
                    time.sleep(0.1)
        yield config


class Mesh:
    """A lab whose routes follow those of a namespace of the cluster."""

    def __init__(self, server: Path, namespace: str, new: canary.ScriptedModel) -> None:
        """Write the objects of a release into the cluster, and begin to follow them."""
        self.cluster = canary.Cluster(server, namespace=namespace)
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self.lab = start(new)
        self.client = client(self.lab)
        self.cluster.apply([canary.Gateway.http("gateway"), canary.DestinationRule.subsets(APP, ["stable", "canary"])])
        self.cluster.apply(
            canary.VirtualService.weighted(
                APP,
                {"stable": 100, "canary": 0},
                hosts=["*"],
                gateways=["gateway"],
                port=8501,
                stamp_subset="x-canary-subset",
            )
        )
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        for _, found in self.cluster.watch("VirtualService", APP):
            spec = json.loads(json.dumps(found["spec"]))
            try:
                self.lab.apply({"apiVersion": found["apiVersion"], "kind": found["kind"],
                                "metadata": {"name": APP}, "spec": spec})  # fmt: skip
            except RuntimeError:
                return

    def live(self) -> dict[str, Any]:
        """The VirtualService as it is in the cluster."""
        found = self.cluster.get("VirtualService", APP)
        assert found is not None
        return found

    def weights(self) -> dict[str, int]:
        """The weights in the cluster."""
        routes = self.live()["spec"]["http"][-1]["route"]
        return {one["destination"]["subset"]: one.get("weight", 0) for one in routes}

    def plan(self, **changes: Any) -> canary.Plan:
        """A plan in the namespace."""
        return plan(namespace=self.cluster.namespace, settle=0.2, **changes)

    def holder(self) -> str:
        """Who holds the lock."""
        lease = self.cluster.get("Lease", f"canary-rollout-{APP}")
        assert lease is not None
        return str(lease["spec"].get("holderIdentity") or "")


def test_a_good_canary_is_promoted_on_a_cluster(server: Path) -> None:
    """Weights, verdict, status and report."""
    mesh = Mesh(server, "promoted", canary.ScriptedModel("cat", 0.8))
    run = mesh.plan().run(cluster=mesh.cluster, client=mesh.client, inputs=inputs(), tick=0.05)
    events = list(run)
    assert run.verdict is not None
    assert run.verdict.promoted, str(run.verdict)
    assert events[0].kind == "started"
    assert list(dict.fromkeys(event.weight for event in events if event.kind == "written")) == [5, 30, 100]
    assert mesh.weights() == {"stable": 0, "canary": 100}
    assert mesh.holder() == ""
    status = mesh.cluster.status(APP, mesh.plan())
    assert status.verdict is not None
    assert status.verdict.promoted
    mesh.lab.close()


async def test_a_bad_canary_is_rolled_back_by_await(server: Path) -> None:
    """The async twin, from the start to the verdict."""
    mesh = Mesh(server, "rolled-back", canary.ScriptedModel("cat", 0.8, disagree=0.4, other="dog", seed=3))
    run = await mesh.plan().run_async(cluster=mesh.cluster, client=mesh.client, inputs=inputs(), tick=0.05)
    verdict = await run.wait_async()
    assert verdict is not None
    assert verdict.guardrail == "agreement", str(verdict)
    assert mesh.weights() == {"stable": 100, "canary": 0}
    assert {pair.canary[0] for pair in run.disagreements} == {"dog"}
    mesh.lab.close()


def test_what_a_cluster_needs_is_named(server: Path) -> None:
    """No guess of a client or of inputs, and one place only."""
    mesh = Mesh(server, "named", canary.ScriptedModel("cat", 0.8))
    with pytest.raises(canary.PlanError, match="client="):
        mesh.plan().run(cluster=mesh.cluster)
    with pytest.raises(canary.PlanError, match="inputs="):
        mesh.plan().run(cluster=mesh.cluster, client=mesh.client)
    with pytest.raises(TypeError, match="on a lab or on a cluster"):
        mesh.plan().run()
    with pytest.raises(TypeError, match="on a lab or on a cluster"):
        mesh.plan().run(mesh.lab, cluster=mesh.cluster)
    with pytest.raises(canary.NotFoundError, match="ingress gateway"):
        canary.Cluster(server, namespace="named").gateway_url(APP)
    mesh.lab.close()


def test_an_edit_by_somebody_else_is_not_overwritten(server: Path) -> None:
    """The verdict names it."""
    mesh = Mesh(server, "edited", canary.ScriptedModel("cat", 0.8))
    run = mesh.plan(hold={"pairs": 10_000}).run(
        cluster=mesh.cluster, client=mesh.client, inputs=inputs(10**9), tick=0.05
    )
    for event in run:
        if event.kind == "seen" and event.weight == 5 and mesh.weights()["canary"] == 5:
            mesh.cluster.apply(
                canary.VirtualService.weighted(
                    APP, {"stable": 60, "canary": 40}, hosts=["*"], gateways=["gateway"], port=8501
                ),
                force=True,
            )
    assert run.verdict is not None
    assert run.verdict.name == "externalEdit", str(run.verdict)
    assert mesh.weights() == {"stable": 60, "canary": 40}
    mesh.lab.close()


def test_ctrl_c_leaves_the_mesh_as_written_and_another_process_goes_on(server: Path) -> None:
    """In a wait, between two events, and at the end of the interpreter the state is stored."""
    script = textwrap.dedent(
        f"""
        import signal, sys
        from pathlib import Path
        # A process started in the background by a shell ignores Ctrl-C, and so do its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import canary
        from test_cluster_run import Mesh, inputs
        mesh = Mesh(Path({str(server)!r}), "paused", canary.ScriptedModel("cat", 0.8))
        long = mesh.plan(hold={{"pairs": 10_000}})
        run = long.run(cluster=mesh.cluster, client=mesh.client, inputs=inputs(10**9), tick=0.05)
        try:
            for event in run:
                print(event.kind, event.weight, event.pairs, flush=True)
        except KeyboardInterrupt:
            print("stopped", mesh.weights()["canary"], run.verdict, flush=True)
            print("again", next(run), flush=True)
            print("seen", next(event for event in run if event.kind == "seen").pairs, flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            words = line.split()
            if words[0] == "seen" and words[1] == "5" and int(words[2]) > 10:
                process.send_signal(signal.SIGINT)
                break
        rest = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 0
    printed = [line for line in rest if not line.startswith("seen 5")]
    assert printed[:2] == ["stopped 5 None", "again resumed at step 0"], printed
    mesh_cluster = canary.Cluster(server, namespace="paused")
    status = mesh_cluster.status(APP)
    assert status.driver is None, str(status)
    # A third driver, in this process.
    mesh = Mesh.__new__(Mesh)
    mesh.cluster, mesh.lab = mesh_cluster, start(canary.ScriptedModel("cat", 0.8))
    mesh.client = client(mesh.lab)
    long = mesh.plan(hold={"pairs": 10_000})
    run = long.run(cluster=mesh.cluster, client=mesh.client, inputs=inputs(10**9), tick=0.05)
    assert str(next(run)) == "resumed at step 0"
    assert mesh.weights()["canary"] == 5
    run.abort("enough")
    verdict = run.wait()
    assert verdict is not None
    assert verdict.rolled_back
    assert mesh.weights() == {"stable": 100, "canary": 0}
    mesh.lab.close()
