"""The only photo decoder: from the bytes of a file to upright RGB pixels of the requested size."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import NoReturn

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL.JpegImagePlugin import JpegImageFile

from shelfvision._photos.formats import FORMATS
from shelfvision._photos.headers import Header, read_header
from shelfvision._photos.heic.opening import open_heif
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import RAISE, check_memory, refuse_truncated
from shelfvision._photos.rgb import BACKGROUND, as_rgb, rgb_array
from shelfvision._storage import RemoteFile, read_bounded, read_with_status
from shelfvision._urls import is_url, shown_url
from shelfvision.errors import PhotoError, PhotoNotFoundError
from shelfvision.protocols import Image, Resize

__all__ = [
    "BACKGROUND",
    "DEFAULT_LIMITS",
    "DecodeLimits",
    "decode_photo",
    "decode_upright",
    "decode_whole",
    "fit_rgb",
    "memory_to_decode",
    "read_bytes",
    "read_photo",
    "read_remote",
    "resize_image",
]

DEFAULT_LIMITS = DecodeLimits()
"""The default limits."""

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if each side then still has this many times the
# requested pixels; resizing does the rest.
_DRAFT_MARGIN = 1.5

_OPENERS = {known.name: known.opener for known in FORMATS if known.opener is not None}

_Transpose = PillowImage.Transpose
_UPRIGHT = {
    2: _Transpose.FLIP_LEFT_RIGHT,
    3: _Transpose.ROTATE_180,
    4: _Transpose.FLIP_TOP_BOTTOM,
    5: _Transpose.TRANSPOSE,
    6: _Transpose.ROTATE_270,
    7: _Transpose.TRANSVERSE,
    8: _Transpose.ROTATE_90,
}


def decode_photo(
    data: bytes,
    *,
    image_size: tuple[int, int],
    resize: Resize = "stretch",
    limits: DecodeLimits = DEFAULT_LIMITS,
    where: str = "",
) -> Image:
    """Decode a JPEG, PNG or WebP photo, or a HEIC photo if pillow-heif is installed.

    The content determines the format, not the file name. The photo is rotated by its EXIF
    orientation. Grey, palette and CMYK photos become RGB, 16-bit grey is scaled to 8 bits, and
    transparent pixels are drawn over white. Of an animation the first frame is used, if the limits
    allow it. Resizing is bilinear and antialiased. A JPEG that is much larger than the requested
    size is decoded at a fraction of its size.

    Parameters
    ----------
    data : bytes
        The whole file.
    image_size : tuple of int
        Height and width of the result, in pixels.
    resize : {"stretch", "pad", "crop"}, default="stretch"
        How a photo of another aspect ratio is resized: stretched, padded with white margins, or
        cropped to its center.
    limits : DecodeLimits
        The limits, which are checked in the header.
    where : str, default=""
        The photo's path or another name for it, for error messages.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB pixels, 0 to 255; the array is writeable.

    Raises
    ------
    PhotoError
        The data are not a photo, are corrupted or truncated, or exceed a limit. `code` is the
        reason.
    """
    header = read_header(data, limits=limits, where=where)
    try:
        if header.format == "HEIC":
            return fit_rgb(_opened_heif(header, limits, where), image_size, resize)
        return _decode(header, image_size, resize, limits, where)
    except Exception as error:  # noqa: BLE001  (Pillow raises any error for corrupted files)
        _refuse_undecodable(error, header, where)


def decode_whole(
    data: bytes, *, limits: DecodeLimits = DEFAULT_LIMITS, where: str = ""
) -> tuple[Image, int]:
    """Decode a photo at its original size, with the rules of `decode_photo`.

    Returns
    -------
    tuple of (ndarray of uint8, int)
        Upright RGB pixels, and the EXIF orientation of the file: 1 if it is upright.

    Raises
    ------
    PhotoError
        As for `decode_photo`.
    """
    rgb, orientation = decode_upright(data, limits=limits, where=where)
    return rgb_array(rgb), orientation


def decode_upright(
    data: bytes, *, limits: DecodeLimits = DEFAULT_LIMITS, where: str = ""
) -> tuple[PillowImage.Image, int]:
    """Return what `decode_whole` returns, but the pixels as a Pillow image in RGB.

    To crop many boxes from it is faster, because the whole photo is not copied to an array.
    """
    header = read_header(data, limits=limits, where=where)
    try:
        if header.format == "HEIC":
            return _opened_heif(header, limits, where), 1
        size = header.height, header.width
        size = size[::-1] if header.orientation >= 5 else size
        return _decoded(header, size, "stretch", limits, where), header.orientation
    except Exception as error:  # noqa: BLE001  (Pillow raises any error for corrupted files)
        _refuse_undecodable(error, header, where)


def memory_to_decode(photo: bytes, *, limits: DecodeLimits = DEFAULT_LIMITS) -> int:
    """Return an upper bound of the memory that decoding a photo takes, from its header.

    No pixel is decoded. A service can add these numbers to limit the memory of all its requests.

    Parameters
    ----------
    photo : bytes
        The whole file.
    limits : DecodeLimits
        The limits. `max_memory` is not applied.

    Returns
    -------
    int
        Bytes, including the file, for the photo at its original size. A JPEG that is decoded to a
        small size takes less.

    Raises
    ------
    PhotoError
        The data are not a photo, are corrupted, or exceed another limit.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> import shelfvision as shv
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (4000, 3000)).save(file, "JPEG")
    >>> shv.data.memory_to_decode(file.getvalue()) // 2**20
    88
    """
    return read_header(photo, limits=limits, where="").memory()


def resize_image(image: Image, *, image_size: tuple[int, int], resize: Resize = "stretch") -> Image:
    """Resize RGB pixels with the rules for photos.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB pixels, 0 to 255.
    image_size : tuple of int
        Height and width of the result, in pixels.
    resize : {"stretch", "pad", "crop"}, default="stretch"
        How an image of another aspect ratio is resized.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB pixels; the array is writeable.
    """
    return fit_rgb(PillowImage.fromarray(np.ascontiguousarray(image)), image_size, resize)


def fit_rgb(rgb: PillowImage.Image, image_size: tuple[int, int], resize: Resize) -> Image:
    """Return the pixels of a Pillow image in RGB at another size; see `resize_image`."""
    box, size = _geometry(rgb.size, (image_size[1], image_size[0]), resize)
    return _padded(rgb_array(_resized(rgb, box, size)), image_size)


def read_photo(
    path: str | os.PathLike[str],
    *,
    image_size: tuple[int, int],
    resize: Resize = "stretch",
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> Image:
    """Read and decode one photo file; see `decode_photo`.

    Raises
    ------
    PhotoNotFoundError
        The file does not exist.
    PhotoError
        The file cannot be read, or is not a photo that can be decoded.
    """
    data, _ = read_bytes(path, limits=limits)
    return decode_photo(
        data, image_size=image_size, resize=resize, limits=limits, where=os.fspath(path)
    )


def read_bytes(
    path: str | os.PathLike[str], *, limits: DecodeLimits = DEFAULT_LIMITS
) -> tuple[bytes, os.stat_result]:
    """Return the content and status of a regular file; refuse other files without blocking."""
    where = os.fspath(path)
    if is_url(path):
        raise PhotoError(
            f"the photo must be a file of this computer, got the URL {shown_url(where)!r}; pass "
            "its bytes",
            path=shown_url(where),
            code="not-supported",
        )
    return read_with_status(
        path,
        limits.max_bytes,
        what="the photo",
        error=partial(PhotoError, path=where),
        missing=partial(PhotoNotFoundError, path=where),
        smaller=RAISE.format("max_bytes"),
    )


def read_remote(file: RemoteFile, *, limits: DecodeLimits = DEFAULT_LIMITS) -> bytes:
    """Return the content of a remote file, of which at most one byte above the limit is read."""
    return read_bounded(
        file,
        limits.max_bytes,
        what="the photo",
        error=partial(PhotoError, path=file.shown),
        missing=partial(PhotoNotFoundError, path=file.shown),
        smaller=RAISE.format("max_bytes"),
    )


def _refuse_undecodable(error: Exception, header: Header, where: str) -> NoReturn:
    if isinstance(error, PhotoError):
        raise error
    if "truncated" in str(error).lower():
        refuse_truncated(where)
    reason = " ".join(str(error).split()) or type(error).__name__
    raise PhotoError(
        f"{where or 'the photo'!r} is a damaged {header.format} file, {header.width} x "
        f"{header.height}, that cannot be decoded ({reason}); copy it from its source again, "
        "or remove it",
        path=where,
        code="broken",
    ) from error


def _opened_heif(header: Header, limits: DecodeLimits, where: str) -> PillowImage.Image:
    check_memory(header.memory(), limits, where)
    return open_heif(header.data, limits, where)


def _decode(
    header: Header, image_size: tuple[int, int], resize: Resize, limits: DecodeLimits, where: str
) -> Image:
    return _padded(rgb_array(_decoded(header, image_size, resize, limits, where)), image_size)


def _decoded(
    header: Header, image_size: tuple[int, int], resize: Resize, limits: DecodeLimits, where: str
) -> PillowImage.Image:
    turned = header.orientation >= 5
    wanted = image_size if turned else (image_size[1], image_size[0])
    box, size = _geometry((header.width, header.height), wanted, resize)
    fraction = _fraction(box, size) if header.format == "JPEG" else 1
    check_memory(header.memory(fraction), limits, where)
    with _OPENERS[header.format](io.BytesIO(header.data)) as photo:
        if photo.size != (header.width, header.height):
            raise ValueError(f"its parts declare different sizes: {photo.size}")
        if fraction > 1 and isinstance(photo, JpegImageFile):
            box = _draft(photo, box, fraction)
        rgb = as_rgb(photo)
    rgb = _resized(rgb, box, size)
    if header.orientation != 1:
        rgb = rgb.transpose(_UPRIGHT[header.orientation])
    return rgb


_Box = tuple[float, float, float, float]


def _resized(rgb: PillowImage.Image, box: _Box, size: tuple[int, int]) -> PillowImage.Image:
    if rgb.size == size and box == (0.0, 0.0, *map(float, size)):
        return rgb
    return rgb.resize(size, PillowImage.Resampling.BILINEAR, box=box, reducing_gap=3.0)


def _geometry(
    stored: tuple[int, int], wanted: tuple[int, int], resize: Resize
) -> tuple[_Box, tuple[int, int]]:
    """Return the used part of the photo and its size after resizing, both (width, height)."""
    width, height = stored
    ratios = wanted[0] / width, wanted[1] / height
    if resize == "crop":
        # Rounding must not make the part larger than the photo.
        used = min(width, wanted[0] / max(ratios)), min(height, wanted[1] / max(ratios))
        left, top = (width - used[0]) / 2, (height - used[1]) / 2
        return (left, top, left + used[0], top + used[1]), wanted
    size = wanted
    if resize == "pad":
        scale = min(ratios)
        size = max(1, round(width * scale)), max(1, round(height * scale))
    return (0.0, 0.0, float(width), float(height)), size


def _fraction(box: _Box, size: tuple[int, int]) -> int:
    """Return the factor by which the decoder may reduce the sides of a JPEG: 1, 2, 4 or 8."""
    room = min((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]) / _DRAFT_MARGIN
    return next((step for step in (8, 4, 2) if room >= step), 1)


def _draft(photo: JpegImageFile, box: _Box, fraction: int) -> _Box:
    """Make the decoder reduce a JPEG by this factor; return the box at the reduced size."""
    width, height = photo.size
    drafted = photo.draft(None, (max(1, width // fraction), max(1, height // fraction)))
    if drafted is None:
        return box
    scale = drafted[1][2] / width, drafted[1][3] / height
    return box[0] * scale[0], box[1] * scale[1], box[2] * scale[0], box[3] * scale[1]


def _padded(pixels: npt.NDArray[np.uint8], image_size: tuple[int, int]) -> Image:
    if pixels.shape[:2] == image_size:
        return pixels
    padded = np.empty((*image_size, 3), dtype=np.uint8)
    padded[:] = BACKGROUND
    height, width = pixels.shape[:2]
    top, left = (image_size[0] - height) // 2, (image_size[1] - width) // 2
    padded[top : top + height, left : left + width] = pixels
    return padded
