"""Checks of an installed package, run by scripts/package.sh: VERSION README [lab]."""

import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import canary

wanted, readme = sys.argv[1:3]
assert Path(canary.__file__).is_relative_to(sys.prefix), f"{canary.__file__} is not of this environment"
assert canary.__version__ == version("istio-canary") == wanted, (canary.__version__, version("istio-canary"), wanted)
(example,) = re.findall(r"```python\n(.*?)```", Path(readme).read_text(), re.DOTALL)
exec(compile(example, readme, "exec"), {"__name__": "readme"})  # noqa: S102
# The command, by the script of the package and by its module, in a folder that has nothing of the project's.
examples = Path(readme).parent / "examples"
mesh, plan, cases = (str(examples / name) for name in ("mesh.yaml", "plan.yaml", "cases.yaml"))
with tempfile.TemporaryDirectory() as folder:
    for start in ([str(Path(sys.prefix) / "bin" / "canary")], [sys.executable, "-m", "canary"]):
        for arguments in (
            ["--version"],
            ["validate", mesh],
            ["route", mesh, "--test", cases],
            ["simulate", plan, "--runs", "50"],
            ["demo", "--report", "demo.html"],
        ):
            print("$ canary", *arguments, flush=True)
            subprocess.run([*start, *arguments], cwd=folder, check=True)
    assert "a bad canary" in (Path(folder) / "demo.html").read_text()
if "lab" in sys.argv[3:]:
    # Real networks or nothing: the extra must bring their files.
    model_files = Path(canary.__file__).parents[1]
    with canary.Lab(model_files=model_files):
        pass
    from matplotlib.cbook import get_sample_data

    with canary.Lab.seed() as lab:
        client = canary.Client(lab.url, model="image_classifier", signature="serving_preprocess")
        photo = get_sample_data("grace_hopper.jpg", asfileobj=False)
        print(client.predict(photo))
