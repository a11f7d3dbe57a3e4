"""Sample photos, and seeded augmentations of them: distinct inputs as a service would see them.

The photos come with matplotlib and scikit-image and are read as files; scikit-image itself is not imported.
"""

from __future__ import annotations

import random
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from PIL import Image, ImageEnhance

if TYPE_CHECKING:
    from collections.abc import Iterator

# Photos that show a thing of one of the models' 1000 classes. Every second input is the portrait.
OTHERS = ("chelsea.png", "coffee.png", "rocket.jpg")


def files() -> list[Path]:
    """Find the photos of the installed packages, in the order in which they are sent.

    Raises:
        FileNotFoundError: scikit-image is not installed.
    """
    portrait = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        message = "scikit-image's photos are missing: run `make demo`, which installs them"
        raise FileNotFoundError(message)
    folder = Path(spec.origin).parent / "data"
    return [photo for name in OTHERS for photo in (portrait, folder / name)]


def augmented(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give `count` inputs of distinct bytes, as (name, JPEG file).

    Each is a crop of 90 to 100 % of a photo at a random place, mirrored or not, darker or brighter.
    """
    draw = random.Random(seed)  # noqa: S311 - pictures, no secrets
    photos = []
    for file in files():
        photo = Image.open(file).convert("RGB")
        photo.thumbnail((384, 384))
        photos.append((file.stem, photo))
    for number in range(count):
        name, photo = photos[number % len(photos)]
        width, height = photo.size
        scale = draw.uniform(0.9, 1.0)
        across, down = int(width * scale), int(height * scale)
        left, top = draw.randint(0, width - across), draw.randint(0, height - down)
        picture = photo.crop((left, top, left + across, top + down))
        if draw.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        picture = ImageEnhance.Brightness(picture).enhance(draw.uniform(0.8, 1.25))
        out = BytesIO()
        picture.save(out, "JPEG", quality=90)
        yield f"{name} #{number + 1}", out.getvalue()
