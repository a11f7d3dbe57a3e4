import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

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
    with pytest.raises(ValueError, match=r'preset: found "resnet", .*"ResNet50".*"unit"'):
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
        canary.Preprocess((2, 2))(np.zeros((4, 4, 2)))


def oriented(form, mode="RGB"):
    """A file of 30 by 20 pixels whose camera was turned."""
    tag = Image.Exif()
    tag[0x0112] = 6
    out = io.BytesIO()
    Image.linear_gradient("L").resize((30, 20)).convert(mode).save(out, form, exif=tag)
    return out.getvalue()


@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "P"), ("WEBP", "RGB")])
def test_the_orientation_of_a_pil_image_is_that_of_its_file(form, mode):
    file = oriented(form, mode)
    for image in (file, Image.open(io.BytesIO(file)), Image.open(io.BytesIO(file)).convert("RGB")):
        assert canary.decode_image(image, exif=True).shape == (30, 20, 3)
        assert canary.decode_image(image).shape == (20, 30, 3)
        preprocess = canary.Preprocess(preset="identity", exif=True)
        np.testing.assert_array_equal(preprocess(image), canary.decode_image(image, exif=True))
    upright = canary.decode_image(Image.open(io.BytesIO(file)), exif=True)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")
    np.testing.assert_array_equal(upright, np.asarray(turned))


def test_pil_turns_a_tiff_file_and_it_is_not_turned_again():
    file = oriented("TIFF")
    assert canary.decode_image(file, exif=True).shape == (30, 20, 3)
    for exif in (False, True):
        assert canary.decode_image(Image.open(io.BytesIO(file)), exif=exif).shape == (30, 20, 3)


def test_a_pil_image_is_sent_without_the_place_of_the_photo():
    tag = Image.Exif()
    tag[0x0112], tag[0x010F] = 6, "the maker of the camera"
    image = Image.new("RGB", (3, 2))
    image.info["exif"] = tag.tobytes()
    body = canary.encode_predict_grpc({"x": image}, model="m")
    assert b"the maker" not in body
    # A damaged block states no orientation, as in a file.
    damaged = Image.new("RGB", (3, 2))
    damaged.info["exif"] = b"Exif\0\0damaged"
    assert canary.decode_image(damaged, exif=True).shape == (2, 3, 3)


def test_the_text_is_the_whole_recipe():
    for preprocess in (
        canary.Preprocess(),
        canary.Preprocess(preset="Xception", crop="square", fit="pad", dtype="float16", exif=True, max_pixels=10**6),
        canary.Preprocess(preset="torchvision/vgg16/imagenet1k_features"),
        canary.Preprocess((9, 7), mean_std=(33.25, 78.5), channels=1, filter="gaussian", crop=0.5),
        canary.Preprocess((9, 7), crop_box=(0, 0.25, 1, 0.75), filter="nearest", layout="nchw"),
    ):
        text = repr(preprocess)
        again = eval(text, {"Preprocess": canary.Preprocess})  # noqa: S307 - a text of this package
        assert (again, hash(again), repr(again)) == (preprocess, hash(preprocess), text)
        assert pickle.loads(pickle.dumps(preprocess)) == preprocess
        for setting in ("channels=", "filter=", "antialias=", "library=", "layout=", "dtype=", "exif=", "max_pixels="):
            assert setting in text


def test_a_preset_is_a_model():
    assert len(canary.preprocess_models()) == 155
    for name in canary.preprocess_models():
        assert canary.Preprocess(preset=name).batch([np.zeros((3, 4, 3), np.uint8)]).ndim == 4
    keras = canary.Preprocess(preset="resnet50")
    assert keras == canary.Preprocess((224, 224), preset="caffe")
    assert keras.replace(size=(2, 3), filter="area") == canary.Preprocess((2, 3), preset="caffe", filter="area")
    with pytest.raises(ValueError, match="imagenet1k_v1"):
        canary.Preprocess(preset="torchvision/resnet50")


def test_a_recipe_of_torchvision_is_pillow_s_resize_and_crop():
    levels = np.random.default_rng(1).integers(0, 256, (300, 437, 3), np.uint8)
    resized = Image.fromarray(levels).resize((int(232 * 437 / 300), 232), Image.Resampling.BILINEAR)
    top, left = round((232 - 224) / 2), round((resized.width - 224) / 2)
    cut = np.asarray(resized, np.float64)[top : top + 224, left : left + 224] / 255
    expected = ((cut - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1)
    found = canary.Preprocess(preset="torchvision/resnet50/imagenet1k_v2")(Image.fromarray(levels))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_way_of_fitting_is_given():
    with pytest.raises(ValueError, match="give one of them"):
        canary.Preprocess((2, 2), fit="pad", shorter_side=3)
    with pytest.raises(ValueError, match='fit is "cover"; choose one of "stretch", "pad"'):
        canary.Preprocess((2, 2), fit="cover")
    with pytest.raises(canary.ImageError, match="needs a size"):
        canary.Preprocess(shorter_side=3)
    with pytest.raises(ValueError, match="channels is 2; choose 3, or 1"):
        canary.Preprocess((2, 2), channels=2)
    with pytest.raises(canary.ImageError, match="filters of Pillow"):
        canary.Preprocess((2, 2), library="pillow", antialias=True, filter="area")


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint32", "uint64"]
)
def test_arrays_of_every_dtype_are_levels(dtype):
    levels = np.random.default_rng(2).integers(0, 128, (5, 6, 3))
    preprocess = canary.Preprocess((3, 3))
    np.testing.assert_allclose(preprocess(levels.astype(dtype)), preprocess(levels.astype(np.uint8)), atol=1e-6)
    np.testing.assert_allclose(preprocess(levels[..., 0].astype(dtype)), preprocess(levels[..., [0, 0, 0]]), atol=1e-6)


def test_arrays_that_are_not_levels_are_refused_with_the_remedy():
    preprocess = canary.Preprocess((3, 3), channels=1)
    np.testing.assert_array_equal(preprocess(np.ones((2, 2), bool)), np.ones((3, 3, 1), np.float32))
    for array, said in (
        (np.full((2, 2), 256), "found 256, expected levels from 0 to 255"),
        (np.full((2, 2), -1), "found -1"),
        (np.full((2, 2), 7, np.uint16), "keep the upper byte"),
        (np.full((2, 2), 0.5), "multiply the image by 255"),
        (np.full((2, 2), np.nan), "found NaN"),
        (np.zeros((2, 2, 4)), "leave out the opacity"),
        (np.zeros((3, 2, 2)), "last dimension"),
        (np.zeros((1, 2, 2, 3)), "`batch` for several"),
        (np.zeros((2, 2), complex), "complex128"),
        (np.full((2, 2), "x"), "found texts"),
    ):
        with pytest.raises((canary.ImageError, TypeError), match=said):
            preprocess(array)
