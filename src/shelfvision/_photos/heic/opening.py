"""Open HEIC photos, the format of iPhones, with pillow-heif if it is installed."""

from __future__ import annotations

import importlib.util

from PIL import Image as PillowImage

from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import check_size, refuse
from shelfvision._photos.rgb import as_rgb
from shelfvision._validation import import_extra
from shelfvision.errors import MissingDependencyError

PIP_LINE = 'pip install "shelfvision[heif]"'
"""The command that installs pillow-heif."""


def heif_is_installed() -> bool:
    """Return whether HEIC photos can be read."""
    return importlib.util.find_spec("pillow_heif") is not None


def open_heif(data: bytes, limits: DecodeLimits, where: str) -> PillowImage.Image:
    """Return the main photo of a HEIC file in RGB, upright; its size is checked before pixels.

    pillow-heif is called directly. Registering it with Pillow would change which files the host
    program can open.
    """
    try:
        pillow_heif = import_extra("pillow_heif", extra="heif", purpose="reading HEIC photos")
    except MissingDependencyError:
        what = "is a HEIC photo, which this installation cannot read"
        refuse(where, "needs-heif", what, f"run: {PIP_LINE}")
    photo = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    width, height = photo.size
    check_size(width, height, limits, where)
    pixels = photo.data
    # A view of the memory of the decoder, which is freed with `photo` after the conversion to RGB.
    decoded = PillowImage.frombuffer(
        photo.mode, photo.size, pixels, "raw", photo.mode, photo.stride, 1
    )
    return as_rgb(decoded)
