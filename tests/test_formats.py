"""The table of image formats: by name, by content, and what is known but not read."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from shelfvision._photos.formats import (
    FORMATS,
    READ_SUFFIXES,
    conversion,
    format_of_content,
    format_of_name,
    suffix_of,
)


def test_every_suffix_belongs_to_one_format_and_is_written_in_lower_case() -> None:
    suffixes = [suffix for known in FORMATS for suffix in known.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in suffixes)


def test_all_names_of_jpeg_are_read() -> None:
    assert {".jpg", ".jpeg", ".jpe", ".jfif", ".jfi"} <= READ_SUFFIXES
    assert not {".bmp", ".tif", ".tiff", ".gif", ".avif"} & READ_SUFFIXES


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("IMG_1.JPE", "JPEG"),
        ("a.b.jfif", "JPEG"),
        ("x/y.WebP", "WebP"),
        ("scan.TIFF", "TIFF"),
        ("jpg", None),
        ("a.jpg.bak", None),
        ("folder.jpg/a", None),
        ("a.", None),
        ("", None),
    ],
)
def test_names_promise_a_format(name: str, found: str | None) -> None:
    known = format_of_name(Path(name) if name else name)
    assert (None if known is None else known.name) == found


KINDS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "BMP": "BMP", "GIF": "GIF", "TIFF": "TIFF"}


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_content_tells_the_format(kind: str) -> None:
    known = format_of_content(encoded(kind)[:64])
    assert known is not None
    assert known.name == KINDS[kind]
    if known.is_read:
        assert known.opener is not None
        assert known.opener(io.BytesIO(encoded(kind))).format == kind


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
def test_avif_is_told_from_heic() -> None:
    known = format_of_content(encoded("AVIF"))
    assert known is not None
    assert known.name == "AVIF"


@pytest.mark.parametrize("data", [b"", b"B", b"RIFF1234WAVE", b"\0\0\0\x18ftypmp42", b"GIF88a"])
def test_other_content_has_no_format(data: bytes) -> None:
    assert format_of_content(data) is None


@pytest.mark.parametrize("name", ["a.bmp", "B C.GIF", "it's $HOME `x`.tif", 'a"b\\c.TIFF'])
def test_the_command_converts_the_image(name: str, tmp_path: Path) -> None:
    kind = {".bmp": "BMP", ".gif": "GIF", ".tif": "TIFF", ".tiff": "TIFF"}[suffix_of(name)]
    (tmp_path / name).write_bytes(encoded(kind))
    command = conversion(name)
    assert command.startswith("python ")
    # As a shell runs it, with the Python that has Pillow.
    command = shlex.quote(sys.executable) + command.removeprefix("python")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    with Image.open(tmp_path / f"{name[: name.rfind('.')]}.png") as photo:
        assert photo.getpixel((0, 0)) == (90, 90, 90)
