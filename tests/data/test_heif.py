"""HEIC photos, those of phones: read where pillow-heif is installed, named where it is not."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._photos.decode import decode_photo
from shelfvision._photos.heic.opening import open_heif
from shelfvision.data import DecodeLimits
from shelfvision.errors import PhotoError
from support import refuses
from support.heic import box

HEIGHT, WIDTH = 40, 64


def quarters() -> Image.Image:
    """Return a photo whose left half is red, and whose right half is green over black."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[:, : WIDTH // 2] = (255, 0, 0)
    pixels[: HEIGHT // 2, WIDTH // 2 :] = (0, 255, 0)
    return Image.fromarray(pixels)


def encoded(photo: Image.Image | None = None, orientation: int = 1) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif to write HEIC")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    heif = pillow_heif.from_pillow(photo or quarters())
    heif.save(file, quality=100, exif=exif.tobytes())
    return file.getvalue()


def made_up(*sizes: tuple[int, int]) -> bytes:
    """Return a file that says it holds images of these sizes, and holds none."""
    images = b"".join(box(b"ispe", struct.pack(">LLL", 0, *size)) for size in sizes)
    inside = box(b"iprp", box(b"ipco", images))
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(4) + inside)


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [
        (1, (HEIGHT, WIDTH), (0, 0, 0)),
        (3, (HEIGHT, WIDTH), (255, 0, 0)),
        (6, (WIDTH, HEIGHT), (0, 255, 0)),
    ],
)
def test_a_phone_photo_comes_out_upright(
    orientation: int, size: tuple[int, int], corner: tuple[int, int, int]
) -> None:
    pixels = decode_photo(encoded(orientation=orientation), image_size=size)
    assert pixels.shape == (*size, 3)
    assert np.abs(pixels[-4, -4].astype(int) - corner).max() <= 3


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA"])
def test_grey_and_transparent_photos_become_rgb(mode: str) -> None:
    grey = Image.fromarray(np.full((HEIGHT, WIDTH), 90, dtype=np.uint8)).convert(mode)
    pixels = decode_photo(encoded(grey), image_size=(8, 8), resize="pad")
    assert np.abs(pixels[4].astype(int) - 90).max() <= 3
    assert (pixels[0] == 255).all()


def test_limits_hold_before_pixels_are_read() -> None:
    data = encoded()
    for limits in (DecodeLimits(max_side=63), DecodeLimits(max_pixels=WIDTH * HEIGHT - 1)):
        with refuses(PhotoError, "too-many-pixels"):
            decode_photo(data, image_size=(8, 8), limits=limits, where="a.heic")


def test_limits_hold_for_what_the_decoder_finds_whatever_the_boxes_say() -> None:
    with refuses(PhotoError, "too-many-pixels"):
        open_heif(encoded(), DecodeLimits(max_side=63), "a.heic")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (made_up((512, 512), (60_000, 60_000)), "too-many-pixels"),
        (made_up((512, 512), (1, 20_001)), "too-many-pixels"),
        (made_up(), "broken"),
        (made_up(*[(1, 1)] * 30_000), "too-many-chunks"),
        (made_up((9, 9))[:-3], "truncated"),
    ],
)
def test_what_a_file_only_says_is_refused_from_its_boxes(data: bytes, code: str) -> None:
    with refuses(PhotoError, code) as caught:
        decode_photo(data, image_size=(8, 8), where="a.heic")
    assert caught.value.path == "a.heic"


@pytest.mark.parametrize("kept", [0.4, 0.8, 0.99])
def test_a_truncated_photo_is_refused(kept: float) -> None:
    data = encoded()
    with refuses(PhotoError, "truncated"):
        decode_photo(data[: int(len(data) * kept)], image_size=(8, 8))


def test_reading_one_does_not_change_what_pillow_opens() -> None:
    data = encoded()
    before = dict(Image.OPEN), list(Image.ID), dict(Image.EXTENSION)
    decode_photo(data, image_size=(8, 8))
    assert before == (Image.OPEN, Image.ID, Image.EXTENSION)


def test_heic_photos_of_a_folder_are_rows(shop: Path) -> None:
    (shop / "Milk/phone.HEIC").write_bytes(encoded())
    (shop / "loose.heif").write_bytes(encoded())
    ds = shv.Dataset.from_directory(shop, on_error="skip")
    assert "Milk/phone.HEIC" in ds.ids
    assert ds.skipped.counts == {"no-class": 1}


def test_without_the_package_heic_photos_are_named_with_the_pip_line(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "Milk/phone.HEIC").write_bytes(encoded())
    (shop / "Milk/not-renamed.jpg").write_bytes(encoded())
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    ds = shv.Dataset.from_directory(shop, on_error="skip")
    assert ds.skipped.counts == {"needs-heif": 2}
    assert all('pip install "shelfvision[heif]"' in file.reason for file in ds.skipped)
