"""`KeptCrops`: crops that are cut once, before rows are read in random order.

Training reads rows in random order, and would decode a photo again for each of its boxes.
"""

from __future__ import annotations

import math
import tempfile
import threading
from pathlib import Path
from typing import cast, final

import numpy as np

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import (
    SourceRows,
    crop_rule_of,
    kept,
    read_as,
    read_rows,
    resized_source,
    whole_photos,
)
from shelfvision._progress import Advance, progress
from shelfvision._storage.array_file import ArrayFile, StoredArray
from shelfvision.errors import DataError
from shelfvision.protocols import Image, Images, PixelSource, Resize

_SCHEME = "shelfvision-crops-1"
_BLOCK = 256
_IN_MEMORY = 2 * 1024**3
"""The most bytes that are kept in memory; more go to a temporary folder."""


@final
class KeptCrops:
    """Crops that are cut once, in the order of their photos, on first use.

    Parameters
    ----------
    source : PixelSource
        The source of the crops.
    rows : ndarray of int64
        The rows to keep; others are read from the source.
    directory : str or None
        A folder for the crops; None keeps them in memory.
    key : str
        A digest of the rows and how they are cut.
    """

    def __init__(
        self, source: PixelSource, rows: SourceRows, *, directory: str | None, key: str
    ) -> None:
        self._source = source
        self._rows = np.unique(rows)
        self._directory = directory
        self._key = key
        self._pixels: Images | StoredArray | None = None
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._source.image_size

    @property
    def resize(self) -> Resize:
        """How crops of another aspect ratio are resized."""
        return cast("Resize", getattr(self._source, "resize", "stretch"))

    @property
    def has_files(self) -> bool:
        """Whether the photos can be read from their files again."""
        return True

    @property
    def crop_rule(self) -> Preprocessing | None:
        """The rule of the crops."""
        return crop_rule_of(self._source)

    def resized(self, image_size: tuple[int, int], resize: Resize) -> PixelSource:
        """Return the crops at another size, cut from the photos."""
        return resized_source(self._source, image_size, resize)

    def read_as(self, rule: Preprocessing) -> PixelSource:
        """Return the crops with another rule, cut from the photos."""
        return read_as(self._source, rule)

    def whole_photos(self, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
        """Return a source of the whole photos, and the photo of each row."""
        return whole_photos(self._source, rows)

    def kept(self, rows: SourceRows, directory: str | None) -> PixelSource:
        """Return this source if it has the rows, else one that has them."""
        if np.isin(rows, self._rows).all():
            return self
        return kept(self._source, rows, directory)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._source)

    def read(self, row: int) -> Image:
        """Return row `row`."""
        image: Image = self.read_many(np.array([row]))[0]
        return image

    def read_many(self, rows: SourceRows) -> Images:
        """Return several rows; the first call cuts all rows to keep."""
        wanted = np.asarray(rows, dtype=np.int64)
        places = np.searchsorted(self._rows, wanted).clip(max=len(self._rows) - 1)
        if not len(self._rows) or (self._rows[places] != wanted).any():
            return read_rows(self._source, wanted)
        try:
            pixels: Images = np.asarray(self._cut()[places], dtype=np.uint8)
        except DataError:
            # The file was damaged while it was used.
            return read_rows(self._source, wanted)
        return pixels

    def digest(self, row: int) -> str:
        """Return the digest of row `row`."""
        return self._source.digest(row)

    def _cut(self) -> Images | StoredArray:
        with self._lock:
            if self._pixels is None:
                with progress("Cutting crops", len(self._rows)) as advance:
                    self._pixels = self._filled(advance)
            return self._pixels

    def _filled(self, advance: Advance) -> Images | StoredArray:
        """Return the crops in memory or in a file, which an earlier run may have written."""
        shape = (len(self._rows), *self.image_size, 3)

        def read(start: int, stop: int) -> Images:
            found = read_rows(self._source, self._rows[start:stop])
            advance(stop - start)
            return found

        directory = self._directory
        if directory is None and math.prod(shape) > _IN_MEMORY:
            self._folder = tempfile.TemporaryDirectory(prefix="shelfvision-crops-")
            directory = self._folder.name
        if directory is None:
            pixels = np.empty(shape, dtype=np.uint8)
            for start in range(0, len(pixels), _BLOCK):
                stop = min(start + _BLOCK, len(pixels))
                pixels[start:stop] = read(start, stop)
            return pixels
        file = ArrayFile(
            path=Path(directory) / f"crops-{self._key[:32]}.npy",
            scheme=_SCHEME,
            key=self._key,
            shape=shape,
            dtype="|u1",
            block=_BLOCK,
        )
        return file.opened() or file.write(read)

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process makes the source; the crops themselves are not pickled."""
        return _kept_again, (self._source, self._rows, self._directory, self._key)


def _kept_again(
    source: PixelSource, rows: SourceRows, directory: str | None, key: str
) -> KeptCrops:
    return KeptCrops(source, rows, directory=directory, key=key)
