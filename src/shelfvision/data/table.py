"""`PhotoTable`: the columns of a dataset and the source of its pixels, in one frozen value.

A `Dataset` holds one table, and its methods pass the table to the functions of this room.
Rooms above that bring pixels of their own (balancing, training) read ``dataset.table`` and make
a dataset with ``Dataset(table)``.

>>> import numpy as np
>>> from shelfvision.data import Dataset
>>> photos = Dataset.from_arrays(np.zeros((3, 8, 8, 3), np.uint8), ["tea", "milk", "tea"])
>>> taken(photos.table, slice(0, 2)).labels.tolist()
[1, 0]
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import digests_of, resize_of
from shelfvision._validation import Positions, import_package
from shelfvision.data._lineage import GroupLink, Lineage
from shelfvision.data.finding._skipped import SkippedFiles
from shelfvision.protocols import PixelSource

if TYPE_CHECKING:
    import pandas as pd

_Scalar = TypeVar("_Scalar", bound=np.generic)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoTable:
    """The rows of a dataset in columns of one length; arrays are read-only."""

    source: PixelSource
    """Where the pixels come from."""
    rows: npt.NDArray[np.int64]
    """The row of `source` behind every row."""
    ids: npt.NDArray[np.object_]
    """The name of every row's photo, ``str``; copies share their original's."""
    labels: npt.NDArray[np.int64]
    """The class number of every row."""
    copies: npt.NDArray[np.int32]
    """0 for an original, 1, 2, … for its augmented copies."""
    lineage: Lineage
    """The group of every row of `source`, found when asked."""
    class_names: tuple[str, ...]
    """The names of the classes in the order of their numbers."""
    skipped: SkippedFiles = field(default_factory=SkippedFiles)
    """What was seen when the dataset was made and is not in it."""

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for name in ("rows", "ids", "labels", "copies"):
            array = getattr(self, name)
            if array.flags.writeable:
                object.__setattr__(self, name, frozen(array))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __reduce__(self) -> tuple[Callable[[], PhotoTable], tuple[()]]:
        """Return how to make the table again; numpy forgets that an array is read-only."""
        values = {column.name: getattr(self, column.name) for column in fields(self)}
        return functools.partial(PhotoTable, **values), ()


def frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    """Return a view that cannot be written through."""
    array = array.view()
    array.flags.writeable = False
    return array


def taken(table: PhotoTable, positions: Positions) -> PhotoTable:
    """Return some rows of a table, which share its pixels and groups."""
    # Written out, for `dataclasses.replace` takes half as long again.
    return PhotoTable(
        source=table.source,
        rows=table.rows[positions],
        ids=table.ids[positions],
        labels=table.labels[positions],
        copies=table.copies[positions],
        lineage=table.lineage,
        class_names=table.class_names,
        skipped=table.skipped,
    )


def groups_of(table: PhotoTable) -> npt.NDArray[np.object_]:
    """Return the namespaced group of every row, read-only."""
    return frozen(table.lineage.of(table.rows))


def group_links_of(table: PhotoTable) -> tuple[GroupLink, ...]:
    """Return the links of which both photos are in the table."""
    if not table.lineage.links:
        return ()
    here = set(table.ids.tolist())
    return tuple(link for link in table.lineage.links if here.issuperset(link.ids))


def class_counts_of(table: PhotoTable) -> dict[str, int]:
    """Return how many rows each class has."""
    counts = np.bincount(table.labels, minlength=len(table.class_names))
    return dict(zip(table.class_names, counts.tolist(), strict=True))


def fingerprint_of(table: PhotoTable) -> str:
    """Return a digest of image size, resize rule, classes, and of every row with its content."""
    hasher = hashlib.sha256()
    for text in (*map(str, table.source.image_size), resize_of(table.source), *table.class_names):
        _feed(hasher, text)
    digests = digests_of(table.source, table.rows)
    for name, label, copy, digest in zip(
        table.ids, table.labels, table.copies, digests, strict=True
    ):
        for text in (name, str(label), str(copy), digest):
            _feed(hasher, text)
    return hasher.hexdigest()


def _feed(hasher: hashlib._Hash, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    hasher.update(len(data).to_bytes(8, "little") + data)


def frame_of(table: PhotoTable) -> pd.DataFrame:
    """Return a pandas table of id, label, group and copy of every row."""
    pd = import_package("pandas", purpose="to_frame", pip="pandas")
    names = np.array(table.class_names, dtype=object)
    columns = {"id": table.ids, "label": names[table.labels], "group": groups_of(table)}
    return pd.DataFrame({**columns, "copy": table.copies})
