"""`PhotoTable`: the columns of a dataset, its rows and its classes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsIndex, cast, overload

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import clean_name
from shelfvision._photos.sources import digests_of, read_rows
from shelfvision._validation import Positions, Rows, as_rows, counted, listed, require_texts
from shelfvision.data._columns import frozen
from shelfvision.data._lineage import GroupLink, Lineage
from shelfvision.data.finding._classes import accepted_classes
from shelfvision.data.finding._skipped import SkippedFiles
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames, Image, Images, PixelSource, Resize

if TYPE_CHECKING:
    from typing import Self


class PhotoTable:
    """What every `Dataset` is underneath; it never makes one itself."""

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
    _skipped: SkippedFiles

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError(
            "a Dataset is made by Dataset.from_directory, from_manifest, from_arrays or "
            "from_source, not by calling Dataset()"
        )

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        """Take over what was pickled; numpy forgets there that an array is read-only."""
        for name, value in state[1].items():
            setattr(self, name, frozen(value) if isinstance(value, np.ndarray) else value)

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
        return frozen(self._lineage.of(self._rows))

    @property
    def group_links(self) -> tuple[GroupLink, ...]:
        """The photos that look the same in groups that the user named apart, the likest first.

        `group_near_duplicates` finds them.
        """
        if not self._lineage.links:
            return ()
        here = set(self._ids.tolist())
        return tuple(link for link in self._lineage.links if here.issuperset(link.ids))

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
    def resize(self) -> Resize:
        """What happened to photos of another shape: ``"stretch"``, ``"pad"`` or ``"crop"``."""
        return cast("Resize", getattr(self._source, "resize", "stretch"))

    @property
    def skipped(self) -> SkippedFiles:
        """What was seen when the dataset was made and is not in it; prints as a table."""
        return self._skipped

    @property
    def fingerprint(self) -> str:
        """A digest of everything that training depends on: rows, order, classes and content."""
        hasher = hashlib.sha256()
        for field in (*map(str, self.image_size), self.resize, *self._class_names):
            _feed(hasher, field)
        digests = digests_of(self._source, self._rows)
        for name, label, copy, digest in zip(
            self._ids, self._labels, self._copies, digests, strict=True
        ):
            for field in (name, str(label), str(copy), digest):
                _feed(hasher, field)
        return hasher.hexdigest()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int | np.integer) -> tuple[Image, int]: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> tuple[Image, int] | Self:
        """Return one ``(image, label)``, or a view of the rows that the index names."""
        if isinstance(index, SupportsIndex) and not isinstance(index, bool | np.ndarray):
            row = int(self._rows[index])
            return self._source.read(row), int(self._labels[index])
        return self._view(as_rows(cast("Rows", index), len(self), of="a dataset"))

    def __contains__(self, name: object) -> bool:
        """Tell whether a photo of this id is in the dataset; no photo is read.

        Raises
        ------
        InvalidParameterError
            What is asked for is no id, a text.
        """
        if not isinstance(name, str):
            raise InvalidParameterError(
                f"a dataset is asked for a photo's id, a text, got {type(name).__name__}; write "
                "dataset.ids[0] in dataset",
                code="wrong-type",
                parameter="name",
            )
        return bool((self._ids == name).any())

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
        positions = as_rows(indices, len(self), of="a dataset")
        rows = self._rows[positions]
        return read_rows(self._source, np.atleast_1d(rows))

    def _view(self, positions: Positions) -> Self:
        view = object.__new__(type(self))
        for name in PhotoTable.__slots__:
            setattr(view, name, getattr(self, name))
        for name in ("_rows", "_ids", "_labels", "_copies"):
            setattr(view, name, frozen(getattr(self, name)[positions]))
        return view

    def select(self, class_names: ClassNames) -> Self:
        """Return the photos of some classes, numbered in the order given.

        Parameters
        ----------
        class_names : iterable of str, or mapping
            The classes to keep. A class that the dataset lacks may be named: it keeps a number
            and has no photos.

        Returns
        -------
        Dataset
            A view whose `class_names` are these.

        Raises
        ------
        InvalidParameterError
            None of the names is one of the dataset's classes.

        Warns
        -----
        ShelfVisionWarning
            Some are not (code ``"missing-class"``); the closest name of the dataset is told.
        """
        chosen = as_class_names(class_names)
        if set(chosen).isdisjoint(self._class_names):
            self._require_classes(chosen, "class_names")
        accepted_classes(chosen, self._class_names, of="the dataset")
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
            A name on the left is not one of the dataset's classes, or one on the right is no text.
        """
        if not isinstance(names, Mapping):
            raise InvalidParameterError(
                f"names must be a mapping of new name by old name, not {names!r}; write "
                '{"Oat-Milk": "Plant drink"}',
                code="wrong-type",
                parameter="names",
            )
        cleaned = {clean_name(old) if isinstance(old, str) else old: names[old] for old in names}
        self._require_classes(tuple(cleaned), "names")
        require_texts("class_names", names.values())
        full = {name: clean_name(cleaned.get(name, name)) for name in self._class_names}
        return self._renumbered(full, as_class_names(sorted(set(full.values()))))

    def _require_classes(self, names: Sequence[str], parameter: str) -> None:
        unknown = [name for name in names if name not in self._class_names]
        if unknown:
            raise InvalidParameterError(
                f"the dataset has no class {listed(unknown)}; its classes are "
                f"{listed(self._class_names, limit=50)}",
                code="unknown-name",
                parameter=parameter,
            )

    def _renumbered(self, renamed: Mapping[str, str], class_names: tuple[str, ...]) -> Self:
        number = {name: index for index, name in enumerate(class_names)}
        table = np.array([number.get(renamed.get(old, ""), -1) for old in self._class_names])
        labels = table[self._labels]
        view = self._view(labels >= 0)
        view._labels = frozen(labels[labels >= 0].astype(np.int64))
        view._class_names = class_names
        return view

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
            f"<Dataset: {counted(len(self), 'photo')} of "
            f"{counted(len(self._class_names), 'class')}, {height} x {width}>"
        )


def _feed(hasher: hashlib._Hash, field: str) -> None:
    data = field.encode("utf-8", "surrogateescape")
    hasher.update(len(data).to_bytes(8, "little") + data)
