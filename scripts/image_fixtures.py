"""Makes the images and expected values under crates/canary-serving/tests/data/image.

Run once, in a virtual environment of its own with `pip install tensorflow-cpu pillow numpy`:

    python scripts/image_fixtures.py crates/canary-serving/tests/data/image [--tables]

Every image is made here from formulas. Expected pixels are what tf.io.decode_image(channels=3) gives, kept as
PNG beside the file; expected tensors are what tf.image's functions and keras' preprocess_input give, in levels with
five decimals. `--tables` keeps the images and writes the tables alone. Files that TensorFlow does not read are decoded
by Pillow; `BY_PILLOW` names them. Every kind of JPEG is in `scripts/jpeg_fixtures.py`, and what torchvision gives in
`scripts/torchvision_fixtures.py`.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

FILTERS = {"bilinear", "bicubic", "area", "nearest", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"}
BY_PILLOW = {"palette.bmp", "palette4_rle.bmp", "alpha.bmp", "lossless_alpha.webp", "lossy_alpha.webp"}
BY_PILLOW |= {"rgb.tif", "rgba.tif", "grey.tif", "grey16.tif", "bits1.tif"}


def noise(height, width, seed):
    """A hard image for filters: every level independent of its neighbours."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def scene(height, width):
    """Something like a photo: slow colour, two edges, fine texture in one part."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 128 + 90 * np.sin(x / 19) * np.cos(y / 23)
    green = 120 + 80 * np.cos((x + 2 * y) / 31)
    blue = 140 + 70 * np.sin((2 * x - y) / 27)
    disc = (x - width * 0.6) ** 2 + (y - height * 0.45) ** 2 < (min(height, width) * 0.25) ** 2
    red = np.where(disc, 230 - y / 3, red)
    blue = np.where(disc, 40 + x / 4, blue)
    texture = np.where(x > width * 0.75, 25 * np.sin(x * 1.3) * np.sin(y * 1.1), 0)
    return np.clip(np.stack([red, green, blue], -1) + texture[..., None], 0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced_png(pixels):
    """An RGB PNG in Adam7 order, which Pillow does not write."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b""
    for top, left, down, right in passes:
        part = pixels[top::down, left::right]
        if part.size:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def png16(samples):
    """A 16-bit PNG of one or three channels."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if samples.ndim == 3 else 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def rle4_bmp():
    """A 4-bit run-length coded bitmap of 6 by 2: one encoded row, one absolute row."""
    palette = bytes([0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0] + [0] * 48)
    data = bytes([6, 0x12, 0, 0, 0, 6, 0x12, 0x31, 0x20, 0, 0, 1])
    offset = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, 6, 2, 1, 4, 2, len(data), 0, 0, 16, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data


def with_orientation(jpeg, value):
    """The JPEG with an EXIF block that holds this orientation."""
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">H", 1) + struct.pack(">HHIHH", 0x0112, 3, 1, value, 0) + b"\0\0\0\0"
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def without_adobe(jpeg):
    """The JPEG without its APP14 segment."""
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0] :]


def make_images(folder):
    rgb = scene(37, 53)
    image = Image.fromarray(rgb)
    small = noise(23, 17, 1)
    rgba = np.dstack([rgb, (np.arange(37 * 53).reshape(37, 53) % 256).astype(np.uint8)])

    def save(name, picture, **options):
        picture.save(folder / name, **options)

    save("noise.png", Image.fromarray(small))
    save("tiny.png", Image.fromarray(noise(7, 5, 2)))
    save("wide.png", Image.fromarray(scene(61, 203)))
    for name, height, width in (("pixel", 1, 1), ("row", 1, 9), ("column", 9, 1)):
        save(f"{name}.png", Image.fromarray(noise(height, width, 5)))
    save("rgba.png", Image.fromarray(rgba))
    save("grey.png", image.convert("L"))
    save("grey_alpha.png", Image.fromarray(rgba).convert("LA"))
    save("bits1.png", image.convert("1"))
    save("palette.png", image.quantize(13))
    save("palette_transparent.png", image.quantize(13), transparency=3)
    save("rgb_transparent.png", image, transparency=tuple(int(v) for v in rgb[4, 5]))
    wide = scene(37, 53).astype(np.uint16) * 256 + noise(37, 53, 3)
    (folder / "rgb16.png").write_bytes(png16(wide))
    (folder / "grey16.png").write_bytes(png16(wide[..., 0]))
    (folder / "interlaced.png").write_bytes(interlaced_png(rgb))

    photo = Image.fromarray(scene(90, 121))
    save("s420.jpg", photo, quality=85, subsampling=2)
    save("s422.jpg", photo, quality=85, subsampling=1)
    save("s444.jpg", photo, quality=92, subsampling=0)
    save("progressive.jpg", photo, quality=85, progressive=True)
    save("restarts.jpg", photo, quality=85, restart_marker_blocks=3)
    save("grey.jpg", photo.convert("L"), quality=85)
    save("cmyk.jpg", photo.convert("CMYK"), quality=92)
    # Without the segment the inks mean the opposite of what Pillow writes, so they are turned before.
    save("cmyk_plain.jpg", Image.fromarray(255 - np.asarray(photo.convert("CMYK")), "CMYK"), quality=92)
    (folder / "cmyk_plain.jpg").write_bytes(without_adobe((folder / "cmyk_plain.jpg").read_bytes()))
    save("narrow.jpg", Image.fromarray(scene(33, 9)), quality=85)
    (folder / "oriented6.jpg").write_bytes(with_orientation((folder / "s420.jpg").read_bytes(), 6))

    save("lossy.webp", photo, quality=80)
    save("lossless.webp", photo, lossless=True)
    save("lossless_alpha.webp", Image.fromarray(rgba), lossless=True, exact=True)
    save("lossy_alpha.webp", Image.fromarray(rgba), quality=80, exact=True)

    save("rgb.bmp", image)
    save("grey.bmp", image.convert("L"))
    save("palette.bmp", image.quantize(13))
    save("alpha.bmp", Image.fromarray(rgba))
    (folder / "palette4_rle.bmp").write_bytes(rle4_bmp())

    save("plain.gif", image.quantize(32))
    save("transparent.gif", image.quantize(32), transparency=5)
    save("rgb.tif", image)
    save("rgba.tif", Image.fromarray(rgba), compression="tiff_adobe_deflate")
    save("grey.tif", image.convert("L"), compression="tiff_lzw")
    save("grey16.tif", Image.fromarray(wide[..., 0]))
    save("bits1.tif", image.convert("1"), compression="group4")

    frames = [image.quantize(16), Image.fromarray(255 - rgb).quantize(16)]
    save("animated.gif", frames[0], save_all=True, append_images=frames[1:])
    patch = Image.fromarray(noise(5, 4, 4)).quantize(8)
    save("offset.gif", patch)
    data = bytearray((folder / "offset.gif").read_bytes())
    data[6:10] = struct.pack("<HH", 9, 8)  # a canvas of 9 by 8
    at = data.index(b"\x2c")
    data[at + 1 : at + 5] = struct.pack("<HH", 3, 2)  # the frame at column 3, row 2
    (folder / "offset.gif").write_bytes(data)


def decoded(path):
    if path.name == "offset.gif":  # TensorFlow cuts the canvas to the frame's size
        canvas = np.zeros((8, 9, 3), np.uint8)
        frame = Image.open(path)
        frame.seek(0)
        canvas[2:7, 3:7] = np.asarray(frame.convert("RGB"))[2:7, 3:7]
        return canvas
    if path.name in BY_PILLOW:
        image = Image.open(path)
        if image.mode == "I;16":
            return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, -1)
        return np.asarray(image if image.mode == "RGBA" else image.convert("RGB"))[..., :3]
    try:
        return tf.io.decode_image(path.read_bytes(), channels=3, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError:
        if path.suffix != ".bmp":
            raise
        return tf.repeat(tf.io.decode_bmp(path.read_bytes(), channels=0), 3, axis=-1).numpy()


def numbers(tensor):
    """Give the levels of a result, in one list."""
    return np.round(np.asarray(tensor, np.float64).ravel(), 5).tolist()


def resized(folder):
    cases = []
    sizes = {"noise.png": [(5, 7), (11, 9), (1, 1), (8, 17), (23, 17)], "tiny.png": [(13, 16), (7, 11), (14, 10)]}
    for name, targets in sizes.items():
        pixels = tf.io.decode_png((folder / name).read_bytes(), channels=3)
        for method in tf.image.ResizeMethod.__dict__.values():
            if not isinstance(method, str) or method.startswith(("tensorflow", "Resize", "__")):
                continue
            if method not in FILTERS:
                continue
            for antialias in (False, True):
                for size in targets:
                    out = tf.image.resize(pixels, size, method=method, antialias=antialias)
                    values = numbers(out)
                    case = {"file": name, "filter": method, "antialias": antialias, "size": size, "values": values}
                    cases.append(case)
    return cases


def sampled(folder):
    """Cases that are too large to keep whole: every 293rd value, which meets every channel and most columns."""
    cases = []
    sizes = {
        "wide.png": [(224, 224), (40, 64), (61, 130), (19, 203), (128, 400)],
        "pixel.png": [(1, 1), (5, 4)],
        "row.png": [(1, 4), (6, 20), (1, 1)],
        "column.png": [(4, 1), (20, 6), (1, 1)],
    }
    for name, targets in sizes.items():
        pixels = tf.io.decode_png((folder / name).read_bytes(), channels=3)
        for method in sorted(FILTERS):
            for antialias in (False, True):
                for size in targets:
                    for fraction in (1.0, 0.875) if name == "wide.png" and size[0] < 128 else (1.0,):
                        cropped = tf.image.central_crop(pixels, fraction)
                        out = tf.image.resize(cropped, size, method=method, antialias=antialias)
                        every = 293 if name == "wide.png" else 1
                        values = numbers(out)[::every]
                        case = {"file": name, "filter": method, "antialias": antialias, "size": size}
                        cases.append({**case, "crop": fraction, "every": every, "values": values})
    return cases


def preset_cases(folder):
    from keras.applications import densenet, resnet, resnet_v2

    pixels = tf.cast(tf.io.decode_png((folder / "tiny.png").read_bytes(), channels=3), tf.float32)
    made = {
        "caffe": resnet.preprocess_input(pixels.numpy().copy()),
        "tf": resnet_v2.preprocess_input(pixels.numpy().copy()),
        "torch": densenet.preprocess_input(pixels.numpy().copy()),
        "unit": tf.image.convert_image_dtype(tf.cast(pixels, tf.uint8), tf.float32).numpy(),
        "identity": pixels.numpy(),
    }
    return {name: np.round(values.astype(np.float64).ravel(), 6).tolist() for name, values in made.items()}


def fitted(folder):
    """Give cases of resize_with_pad and crop_and_resize."""
    cases = []
    sizes = {"noise.png": [(16, 16), (5, 30), (30, 5), (23, 17)], "tiny.png": [(16, 16), (3, 7)], "row.png": [(9, 9)]}
    for name, targets in sizes.items():
        pixels = tf.io.decode_png((folder / name).read_bytes(), channels=3)
        for method in sorted(FILTERS):
            for antialias in (False, True):
                for size in targets:
                    out = tf.image.resize_with_pad(pixels, *size, method=method, antialias=antialias)
                    case = {"file": name, "fit": "pad", "filter": method, "antialias": antialias, "size": size}
                    cases.append({**case, "values": numbers(out)})
    boxes = [(0, 0, 1, 1), (0.1, 0.2, 0.7, 0.9), (0.8, 0.9, 0.3, 0.1), (-0.2, 0.5, 0.5, 1.4), (0.3, 0.3, 0.3, 0.3)]
    for name in ("noise.png", "tiny.png", "column.png"):
        pixels = tf.cast(tf.io.decode_png((folder / name).read_bytes(), channels=3), tf.float32)
        for method in ("bilinear", "nearest"):
            for box in boxes:
                for size in [(7, 9), (1, 1), (30, 4)]:
                    out = tf.image.crop_and_resize(pixels[None], [box], [0], size, method=method)
                    case = {"file": name, "fit": box, "filter": method, "antialias": False, "size": size}
                    cases.append({**case, "values": numbers(out)})
    return cases


def grey(folder):
    """Give grey levels, grey floats, and grey images that are resized."""
    cases = []
    for name in ("noise.png", "rgb.bmp", "grey.png"):
        pixels = tf.io.decode_image((folder / name).read_bytes(), channels=3)
        levels = tf.image.rgb_to_grayscale(pixels)
        cases.append({"file": name, "size": None, "values": levels.numpy().ravel().tolist()})
        floats = tf.image.rgb_to_grayscale(tf.cast(pixels, tf.float32))
        cases.append({"file": name, "size": None, "floats": True, "values": numbers(floats)})
        for size in [(28, 28), (9, 5)]:
            resized = tf.image.resize(levels, size, antialias=True)
            cases.append({"file": name, "size": size, "values": numbers(resized)})
    return cases


def models(folder):
    """Give the usual height and width of each model of keras.applications, and its numbers for one image."""
    from keras import applications

    pixels = tf.cast(tf.io.decode_png((folder / "tiny.png").read_bytes(), channels=3), tf.float32).numpy()
    modules = [getattr(applications, name) for name in dir(applications) if name.islower() and name[0] != "_"]
    modules = [module for module in modules if hasattr(module, "preprocess_input")]
    made = []
    for name in sorted(name for name in dir(applications) if name[0].isupper()):
        # The module of MobileNetV3 has no models of its own, and those take any size.
        holders = [module for module in modules if hasattr(module, name)] or [applications.mobilenet_v3]
        _, height, width, _ = getattr(applications, name)(weights=None).input_shape
        values = np.asarray(holders[0].preprocess_input(pixels.copy()), np.float64).ravel()
        size = [height, width] if height else None
        made.append({"name": name, "size": size, "values": np.round(values, 6).tolist()})
    return made


def crops(_folder):
    made = []
    for height, width in [(23, 17), (7, 5), (600, 512), (333, 500), (8, 8), (1, 1)]:
        for fraction in (0.875, 0.5, 1.0, 0.333):
            probe = np.arange(height * width).reshape(height, width, 1)
            kept = tf.image.central_crop(probe, fraction).numpy()
            first = int(kept.flat[0])
            made.append([height, width, fraction, first // width, first % width, kept.shape[0], kept.shape[1]])
    return made


def main():
    folder = Path(sys.argv[1])
    if "--tables" not in sys.argv:
        (folder / "expected").mkdir(parents=True, exist_ok=True)
        make_images(folder)
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.suffix in {".png", ".jpg", ".webp", ".bmp", ".gif", ".tif"}:
                Image.fromarray(decoded(path)).save(folder / "expected" / f"{path.name}.png", optimize=True)
    tables = {"resize": resized, "sampled": sampled, "fit": fitted, "grey": grey}
    tables |= {"presets": preset_cases, "models": models, "crops": crops}
    for name, make in tables.items():
        table = make(folder)
        rows = table if isinstance(table, list) else [table]
        text = "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n"
        (folder / f"{name}.json").write_text(text)
    print(f"made with TensorFlow {tf.__version__}")


main()
