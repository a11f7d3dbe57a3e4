"""Measure what wrong preprocessing does to a model: `python scripts/accuracy.py [--draw]`.

Each variant prepares the same photos in another way, and the lab's real EfficientNet-Lite0 classifies them. The script
prints the table of docs/accuracy.md, and with `--draw` draws its picture, docs/images/accuracy.svg.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import canary

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))
import photos  # noqa: E402 - the sample photos of the examples

COUNT, SEED = 60, 7
SIZE = (224, 224)
MODEL = "efficientnet-lite0"


def variants():
    """Give each variant's name with its function from a JPEG file to the model's input."""
    exact = canary.Preprocess(SIZE)
    square, cropped = exact.replace(crop="square"), exact.replace(crop=0.875)
    antialiased, nearest = exact.replace(antialias=True), exact.replace(filter="nearest")
    pillow = antialiased.replace(library="pillow")
    other_decoder = lambda file: np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))  # noqa: E731
    return {
        "TensorFlow's decoder and resize": exact,
        "Pillow's JPEG decoder": lambda file: exact(other_decoder(file)),
        "resize with antialiasing": antialiased,
        "Pillow's bilinear resize": pillow,
        "Pillow's bicubic resize": pillow.replace(filter="bicubic"),
        "Lanczos filter of radius 3": antialiased.replace(filter="lanczos3"),
        "nearest neighbour": nearest,
        "proportions kept, padded": exact.replace(fit="pad"),
        "shorter side 256, then the middle": pillow.replace(shorter_side=256),
        "middle square": square,
        "middle 87.5 %": cropped,
        "grey in all three channels": lambda file: np.repeat(exact.replace(channels=1)(file), 3, -1),
        "blue and red exchanged": lambda file: exact(file)[..., ::-1].copy(),
        "range -1 to 1 instead of 0 to 1": exact.replace(preset="tf"),
        "range 0 to 255 instead of 0 to 1": exact.replace(preset="identity"),
    }


def probabilities(client, inputs):
    """Classify inputs, in one request each."""
    rows = []
    for answer in client.predict_many([array[None] for array in inputs], concurrency=2):
        if isinstance(answer, Exception):
            raise answer
        logits = answer.array().astype(np.float64)[0]
        powers = np.exp(logits - logits.max())
        rows.append(powers / powers.sum())
    return np.array(rows)


def measure(count=COUNT):
    """Give for each variant the share of other top classes, and the changes of the top probability and the pixels."""
    files = [file for _, file in photos.augmented(count, SEED)]
    prepared = {name: [prepare(file) for file in files] for name, prepare in variants().items()}
    with canary.Lab() as lab:
        lab.apply(canary.Workload("photos", "v1", model="photos", path=f"models/{MODEL}"))
        lab.apply(
            [canary.Gateway.http("g"), canary.VirtualService.to("photos", hosts=["*"], gateways=["g"], port=8501)]
        )
        lab.wait_ready()
        client = canary.Client(lab.url, model="photos", signature="serving_default", timeout=120)
        found = {name: probabilities(client, inputs) for name, inputs in prepared.items()}
    name, *others = found
    exact, top = found[name], found[name].argmax(1)
    rows = []
    for other in others:
        changed = found[other].argmax(1) != top
        moved = np.abs(found[other][np.arange(count), top] - exact[np.arange(count), top])
        pixels = [np.abs(a - b).mean() * 255 for a, b in zip(prepared[other], prepared[name], strict=True)]
        rows.append((other, float(changed.mean()), float(moved.mean()), float(np.mean(pixels))))
    return rows


def table(rows):
    """Write the rows as the table of the page."""
    lines = [
        "| preprocessing | another top class | mean change of the top probability | mean change of a pixel |",
        "|---|---|---|---|",
    ]
    for name, changed, moved, pixel in rows:
        # A wrong range changes every pixel; levels say nothing then.
        levels = "–" if name.startswith("range") else f"{pixel:.1f} of 255"
        lines.append(f"| {name} | {100 * changed:.0f} % | {100 * moved:.1f} points | {levels} |")
    return "\n".join(lines)


def draw(rows):
    """Draw the share of other top classes."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "canary", "svg.fonttype": "path", "font.size": 9})
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    names = [name for name, *_ in rows][::-1]
    axes.barh(names, [100 * row[1] for row in rows][::-1], color="#d9822b", label="another top class, % of the photos")
    axes.barh(
        names,
        [100 * row[2] for row in rows][::-1],
        color="#4c9f70",
        height=0.35,
        label="mean change of the top probability, points",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, 100)
    axes.legend(frameon=False, loc="upper right")
    figure.savefig(ROOT / "docs/images/accuracy.svg", metadata={"Date": None})


if __name__ == "__main__":
    measured = measure()
    print(table(measured))
    if "--draw" in sys.argv:
        draw(measured)
