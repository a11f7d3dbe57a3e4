"""Checks of the files of a release, run by scripts/package.sh: FOLDER VERSION [--quick]."""

import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

from third_party_licenses import linked

ROOT = Path(__file__).parents[1]
LIMIT = 15 * 2**20
FACE = {
    path.relative_to(ROOT / "python").as_posix()
    for pattern in ("*.py", "*.pyi", "py.typed")
    for path in (ROOT / "python/canary").glob(pattern)
}
LICENCES = {"LICENSE", "THIRD_PARTY_LICENSES.txt"}
# Of the source distribution: folders that are in it whole, files without which nothing builds, and the files beside.
CRATES = sorted(path.name for path in (ROOT / "crates").iterdir())
SOURCES = (
    *(f"crates/{crate}/src" for crate in CRATES),
    "crates/canary-proto/proto",
    "crates/canary-serving/tests/data/grpc",
    "python/macros/src",
    "python/src",
)
SINGLE = LICENCES | {"Cargo.lock", "Cargo.toml", "PKG-INFO", "README.md", "pyproject.toml"}
SINGLE |= {"python/Cargo.toml", "python/macros/Cargo.toml"}
SINGLE |= {f"crates/{crate}/{name}" for crate in CRATES for name in ("Cargo.toml", "LICENSE", "README.md")}
BESIDE = re.compile(r"python/(LICENSE|README\.md|THIRD_PARTY_LICENSES\.txt|pyproject\.toml)")


def same(found: set[str], wanted: set[str], where: str) -> None:
    if found != wanted:
        sys.exit(f"{where}: missing {sorted(wanted - found)}, not expected {sorted(found - wanted)}")


def sections(content: bytes) -> set[str]:
    """Names of the sections of a 64-bit ELF file, from its section headers; of any other file none."""
    if not content.startswith(b"\x7fELF\x02\x01"):
        return set()
    (table,) = struct.unpack_from("<Q", content, 0x28)
    size, count, index = struct.unpack_from("<3H", content, 0x3A)
    headers = [struct.unpack_from("<II4Q", content, table + number * size) for number in range(count)]
    names = headers[index][4]
    return {content[names + header[0] : content.index(b"\0", names + header[0])].decode() for header in headers}


def check_metadata(text: str, version: str) -> None:
    fields = Parser().parsestr(text)
    assert fields["Name"] == "istio-canary"
    assert fields["Version"] == version, (fields["Version"], version)
    assert fields["Requires-Python"] == ">=3.10"
    assert fields["License-Expression"] == "Apache-2.0"
    same(set(fields.get_all("License-File")), LICENCES, "License-File")
    same(set(fields.get_all("Provides-Extra")), {"lab", "plot", "test"}, "Provides-Extra")
    assert fields.get_payload().startswith("# canary"), "the description is not the README"
    for field in ("Summary", "Description-Content-Type", "Keywords", "Classifier"):
        assert fields[field], f"{field} is missing"


def check_contents(boms: list[dict]) -> None:
    """The list of what the wheel contains, which the build makes (CycloneDX), names every crate that is linked in."""
    host = re.search(r"^host: (.+)$", rust_version(), re.MULTILINE)[1]
    wanted = linked([host])
    found = {(one["name"], one["version"]) for bom in boms for one in bom["components"]}
    assert wanted, "no crate is linked in"
    lost = {(name, version) for name, version in wanted - found if not name.startswith("canary-")}
    assert not lost, f"the list of what the wheel contains lacks {sorted(lost)}"
    print(f"the list of what the wheel contains: {len(found)} components")


def rust_version() -> str:
    return subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S607


def check_wheel(path: Path, version: str) -> None:
    size = path.stat().st_size
    print(f"{path.name}: {size / 2**20:.1f} MiB")
    assert size < LIMIT or "--quick" in sys.argv, f"{path.name} has {size} bytes, {LIMIT} are allowed"
    assert re.fullmatch(rf"istio_canary-{re.escape(version)}-cp310-abi3-\w+\.whl", path.name), path.name
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        info = f"istio_canary-{version}.dist-info/"
        inside = {name.removeprefix(info) for name in names if name.startswith(info)}
        boms = {name for name in inside if name.startswith("sboms/") and name.endswith(".cyclonedx.json")}
        own_files = {"METADATA", "RECORD", "WHEEL", "entry_points.txt"}
        same(inside - boms, own_files | {f"licenses/{name}" for name in LICENCES}, info)
        assert "canary=canary.__main__:main" in wheel.read(info + "entry_points.txt").decode().replace(" ", "")
        check_contents([json.loads(wheel.read(info + name)) for name in boms])
        extension = {name for name in names if re.fullmatch(r"canary/_canary(\.abi3)?\.(so|pyd)", name)}
        assert len(extension) == 1, f"one extension module was expected, found {sorted(extension)}"
        bundled = {name for name in names if name.startswith("istio_canary.libs/")}
        same({name for name in names if not name.startswith(info)} - extension - bundled, FACE, "the wheel")
        for name in LICENCES:
            own = (ROOT / "python" / name).read_bytes()
            assert wheel.read(f"{info}licenses/{name}") == own, f"{name} is not the project's"
        check_metadata(wheel.read(info + "METADATA").decode(), version)
        # Neither folders of this machine nor symbols and lines for a debugger.
        own = {os.fsencode(folder) for folder in (ROOT, Path.home())} - {b"/"}
        for name in extension | {info + bom for bom in boms}:
            content = wheel.read(name)
            for folder in own:
                at = content.find(folder + b"/")
                assert at < 0, f"{name} names this machine: {content[max(at - 40, 0) : at + 80]!r}"
            kept = sections(content) & {".debug_info", ".symtab"}
            assert not kept, f"{name} is not stripped: it has {sorted(kept)}"


def check_sdist(path: Path, version: str) -> None:
    print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")
    top = f"istio_canary-{version}/"
    assert path.name == f"istio_canary-{version}.tar.gz", path.name
    with tarfile.open(path) as archive:
        files = {member.name.removeprefix(top): member for member in archive.getmembers() if member.isfile()}
        sources = [path for folder in SOURCES for path in ROOT.glob(f"{folder}/**/*") if path.is_file()]
        needed = {path.relative_to(ROOT).as_posix() for path in sources} | FACE | SINGLE
        lost = needed - set(files)
        assert not lost, f"the source distribution lacks {sorted(lost)}"
        extra = {name for name in set(files) - needed if not BESIDE.fullmatch(name)}
        assert not extra, f"the source distribution has files that do not belong there: {sorted(extra)}"
        check_metadata(archive.extractfile(files["PKG-INFO"]).read().decode(), version)


def main() -> None:
    folder, version = Path(sys.argv[1]), sys.argv[2]
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    check_wheel(wheel, version)
    check_sdist(sdist, version)


if __name__ == "__main__":
    main()
