"""`Dataset`: an immutable, lazy sequence of labelled photos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsIndex, TypeAlias, TypeVar, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_class_names, listed
from shelfvision.data._lineage import USER, Lineage
from shelfvision.data._sources import ArrayPixels, read_rows
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import Image, Images, PixelSource

if TYPE_CHECKING:
    from typing import Self

Rows: TypeAlias = (
    slice | Sequence[int] | Sequence[bool] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]
)
"""What chooses several rows: a slice, a mask or indices."""


@final
class Dataset:
    """Labelled photos: columns of ids, labels, groups and copies, and a way to get the pixels.

    It is an immutable sequence: ``ds[i]`` gives ``(image, label)``, and a slice, mask or index
    array gives another `Dataset` that shares the pixels. Photos are read when asked for, never
    held. Make one with `from_directory`, `from_manifest`, `from_arrays` or `from_source`.
    """

    __slots__ = (
        "_class_names",
        "_copies",
        "_ids",
        "_labels",
        "_lineage",
        "_rows",
        "_skipped",
        "_source",
    )

    _source: PixelSource
    _rows: npt.NDArray[np.int64]
    _ids: npt.NDArray[np.object_]
    _labels: npt.NDArray[np.int64]
    _copies: npt.NDArray[np.int32]
    _lineage: Lineage
    _class_names: tuple[str, ...]

    def __init__(self) -> None:
        raise TypeError(
            "a Dataset is made by Dataset.from_directory, from_manifest, from_arrays or "
            "from_source, not by calling Dataset()"
        )

    @classmethod
    def from_source(
        cls,
        source: PixelSource,
        *,
        ids: Sequence[str],
        labels: Sequence[int] | npt.NDArray[np.integer],
        class_names: Iterable[str],
        groups: Sequence[str] | None = None,
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
        class_names : iterable of str
            The classes, in the order of their numbers.
        groups : sequence of str, optional
            A namespaced group for every row, as `groups` of another dataset gives them. Rows of
            one group are never parted. By default every photo's content is its group.
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
                    f"{column} has {length} entries for {len(source)} images; give one for each"
                )
        self = object.__new__(cls)
        self._source = source
        self._rows = _frozen(np.arange(len(source), dtype=np.int64))
        self._ids = _frozen(_object_array(ids))
        self._labels = _frozen(_checked_labels(labels, names))
        self._copies = _frozen(
            np.zeros(len(source), np.int32) if copies is None else np.array(copies, np.int32)
        )
        self._lineage = Lineage(source, groups)
        self._class_names = names
        self._skipped = ()
        return self

    @classmethod
    def from_arrays(
        cls,
        images: Images,
        labels: Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.str_],
        *,
        class_names: Iterable[str] | None = None,
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
        class_names : iterable of str, optional
            The classes in the order of their numbers. By default the sorted names, or for
            numbers ``"0"``, ``"1"``, … up to the largest.
        ids : sequence of str, optional
            A distinct name for every image; by default ``"0"``, ``"1"``, …
        groups : sequence of str, optional
            What must stay together: a store, a session, a burst. By default every image's
            content is its group.

        Returns
        -------
        Dataset
            The dataset.

        Raises
        ------
        DataError
            The arrays do not fit together or are not what is described here.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as sv
        >>> images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
        >>> ds = sv.Dataset.from_arrays(images, ["milk", "juice", "milk"])
        >>> ds.class_counts
        {'juice': 1, 'milk': 2}
        """
        images = _checked_images(images)
        numbers, names = _numbered(labels, class_names)
        chosen = [str(row) for row in range(len(images))] if ids is None else list(map(str, ids))
        if len(set(chosen)) != len(chosen):
            twice = next(name for name in chosen if chosen.count(name) > 1)
            raise DataError(f"ids has {twice!r} twice; every image needs an id of its own")
        return cls.from_source(
            ArrayPixels(images),
            ids=chosen,
            labels=numbers,
            class_names=names,
            groups=None if groups is None else [USER + str(group) for group in groups],
        )

    # -- columns ---------------------------------------------------------------------------

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The name of every row's photo, ``str``, shape (n,); copies share their original's."""
        return self._ids

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The class number of every row, shape (n,), read-only."""
        return self._labels

    @property
    def groups(self) -> npt.NDArray[np.object_]:
        """The namespaced group of every row, ``str``, shape (n,); rows of one group never part.

        Groups that nobody named are digests of the photos' content, computed on first use.
        """
        return _frozen(self._lineage.of(self._rows))

    @property
    def copies(self) -> npt.NDArray[np.int32]:
        """0 for an original, 1, 2, … for its augmented copies, shape (n,), read-only."""
        return self._copies

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of their numbers."""
        return self._class_names

    @property
    def class_counts(self) -> dict[str, int]:
        """How many rows each class has; a class without photos counts 0."""
        counts = np.bincount(self._labels, minlength=len(self._class_names))
        return dict(zip(self._class_names, counts.tolist(), strict=True))

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image, in pixels."""
        return self._source.image_size

    @property
    def fingerprint(self) -> str:
        """A digest of everything that training depends on: rows, order, classes and content."""
        hasher = hashlib.sha256()
        for field in (*map(str, self.image_size), *self._class_names):
            _feed(hasher, field)
        for row, name, label, copy in zip(
            self._rows, self._ids, self._labels, self._copies, strict=True
        ):
            for field in (name, str(label), str(copy), self._source.digest(int(row))):
                _feed(hasher, field)
        return hasher.hexdigest()

    # -- rows ------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: SupportsIndex) -> tuple[Image, int]: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: SupportsIndex | Rows) -> tuple[Image, int] | Self:
        """Return one ``(image, label)``, or a view of the rows that the index names."""
        if isinstance(index, SupportsIndex) and not isinstance(index, np.ndarray):
            row = int(self._rows[index])
            return self._source.read(row), int(self._labels[index])
        return self._view(self._positions(index))

    def __iter__(self) -> Iterator[tuple[Image, int]]:
        """Yield ``(image, label)`` for every row, reading one photo at a time."""
        for position in range(len(self)):
            yield self[position]

    def read_batch(self, indices: Rows) -> Images:
        """Return the images of several rows at once.

        Parameters
        ----------
        indices : slice, mask or indices
            The rows.

        Returns
        -------
        ndarray of uint8, shape (len(indices), height, width, 3)
            RGB pixels, the same as ``self[i][0]`` gives one by one, yours to write into.
        """
        positions = self._positions(indices)
        rows = self._rows[positions]
        return read_rows(self._source, np.atleast_1d(rows))

    def _positions(self, index: Rows) -> slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]:
        if isinstance(index, slice):
            return index
        chosen = np.asarray(index)
        if chosen.size == 0 and chosen.dtype != np.bool_:
            return np.empty(0, dtype=np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise InvalidParameterError(
                "rows of a dataset are chosen by an integer, a slice, a mask or a list of "
                f"integers, not by {index!r}"
            )
        if chosen.dtype == np.bool_ and len(chosen) != len(self):
            raise InvalidParameterError(
                f"the mask has {len(chosen)} entries for {len(self)} photos; give one for each"
            )
        return chosen

    def _view(self, positions: slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Self:
        view = object.__new__(type(self))
        for name in self.__slots__:
            setattr(view, name, getattr(self, name))
        for name in ("_rows", "_ids", "_labels", "_copies"):
            setattr(view, name, _frozen(getattr(self, name)[positions]))
        return view

    # -- classes ---------------------------------------------------------------------------

    def select(self, class_names: Iterable[str]) -> Self:
        """Return the photos of some classes, numbered in the order given.

        Parameters
        ----------
        class_names : iterable of str
            The classes to keep. A class without photos may be named; it keeps a number.

        Returns
        -------
        Dataset
            A view whose `class_names` are these.

        Raises
        ------
        InvalidParameterError
            A name is not one of the dataset's classes.
        """
        chosen = as_class_names(class_names)
        self._require_classes(chosen)
        return self._renumbered({name: name for name in chosen}, chosen)

    def relabel(self, names: Mapping[str, str]) -> Self:
        """Return the same photos under new class names; several classes may become one.

        Parameters
        ----------
        names : mapping of str to str
            New name by old name. Classes that are not mentioned keep theirs.

        Returns
        -------
        Dataset
            A view whose `class_names` are the new names, sorted.

        Raises
        ------
        InvalidParameterError
            A name on the left is not one of the dataset's classes.
        """
        self._require_classes(tuple(names))
        full = {name: names.get(name, name) for name in self._class_names}
        return self._renumbered(full, as_class_names(sorted(set(full.values()))))

    def _require_classes(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self._class_names]
        if unknown:
            raise InvalidParameterError(
                f"the dataset has no class {listed(unknown)}; its classes are "
                f"{listed(self._class_names, limit=50)}"
            )

    def _renumbered(self, renamed: Mapping[str, str], class_names: tuple[str, ...]) -> Self:
        number = {name: index for index, name in enumerate(class_names)}
        table = np.array([number.get(renamed.get(old, ""), -1) for old in self._class_names])
        labels = table[self._labels]
        view = self._view(labels >= 0)
        view._labels = _frozen(labels[labels >= 0].astype(np.int64))
        view._class_names = class_names
        return view

    # -- whole arrays ----------------------------------------------------------------------

    def one_hot(self) -> npt.NDArray[np.float32]:
        """Return the labels as ``float32`` of shape (n, number of classes), one 1 a row."""
        return np.eye(len(self._class_names), dtype=np.float32)[self._labels]

    def to_arrays(self) -> tuple[Images, npt.NDArray[np.int64]]:
        """Read everything into memory.

        Returns
        -------
        images : ndarray of uint8, shape (n, height, width, 3)
            RGB pixels, 0 to 255.
        labels : ndarray of int64, shape (n,)
            Class numbers.
        """
        return self.read_batch(slice(None)), self._labels.copy()

    def __repr__(self) -> str:
        """Return a line that tells the number of photos, the classes and the image size."""
        height, width = self.image_size
        return (
            f"<Dataset: {len(self)} photos of {len(self._class_names)} classes, {height} x {width}>"
        )


_Scalar = TypeVar("_Scalar", bound=np.generic)


def _frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    array = array.view()
    array.flags.writeable = False
    return array


def _object_array(values: Sequence[str]) -> npt.NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _feed(hasher: hashlib._Hash, field: str) -> None:
    data = field.encode("utf-8", "surrogateescape")
    hasher.update(len(data).to_bytes(8, "little") + data)


def _checked_images(images: Images) -> Images:
    got = getattr(images, "dtype", type(images).__name__), getattr(images, "shape", "no shape")
    if not isinstance(images, np.ndarray) or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(
            "images must be one uint8 array of shape (n, height, width, 3), RGB, not "
            f"{got[0]} of shape {got[1]}"
        )
    if images.dtype != np.uint8:
        raise DataError(
            f"images must be uint8 with values 0 to 255, not {got[0]}; multiply values from 0 to "
            "1 by 255 and convert with .astype(numpy.uint8)"
        )
    if 0 in images.shape[1:]:
        raise DataError(f"images have no pixels: their shape is {got[1]}")
    return images


def _numbered(
    labels: Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.str_],
    class_names: Iterable[str] | None,
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    array = np.asarray(labels)
    if array.ndim != 1:
        raise DataError(
            f"labels must be one class a row, shape (n,), not shape {array.shape}; from one-hot "
            "rows, pass labels.argmax(axis=1)"
        )
    if array.dtype.kind in "OUT":
        listed_names = [str(name) for name in array]
        chosen = sorted(set(listed_names)) if class_names is None else class_names
        names = as_class_names(chosen)
        number = {name: index for index, name in enumerate(names)}
        unknown = sorted(set(listed_names) - set(names))
        if unknown:
            raise DataError(f"labels name {listed(unknown)}, which class_names does not have")
        return np.array([number[name] for name in listed_names], dtype=np.int64), names
    if array.dtype.kind not in "iu":
        raise DataError(f"labels must be whole numbers or names, not {array.dtype}")
    if class_names is None:
        class_names = [str(index) for index in range(int(array.max(initial=0)) + 1)]
    names = as_class_names(class_names)
    return _checked_labels(array, names), names


def _checked_labels(
    labels: Sequence[int] | npt.NDArray[np.integer], class_names: tuple[str, ...]
) -> npt.NDArray[np.int64]:
    array = np.array(labels, dtype=np.int64)
    outside = (array < 0) | (array >= len(class_names))
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise DataError(
            f"label {array[row]} of row {row} is not the number of a class; with "
            f"{len(class_names)} classes, labels go from 0 to {len(class_names) - 1}"
        )
    return array
