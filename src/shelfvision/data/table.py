"""`PhotoTable`: the columns of a dataset and the source of its pixels, in one frozen value.

A `Dataset` holds one table, and its methods call the functions of this package with it. Other
packages with their own pixel sources (balancing, training) read ``dataset.table`` and make a
dataset with ``Dataset(table)``.

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
from shelfvision._product_codes import ProductCodes
from shelfvision._skipped import SkippedFiles
from shelfvision._validation import Positions, counted, import_package
from shelfvision.data._lineage import GroupLink, Lineage
from shelfvision.protocols import PixelSource

if TYPE_CHECKING:
    import pandas as pd

_Scalar = TypeVar("_Scalar", bound=np.generic)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoTable:
    """The rows of a dataset as columns of equal length; arrays are read-only."""

    source: PixelSource
    """The source of the pixels."""
    rows: npt.NDArray[np.int64]
    """The row of `source` for each row of the table."""
    ids: npt.NDArray[np.object_]
    """The photo id of each row, ``str``; copies share the id of their original."""
    labels: npt.NDArray[np.int64]
    """The class number of each row."""
    copies: npt.NDArray[np.int32]
    """0 for an original, 1, 2, … for its augmented copies."""
    lineage: Lineage
    """The group of each row of `source`, computed on first use."""
    class_names: tuple[str, ...]
    """The names of the classes in the order of their numbers."""
    skipped: SkippedFiles = field(default_factory=SkippedFiles)
    """The files that were found but are not in the dataset."""
    product_codes: ProductCodes | None = None
    """The GTIN or SKU of classes; training does not depend on them."""

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
        """Return how to rebuild the table; a pickled NumPy array loses its read-only flag."""
        values = {column.name: getattr(self, column.name) for column in fields(self)}
        return functools.partial(PhotoTable, **values), ()


def frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    """Return a read-only view."""
    array = array.view()
    array.flags.writeable = False
    return array


def taken(table: PhotoTable, positions: Positions) -> PhotoTable:
    """Return some rows of a table, which share its pixels and groups."""
    # Not `dataclasses.replace`, which takes 1.5 times as long.
    return PhotoTable(
        source=table.source,
        rows=table.rows[positions],
        ids=table.ids[positions],
        labels=table.labels[positions],
        copies=table.copies[positions],
        lineage=table.lineage,
        class_names=table.class_names,
        skipped=table.skipped,
        product_codes=table.product_codes,
    )


def groups_of(table: PhotoTable) -> npt.NDArray[np.object_]:
    """Return the group of each row with the prefix of its kind, read-only."""
    return frozen(table.lineage.of(table.rows))


def contents_of(table: PhotoTable) -> npt.NDArray[np.object_]:
    """Return the group that each row would have without named groups: its content, read-only."""
    return frozen(table.lineage.contents(table.rows))


def group_links_of(table: PhotoTable) -> tuple[GroupLink, ...]:
    """Return the links whose two photos are both in the table."""
    if not table.lineage.links:
        return ()
    here = set(table.ids.tolist())
    return tuple(link for link in table.lineage.links if here.issuperset(link.ids))


def class_counts_of(table: PhotoTable) -> dict[str, int]:
    """Return the number of rows of each class."""
    counts = np.bincount(table.labels, minlength=len(table.class_names))
    return dict(zip(table.class_names, counts.tolist(), strict=True))


def summary_of(table: PhotoTable) -> str:
    """Return the number of rows, the number of classes and the image size."""
    height, width = table.source.image_size
    classes = counted(len(table.class_names), "class")
    return f"{counted(len(table), 'photo')} of {classes}, {height} x {width}"


def fingerprint_of(table: PhotoTable) -> str:
    """Return a digest of image size, resize rule, classes, and all rows with their content."""
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
    """Return a pandas DataFrame with id, label, group and copy of each row."""
    pd = import_package("pandas", purpose="to_frame", pip="pandas")
    names = np.array(table.class_names, dtype=object)
    columns = {"id": table.ids, "label": names[table.labels], "group": groups_of(table)}
    return pd.DataFrame({**columns, "copy": table.copies})
