"""The decoder: the right pixels, upright, in RGB, at the asked size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageFile

from shelfvision._photos.decode import decode_photo, read_photo, resize_image

ORIENTED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}
"""What a viewer does to the stored pixels for each EXIF orientation."""

HEIGHT, WIDTH = 16, 24
GREY = np.repeat(np.linspace(20, 230, WIDTH).astype(np.uint8)[None], HEIGHT, axis=0)
GREY[:8] = 255 - GREY[:8]
COLOUR = np.stack((GREY, GREY[::-1], 255 - GREY), axis=2)
ALPHA = np.repeat(np.linspace(0, 255, HEIGHT).astype(np.uint8)[:, None], WIDTH, axis=1)


def stored(mode: str) -> tuple[Image.Image, npt.NDArray[np.uint8]]:
    """Return an image of a mode, and the RGB pixels that a viewer shows for it."""
    grey3 = np.stack((GREY,) * 3, axis=2)
    if mode == "1":
        bits = GREY > 128
        return Image.fromarray(bits), np.stack((bits * np.uint8(255),) * 3, axis=2)
    if mode == "L":
        return Image.fromarray(GREY), grey3
    if mode == "LA":
        return Image.fromarray(np.stack((GREY, ALPHA), axis=2)), over_white(grey3)
    if mode == "P":
        palette = np.arange(256, dtype=np.uint8)
        colours = np.stack((palette, palette[::-1], palette // 2), axis=1)
        image = Image.fromarray(GREY)
        image.putpalette(colours.tobytes())
        return image, colours[GREY]
    if mode == "RGBA":
        return Image.fromarray(np.dstack((COLOUR, ALPHA))), over_white(COLOUR)
    if mode == "CMYK":
        inks = np.dstack((255 - COLOUR, np.zeros_like(GREY)))
        return Image.fromarray(inks, mode="CMYK"), COLOUR
    if mode == "I;16":
        return Image.fromarray(GREY.astype(np.uint16) * 257), grey3
    return Image.fromarray(COLOUR), COLOUR


def over_white(colour: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    weight = ALPHA[..., None] / 255
    return np.rint(colour * weight + 255 * (1 - weight)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, orientation: int = 1, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "PNG": {},
        "WEBP": {"lossless": True, "exact": True},
    }
    file = io.BytesIO()
    image.save(file, kind, exif=exif, **(lossless[kind] | options))
    return file.getvalue()


MODES = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("L", "RGB", "RGBA"),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes]
)
def test_pixels_are_what_a_viewer_shows(kind: str, mode: str, orientation: int) -> None:
    image, shown = stored(mode)
    expected = ORIENTED[orientation](shown)
    pixels = decode_photo(encoded(image, kind, orientation), image_size=expected.shape[:2])
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    lossy = 3 if kind == "JPEG" else 1
    assert np.abs(pixels.astype(int) - expected).max() <= lossy


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    wide = np.linspace(0, 65535, 256).astype(np.uint16)[None]
    pixels = decode_photo(encoded(Image.fromarray(wide), "PNG"), image_size=(1, 256))
    np.testing.assert_array_equal(pixels[0, :, 0], np.rint(wide[0] / 257))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_of_a_png_shows_white(mode: str) -> None:
    image = Image.new(mode, (2, 1), 0)
    key: object = 0 if mode == "L" else (0, 0, 0)
    pixels = decode_photo(encoded(image, "PNG", transparency=key), image_size=(1, 2))
    assert (pixels == 255).all()


def test_a_palette_with_transparency_is_laid_over_white() -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    pixels = decode_photo(
        encoded(image, "PNG", transparency=bytes([0, 128, 255])), image_size=(1, 3)
    )
    assert pixels[0].tolist() == [[255, 255, 255], [127, 255, 127], [0, 0, 255]]


def test_a_turned_photo_is_stretched_after_it_was_turned() -> None:
    image = np.zeros((40, 80, 3), dtype=np.uint8)
    image[:, :40] = (255, 0, 0)
    data = encoded(Image.fromarray(image), "PNG", 6)
    upright = decode_photo(data, image_size=(20, 10))
    assert (upright[:8] == (255, 0, 0)).all()
    assert (upright[12:] == 0).all()


def test_pad_fits_the_photo_between_white_margins() -> None:
    image = Image.new("RGB", (80, 40), (10, 20, 30))
    pixels = decode_photo(encoded(image, "PNG"), image_size=(20, 20), resize="pad")
    assert (pixels[5:15] == (10, 20, 30)).all()
    assert (pixels[:5] == 255).all()
    assert (pixels[15:] == 255).all()


def test_pad_puts_a_turned_photo_between_margins_at_its_sides() -> None:
    image = Image.new("RGB", (80, 40), (10, 20, 30))
    pixels = decode_photo(encoded(image, "PNG", 8), image_size=(20, 20), resize="pad")
    assert (pixels[:, 5:15] == (10, 20, 30)).all()
    assert (pixels[:, :5] == 255).all()


def test_crop_takes_the_middle() -> None:
    image = np.zeros((40, 120, 3), dtype=np.uint8)
    image[:, 40:80] = 200
    pixels = decode_photo(
        encoded(Image.fromarray(image), "PNG"), image_size=(40, 40), resize="crop"
    )
    assert (pixels == 200).all()


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_large_jpeg_is_read_at_a_fraction_and_looks_the_same(
    resize: str, orientation: int
) -> None:
    rows, columns = np.mgrid[:1201, :1603]
    waves = 128 + 60 * np.sin(rows / 90) + 60 * np.cos(columns / 70)
    large = np.stack((waves, waves[::-1], waves[:, ::-1]), axis=2).astype(np.uint8)
    data = encoded(Image.fromarray(large), "JPEG", orientation)
    upright = np.ascontiguousarray(ORIENTED[orientation](large))
    expected = resize_image(upright, image_size=(64, 48), resize=resize)  # type: ignore[arg-type]  # a parameter
    pixels = decode_photo(data, image_size=(64, 48), resize=resize)  # type: ignore[arg-type]  # a parameter
    assert np.abs(pixels.astype(int) - expected).mean() < 1.5


def test_resizing_is_antialiased() -> None:
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    small = decode_photo(encoded(Image.fromarray(stripes), "PNG"), image_size=(16, 16))
    assert np.abs(small.astype(int) - 128).max() <= 20


@pytest.mark.slow
@given(
    image=hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    size=st.tuples(st.integers(1, 32), st.integers(1, 32)),
    resize=st.sampled_from(["stretch", "pad", "crop"]),
)
def test_any_shape_becomes_the_asked_size(
    image: npt.NDArray[np.uint8], size: tuple[int, int], resize: str
) -> None:
    data = encoded(Image.fromarray(image), "PNG")
    pixels = decode_photo(data, image_size=size, resize=resize)  # type: ignore[arg-type]  # a parameter
    assert pixels.shape == (*size, 3)
    # What is decoded from a file and what comes as an array goes the same way.
    np.testing.assert_array_equal(
        pixels,
        resize_image(image, image_size=size, resize=resize),  # type: ignore[arg-type]  # a parameter
    )


@pytest.mark.parametrize("side", [17, 32, 100, 227])
def test_no_length_of_a_photo_is_too_odd_to_be_cropped(side: int) -> None:
    for length in range(1, 300):
        wide = np.full((1, length, 3), 7, dtype=np.uint8)
        for image, size in ((wide, (1, side)), (wide.transpose(1, 0, 2), (side, 1))):
            assert (resize_image(image, image_size=size, resize="crop") == 7).all()


def test_the_same_bytes_give_the_same_pixels_from_memory_and_disk(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(COLOUR), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    np.testing.assert_array_equal(
        read_photo(tmp_path / "a.jpg", image_size=(9, 7)), decode_photo(data, image_size=(9, 7))
    )


def test_the_format_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "really-a-png.jpg").write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    pixels = read_photo(tmp_path / "really-a-png.jpg", image_size=(HEIGHT, WIDTH))
    np.testing.assert_array_equal(pixels, COLOUR)


def test_pillow_settings_of_the_host_are_neither_used_nor_changed(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, dict(Image.OPEN))
    decode_photo(encoded(Image.fromarray(COLOUR), "JPEG"), image_size=(8, 8))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, Image.OPEN)
    assert not recwarn.list
