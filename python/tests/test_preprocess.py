import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import canary


@pytest.fixture(scope="session")
def photo():
    import matplotlib.cbook

    return Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def test_every_kind_of_image_gives_the_same_tensor(photo, tmp_path):
    preprocess = canary.Preprocess((224, 224))
    picture = Image.open(photo)
    png = tmp_path / "photo.png"
    Image.fromarray(canary.decode_image(photo)).save(png)
    expected = preprocess(png)
    assert expected.shape == (224, 224, 3)
    assert expected.dtype == np.float32
    for image in (str(png), png.read_bytes(), Image.open(png), canary.decode_image(photo)):
        np.testing.assert_array_equal(preprocess(image), expected)
    assert np.abs(preprocess(picture) - expected).max() < 8 / 255


def test_batch_stacks(photo):
    preprocess = canary.Preprocess((32, 32), preset="caffe", layout="nchw")
    batch = preprocess.batch([photo, photo.read_bytes()])
    assert batch.shape == (2, 3, 32, 32)
    np.testing.assert_array_equal(batch[0], preprocess(photo))


def test_settings_are_checked_and_pickle():
    with pytest.raises(ValueError, match='preset is "resnet"; choose one of "unit"'):
        canary.Preprocess((2, 2), preset="resnet")
    for impossible in (
        {"size": (0, 1)},
        {"crop": 1.5},
        {"mean_std": ([0] * 3, [0] * 3)},
        {"dtype": "uint8"},
    ):
        with pytest.raises(canary.ImageError, match="found"):
            canary.Preprocess(**impossible)
    preprocess = canary.Preprocess((2, 2), mean_std=([127] * 3, [128] * 3), crop=0.875)
    assert pickle.loads(pickle.dumps(preprocess)) == preprocess


def test_what_is_no_image_says_so(tmp_path):
    text = tmp_path / "note.txt"
    text.write_text("hello")
    with pytest.raises(canary.ImageError):
        canary.Preprocess((2, 2))(text)
    with pytest.raises(canary.NotFoundError, match=r"missing\.jpg"):
        canary.Preprocess((2, 2))("missing.jpg")
    with pytest.raises(ValueError, match=r"\[height, width, 3\]"):
        canary.Preprocess((2, 2))(np.zeros((4, 4)))


def test_the_orientation_of_a_pil_image_is_that_of_its_file():
    tag = Image.Exif()
    tag[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(out, "JPEG", exif=tag)
    for image in (out.getvalue(), Image.open(io.BytesIO(out.getvalue()))):
        assert canary.decode_image(image, exif=True).shape == (30, 20, 3)
        assert canary.decode_image(image).shape == (20, 30, 3)
