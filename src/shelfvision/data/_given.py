"""`GivenTable`: photos whose pixels are given: arrays, or a source that gives them when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._photos.sources import ArrayPixels
from shelfvision.data._columns import (
    checked_images,
    checked_labels,
    distinct_ids,
    entries_of,
    frozen,
    numbered,
    object_array,
)
from shelfvision.data._derived import DerivedTable
from shelfvision.data._lineage import Lineage, named_groups
from shelfvision.data.finding._skipped import SkippedFiles
from shelfvision.errors import DataError
from shelfvision.protocols import ClassNames, Images, PixelSource

if TYPE_CHECKING:
    from typing import Self


class GivenTable(DerivedTable):
    """How a `Dataset` is made of pixels; those of files come on top of it."""

    __slots__ = ()

    @classmethod
    def from_source(
        cls,
        source: PixelSource,
        *,
        ids: Sequence[str] | npt.NDArray[np.object_],
        labels: Sequence[int] | npt.NDArray[np.integer],
        class_names: ClassNames,
        groups: Sequence[str | None] | None = None,
        copies: Sequence[int] | npt.NDArray[np.integer] | None = None,
    ) -> Self:
        """Make a dataset over pixels that come from anywhere.

        Parameters
        ----------
        source : PixelSource
            Gives the pixels of row `i`; of the same length as `ids`.
        ids : sequence of str
            A name for every photo; a photo and its copies share it.
        labels : sequence of int
            The class number of every row, an index into `class_names`.
        class_names : iterable of str, or mapping
            The classes, in the order of their numbers; some may have no photos.
        groups : sequence of str, optional
            A namespaced group for every row, as `groups` of another dataset gives them. Rows of
            one group are never parted. By default, and where it is None, a photo's content is
            its group.
        copies : sequence of int, optional
            0 for an original, 1, 2, … for its augmented copies. By default all are originals.

        Returns
        -------
        Dataset
            The dataset.

        Raises
        ------
        DataError
            The columns differ in length, or a label is not the number of a class.
        """
        names = as_class_names(class_names)
        columns = {"ids": len(ids), "labels": len(labels)}
        columns |= {} if groups is None else {"groups": len(groups)}
        columns |= {} if copies is None else {"copies": len(copies)}
        for column, length in columns.items():
            if length != len(source):
                raise DataError(
                    f"{column} has {length} entries for {len(source)} images; give one for each",
                    code="wrong-length",
                    parameter=column,
                )
        self = object.__new__(cls)
        self._source = source
        self._rows = frozen(np.arange(len(source), dtype=np.int64))
        self._ids = frozen(object_array(ids))
        self._labels = frozen(checked_labels(labels, names))
        self._copies = frozen(
            np.zeros(len(source), np.int32) if copies is None else np.array(copies, np.int32)
        )
        self._lineage = Lineage(source, groups)
        self._class_names = names
        self._skipped = SkippedFiles()
        return self

    @classmethod
    def from_arrays(
        cls,
        images: Images,
        labels: Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.str_],
        *,
        class_names: ClassNames | None = None,
        ids: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> Self:
        """Make a dataset of images that are in memory.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, height, width, 3)
            RGB pixels, 0 to 255. They are not copied; do not change them afterwards.
        labels : sequence of int or str, length n
            The class of every image: its number, or its name.
        class_names : iterable of str or mapping, optional
            The classes in the order of their numbers; some may have no images. By default the
            sorted names, or for numbers ``"0"``, ``"1"``, … up to the largest.
        ids : sequence of str, optional
            A distinct name for every image; by default ``"0"``, ``"1"`` and so on.
        groups : sequence of str, optional
            What must stay together: a store, a session, a burst. By default, and where the
            name is empty, an image's content is its group.

        Returns
        -------
        Dataset
            The dataset.

        Raises
        ------
        DataError
            The arrays do not fit together or are not what is described here.

        Warns
        -----
        ShelfVisionWarning
            Labels are names, and a class has none (code ``"missing-class"``), or two names look
            alike (``"twin-names"``).

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
        >>> ds = shv.Dataset.from_arrays(images, ["milk", "juice", "milk"])
        >>> ds.class_counts
        {'juice': 1, 'milk': 2}
        """
        images = checked_images(images)
        numbers, names = numbered(labels, class_names)
        chosen = [str(row) for row in range(len(images))] if ids is None else distinct_ids(ids)
        return cls.from_source(
            ArrayPixels(images),
            ids=chosen,
            labels=numbers,
            class_names=names,
            groups=None if groups is None else named_groups(entries_of("groups", groups)),
        )
