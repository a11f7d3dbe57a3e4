"""From files to tensors: ours against Pillow with NumPy, and OpenCV."""

from __future__ import annotations

import io
import os
import threading

import numpy as np

from measure import Line, Row, Settings, in_turns, need
from rows import samples

SIZE = (224, 224)


def _numpy_resize(image: np.ndarray) -> np.ndarray:
    """TensorFlow's bilinear resize (half-pixel centres, no antialias) of an 8-bit image, from 0 to 1, in NumPy."""

    def places(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = (np.arange(new, dtype=np.float32) + 0.5) * np.float32(old / new) - np.float32(0.5)
        low = np.floor(at)
        part = (at - low).astype(np.float32)
        low = low.astype(int)
        return np.clip(low, 0, old - 1), np.clip(low + 1, 0, old - 1), part

    top, bottom, down = places(image.shape[0], SIZE[0])
    left, right, across = places(image.shape[1], SIZE[1])
    across, down = across[None, :, None], down[:, None, None]
    upper, lower = image[top].astype(np.float32), image[bottom].astype(np.float32)
    upper = upper[:, left] + (upper[:, right] - upper[:, left]) * across
    lower = lower[:, left] + (lower[:, right] - lower[:, left]) * across
    return (upper + (lower - upper) * down) / np.float32(255)


def _file(settings: Settings) -> list[Line]:
    canary, cv2, image = need("canary"), need("cv2"), need("PIL.Image")
    file = samples.photo()
    cv2.setNumThreads(1)
    preprocess = canary.Preprocess(SIZE)
    array = np.frombuffer(file, np.uint8)

    def pillow() -> np.ndarray:
        picture = np.asarray(image.open(io.BytesIO(file)).convert("RGB"))
        return _numpy_resize(picture)

    def opencv() -> np.ndarray:
        picture = cv2.imdecode(array, cv2.IMREAD_COLOR).astype(np.float32)
        small = cv2.resize(picture, SIZE, interpolation=cv2.INTER_LINEAR)
        return cv2.cvtColor(small, cv2.COLOR_BGR2RGB) * np.float32(1 / 255)

    operations = {"ours": lambda: preprocess(file), "pillow": pillow, "opencv": opencv}
    # Decoders differ by up to four levels of 255.
    samples.same(operations["ours"](), pillow(), "file to tensor, Pillow", 0.02)
    samples.same(operations["ours"](), opencv(), "file to tensor, OpenCV", 0.02)
    took = in_turns(operations, settings.seconds)
    name = "file → resized, normalised tensor"
    return [
        Line(name, "Pillow + numpy", took["ours"], took["pillow"], 3.5),
        Line(name, "OpenCV", took["ours"], took["opencv"], 1.25),
    ]


def _resize(settings: Settings) -> list[Line]:
    canary, cv2 = need("canary"), need("cv2")
    cv2.setNumThreads(1)
    preprocess = canary.Preprocess(SIZE)
    levels = samples.decoded()
    floats = levels.astype(np.float32)

    def opencv() -> np.ndarray:
        return cv2.resize(floats, SIZE, interpolation=cv2.INTER_LINEAR) * np.float32(1 / 255)

    samples.same(preprocess(levels), opencv(), "resize + normalise", 1e-4)
    took = in_turns(
        {"u8": lambda: preprocess(levels), "f32": lambda: preprocess(floats), "opencv": opencv},
        settings.seconds,
    )
    name = "resize + normalise alone"
    return [
        Line(f"{name}, from uint8", "OpenCV f32 + numpy", took["u8"], took["opencv"], 1),
        Line(
            f"{name}, from float32",
            "OpenCV f32 + numpy",
            took["f32"],
            took["opencv"],
            1,
            note="no goal was set",
        ),
    ]


def _batch(settings: Settings) -> list[Line]:
    canary = need("canary")
    preprocess = canary.Preprocess(SIZE)
    files = [samples.photo()] * 16
    took = in_turns(
        {
            "one": lambda: [preprocess(file) for file in files],
            "all": lambda: preprocess.batch(files),
        },
        settings.seconds,
    )
    cores = os.cpu_count() or 1
    name = f"16 files in a batch, {cores} cores"
    return [Line(name, "ours, one after the other", took["all"], took["one"], 1.8 if cores > 1 else 1)]


def _threads(settings: Settings) -> list[Line]:
    """Two Python threads that preprocess: the interpreter's lock is not held, so both cores work.

    As many images as take some ten milliseconds, beside which starting the threads is nothing.
    """
    canary = need("canary")
    preprocess = canary.Preprocess(SIZE)
    cores = os.cpu_count() or 1

    def line(name: str, image: object, count: int) -> Line:
        def work(images: int) -> None:
            for _ in range(images):
                preprocess(image)

        def two() -> None:
            threads = [threading.Thread(target=work, args=(count // 2,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        took = in_turns({"one": lambda: work(count), "two": two}, settings.seconds)
        operation = f"{count} {name} in two threads, {cores} cores"
        return Line(operation, "ours, in one thread", took["two"], took["one"], 1.8 if cores > 1 else 0.9)

    return [line("files", samples.photo(), 32), line("arrays", samples.decoded(), 320)]


ROWS = [Row("file", _file), Row("resize", _resize), Row("images", _batch), Row("threads", _threads)]
