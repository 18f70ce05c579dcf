"""Read the photos of predictions for the review page, with their own aspect ratio."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._photos.decode import DEFAULT_LIMITS, decode_photo, read_bytes
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.given import Photo, from_pillow, require_rgb
from shelfvision._photos.headers import read_header
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.sources import has_files
from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos, one_by_one
from shelfvision.errors import InvalidParameterError, PhotoError
from shelfvision.protocols import Image
from shelfvision.review.page import LARGEST_SIDE, ReadPhoto, ReviewPhoto


def pictures_of(
    photos: Photos, ids: npt.NDArray[np.object_], errors: Sequence[str | None]
) -> ReadPhoto:
    """Return a function that reads the picture of each prediction.

    Parameters
    ----------
    photos : Photos
        The photos that were predicted, in the same order.
    ids : ndarray of str, shape (n,)
        The ids of the predictions.
    errors : sequence of str or None, length n
        Why a photo could not be read when it was predicted.

    Raises
    ------
    InvalidParameterError
        There are more or fewer photos than predictions, or they are in another order.
    PhotoError
        None of the photos can be read.
    """
    if isinstance(photos, Dataset):
        require_same_order(photos.ids.tolist(), ids, strict=True)
        return _attempting(_of_dataset(photos), errors)
    batch = isinstance(photos, np.ndarray) and photos.ndim == 4
    given: list[Photo] = list(photos) if batch else list(one_by_one(photos))  # type: ignore[arg-type]  # rows of a batch
    names = [os.fsdecode(one) if isinstance(one, str | os.PathLike) else None for one in given]

    def read(row: int, side: int) -> ReviewPhoto:
        return ReviewPhoto(pixels=picture_of(given[row], f"photo {row}", side))

    require_same_order(names, ids, strict=False)
    return _attempting(read, errors)


def _attempting(read: ReadPhoto, errors: Sequence[str | None]) -> ReadPhoto:
    """Return a function that returns the error of a photo that cannot be read."""

    def attempt(row: int, side: int) -> ReviewPhoto:
        if errors[row] is not None:
            return ReviewPhoto(error=errors[row])
        try:
            return read(row, side)
        except PhotoError as error:
            return ReviewPhoto(error=str(error))

    _require_one_readable(read, errors)
    return attempt


def require_same_order(
    names: Sequence[str | None], ids: npt.NDArray[np.object_], *, strict: bool
) -> None:
    """Refuse photos that do not belong to the predictions row by row."""
    if len(names) != len(ids):
        raise InvalidParameterError(
            f"photos must have one photo for each of {counted(len(ids), 'prediction')}, got "
            f"{counted(len(names), 'photo')}; pass the photos that were predicted, in the same "
            "order",
            code="wrong-length",
            parameter="photos",
        )
    places = {name: row for row, name in enumerate(ids.tolist())}
    for row, name in enumerate(names):
        # Files may have other names than predictions, but not the name of another prediction.
        if name is not None and name != ids[row] and (strict or name in places):
            raise InvalidParameterError(
                f"photos must be in the order of the predictions, but photo {row} is {name!r} and "
                f"prediction {row} is of {ids[row]!r}; select the same rows of both",
                code="inconsistent",
                parameter="photos",
            )


def _require_one_readable(read: ReadPhoto, errors: Sequence[str | None]) -> None:
    """Raise the first error if no photo can be read; a page without photos is useless."""
    first: PhotoError | None = None
    for row in (row for row, error in enumerate(errors) if error is None):
        try:
            read(row, LARGEST_SIDE)
        except PhotoError as error:
            first = first or error
        else:
            return
    if first is not None:
        raise first


def _of_dataset(dataset: Dataset) -> ReadPhoto:
    source, rows = dataset.table.source, dataset.table.rows
    if isinstance(source, FilePixels):
        files = source

        def read_file(row: int, side: int) -> ReviewPhoto:
            place = int(rows[row])
            data, path = files.content(place), files.path(place)
            pixels = _decoded(data, path, side, files.limits)
            return ReviewPhoto(pixels=pixels)

        return read_file
    if not has_files(source):
        return lambda row, _: ReviewPhoto(pixels=dataset[row][0])
    # Crops and cached photos are read again at a larger size. Padding keeps their shape.
    large = dataset.resized((LARGEST_SIDE, LARGEST_SIDE), resize="pad")
    return lambda row, _: ReviewPhoto(pixels=_without_padding(large[row][0]))


def _without_padding(image: Image) -> Image:
    """Return an image without the equal white margins on two of its sides."""
    white = (image == 255).all(axis=2)
    bounds = []
    for axis, length in enumerate(white.shape):
        inside = np.flatnonzero(~white.all(axis=1 - axis))
        # A white image has no inside.
        margin = min(int(inside[0]), length - 1 - int(inside[-1])) if len(inside) else 0
        bounds.append(slice(margin, length - margin))
    return image[bounds[0], bounds[1]]


def picture_of(photo: Photo, where: str, side: int) -> Image:
    """Return a photo; if it is decoded, its longer side is at most `side` pixels."""
    if isinstance(photo, bytes | bytearray | memoryview):
        return _decoded(bytes(photo), where, side, DEFAULT_LIMITS)
    if isinstance(photo, str | os.PathLike):
        path = os.fsdecode(photo)
        return _decoded(read_bytes(path)[0], path, side, DEFAULT_LIMITS)
    if isinstance(photo, PillowImage.Image):
        return from_pillow(photo, where, DEFAULT_LIMITS)
    return require_rgb(photo, where, 3)


def _decoded(data: bytes, where: str, side: int, limits: DecodeLimits) -> Image:
    """Return a photo whose longer side is at most `side` pixels."""
    header = read_header(data, limits=limits, where=where)
    size = (header.height, header.width)
    if header.orientation >= 5:
        size = size[::-1]
    scale = min(1.0, side / max(size))
    height, width = (max(1, round(edge * scale)) for edge in size)
    return decode_photo(data, image_size=(height, width), limits=limits, where=where)
