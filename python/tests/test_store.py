import pytest

import canary


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "resnet" / "1"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12\x03abc")
    (folder / "variables" / "variables.index").write_bytes(bytes.fromhex("57fb808b247547db"))
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"x" * 1000)
    return folder


def test_a_model_is_copied_and_reported(model, tmp_path):
    reports = []
    copied = canary.copy_model(model, str(tmp_path / "served" / "2"), progress=lambda *now: reports.append(now))
    assert copied["version"] == 2
    assert [one["path"] for one in copied["files"]] == [
        "saved_model.pb", "variables/variables.data-00000-of-00001", "variables/variables.index",
    ]  # fmt: skip
    assert reports[-1] == ("saved_model.pb", copied["bytes"], copied["bytes"])
    assert (tmp_path / "served" / "2" / "saved_model.pb").read_bytes() == b"\x08\x01\x12\x03abc"
    assert canary.copy_model(model, tmp_path / "served" / "2")["already_there"]


def test_what_the_callback_raises_ends_the_copy(model, tmp_path):
    def broken(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        canary.copy_model(model, tmp_path / "served" / "2", progress=broken)
    assert not (tmp_path / "served" / "2").exists()
    assert canary.copy_model(model, tmp_path / "served" / "2")["version"] == 2


def test_what_is_no_model_is_refused(model, tmp_path):
    (model / "saved_model.pb").write_bytes(b"<html>")
    with pytest.raises(canary.StoreError, match="not a SavedModel"):
        canary.copy_model(model, tmp_path / "served" / "2")
    with pytest.raises(canary.NotFoundError, match="nowhere"):
        canary.copy_model(tmp_path / "nowhere", tmp_path / "served" / "2")
    (model / "saved_model.pb").write_bytes(b"\x08\x01\x12\x03abc")
    with pytest.raises(canary.StoreError, match="version's number"):
        canary.copy_model(model, tmp_path / "served" / "latest")
