"""Pixels that people have in hand: PIL images are taken, all else gets a remedy that works."""

from __future__ import annotations

import doctest
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import pytest
from PIL import Image, ImageDraw

from shelfvision._photos import given
from shelfvision._photos.given import from_pillow
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.data import DecodeLimits
from shelfvision.data.reading import Reader
from shelfvision.errors import InvalidParameterError, PhotoError
from support import refuses

READER = Reader(preprocessing=Preprocessing(image_size=(24, 20)), on_error="raise")
Pixels = npt.NDArray[np.uint8]


def picture() -> Image.Image:
    """Return a smooth picture with an upper left corner that is easy to find."""
    image = Image.radial_gradient("L").resize((40, 48)).convert("RGB")
    ImageDraw.Draw(image).rectangle((0, 0, 14, 9), fill=(220, 40, 10))
    return image


def read(photos: Any) -> Pixels:
    return np.concatenate([batch.images for batch in READER.batches(photos, 8)])


RGB = np.asarray(picture())


def saved(image: Image.Image, form: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_a_pil_image_is_read_as_the_file_that_it_comes_from(mode: str) -> None:
    image = picture()
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 200)
    else:
        image = image.convert(mode)
    form, settings = ("JPEG", {"quality": 95}) if mode == "CMYK" else ("PNG", {})
    data = saved(image, form, **settings)
    np.testing.assert_array_equal(read(Image.open(io.BytesIO(data))), read(data))
    if form == "PNG":
        np.testing.assert_array_equal(read(image), read(data))


def test_a_palette_with_a_transparent_color_is_laid_over_white() -> None:
    image = picture().convert("P")
    image.info["transparency"] = image.getpixel((0, 0))
    np.testing.assert_array_equal(read(image), read(saved(image, "PNG")))
    assert read(image).mean() > read(picture().convert("P")).mean()


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "LAB", "RGBX", "La", "RGBa", "PA", "F", "I"])
def test_modes_that_no_photo_file_has_are_read_as_pillow_converts_them(mode: str) -> None:
    step = {"La": "LA", "RGBa": "RGBA", "PA": "P", "F": "L", "I": "L", "LAB": "RGB"}.get(mode)
    image = picture() if step is None else picture().convert(step)
    if mode == "LAB":
        from PIL import ImageCms

        forth = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        image = ImageCms.applyTransform(image, forth) or image
        assert read(image).shape == (1, 24, 20, 3)
        return
    found = read(image.convert(mode)).astype(int)
    assert np.abs(found - read(image.convert("RGB"))).mean() < 3


def test_a_float_image_from_0_to_1_is_told_to_be_scaled() -> None:
    image = Image.fromarray((RGB[..., 0] / 255).astype(np.float32))
    with refuses(InvalidParameterError, "not-in-range", "photos") as caught:
        read(image)
    told = str(caught.value).rpartition("; pass ")[2]
    scaled = eval(told, {"image": image})
    np.testing.assert_allclose(read(scaled), read(Image.fromarray(RGB[..., 0])), atol=1)
    with refuses(InvalidParameterError, "not-in-range", "photos"):
        read(Image.fromarray(np.full((4, 4), -7.5, np.float32)))
    with refuses(InvalidParameterError, "not-in-range", "photos"):
        read(Image.fromarray(np.full((4, 4), np.nan, np.float32)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_pil_image_is_turned_upright_by_its_exif_orientation(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(picture(), form, exif=exif, **({} if form == "PNG" else {"quality": 100}))
    with Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_allclose(read(opened), read(data), atol=2)
        before = opened.size
        assert (read([opened, opened])[0] == read(opened)[0]).all()
        assert opened.size == before
        copied = opened.copy()
    np.testing.assert_allclose(read(copied), read(data), atol=2)


def test_an_image_that_was_turned_already_is_not_turned_twice() -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = 6
    opened = Image.open(io.BytesIO(saved(picture(), "PNG", exif=exif)))
    upright = ImageOps.exif_transpose(opened)
    np.testing.assert_array_equal(read(upright), read(opened))


def test_lists_of_pil_images_and_arrays_mix() -> None:
    found = read([picture(), RGB, saved(picture(), "PNG")])
    assert (found == found[0]).all()


def test_a_pil_image_whose_file_is_closed_or_damaged_is_one_photo_that_cannot_be_read() -> None:
    with Image.open(io.BytesIO(saved(picture(), "PNG"))) as closed:
        pass
    torn = Image.open(io.BytesIO(saved(picture(), "PNG")[:700]))
    for bad in (closed, torn):
        with refuses(PhotoError, "broken"):
            read(bad)
        skipping = Reader(preprocessing=Preprocessing(image_size=(24, 20)), on_error="skip")
        (batch,) = skipping.batches([picture(), bad], 8)
        assert [error is None for error in batch.errors] == [True, False]


def test_a_file_too_large_to_decode_is_refused_before_it_is_decoded() -> None:
    opened = Image.open(io.BytesIO(saved(picture(), "PNG")))
    with refuses(PhotoError, "too-many-pixels"):
        from_pillow(opened, "photo 0", DecodeLimits(max_pixels=100))
    assert opened.fp is not None


GREY = RGB[..., 0]
RGBA = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
BATCH = np.stack([RGB, RGB])


class Tensor:
    """Looks like a tensor of another library."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.array, self.shape = array, array.shape

    def __array__(self, *_: object, **__: object) -> npt.NDArray[Any]:
        return self.array

    def __iter__(self) -> Iterator[Tensor]:
        return map(Tensor, self.array)


CASES: dict[str, Any] = {
    "grey": GREY,
    "grey with an axis": GREY[..., None],
    "grey and alpha": np.dstack([GREY, RGBA[..., 3]]),
    "rgba": RGBA,
    "channels first": RGB.transpose(2, 0, 1),
    "rgba, channels first": RGBA.transpose(2, 0, 1),
    "grey, channels first": GREY[None],
    "0 to 1": RGB / 255,
    "0 to 1, float32": (RGB / 255).astype(np.float32),
    "float16": RGB.astype(np.float16),
    "0.0 to 255.0": RGB.astype(np.float64),
    "-1 to 1": RGB / 127.5 - 1,
    "0 to 1, channels first": (RGB / 255).transpose(2, 0, 1),
    "rgba, 0 to 1": RGBA / 255,
    "grey, 0 to 1": GREY / 255,
    "int64": RGB.astype(np.int64),
    "16 bits": RGB.astype(np.uint16) * 257,
    "16 bits, grey": GREY.astype(np.uint16) * 257,
    "encoded bytes": np.frombuffer(saved(picture(), "PNG"), np.uint8),
    "batch, channels first": BATCH.transpose(0, 3, 1, 2),
    "batch, rgba": np.stack([RGBA, RGBA]),
    "batch, grey": np.stack([GREY] * 7),
    "batch, grey with an axis": np.stack([GREY, GREY])[..., None],
    "batch, 0 to 1": BATCH / 255,
    "batch of batches": np.stack([BATCH, BATCH]),
    "tensor": Tensor(RGB),
    "tensor, channels first, 0 to 1": Tensor((RGB / 255).transpose(2, 0, 1)),
    "tensor batch": Tensor(BATCH),
    "tensor batch, channels first": Tensor(BATCH.transpose(0, 3, 1, 2)),
    "list of batches": [BATCH, BATCH],
    "list of tensors": [Tensor(RGB)],
    "list of channels first": [RGB.transpose(2, 0, 1)],
    "list of lists of numbers": RGB.tolist(),
    "images with labels": [(RGB, 1), (RGB, 0)],
    "rows of a mapping": [{"image": RGB, "label": 1}],
}
GREYS = ("grey", "16 bits, grey", "batch, grey")


@pytest.mark.remedy("wrong-shape", "wrong-dtype", "wrong-type")
@pytest.mark.parametrize("kind", CASES)
def test_the_remedy_for_what_people_have_in_hand_works(kind: str) -> None:
    photos = CASES[kind]
    with pytest.raises(InvalidParameterError) as caught:
        read(photos)
    assert (caught.value.parameter, caught.value.code[:6]) == ("photos", "wrong-")
    told = str(caught.value).rpartition("; pass ")[2].removesuffix(", or a flat list of photos")
    names = {"numpy": np, "PIL": PIL, "photos": photos, "image": photos}
    if isinstance(photos, list) and "for " not in told and "photos" not in told:
        made = [eval(told, names | {"image": image}) for image in photos]
    else:
        made = eval(told, names)
    wanted = np.asarray(Image.fromarray(GREY).convert("RGB")) if kind.startswith(GREYS) else RGB
    for image in read(made):
        np.testing.assert_allclose(image, read(wanted)[0], atol=1)


@pytest.mark.parametrize(
    "photos",
    [
        RGB * np.nan,
        RGB / 100 - 1.2,
        RGB.astype(np.int64) - 500,
        RGB.astype(np.complex64),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 8, 7), np.uint8),
        np.zeros((2, 2, 2, 2, 2, 2), np.uint8),
        np.zeros((), np.uint8),
        np.array(["1", "2"], dtype="S1"),
        [3],
        [None],
    ],
)
def test_what_has_no_remedy_in_an_expression_is_refused_in_a_sentence(photos: Any) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        read(photos)
    assert caught.value.parameter == "photos"
    assert "; pass " in str(caught.value)


def test_a_table_is_told_to_pass_its_column() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"file": ["a.jpg"], "label": ["x"]})
    with refuses(InvalidParameterError, "wrong-type", "photos") as caught:
        read(frame)
    assert str(caught.value).endswith("photos['file']")


def test_the_examples_are_right() -> None:
    assert doctest.testmod(given) == (0, 3)
