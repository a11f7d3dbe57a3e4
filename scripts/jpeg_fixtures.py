"""Makes the JPEG files and expected levels under crates/canary-jpeg/tests/data.

Run once, in a virtual environment of its own with `pip install tensorflow-cpu pillow numpy`, and with libjpeg-turbo's
programs `cjpeg` and `jpegtran`:

    python scripts/jpeg_fixtures.py crates/canary-jpeg/tests/data

Every image is made here from formulas. The levels beside each file, as PPM, are what tf.io.decode_image(channels=3)
gives. Kinds that no program writes (any sampling of inks, names of components, tables left out) come from the small
encoder below; it writes random coefficients, for a decoder has no opinion about the picture.
"""

import math
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

# ITU-T T.81, tables K.3 and K.5.
DC_COUNTS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
DC_SYMBOLS = bytes(range(12))
AC_COUNTS = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D]
AC_SYMBOLS = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637"
    "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3"
    "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)


def codes(counts, symbols):
    table, code, at = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            table[symbols[at]] = (code, length)
            code, at = code + 1, at + 1
        code <<= 1
    return table


DC, AC = codes(DC_COUNTS, DC_SYMBOLS), codes(AC_COUNTS, AC_SYMBOLS)


class Bits:
    def __init__(self):
        self.text = []

    def put(self, value, length):
        if length:
            self.text.append(format(value & ((1 << length) - 1), f"0{length}b"))

    def signed(self, value):
        length = abs(value).bit_length()
        self.put(value if value >= 0 else value - 1, length)

    def block(self, coefficients, before):
        first, *rest = (int(value) for value in coefficients)
        self.put(*DC[abs(first - before).bit_length()])
        self.signed(first - before)
        run = 0
        for value in rest:
            if value == 0:
                run += 1
                continue
            for _ in range(run // 16):
                self.put(*AC[0xF0])
            self.put(*AC[(run % 16) << 4 | abs(value).bit_length()])
            self.signed(value)
            run = 0
        if run:
            self.put(*AC[0])
        return first

    def take(self):
        text = "".join(self.text)
        text += "1" * (-len(text) % 8)
        self.text = []
        return int(text or "0", 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


def encoded(size, factors, *, names=None, head=b"", restart=0, order=None, sof=0xC0, tables=True, seed=1):  # noqa: C901 - one file is written from its first marker to its last
    """A sequential JPEG of random coefficients; with an `order`, a scan for each component."""
    rng = np.random.default_rng(seed)
    (height, width), count = size, len(factors)
    names = names or list(range(1, count + 1))
    most_across, most_down = max(h for h, _ in factors), max(v for _, v in factors)
    mcus = -(-width // (8 * most_across)), -(-height // (8 * most_down))
    quantisers = rng.integers(1, 40, (2, 64)).astype(np.uint8)
    out = b"\xff\xd8" + head + segment(0xDB, b"\0" + quantisers[0].tobytes() + b"\1" + quantisers[1].tobytes())
    parts = [
        bytes([name, h << 4 | v, min(at, 1)]) for at, (name, (h, v)) in enumerate(zip(names, factors, strict=True))
    ]
    out += segment(sof, struct.pack(">BHHB", 8, height, width, count) + b"".join(parts))
    if tables:
        out += segment(0xC4, b"\0" + bytes(DC_COUNTS) + DC_SYMBOLS) + segment(
            0xC4, b"\x10" + bytes(AC_COUNTS) + AC_SYMBOLS
        )
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    blocks = []
    for at, (h, v) in enumerate(factors):
        steps = quantisers[min(at, 1)].astype(int)
        shape = (mcus[1] * v, mcus[0] * h, 64)
        values = rng.normal(0, 300 / (1 + np.arange(64)), shape) / steps
        values = np.where(rng.random(shape) < 1 / (1 + np.arange(64) / 3), values, 0)
        blocks.append(np.clip(values, -1000 // steps, 1000 // steps).astype(int))
    for scan in [[at] for at in order] if order else [list(range(count))]:
        alone = len(scan) == 1
        across, down = mcus
        if alone:
            h, v = factors[scan[0]]
            across = math.ceil(math.ceil(width * h / most_across) / 8)
            down = math.ceil(math.ceil(height * v / most_down) / 8)
        bits, data, before = Bits(), b"", [0] * count
        for mcu in range(across * down):
            if restart and mcu and mcu % restart == 0:
                data += bits.take() + bytes([0xFF, 0xD0 + (mcu // restart - 1) % 8])
                before = [0] * count
            row, column = divmod(mcu, across)
            for at in scan:
                h, v = (1, 1) if alone else factors[at]
                for y in range(row * v, row * v + v):
                    for x in range(column * h, column * h + h):
                        before[at] = bits.block(blocks[at][y, x], before[at])
        parts = b"".join(bytes([names[at], 0]) for at in scan)
        out += segment(0xDA, bytes([len(scan)]) + parts + b"\0\x3f\0") + data + bits.take()
    return out + b"\xff\xd9"


def picture(height, width):
    """Slow colour, an edge and fine texture."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    levels = [128 + 100 * np.sin(x / 5 + colour) * np.cos(y / 7) + 30 * ((x * y) % 3 - 1) for colour in range(3)]
    levels = np.where((x > width / 2)[..., None], 255 - np.stack(levels, -1), np.stack(levels, -1))
    return np.clip(levels, 0, 255).astype(np.uint8)


def program(arguments, data):
    return subprocess.run(arguments, input=data, capture_output=True, check=True).stdout


def cjpeg(size, *arguments):
    pixels = picture(*size)
    return program(["cjpeg", *arguments], b"P6 %d %d 255\n" % pixels.shape[1::-1] + pixels.tobytes())


def progressive(data):
    return program(["jpegtran", "-copy", "all", "-progressive"], data)


SAMPLINGS = {
    "444": "1x1,1x1,1x1",
    "422": "2x1,1x1,1x1",
    "420": "2x2,1x1,1x1",
    "440": "1x2,1x1,1x1",
    "411": "4x1,1x1,1x1",
    "441": "1x4,1x1,1x1",
    "410": "4x2,1x1,1x1",
    "third": "3x1,1x1,1x1",
    "mixed": "2x2,2x1,1x1",
    "mixed_rows": "2x2,1x2,1x1",
    "small_luma": "1x1,2x2,1x1",
    "crossed": "2x1,1x2,1x1",
}


def files(folder):
    for name, sampling in SAMPLINGS.items():
        common = ((19, 35), "-quality", "80", "-sample", sampling)
        yield f"baseline_{name}", cjpeg(*common)
        yield f"progressive_{name}", cjpeg(*common, "-progressive")
    for height, width in [(1, 1), (1, 2), (2, 1), (2, 3), (3, 5), (5, 4), (1, 9), (9, 1), (7, 9)]:
        for name in ("420", "440"):
            common = ((height, width), "-quality", "90", "-sample", SAMPLINGS[name], "-optimize")
            yield f"size_{height}x{width}_{name}", cjpeg(*common)
        yield f"size_{height}x{width}_progressive", cjpeg(*common, "-progressive")
    for quality in ("1", "100"):
        yield f"quality_{quality}", cjpeg((17, 18), "-quality", quality)
        yield f"quality_{quality}_progressive", cjpeg((17, 18), "-quality", quality, "-progressive")
    yield "restarts", cjpeg((33, 40), "-restart", "2B")
    yield "restarts_progressive", cjpeg((33, 40), "-restart", "3B", "-progressive")
    yield "grey", cjpeg((19, 21), "-grayscale")
    yield "grey_progressive", cjpeg((19, 21), "-grayscale", "-progressive")
    yield "rgb", cjpeg((19, 21), "-rgb")
    yield "rgb_progressive", cjpeg((19, 21), "-rgb", "-progressive")
    script = folder / "scans.txt"
    script.write_text("0,1,2: 0-0, 0, 1;\n0: 1-9, 0, 0;\n1: 1-63, 0, 0;\n2: 1-63, 0, 0;\n0,1,2: 0-0, 1, 0;\n")
    yield "without_high_frequencies", cjpeg((19, 21), "-scans", str(script))
    script.unlink()

    thirds = [(1, 1)] * 3
    yield "scan_each", encoded((19, 35), [(2, 2), (1, 1), (1, 1)], order=[2, 0, 1], restart=2)
    yield "grey_with_factors", encoded((19, 21), [(2, 2)], restart=3)
    yield "names_rgb", encoded((9, 13), thirds, names=list(b"RGB"))
    yield "names_other", encoded((9, 13), thirds, names=[0, 7, 3])
    yield "adobe_rgb", encoded((9, 13), [(2, 1), (1, 1), (1, 1)], head=adobe(0))
    yield "adobe_ycc", encoded((9, 13), thirds, names=list(b"RGB"), head=adobe(1))
    yield "jfif_before_adobe", encoded((9, 13), thirds, head=JFIF + adobe(0))
    yield "extended", encoded((9, 13), thirds, sof=0xC1)
    yield "typical_tables", encoded((9, 13), thirds, tables=False)
    inks = {"full": [(1, 1)] * 4, "small": [(2, 2), (1, 1), (1, 1), (2, 2)], "mixed": [(2, 1), (1, 2), (1, 1), (2, 2)]}
    for name, factors in inks.items():
        for kind, head in {"cmyk": adobe(0), "cmyk_plain": b"", "ycck": adobe(2)}.items():
            data = encoded((11, 19), factors, head=head)
            yield f"{kind}_{name}", data
            yield f"{kind}_{name}_progressive", progressive(data)
    plain = encoded((9, 13), thirds)
    yield "fill_bytes", plain.replace(b"\xff\xda", b"\xff\xff\xff\xda").replace(b"\xff\xd9", b"\1\2\xff\xff\xd9")
    yield "trailing_bytes", plain + b"and more"


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files(folder):
        (folder / f"{name}.jpg").write_bytes(data)
        levels = tf.io.decode_image(data, channels=3, expand_animations=False).numpy()
        (folder / f"{name}.ppm").write_bytes(b"P6 %d %d 255\n" % levels.shape[1::-1] + levels.tobytes())
    print(f"made with TensorFlow {tf.__version__}")


main()
