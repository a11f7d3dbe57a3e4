"""Checks of an installed package, run by scripts/package.sh: VERSION README [lab]."""

import re
import sys
from importlib.metadata import version
from pathlib import Path

import canary

wanted, readme = sys.argv[1:3]
assert Path(canary.__file__).is_relative_to(sys.prefix), f"{canary.__file__} is not of this environment"
assert canary.__version__ == version("canary") == wanted, (canary.__version__, version("canary"), wanted)
(example,) = re.findall(r"```python\n(.*?)```", Path(readme).read_text(), re.DOTALL)
exec(compile(example, readme, "exec"), {"__name__": "readme"})  # noqa: S102
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
