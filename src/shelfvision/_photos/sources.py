"""Sources of decoded pixels, and resizing of any source.

A source with a better way than resizing its pixels has a method ``resized(image_size, resize)`` and
an attribute `has_files`: `FilePixels` decodes its files again, and `AugmentedPixels` renders its
copies from resized originals. `resized_source` calls this method if it exists, and otherwise
resizes pixels.

A source of crops, which are cut from whole photos, has four members more. Sources that take their
rows from another source pass them on:

- ``crop_rule`` is the `Preprocessing` of the crops.
- ``read_as(rule)`` returns the same rows with another rule.
- ``whole_photos(rows)`` returns a source of whole photos, and the photo of each row. Duplicates,
  bursts and audits compare these, because neighbouring crops of one shelf are always similar.
- ``kept(rows, directory)`` returns the same rows, cut once on first use (see `KeptCrops`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import resize_image
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.threads import in_threads
from shelfvision._storage.array_file import StoredArray
from shelfvision.errors import DataError
from shelfvision.protocols import Image, Images, PixelSource, Resize

SourceRows: TypeAlias = npt.NDArray[np.int64]
"""Rows of a source, shape (n,)."""

_BLOCK = 64
"""The number of images that are in memory at their original size during resizing."""


class ArrayPixels:
    """Pixels in one array, in memory or in a file.

    A pickle of pixels in a file contains the path of the file. If the file is corrupted while it is
    used, the pixels are read from their origin again.

    Parameters
    ----------
    images : ndarray of uint8 or StoredArray, shape (n, height, width, 3)
        The pixels, which must not change afterwards.
    digests : sequence of str, optional
        The digest of the content of each image, if it was read from another source; by default
        a digest of its pixels.
    resize : {"stretch", "pad", "crop"}, default="stretch"
        How the photos were resized.
    origin : Origin, optional
        Where the pixels were read from, if they can be read from there again at another size.
    """

    __slots__ = ("_digests", "_images", "_origin", "_resize")

    def __init__(
        self,
        images: Images | StoredArray,
        *,
        digests: Sequence[str] | None = None,
        resize: Resize = "stretch",
        origin: Origin | None = None,
    ) -> None:
        self._images = images
        self._digests = digests
        self._resize: Resize = resize
        self._origin = origin

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._images.shape[1], self._images.shape[2]

    @property
    def resize(self) -> Resize:
        """How the photos were resized."""
        return self._resize

    @property
    def has_files(self) -> bool:
        """Whether the pixels can be read again from files."""
        return self._origin is not None

    def resized(self, image_size: tuple[int, int], resize: Resize) -> PixelSource:
        """Return the same photos at another size, read from their files if they have files."""
        if self._origin is None:
            return ResizedPixels(self, image_size=image_size, resize=resize)
        source = resized_source(self._origin.source, image_size, resize)
        return TakenPixels(source, self._origin.rows)

    @property
    def crop_rule(self) -> Preprocessing | None:
        """The rule of the crops; None for whole photos."""
        return None if self._origin is None else crop_rule_of(self._origin.source)

    def read_as(self, rule: Preprocessing) -> PixelSource:
        """Return the crops with another rule, cut from their photos."""
        if self._origin is None:
            return self.resized(rule.read_size, rule.resize)
        return TakenPixels(read_as(self._origin.source, rule), self._origin.rows)

    def whole_photos(self, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
        """Return a source of the whole photos, and the photo of each row."""
        if self._origin is None:
            return self, rows
        return whole_photos(self._origin.source, self._origin.rows[rows])

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def read(self, row: int) -> Image:
        """Return a copy of image `row`."""
        image: Image = self.read_many([row])[0]
        return image

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return a copy of the images `rows`."""
        chosen = np.asarray(rows, dtype=np.int64)
        try:
            # An index array copies the rows.
            return self._images[chosen].astype(np.uint8, copy=False)
        except DataError:
            if self._origin is None:
                raise
            same = resized_source(self._origin.source, self.image_size, self.resize)
            return read_rows(same, self._origin.rows[chosen])

    def digest(self, row: int) -> str:
        """Return the digest of the content of image `row`."""
        if self._digests is not None:
            return self._digests[row]
        shape = repr(self._images.shape[1:]).encode()
        return hashlib.sha256(shape + self.read(row).tobytes()).hexdigest()

    def sizes(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """Return the size of each row's content: that of its file, or less than 0 for an array.

        None if the content is that of another source without files.
        """
        if self._origin is not None:
            return content_sizes_of(self._origin.source, self._origin.rows[rows])
        if self._digests is not None:
            # The pixels may have another size than the content with these digests.
            return None
        # An array never has the digest of a file, so their sizes differ, too.
        return np.full(len(rows), -1 - math.prod(self._images.shape[1:]), dtype=np.int64)

    def file_of(self, row: int) -> str | None:
        """Return the path of the photo of row `row`, or None without one."""
        if self._origin is None:
            return None
        return file_of(self._origin.source, int(self._origin.rows[row]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origin:
    """The source of cached pixels."""

    source: PixelSource
    """A source with files."""
    rows: npt.NDArray[np.int64]
    """The row of that source for each cached row."""


def origin_of(source: PixelSource, rows: npt.NDArray[np.int64]) -> Origin | None:
    """Return the origin of these rows, or None if they do not come from files."""
    return Origin(source=source, rows=rows) if has_files(source) else None


class TakenPixels:
    """Some rows of another source.

    Parameters
    ----------
    source : PixelSource
        The other source.
    rows : ndarray of int64, shape (n,)
        The row of `source` for each row.
    """

    __slots__ = ("_rows", "_source")

    def __init__(self, source: PixelSource, rows: npt.NDArray[np.int64]) -> None:
        self._source = source
        self._rows = rows

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._source.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another aspect ratio were resized to `image_size`."""
        return resize_of(self._source)

    @property
    def has_files(self) -> bool:
        """Whether the pixels can be read again from files."""
        return has_files(self._source)

    def resized(self, image_size: tuple[int, int], resize: Resize) -> PixelSource:
        """Return the same rows at another size."""
        return TakenPixels(resized_source(self._source, image_size, resize), self._rows)

    @property
    def crop_rule(self) -> Preprocessing | None:
        """The rule of the crops; None for whole photos."""
        return crop_rule_of(self._source)

    def read_as(self, rule: Preprocessing) -> PixelSource:
        """Return the crops with another rule, cut from their photos."""
        return TakenPixels(read_as(self._source, rule), self._rows)

    def whole_photos(self, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
        """Return a source of the whole photos, and the photo of each row."""
        return whole_photos(self._source, self._rows[rows])

    def kept(self, rows: SourceRows, directory: str | None) -> PixelSource:
        """Return the same rows, whose crops are cut once."""
        return TakenPixels(kept(self._source, self._rows[rows], directory), self._rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def read(self, row: int) -> Image:
        """Return row `row`."""
        return self._source.read(int(self._rows[row]))

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several rows, with `read_many` if the source has it."""
        return read_rows(self._source, self._rows[np.asarray(rows, dtype=np.int64)])

    def digest(self, row: int) -> str:
        """Return the digest of row `row`."""
        return self._source.digest(int(self._rows[row]))

    def sizes(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """Return the size of each row's content; None if the source does not know it."""
        return content_sizes_of(self._source, self._rows[rows])

    def file_of(self, row: int) -> str | None:
        """Return the path of the photo of row `row`, or None without one."""
        return file_of(self._source, int(self._rows[row]))


class ResizedPixels:
    """The pixels of another source at another size, resized when they are read.

    Parameters
    ----------
    source : PixelSource
        The other source.
    image_size : tuple of int
        Height and width of every image.
    resize : {"stretch", "pad", "crop"}
        How an image of another aspect ratio is resized.
    """

    __slots__ = ("_image_size", "_resize", "_source")

    def __init__(self, source: PixelSource, *, image_size: tuple[int, int], resize: Resize) -> None:
        self._source = source
        self._image_size = image_size
        self._resize: Resize = resize

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._image_size

    @property
    def resize(self) -> Resize:
        """How an image of another aspect ratio is resized."""
        return self._resize

    @property
    def has_files(self) -> bool:
        """Whether the pixels can be read again from files: always False."""
        return False

    def resized(self, image_size: tuple[int, int], resize: Resize) -> PixelSource:
        """Return the same photos at another size, resized from the original pixels."""
        return ResizedPixels(self._source, image_size=image_size, resize=resize)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._source)

    def read(self, row: int) -> Image:
        """Return image `row` at the other size."""
        return self._fitted(self._source.read(row))

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several images; at most one block of original pixels is in memory at a time."""
        wanted = np.asarray(rows, dtype=np.int64)
        images = np.empty((len(wanted), *self._image_size, 3), dtype=np.uint8)
        for start in range(0, len(wanted), _BLOCK):
            found = read_rows(self._source, wanted[start : start + _BLOCK])
            for place, image in enumerate(found, start):
                images[place] = self._fitted(image)
        return images

    def digest(self, row: int) -> str:
        """Return the digest of the content, which is the same for every size."""
        return self._source.digest(row)

    def sizes(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """Return the size of each row's content; None if the source does not know it."""
        return content_sizes_of(self._source, rows)

    def _fitted(self, image: Image) -> Image:
        if image.shape[:2] == self._image_size:
            return image
        return resize_image(image, image_size=self._image_size, resize=self._resize)


def has_files(source: PixelSource) -> bool:
    """Return whether photos can be read again at another size."""
    return bool(getattr(source, "has_files", hasattr(source, "resized")))


def resize_of(source: PixelSource) -> Resize:
    """Return the resize rule of a source; ``"stretch"`` if it has no attribute for it."""
    return cast("Resize", getattr(source, "resize", "stretch"))


def resized_source(source: PixelSource, image_size: tuple[int, int], resize: Resize) -> PixelSource:
    """Return the same rows at another size: from the source itself, or by resizing its pixels."""
    own = getattr(source, "resized", None)
    if own is None:
        return ResizedPixels(source, image_size=image_size, resize=resize)
    return cast("PixelSource", own(image_size, resize))


def crop_rule_of(source: PixelSource) -> Preprocessing | None:
    """Return the rule of a source of crops; None if its rows are whole photos."""
    return cast("Preprocessing | None", getattr(source, "crop_rule", None))


def preprocessing_of(source: PixelSource) -> Preprocessing:
    """Return how the rows of a source are read."""
    rule = crop_rule_of(source)
    if rule is not None:
        return rule
    resize = cast("Resize", getattr(source, "resize", "stretch"))
    return Preprocessing(image_size=source.image_size, resize=resize)


def read_as(source: PixelSource, rule: Preprocessing) -> PixelSource:
    """Return the same rows as a classifier with this preprocessing reads them."""
    own = getattr(source, "read_as", None)
    if own is None or crop_rule_of(source) is None:
        return resized_source(source, rule.read_size, rule.resize)
    return cast("PixelSource", own(rule))


def whole_photos(source: PixelSource, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
    """Return a source of whole photos, and its row for each of these rows."""
    own = getattr(source, "whole_photos", None)
    if own is None or crop_rule_of(source) is None:
        return source, rows
    return cast("tuple[PixelSource, SourceRows]", own(rows))


def kept(source: PixelSource, rows: SourceRows, directory: str | None) -> PixelSource:
    """Return the same source, whose crops for these rows are cut once on first use.

    Parameters
    ----------
    source : PixelSource
        Any source; one of whole photos is returned unchanged.
    rows : ndarray of int64
        The rows that will be read.
    directory : str or None
        A folder for the crops; None keeps them in memory.
    """
    own = getattr(source, "kept", None)
    if own is None or crop_rule_of(source) is None:
        return source
    return cast("PixelSource", own(rows, directory))


def read_rows(source: PixelSource, rows: npt.NDArray[np.int64]) -> Images:
    """Return rows of any source as one array, with `read_many` if the source has it."""
    read_many = getattr(source, "read_many", None)
    if read_many is not None:
        return np.asarray(read_many(rows), dtype=np.uint8)
    images = np.empty((len(rows), *source.image_size, 3), dtype=np.uint8)
    for position, row in enumerate(rows):
        images[position] = source.read(int(row))
    return images


def digests_of(source: PixelSource, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the digests of some rows, computed in a few threads."""
    digests = [""] * len(rows)

    def take(position: int) -> None:
        digests[position] = source.digest(int(rows[position]))

    in_threads(take, len(rows), workers=getattr(source, "workers", None))
    return digests


def content_sizes_of(
    source: PixelSource, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Return the size of each row's content in bytes, or None if the source does not know it.

    Rows of different sizes have different digests, and sizes are found without reading files. A
    size of 0 means that it is unknown, because the file is missing.
    """
    own = getattr(source, "sizes", None)
    return None if own is None else cast("npt.NDArray[np.int64] | None", own(rows))


def file_of(source: PixelSource, row: int) -> str | None:
    """Return the path of the file that is a row's whole photo, or None without one."""
    own = getattr(source, "file_of", None)
    return None if own is None else cast("str | None", own(row))
