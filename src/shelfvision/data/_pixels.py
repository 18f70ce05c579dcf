"""Replace the pixels of a table: cached pixels, or another image size."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import (
    ArrayPixels,
    digests_of,
    origin_of,
    read_rows,
    resize_of,
    resized_source,
)
from shelfvision._storage.array_file import ArrayFile
from shelfvision._urls import COPY_LATER
from shelfvision._validation import as_image_size, as_path, one_of
from shelfvision.data.table import PhotoTable, fingerprint_of
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import RESIZE_RULES, PixelSource, Resize

_SCHEME = "shelfvision-pixels-2"
# The number of photos that are decoded between two writes.
_BLOCK = 256


def cached_table(table: PhotoTable, directory: str | os.PathLike[str] | None) -> PhotoTable:
    """Return the same rows with pixels that are cached in memory or in a folder."""
    if getattr(table.source, "refresh", False):
        raise InvalidParameterError(
            "the dataset must not have augmented copies that change in each epoch, because a cache "
            "would freeze them; cache the photos before balancing: "
            "balancer.balance(dataset.cached())",
            code="conflict",
        )
    if directory is None:
        source = _kept_in_memory(table.source, table.rows)
    else:
        source = _kept_in_directory(table.source, table.rows, directory, key=fingerprint_of(table))
    return replace(
        table,
        source=source,
        rows=np.arange(len(table), dtype=np.int64),
        lineage=table.lineage.taken(source, table.rows),
    )


def resized_table(
    table: PhotoTable, image_size: Iterable[SupportsIndex], resize: Resize | None
) -> PhotoTable:
    """Return the same rows at another image size or resize rule; no photo is read."""
    source = table.source
    size = as_image_size(image_size)
    rule = resize_of(source) if resize is None else resize
    one_of("resize", rule, RESIZE_RULES)
    if (size, rule) == (source.image_size, resize_of(source)):
        return table
    return replace(table, source=resized_source(source, size, rule))


def _kept_in_memory(source: PixelSource, rows: npt.NDArray[np.int64]) -> ArrayPixels:
    # Digests first: reading then detects a photo that changes in between.
    digests = digests_of(source, rows)
    return ArrayPixels(
        read_rows(source, rows),
        digests=digests,
        resize=resize_of(source),
        origin=origin_of(source, rows),
    )


def _kept_in_directory(
    source: PixelSource,
    rows: npt.NDArray[np.int64],
    directory: str | os.PathLike[str],
    *,
    key: str,
) -> ArrayPixels:
    """Read rows into a file named after `key`, or open this file if it is complete."""
    if not len(rows):
        return _kept_in_memory(source, rows)
    digests, resize = digests_of(source, rows), resize_of(source)
    file = ArrayFile(
        path=Path(as_path(directory, "directory", remedy=COPY_LATER)) / f"photos-{key[:32]}.npy",
        scheme=_SCHEME,
        key=key,
        shape=(len(rows), *source.image_size, 3),
        dtype="|u1",
        block=_BLOCK,
    )
    stored = file.opened() or file.write(lambda start, stop: read_rows(source, rows[start:stop]))
    return ArrayPixels(stored, digests=digests, resize=resize, origin=origin_of(source, rows))
