"""What errors of photos say to do works."""

from __future__ import annotations

import io
import os
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._photos.decode import decode_photo, read_photo
from shelfvision._photos.headers import read_header
from shelfvision.errors import PhotoError
from support import refuses


def encoded(kind: str, mode: str = "RGB", side: int = 64, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (side, side), 9).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.remedy(
    "too-large", "too-many-pixels", "too-much-memory", "too-many-chunks", "too-many-scans"
)
@pytest.mark.parametrize(
    ("limit", "low", "high", "code"),
    [
        ("max_bytes", 100, 10**6, "too-large"),
        ("max_side", 63, 64, "too-many-pixels"),
        ("max_pixels", 64 * 64 - 1, 64 * 64, "too-many-pixels"),
        ("max_memory", 2**20, 2**30, "too-much-memory"),
        ("max_chunks", 1, 100, "too-many-chunks"),
        ("max_scans", 1, 32, "too-many-scans"),
    ],
)
def test_a_higher_limit_lets_the_photo_pass(limit: str, low: int, high: int, code: str) -> None:
    data = encoded("JPEG", progressive=limit == "max_scans")
    with refuses(PhotoError, code) as caught:
        decode_photo(data, image_size=(8, 8), limits=shv.DecodeLimits(**{limit: low}))
    assert limit in str(caught.value)
    limits = shv.DecodeLimits(**{limit: high})
    assert decode_photo(data, image_size=(8, 8), limits=limits).shape == (8, 8, 3)


@pytest.mark.remedy("not-an-image")
@pytest.mark.parametrize(
    ("kind", "name"),
    [("BMP", "a.bmp"), ("GIF", "b c.gif"), ("TIFF", "it's.tif"), ("BMP", "really-a-bmp.jpg")],
)
def test_the_command_in_the_error_makes_a_photo(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_bytes(encoded(kind))
    with refuses(PhotoError, "not-an-image") as caught:
        read_photo(tmp_path / name, image_size=(8, 8))
    command = str(caught.value).partition("for example with: ")[2]
    command = shlex.quote(sys.executable) + command.removeprefix("python")
    subprocess.run(["sh", "-c", command], check=True)
    photo = tmp_path / f"{os.path.splitext(name)[0]}.png"
    assert read_photo(photo, image_size=(8, 8)).shape == (8, 8, 3)


def test_profiles_and_texts_of_a_webp_never_reach_the_decoder() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(
        file, "WEBP", lossless=True, exif=exif, icc_profile=b"profile" * 99, xmp=b"<xmp/>"
    )
    header = read_header(file.getvalue(), limits=shv.DecodeLimits(), where="")
    for kind in (b"ICCP", b"EXIF", b"XMP "):
        assert kind in file.getvalue()
        assert kind not in header.data
    assert header.orientation == 6
    assert not header.data[20] & 0x2C  # nor do its flags promise them
    shown = decode_photo(file.getvalue(), image_size=(30, 20))
    np.testing.assert_array_equal(shown, np.rot90(pixels, -1))


def test_a_webp_whose_picture_is_larger_than_its_canvas_is_refused() -> None:
    body = encoded("WEBP", side=512, lossless=True)[12:]
    canvas = b"VP8X" + struct.pack("<L", 10) + bytes(4) + bytes((7, 0, 0)) * 2
    data = b"WEBP" + canvas + body
    with refuses(PhotoError, "broken"):
        read_header(
            b"RIFF" + struct.pack("<L", len(data)) + data, limits=shv.DecodeLimits(), where=""
        )


def test_memory_is_told_before_decoding() -> None:
    small, large = encoded("PNG"), encoded("PNG", side=2000)
    needed = shv.data.memory_to_decode(large)
    assert needed - shv.data.memory_to_decode(small) >= 7 * (2000**2 - 64**2)
    decode_photo(large, image_size=(9, 9), limits=shv.DecodeLimits(max_memory=needed))
    with refuses(PhotoError, "too-much-memory"):
        decode_photo(large, image_size=(9, 9), limits=shv.DecodeLimits(max_memory=needed - 1))
    with refuses(PhotoError, "not-an-image"):
        shv.data.memory_to_decode(b"no photo")


def test_a_large_jpeg_is_charged_at_the_fraction_at_which_it_is_decoded() -> None:
    data = encoded("JPEG", side=3000)
    limits = shv.DecodeLimits(max_memory=16 * 2**20)
    assert decode_photo(data, image_size=(100, 100), limits=limits).shape == (100, 100, 3)
    with refuses(PhotoError, "too-much-memory"):
        decode_photo(data, image_size=(3000, 3000), limits=limits)
