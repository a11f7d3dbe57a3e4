"""Every call that may take long, interrupted by Ctrl-C: prints its name and the seconds until KeyboardInterrupt.

Run by test_interrupts.py, in a process of its own, with the names of the calls.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import canary

# A process started in the background by a shell ignores Ctrl-C, and so do its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Ctrl-C comes so many seconds after the call began.
AFTER = 0.15


def silent() -> str:
    """An address that takes connections and never answers."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    KEPT.append(listener)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


KEPT: list[object] = []


def png(side: int) -> bytes:
    """A large image that is small as a file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    packer = zlib.compressobj(1)
    row = bytes(1 + 3 * side)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def routes(count: int, weight: int = 30) -> list[object]:
    """A mesh of many objects."""
    found: list[object] = [canary.Gateway.http("g")]
    for number in range(count):
        host, weights = f"models-{number}", {"a": 100 - weight, "b": weight}
        made = canary.VirtualService.weighted(host, weights, hosts=[f"{host}.example"], gateways=["g"], port=8501)
        found += [made.when_header("user-group", "canary", "b"), canary.DestinationRule.subsets(host, ["a", "b"])]
    return found


def plan(**changes):
    arguments = {"stable": "a", "canary": "b", "steps": [5, 100], "hold": 5000, "guards": [canary.error_ratio(1)]}
    return canary.Plan("s", **(arguments | changes))


def kubeconfig(server: str) -> Path:
    """A kubeconfig of a server that never answers."""
    path = Path(FOLDER.name) / "kubeconfig"
    path.write_text(
        f'{{"apiVersion": "v1", "kind": "Config", "current-context": "a", '
        f'"clusters": [{{"name": "a", "cluster": {{"server": "{server}"}}}}], '
        f'"users": [{{"name": "a", "user": {{"token": "t"}}}}], '
        f'"contexts": [{{"name": "a", "context": {{"cluster": "a", "user": "a"}}}}]}}'
    )
    return path


FOLDER = TemporaryDirectory()


def lab() -> canary.Lab:
    """A lab with a slow model."""
    made = canary.Lab(models={"m/1": canary.ScriptedModel("cat", latency=0.05)})
    made.apply(canary.Workload("pets", "v1", model="pets", path="m/1"))
    made.apply([canary.Gateway.http("g"), canary.VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
    made.wait_ready()
    KEPT.append(made)
    return made


def deployed_again(one: canary.Lab) -> None:
    """Deploy another version, and wait for it."""
    KEPT.append(canary.Workload("pets", f"w{len(KEPT)}", model="pets", path="m/1"))
    one.apply(KEPT[-1])
    one.wait_ready(30)


def model(folder: Path) -> Path:
    """A SavedModel of 400 MB."""
    version = folder / "source" / "1"
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"\x08\x01\x12\x03abc")
    (version / "variables" / "variables.index").write_bytes(bytes.fromhex("57fb808b247547db"))
    with (version / "variables" / "variables.data-00000-of-00001").open("wb") as data:
        data.write(os.urandom(1 << 20) * 400)
    return version


def client() -> canary.Client:
    return canary.Client(silent(), model="m", timeout=30)


def cluster() -> canary.Cluster:
    return canary.Cluster(kubeconfig(silent()))


def many(served: canary.Client):
    return list(served.predict_many((b"x" for _ in range(10**6)), concurrency=2))


def prometheus() -> canary.Prometheus:
    return canary.Prometheus(silent(), "s", stable="a", canary="b", timeout=30)


def again(call):
    """The call, over and over: one of them takes less than the wait for Ctrl-C."""
    while True:
        call()


def preprocess(image):
    return canary.Preprocess((2000, 2000), filter="bicubic")(image)


# The preparation, and the call.
CALLS = {
    "predict": (client, lambda one: one.predict(b"x")),
    "predict of a large array": (
        lambda: (client(), np.linspace(0, 1, 20_000_000, dtype=np.float32).reshape(-1, 1000)),
        lambda one: one[0].predict(one[1]),
    ),
    "wait": (client, lambda one: one.wait(30)),
    "status": (client, lambda one: one.status()),
    "metadata": (client, lambda one: one.metadata()),
    "check": (client, lambda one: one.check(b"x")),
    "ready": (client, lambda one: one.ready()),
    "predict_many": (lambda: canary.Client(lab().url, model="pets", signature="serving_preprocess"), many),
    "simulate": (plan, lambda one: one.simulate(errors=(0.01, 0.01), runs=1_000_000)),
    "power": (plan, lambda one: one.power(0.9, errors=(0.01, 0.0101), runs=1_000_000)),
    "compare_rules": (lambda: None, lambda _: canary.compare_rules(errors=(0.01, 0.01), runs=1_000_000)),
    "batch": (lambda: [np.zeros((60, 60, 3), np.uint8)] * 30_000, lambda one: canary.Preprocess((100, 100)).batch(one)),
    "batch of large images": (
        lambda: [np.zeros((3000, 3000, 3), np.uint8)] * 40,
        lambda one: canary.Preprocess((1500, 1500), filter="bicubic").batch(one),
    ),
    "decode_image": (lambda: png(5000), lambda one: again(lambda: canary.decode_image(one))),
    "preprocess a large image": (
        lambda: np.zeros((6000, 6000, 3), np.uint8),
        lambda one: again(lambda: canary.Preprocess((5000, 5000), filter="bicubic", antialias=True)(one)),
    ),
    "preprocess": (lambda: np.zeros((500, 500, 3), np.uint8), lambda one: again(lambda: preprocess(one))),
    "encode_predict": (
        lambda: np.linspace(0, 1, 8_000_000, dtype=np.float32).reshape(-1, 1000),
        lambda one: again(lambda: canary.encode_predict(one)),
    ),
    "encode_predict of files": (lambda: [bytes(50_000_000)] * 2, lambda one: again(lambda: canary.encode_predict(one))),
    "encode_predict_grpc": (
        lambda: {"x": np.zeros(100_000_000, np.uint8)},
        lambda one: again(lambda: canary.encode_predict_grpc(one, model="m")),
    ),
    "decode_predict": (
        lambda: b'{"predictions": [[' + b",".join([b"0.123456"] * 4_000_000) + b"]]}",
        lambda one: again(lambda: canary.decode_predict(one)),
    ),
    "analyze": (lambda: routes(10_000), lambda one: again(lambda: canary.analyze(one))),
    "validate": (lambda: routes(10_000), lambda one: again(lambda: canary.validate(one))),
    "loads": (lambda: canary.dumps(routes(1500)), lambda one: again(lambda: canary.loads(one))),
    "dumps": (lambda: routes(10_000), lambda one: again(lambda: canary.dumps(one))),
    "Mesh": (lambda: routes(10_000), lambda one: again(lambda: canary.Mesh(one))),
    "diff": (
        lambda: (canary.Mesh(routes(1500)), canary.Mesh(routes(1500, 40))),
        lambda one: again(lambda: one[0].diff(one[1])),
    ),
    "copy_model": (
        lambda: model(Path(FOLDER.name)),
        lambda one: canary.copy_model(one, Path(FOLDER.name) / "target" / "2"),
    ),
    "prometheus.counts": (prometheus, lambda one: one.counts(10)),
    "prometheus.thresholds": (prometheus, lambda one: one.thresholds()),
    "lab": (lambda: None, lambda _: again(lambda: canary.Lab().close())),
    "lab.wait_ready": (lab, lambda one: again(lambda: deployed_again(one))),
    "cluster.get": (cluster, lambda one: one.get("Pod", "a")),
    "cluster.list": (cluster, lambda one: one.list("Pod")),
    "cluster.apply": (cluster, lambda one: one.apply(canary.Gateway.http("g"))),
    "cluster.preflight": (cluster, lambda one: one.preflight()),
    "cluster.status": (cluster, lambda one: one.status("s")),
    "cluster.wait_ready": (cluster, lambda one: one.wait_ready("a", timeout=30)),
    "cluster.watch": (cluster, lambda one: list(one.watch("Pod", "a"))),
    "run": (
        lambda: (cluster(), client()),
        lambda one: plan().run(cluster=one[0], client=one[1], inputs=[b"x"]),
    ),
}


def main() -> None:
    for name in sys.argv[1:]:
        prepare, call = CALLS[name]
        made = prepare()
        sent: list[float] = []

        def interrupt(sent=sent) -> None:
            time.sleep(AFTER)
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt, daemon=True)
        thread.start()
        try:
            call(made)
            message = "-1"
        except KeyboardInterrupt:
            message = str(time.perf_counter() - sent[0])
        except BaseException as error:  # noqa: BLE001 - told to the test
            message = repr(error)
        sys.stdout.write(f"{name}\t{message}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            thread.join()
    for one in KEPT:
        if hasattr(one, "close"):
            one.close()


if __name__ == "__main__":
    main()
