"""Keeps decoded pixels, in memory or in one file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import (
    ArrayPixels,
    StoredPixels,
    digests_of,
    origin_of,
    read_rows,
    resize_of,
)
from shelfvision._storage.array_file import ArrayFile
from shelfvision._validation import as_path
from shelfvision.protocols import PixelSource

_SCHEME = "shelfvision-pixels-2"
# Photos that are decoded between two writes.
_BLOCK = 256


def cached_in_memory(source: PixelSource, rows: npt.NDArray[np.int64]) -> ArrayPixels:
    """Read rows into memory."""
    # The digests come first: reading then tells if a photo changes in between.
    digests = digests_of(source, rows)
    return ArrayPixels(
        read_rows(source, rows),
        digests=digests,
        resize=resize_of(source),
        origin=origin_of(source, rows),
    )


def cached_in_directory(
    source: PixelSource,
    rows: npt.NDArray[np.int64],
    directory: str | os.PathLike[str],
    *,
    key: str,
) -> ArrayPixels:
    """Read rows into a file named after `key`, or open the one that is there and whole."""
    if not len(rows):
        return cached_in_memory(source, rows)
    digests, resize = digests_of(source, rows), resize_of(source)
    file = ArrayFile(
        path=Path(as_path(directory, "directory")) / f"photos-{key[:32]}.npy",
        scheme=_SCHEME,
        key=key,
        shape=(len(rows), *source.image_size, 3),
        dtype="|u1",
        block=_BLOCK,
    )
    stored = file.opened() or file.write(lambda start, stop: read_rows(source, rows[start:stop]))
    return StoredPixels(stored, digests=digests, resize=resize, origin=origin_of(source, rows))
