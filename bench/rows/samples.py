"""The inputs that the rows share."""

from __future__ import annotations

import functools
import io

import numpy as np

from measure import Missing, need


@functools.cache
def photo() -> bytes:
    """The photo of Grace Hopper that matplotlib carries."""
    cbook = need("matplotlib.cbook")
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return file.read()


@functools.cache
def pixels() -> np.ndarray:
    """The photo resized to 224 × 224 as TensorFlow does, from 0 to 1: shape [1, 224, 224, 3]."""
    canary = need("canary")
    return canary.Preprocess((224, 224))(photo())[None]


@functools.cache
def whole() -> np.ndarray:
    """The same as whole numbers from 0 to 255, in floats."""
    return np.round(pixels() * 255).astype(np.float32)


@functools.cache
def batch() -> np.ndarray:
    """32 images of which no two are alike."""
    one = pixels()[0]
    return np.stack([np.roll(one, 7 * turn, axis=1) * np.float32(1 - turn / 64) for turn in range(32)])


def logits(rows: int) -> bytes:
    """An answer as TensorFlow Serving lays it out: shortest digits, a space after each comma."""
    values = np.random.default_rng(2).normal(0, 3, (rows, 1001)).astype(np.float32)
    text = ", ".join("[" + ", ".join(str(value) for value in row) + "]" for row in values)
    return b'{\n    "predictions": [' + text.encode() + b"\n    ]\n}"


@functools.cache
def decoded() -> np.ndarray:
    """The photo's pixels, by Pillow."""
    image = need("PIL.Image")
    return np.asarray(image.open(io.BytesIO(photo())).convert("RGB"))


def same(ours: np.ndarray, theirs: np.ndarray, what: str, tolerance: float = 0.0) -> None:
    """Refuse to compare the speed of two things that do not give the same."""
    if ours.shape != theirs.shape or not np.all(np.abs(ours - theirs) <= tolerance):
        raise Missing(f"{what}: the results differ, so their times cannot be compared")
