"""Starts a real model server with the model ``mix`` on the loopback, and stays in the foreground.

Usage: ``serve.py mlserver|kserve|triton FOLDER HTTP_PORT GRPC_PORT METRICS_PORT``. The server's own files are written
to FOLDER. It runs in the environment that ``build-model-servers.sh`` has made for it.
"""

import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def mlserver(folder: pathlib.Path, http: int, grpc: int, metrics: int) -> None:
    """Serve by MLServer."""
    (folder / "mix").mkdir(parents=True)
    settings = {
        "host": "127.0.0.1",
        "http_port": http,
        "grpc_port": grpc,
        "metrics_port": metrics,
        "parallel_workers": 0,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    model = {"name": "mix", "implementation": "mlserver_mix.Mix", "parameters": {"version": "v10"}}
    (folder / "mix/model-settings.json").write_text(json.dumps(model))
    program = pathlib.Path(sys.executable).with_name("mlserver")
    os.environ["PYTHONPATH"] = str(HERE)
    os.execv(program, [str(program), "start", str(folder)])  # noqa: S606 - this process becomes the server


def kserve(folder: pathlib.Path, http: int, grpc: int, metrics: int) -> None:
    """Serve by KServe's server, which has its metrics beside the model."""
    del folder, metrics
    sys.path.insert(0, str(HERE))
    import kserve_mix

    kserve_mix.serve(http, grpc)


def triton(folder: pathlib.Path, http: int, grpc: int, metrics: int) -> None:
    """Serve by Triton's own binary, with its Python backend, as the wheel of PyTriton carries them."""
    import pytriton

    package = pathlib.Path(pytriton.__file__).parent / "tritonserver"
    backends = folder / "backends/python"
    backends.mkdir(parents=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = package / "python_backend_stubs" / version / "triton_python_backend_stub"
    for file in [*(package / "backends/python").iterdir(), stub]:
        link = backends / file.name
        if not link.exists():
            link.symlink_to(file)
    for config in sorted((HERE / "triton").iterdir()):
        model = folder / "models" / config.stem
        (model / "1").mkdir(parents=True)
        (model / "config.pbtxt").write_bytes(config.read_bytes())
        (model / "1/model.py").write_bytes((HERE / "triton_mix.py").read_bytes())
        (model / "1/mix.py").write_bytes((HERE / "mix.py").read_bytes())
    # The stub of the backend is a program that runs the Python of the path.
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    program = package / "bin/tritonserver"
    arguments = [
        f"--model-repository={folder / 'models'}",
        f"--backend-directory={folder / 'backends'}",
        f"--http-port={http}",
        f"--grpc-port={grpc}",
        f"--metrics-port={metrics}",
        "--http-address=127.0.0.1",
        "--grpc-address=127.0.0.1",
        "--metrics-address=127.0.0.1",
        "--log-info=false",
    ]
    os.execv(program, [str(program), *arguments])  # noqa: S606 - this process becomes the server


if __name__ == "__main__":
    name, folder, *ports = sys.argv[1:]
    {"mlserver": mlserver, "kserve": kserve, "triton": triton}[name](pathlib.Path(folder), *map(int, ports))
