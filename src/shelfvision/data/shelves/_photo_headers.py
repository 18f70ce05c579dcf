"""Read the size, orientation and digest of each annotated photo, without decoding it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfvision._photos.decode import DecodeLimits, read_bytes
from shelfvision._photos.file_pixels import FileDigests, FilePixels, stamp_of
from shelfvision._photos.headers import read_header
from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision.boxes.annotated import AnnotatedPhoto
from shelfvision.errors import PhotoError, PhotoNotFoundError, ShelfVisionError

_THUMBNAIL = (32, 32)
"""The image size of the source of whole photos, which duplicates and bursts compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoHeader:
    """What the file of a photo says."""

    image_size: tuple[int, int]
    """Height and width of the upright photo."""
    orientation: int
    """The EXIF orientation, 1 to 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPhotos:
    """The files of annotated photos, with recorded digests."""

    source: FilePixels
    """The photos that have a file."""
    headers: Sequence[PhotoHeader | ShelfVisionError]
    """The header of each photo, or why there is none."""


def opened_photos(
    root: str, photos: Sequence[AnnotatedPhoto], limits: DecodeLimits, *, decode: bool
) -> OpenedPhotos:
    """Read each file once, and record its digest; with `decode` also decode each photo once.

    Parameters
    ----------
    root : str
        The folder that the names of photos are relative to.
    photos : sequence of AnnotatedPhoto
        The photos.
    limits : DecodeLimits
        The largest size and memory of a photo.
    decode : bool
        Whether a photo that cannot be decoded is an error now.
    """
    names = np.empty(len(photos), dtype=object)
    names[:] = [photo.name if photo.path is None else photo.path for photo in photos]
    digests = FileDigests(len(photos))
    source = FilePixels(root, names, image_size=_THUMBNAIL, limits=limits, digests=digests)
    headers: list[PhotoHeader | ShelfVisionError] = [_not_found(photo, root) for photo in photos]
    # The arrays of digests are made by the first record, which must not happen in two threads.
    with progress("Reading photos", len(photos)) as advance:

        def read(row: int) -> None:
            path = photos[row].path
            if path is not None:
                try:
                    headers[row] = _read(row, path, digests, limits)
                    if decode:
                        source.whole(row)
                except PhotoError as error:
                    headers[row] = error
            advance()

        for first in range(min(1, len(photos))):
            read(first)
        in_threads(lambda row: read(row + 1), len(photos) - 1)
    return OpenedPhotos(source=source, headers=headers)


def _read(row: int, path: str, digests: FileDigests, limits: DecodeLimits) -> PhotoHeader:
    data, status = read_bytes(path, limits=limits)
    header = read_header(data, limits=limits, where=path)
    digests.record(row, path, data, stamp_of(status))
    size = (header.height, header.width)
    upright = size[::-1] if header.orientation >= 5 else size
    return PhotoHeader(image_size=upright, orientation=header.orientation)


def _not_found(photo: AnnotatedPhoto, root: str) -> PhotoNotFoundError:
    return PhotoNotFoundError(
        f"the photo {photo.name!r} must be below {root!r}, where there is none; pass the folder of "
        "the photos as images=, or on_error='skip' to leave such photos out",
        path=photo.name,
        code="not-found",
        parameter="images",
    )
