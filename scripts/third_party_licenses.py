"""Write python/THIRD_PARTY_LICENSES.txt: the crates that a wheel contains, and the licences under which they are.

What counts is what is linked in, on any platform of PLATFORMS: neither build scripts nor procedural macros. Where a
crate offers Apache-2.0 among others, that is taken; its text is the project's own LICENSE. The texts of all other
licences, and every NOTICE, are those in the crates' published sources. A crate without a text is an error.

Run it after a change of Cargo.lock; a test compares names and versions.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "python" / "THIRD_PARTY_LICENSES.txt"
PLATFORMS = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
]
# Published without the text of their licence: the crate of the same holder whose text of the same licence stands in.
STAND_INS = {"base64-simd": "outref", "tonic-prost": "tonic", "vsimd": "outref"}
TEXTS = re.compile(r"(licen[cs]e|copying|copyright|unlicense)", re.IGNORECASE)
HEAD = """\
Third-party software in the wheels of canary

The compiled part of this package contains the crates below, on one platform or another, beside the Rust standard
library (MIT OR Apache-2.0), which is used under Apache-2.0. The text of the Apache License 2.0 is the file LICENSE
beside this one.
"""


def cargo(*arguments: str) -> str:
    command = ["cargo", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(platforms: Iterable[str] = PLATFORMS) -> set[tuple[str, str]]:
    """Name and version of each crate in the binary, on one of these platforms or another."""
    targets = [f"--target={platform}" for platform in platforms]
    tree = cargo(
        "tree",
        "--locked",
        "--package=canary-python",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
        *targets,
    )
    found = set()
    for line in tree.splitlines():
        if not line or "(proc-macro)" in line:
            continue
        name, version = line.split()[:2]
        found.add((name, version.removeprefix("v")))
    return found


def is_apache(expression: str) -> bool:
    """Return true when Apache-2.0 alone may be chosen of an SPDX expression."""
    return " AND " not in expression and "Apache-2.0" in re.split(r" OR | ?/ ?", expression)


def texts(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and pattern.match(path.name))
    read = ("\n".join(line.rstrip() for line in path.read_text().splitlines()) for path in files)
    return [text.strip("\n") for text in read]


def main() -> None:
    packages = json.loads(cargo("metadata", "--locked", "--format-version=1"))["packages"]
    wanted = linked()
    folders = {package["name"]: Path(package["manifest_path"]).parent for package in packages}
    apache, missing = [], []
    by_text = defaultdict(list)
    for package in sorted(packages, key=lambda package: (package["name"], package["version"])):
        crate = (package["name"], package["version"])
        if crate not in wanted or package["source"] is None:
            continue
        label, licence = " ".join(crate), package["license"] or "see its text"
        folder = Path(package["manifest_path"]).parent
        notices = texts(folder, re.compile("notice", re.IGNORECASE))
        if is_apache(licence):
            apache.append(f"{label} ({licence})")
        else:
            own = texts(folder, TEXTS) or texts(folders[STAND_INS.get(package["name"], package["name"])], TEXTS)
            if not own:
                missing.append(f"{label} ({licence})")
            notices = own + notices
        for text in notices:
            by_text[text].append(f"{label} ({licence})")
    if missing:
        sys.exit("crates without the text of their licence: " + ", ".join(missing))
    rule = "-" * 100
    parts = [HEAD, "Used under the Apache License 2.0:\n\n" + "\n".join(apache) + "\n"]
    for text, crates in sorted(by_text.items(), key=lambda entry: entry[1]):
        parts.append(f"{rule}\n" + "\n".join(crates) + f"\n\n{text}\n")
    OUTPUT.write_text("\n".join(parts))
    print(f"{OUTPUT.relative_to(ROOT)}: {len(apache)} crates under Apache-2.0, {len(by_text)} other texts")


if __name__ == "__main__":
    main()
