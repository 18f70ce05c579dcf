"""Sources of pixels that are already decoded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision.data._threads import in_threads
from shelfvision.protocols import Image, Images, PixelSource, Resize


class ArrayPixels:
    """Pixels held in one array.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, 3)
        The pixels, which must not change any more.
    digests : sequence of str, optional
        What stands for the content of each image, where it was read from elsewhere; by default
        a digest of its pixels.
    resize : {"stretch", "pad", "crop"}, default="stretch"
        How the photos were brought to their size.
    """

    __slots__ = ("_digests", "_images", "_resize")

    def __init__(
        self,
        images: Images,
        *,
        digests: Sequence[str] | None = None,
        resize: Resize = "stretch",
    ) -> None:
        self._images = images
        self._digests = digests
        self._resize: Resize = resize

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._images.shape[1], self._images.shape[2]

    @property
    def resize(self) -> Resize:
        """How the photos were brought to their size."""
        return self._resize

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def read(self, row: int) -> Image:
        """Return a copy of image `row`."""
        return np.array(self._images[row])

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return a copy of the images `rows`."""
        return np.array(self._images[np.asarray(rows, dtype=np.int64)])

    def digest(self, row: int) -> str:
        """Return what stands for the content of image `row`."""
        if self._digests is not None:
            return self._digests[row]
        shape = repr(self._images.shape[1:]).encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self._images[row]).tobytes()).hexdigest()


class MappedPixels(ArrayPixels):
    """Pixels in a ``.npy`` file that is mapped into memory; a pickle holds its path, not them.

    Parameters
    ----------
    path : path-like
        The file, an array of uint8 of shape (n, height, width, 3).
    digests : sequence of str
        What stands for the content of each image.
    resize : {"stretch", "pad", "crop"}
        How the photos were brought to their size.
    """

    __slots__ = ("_path",)

    def __init__(
        self, path: str | os.PathLike[str], *, digests: Sequence[str], resize: Resize
    ) -> None:
        self._path = os.path.abspath(path)
        super().__init__(
            np.load(self._path, mmap_mode="r", allow_pickle=False), digests=digests, resize=resize
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process opens the same file."""
        return _open_mapped, (self._path, self._digests, self._resize)


def _open_mapped(path: str, digests: Sequence[str], resize: Resize) -> MappedPixels:
    return MappedPixels(path, digests=digests, resize=resize)


def read_rows(source: PixelSource, rows: npt.NDArray[np.int64]) -> Images:
    """Return rows of any source as one array, the fastest way that the source knows."""
    read_many = getattr(source, "read_many", None)
    if read_many is not None:
        return np.asarray(read_many(rows), dtype=np.uint8)
    images = np.empty((len(rows), *source.image_size, 3), dtype=np.uint8)
    for position, row in enumerate(rows):
        images[position] = source.read(int(row))
    return images


def digests_of(source: PixelSource, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the digests of some rows, taken by a few threads."""
    digests = [""] * len(rows)

    def take(position: int) -> None:
        digests[position] = source.digest(int(rows[position]))

    in_threads(take, len(rows))
    return digests
