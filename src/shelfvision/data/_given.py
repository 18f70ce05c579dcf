"""Tables of photos in memory: arrays of pixels, or a `PixelSource`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._photos.sources import ArrayPixels
from shelfvision._validation import counted
from shelfvision.data._columns import (
    checked_images,
    checked_labels,
    distinct_ids,
    entries_of,
    numbered,
    object_array,
)
from shelfvision.data._lineage import Lineage, named_groups
from shelfvision.data.table import PhotoTable
from shelfvision.errors import DataError
from shelfvision.protocols import ClassNames, Images, PixelSource


def table_of_source(
    source: PixelSource,
    *,
    ids: Sequence[str] | npt.NDArray[np.object_],
    labels: Sequence[int] | npt.NDArray[np.integer],
    class_names: ClassNames,
    groups: Sequence[str | None] | None = None,
    copies: Sequence[int] | npt.NDArray[np.integer] | None = None,
) -> PhotoTable:
    """Return a table of all rows of a source; columns are as `Dataset.from_source` takes them."""
    names = as_class_names(class_names)
    columns = {"ids": len(ids), "labels": len(labels)}
    columns |= {} if groups is None else {"groups": len(groups)}
    columns |= {} if copies is None else {"copies": len(copies)}
    for column, length in columns.items():
        if length != len(source):
            raise DataError(
                f"{column} must have one entry per image, got {length} for "
                f"{counted(len(source), 'image')}; pass one for each",
                code="wrong-length",
                parameter=column,
            )
    return PhotoTable(
        source=source,
        rows=np.arange(len(source), dtype=np.int64),
        ids=object_array(ids),
        labels=checked_labels(labels, names),
        copies=np.zeros(len(source), np.int32) if copies is None else np.array(copies, np.int32),
        lineage=Lineage(source, groups),
        class_names=names,
    )


def table_of_arrays(
    images: Images,
    labels: Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.str_],
    *,
    class_names: ClassNames | None,
    ids: Sequence[str] | None,
    groups: Sequence[str] | None,
) -> PhotoTable:
    """Return a table of images in memory; columns are as `Dataset.from_arrays` takes them."""
    images = checked_images(images)
    numbers, names = numbered(labels, class_names)
    chosen = [str(row) for row in range(len(images))] if ids is None else distinct_ids(ids)
    return table_of_source(
        ArrayPixels(images),
        ids=chosen,
        labels=numbers,
        class_names=names,
        groups=None if groups is None else named_groups(entries_of("groups", groups)),
    )
