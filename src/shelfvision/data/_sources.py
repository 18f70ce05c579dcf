"""Sources of pixels that are already in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision.protocols import Image, Images, PixelSource


class ArrayPixels:
    """Pixels held in one array.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, 3)
        The pixels, which must not change any more; they may be a memory map.
    origin : PixelSource, optional
        Where they were read from; its digests then stand for the pixels'.
    """

    __slots__ = ("_images", "_origin", "_rows")

    def __init__(
        self,
        images: Images,
        *,
        origin: PixelSource | None = None,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._images = images
        self._origin = origin
        self._rows = rows

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._images.shape[1], self._images.shape[2]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def read(self, row: int) -> Image:
        """Return a copy of image `row`."""
        return np.array(self._images[row])

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return a copy of the images `rows`."""
        return np.asarray(self._images[np.asarray(rows, dtype=np.int64)])

    def digest(self, row: int) -> str:
        """Return the origin's digest of image `row`, or one of its pixels."""
        if self._origin is not None and self._rows is not None:
            return self._origin.digest(int(self._rows[row]))
        shape = repr(self._images.shape[1:]).encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self._images[row]).tobytes()).hexdigest()


def read_rows(source: PixelSource, rows: npt.NDArray[np.int64]) -> Images:
    """Return rows of any source as one array, the fastest way that the source knows."""
    read_many = getattr(source, "read_many", None)
    if read_many is not None:
        return np.asarray(read_many(rows), dtype=np.uint8)
    images = np.empty((len(rows), *source.image_size, 3), dtype=np.uint8)
    for position, row in enumerate(rows):
        images[position] = source.read(int(row))
    return images
