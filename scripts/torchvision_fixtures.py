"""Makes the expected values of torchvision under crates/canary-serving/tests/data/image.

Run once, after `scripts/image_fixtures.py`, in a virtual environment of its own with
`pip install torch==2.0.1 torchvision==0.15.2 "pillow<13" "numpy<2"`:

    python scripts/torchvision_fixtures.py crates/canary-serving/tests/data/image

`torchvision.json` has the recipe of every set of weights of a classifier, and what its `transforms()` gives for an
image that is read as a PIL image: every 1009th value, which meets every channel. `pillow.json` has what
`PIL.Image.resize` gives, in whole levels. From version 13 on Pillow resizes the rows first where the height shrinks
much more than the width, which moves levels; images that keep their proportions are resized as before.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torchvision
from PIL import Image
from torchvision.models import get_model_weights, list_models
from torchvision.transforms import InterpolationMode, functional

EVERY = 1009
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}


def weights(folder):
    """Give the recipe and some values of every set of weights; equal recipes are computed once."""
    image = Image.open(folder / "wide.png").convert("RGB")
    seen, cases = {}, []
    for model in list_models(module=torchvision.models):
        for one in get_model_weights(model):
            recipe = one.transforms()
            key = repr(recipe)
            case = {"name": f"torchvision/{model}/{one.name.lower()}", "size": recipe.crop_size[0]}
            if key not in seen:
                seen[key] = case["name"]
                values = recipe(image).numpy().astype(np.float64).ravel()[::EVERY]
                case |= {"every": EVERY, "values": np.round(values, 6).tolist()}
            else:
                case["as"] = seen[key]
            cases.append(case)
    return cases


def pillow(folder):
    """Give levels that Pillow resizes, whole images and, by torchvision, the middle of their shorter side."""
    cases = []
    for name in ("noise.png", "tiny.png", "row.png", "column.png", "wide.png"):
        image = Image.open(folder / name).convert("RGB")
        every = 101 if name == "wide.png" else 1
        sizes = [(40, 64), (224, 224)] if name == "wide.png" else [(5, 7), (1, 1), (8, 17), (30, 23)]
        for method, resample in FILTERS.items():
            for height, width in sizes:
                levels = np.asarray(image.resize((width, height), resample)).ravel()[::every]
                case = {"file": name, "filter": method, "size": [height, width], "every": every}
                cases.append({**case, "values": levels.tolist()})
            for shorter, size in [(9, 7), (16, 5), (6, 11), (13, 4)]:
                mode = InterpolationMode(resample.name.lower())
                cut = functional.center_crop(functional.resize(image, shorter, mode), size)
                case = {"file": name, "filter": method, "size": [size, size], "shorter": shorter, "every": 1}
                cases.append({**case, "values": np.asarray(cut).ravel().tolist()})
    return cases


def grey(folder):
    """Give the levels of `convert("L")`."""
    cases = []
    for name in ("noise.png", "rgb.bmp"):
        levels = np.asarray(Image.open(folder / name).convert("RGB").convert("L"))
        cases.append({"file": name, "values": levels.ravel().tolist()})
    return cases


def main():
    folder = Path(sys.argv[1])
    for name, table in {"torchvision": weights, "pillow": pillow, "pillow_grey": grey}.items():
        rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in table(folder))
        (folder / f"{name}.json").write_text(f"[\n{rows}\n]\n")
    print(f"made with torchvision {torchvision.__version__}")


main()
