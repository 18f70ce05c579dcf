"""Pixels that callers pass: check arrays, and convert Pillow images to RGB like files.

An array that is not ``uint8`` RGB is refused. The error contains the expression that converts it,
which depends on the axes (grey, RGBA, channels first, batches) and the values (0 to 1, 16 bits).

Examples
--------
>>> import numpy as np
>>> remedy_for(np.zeros((3, 8, 9), np.uint8), "image")
'pass image.transpose(1, 2, 0)'
>>> remedy_for(np.full((8, 9, 3), 0.5), "image")
'pass (image * 255).round().astype(numpy.uint8)'
"""

from __future__ import annotations

import os
import threading
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, ImageOps
from PIL import Image as PillowImage

from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import check_size
from shelfvision._photos.rgb import as_rgb, rgb_array
from shelfvision.errors import InvalidParameterError, PhotoError
from shelfvision.protocols import Image, Images, UniversalPath

_CHANNELS = (1, 3, 4)
# Pillow reads the pixels of an opened file on first use, which is not thread-safe.
_loading = threading.Lock()

Array: TypeAlias = npt.NDArray[Any]

Photo: TypeAlias = (
    str
    | os.PathLike[str]
    | UniversalPath
    | bytes
    | bytearray
    | memoryview
    | Image
    | PillowImage.Image
)
"""One photo: a path, a ``UPath`` of remote storage, the bytes of an encoded file, ``uint8`` pixels
of shape (height, width, 3), or a PIL image of any mode."""


def require_rgb(image: object, where: str, ndim: int) -> Images:
    """Return an array if it is ``uint8`` RGB of this many dimensions, or refuse it."""
    shape = "(height, width, 3)" if ndim == 3 else "(n, height, width, 3)"
    name = "image" if ndim == 3 else "photos"
    if not isinstance(image, np.ndarray):
        raise InvalidParameterError(
            f"{where} must be a path, an encoded file's bytes, a PIL image or a uint8 array of "
            f"shape {shape}, got {type(image).__name__}; {remedy_for(image, name)}",
            code="wrong-type",
            parameter="photos",
        )
    if image.ndim != ndim or image.shape[-1] != 3 or 0 in image.shape[-3:]:
        raise InvalidParameterError(
            f"{where} must have shape {shape} with RGB last, got {image.shape}; "
            f"{remedy_for(image, name)}",
            code="wrong-shape",
            parameter="photos",
        )
    if image.dtype != np.uint8:
        raise InvalidParameterError(
            f"{where} must be uint8 with values 0 to 255, got {image.dtype}; "
            f"{remedy_for(image, name)}",
            code="wrong-dtype",
            parameter="photos",
        )
    return image


def remedy_for(value: object, name: str) -> str:  # noqa: PLR0911  (one return for each kind)
    """Return the remedy for a value that is not ``uint8`` RGB pixels.

    Parameters
    ----------
    value : object
        The argument of the caller.
    name : str
        The name of the argument in the remedy.
    """
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray):
        return "pass [image for image, label in photos]"
    if isinstance(value, dict):
        key = next((key for key, one in value.items() if isinstance(one, _PICTURES)), "image")
        return f"pass [row[{key!r}] for row in photos]"
    if isinstance(value, list | tuple):
        return "pass numpy.array(photos, dtype=numpy.uint8), or a flat list of photos"
    if name == "image" and len(getattr(value, "shape", ())) == 4:
        return "pass (image for batch in photos for image in numpy.asarray(batch))"
    if isinstance(value, np.ndarray):
        return _remedy_for_array(value, name)
    if hasattr(value, "__array__"):
        try:
            array = np.asarray(value)
        except Exception:  # noqa: BLE001  (tensors on a GPU or with gradients raise any error)
            return f"pass it as a numpy array on the CPU: {name}.detach().cpu().numpy()"
        inner = f"numpy.asarray({name})"
        right = array.dtype == np.uint8 and array.ndim in (3, 4) and array.shape[-1] == 3
        return f"pass {inner}" if right else _remedy_for_array(array, inner)
    return "pass one of these, or a list of them"


def _remedy_for_array(array: Array, name: str) -> str:  # noqa: PLR0911  (the same)
    if array.size == 0:
        return "pass an image that has pixels"
    if array.dtype.kind not in "uifb":
        return "pass numbers from 0 to 255"
    if array.ndim == 1 and array.dtype == np.uint8:
        return f"pass {name}.tobytes()"
    if array.ndim == 5:
        inner = f"{name}.reshape(-1, *{name}.shape[2:])"
        return _remedy_for_array(array.reshape(-1, *array.shape[2:]), inner)
    if array.ndim not in (2, 3, 4):
        return "pass an array of 3 dimensions for one photo, of 4 for several"
    axes = _with_channels_last(array, name)
    if axes is None:
        return "pass RGB channels alone, selected by their numbers: image[..., [2, 1, 0]]"
    turned, name = axes
    scaled = _to_8_bits(turned, name)
    if scaled is None:
        return "pass the pixels before they were normalised, 0 to 255"
    return f"pass {_to_rgb(turned, scaled)}"


def _with_channels_last(array: Array, name: str) -> tuple[Array, str] | None:
    """Return the array with the channels on its last axis, and the expression for it."""
    first, last = array.shape[-3] if array.ndim > 2 else 0, array.shape[-1]
    if array.ndim == 2 or last in (*_CHANNELS, 2):
        return array, name
    if first in _CHANNELS:
        order = (1, 2, 0) if array.ndim == 3 else (0, 2, 3, 1)
        return array.transpose(order), f"{name}.transpose({', '.join(map(str, order))})"
    # Several grey images.
    return (array[..., None], f"{name}[..., None]") if array.ndim == 3 else None


def _to_8_bits(array: Array, name: str) -> str | None:
    """Return the expression that scales values to 0 to 255; None if their range is unknown."""
    low, high = float(array.min()), float(array.max())
    whole = array.dtype.kind in "ui"
    forms = (
        (array.dtype == np.uint8, name),
        (array.dtype == np.bool_, f"{name}.astype(numpy.uint8) * 255"),
        (whole and low >= 0 and high <= 255, f"{name}.astype(numpy.uint8)"),
        (whole and low >= 0 and high <= 65535, f"({name} // 257).astype(numpy.uint8)"),
        (not whole and low >= 0 and high <= 1, f"({name} * 255).round().astype(numpy.uint8)"),
        (not whole and low >= 0 and high <= 255, f"{name}.round().astype(numpy.uint8)"),
        (
            not whole and low >= -1 and high <= 1,
            f"(({name} + 1) * 127.5).round().astype(numpy.uint8)",
        ),
    )
    return next((form for fits, form in forms if fits), None)


def _to_rgb(array: Array, name: str) -> str:
    """Return the expression that converts 8-bit pixels to three channels."""
    plain = name if name.isidentifier() or name.endswith(")") else f"({name})"
    if array.ndim == 2:
        return f"numpy.stack([{name}] * 3, axis=-1)"
    channels = array.shape[-1]
    if channels == 1:
        return f"numpy.repeat({name}, 3, axis=-1)"
    if channels == 3:
        return name
    # Transparent pixels are drawn over white, as for files.
    if array.ndim == 3:
        return f"PIL.Image.fromarray({name})"
    return f"[PIL.Image.fromarray(image) for image in {plain}]"


def from_pillow(photo: PillowImage.Image, where: str, limits: DecodeLimits) -> Image:
    """Return the upright RGB pixels of a Pillow image, with the rules for files.

    Transparent pixels are drawn over white, 16 bits are scaled to 8, and the EXIF orientation is
    applied. The image itself does not change.

    Parameters
    ----------
    photo : PIL.Image.Image
        An image of any mode.
    where : str
        The name of the photo in error messages.
    limits : DecodeLimits
        The limits for an image that is not decoded yet.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB pixels, 0 to 255.

    Raises
    ------
    PhotoError
        The file of the image is corrupted, too large, or closed already.
    InvalidParameterError
        Pixels of a mode with more than 8 bits are not in the range of 8 or 16 bits.
    """
    if 0 in photo.size:
        _refuse_numbers(where, f"is {photo.width} x {photo.height}", "pass an image with pixels")
    try:
        with _loading:
            if getattr(photo, "fp", None) is not None:
                check_size(photo.width, photo.height, limits, where)
            photo.load()
            upright = _upright(photo)
        return rgb_array(_rgb_of(upright, where))
    except (PhotoError, InvalidParameterError):
        raise
    except Exception as error:  # broken files make Pillow raise of every kind
        reason = str(error) or type(error).__name__
        raise PhotoError(
            f"{where} is a PIL image that cannot be read: {reason}; keep its file open until it "
            "is predicted, or pass the path",
            path=where,
            code="broken",
        ) from error


def orientation_of(photo: PillowImage.Image) -> int:
    """Return the EXIF orientation that `from_pillow` applies to an image: 1 to 8, 1 is upright."""
    try:
        found = photo.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001  (corrupted EXIF is ignored, as for files)
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _upright(photo: PillowImage.Image) -> PillowImage.Image:
    """Return a copy that is rotated upright by its EXIF orientation."""
    try:
        return ImageOps.exif_transpose(photo)
    except Exception:  # noqa: BLE001  (corrupted EXIF is ignored, as for files)
        return photo.copy()


def _rgb_of(photo: PillowImage.Image, where: str) -> PillowImage.Image:
    if photo.mode == "F" or photo.mode.startswith("I"):
        return PillowImage.fromarray(_narrowed(np.asarray(photo), where)).convert("RGB")
    # Pillow converts La, whose grey is premultiplied, to LA only.
    return as_rgb(photo.convert("LA") if photo.mode == "La" else photo)


def _narrowed(wide: Array, where: str) -> npt.NDArray[np.uint8]:
    """Return grey values in 8 bits: 16-bit values are scaled, others are unchanged."""
    low, high = float(wide.min()), float(wide.max())
    if not (low >= 0 and high <= 65535):
        _refuse_numbers(
            where,
            f"has values from {low:g} to {high:g}, beyond 16 bits",
            "pass PIL.Image.fromarray of its pixels brought to 0 to 255",
        )
    # Pillow opens 16-bit files as "I;16"; values of "I" or "F" are often those of 8 bits.
    sixteen = (wide.dtype.kind, wide.dtype.itemsize) == ("u", 2) or high > 255
    if wide.dtype.kind == "f" and 0 < high <= 1:
        _refuse_numbers(
            where,
            "has values from 0 to 1",
            "pass image.point(lambda value: value * 255)",
        )
    scaled = wide.astype(np.float64) * (255 / 65535) if sixteen else wide
    return np.asarray(np.floor(np.asarray(scaled, np.float64) + 0.5), dtype=np.uint8)


def _refuse_numbers(where: str, fault: str, remedy: str) -> NoReturn:
    raise InvalidParameterError(
        f"{where} {fault}; {remedy}", code="not-in-range", parameter="photos"
    )


_PICTURES = (np.ndarray, PillowImage.Image, bytes, str)
