"""`Dataset`: an immutable, lazy sequence of labelled photos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_class_names, as_image_size, one_of
from shelfvision.data._columns import (
    checked_images,
    checked_labels,
    distinct_ids,
    frozen,
    numbered,
    object_array,
)
from shelfvision.data._derived import DerivedTable
from shelfvision.data._lineage import Lineage, named_groups
from shelfvision.data._sources import ArrayPixels
from shelfvision.data.decoding._decode import DEFAULT_LIMITS, DecodeLimits
from shelfvision.data.decoding._file_pixels import FilePixels
from shelfvision.data.finding._frame import FRAME, rows_of_frame
from shelfvision.data.finding._manifest import (
    Columns,
    Manifest,
    Origin,
    Where,
    manifest_of,
    read_manifest,
)
from shelfvision.data.finding._readable import unreadable
from shelfvision.data.finding._scan import scan_directory
from shelfvision.data.finding._skipped import SkippedFile, SkippedFiles
from shelfvision.errors import DataError
from shelfvision.protocols import Images, OnError, PixelSource, Resize

if TYPE_CHECKING:
    from typing import Self

    from narwhals.typing import IntoDataFrame


@final
class Dataset(DerivedTable):
    """Labelled photos: columns of ids, labels, groups and copies, and a way to get the pixels.

    It is an immutable sequence: ``ds[i]`` gives ``(image, label)``, and a slice, mask or index
    array gives another `Dataset` that shares the pixels. Photos are read when asked for, never
    held. Make one with `from_directory`, `from_manifest`, `from_frame`, `from_arrays` or
    `from_source`.
    """

    __slots__ = ()

    @classmethod
    def from_directory(
        cls,
        directory: str | os.PathLike[str],
        *,
        class_names: Iterable[str] | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Make a dataset of a folder that has one sub-folder of photos per class.

        Photos are the ``.jpg``, ``.jpeg``, ``.png`` and ``.webp`` files, and with
        ``pip install "shelfvision[heif]"`` the ``.heic`` and ``.heif`` files, in any case,
        anywhere below a class folder; their ids are their paths relative to `directory`, with
        forward slashes. Everything else that is seen there, hidden files too, is told in
        `skipped`. The order of the photos depends on their names only. A link to a folder is
        followed unless that folder is read anyway.

        Parameters
        ----------
        directory : path-like
            The folder.
        class_names : iterable of str, optional
            Which sub-folders to use, in the order of their class numbers. By default all that
            are not hidden, sorted.
        image_size : tuple of int, default=(100, 100)
            Height and width that photos are brought to, in pixels.
        resize : {"stretch", "pad", "crop"}, default="stretch"
            What happens to a photo of another shape: it is stretched, or fitted inside with
            white margins, or its middle is cut out.
        on_error : {"raise", "skip"}, default="raise"
            ``"raise"`` opens no photo now and raises when a bad one is asked for; ``"skip"``
            decodes each photo once now, leaves out what fails and tells it in `skipped`.
        limits : DecodeLimits, optional
            What a photo may cost before it counts as bad.

        Returns
        -------
        Dataset
            The photos, class folder by class folder.

        Raises
        ------
        DatasetNotFoundError
            There is no such folder.
        DataError
            It has no sub-folders or no photos, or lacks a folder that `class_names` names.
        PhotoError
            A folder below it may not be read (only with ``on_error="raise"``).

        Examples
        --------
        >>> import tempfile
        >>> import shelfvision as sv
        >>> folder = tempfile.mkdtemp()
        >>> _ = sv.samples.write_products(folder, n_per_class=2, class_names=["juice", "milk"])
        >>> ds = sv.Dataset.from_directory(folder, image_size=(64, 64))
        >>> ds.class_counts
        {'juice': 2, 'milk': 2}
        """
        one_of("on_error", on_error, ("raise", "skip"))
        scan = scan_directory(directory, class_names, on_error)
        ids = object_array(scan.ids)
        source = _Look(image_size, resize, limits).at(scan.root, ids)
        full = cls.from_source(source, ids=ids, labels=scan.labels, class_names=scan.class_names)
        full._skipped = SkippedFiles(scan.skipped)
        return full._without_unreadable(source) if on_error == "skip" else full

    @classmethod
    def from_manifest(
        cls,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        path_column: str = "path",
        label_column: str = "label",
        group_column: str | None = None,
        where: Where | None = None,
        class_names: Iterable[str] | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Make a dataset of the photos that a CSV file lists.

        The file is UTF-8, comma-separated, its first line names the columns. Paths may be
        absolute, or lead out of `root`: the file is the caller's own list, and the id shows it.
        Photos keep the order of the file; a photo that is listed again with the same label
        counts once.

        Parameters
        ----------
        path : path-like
            The CSV file.
        root : path-like, optional
            The folder that relative paths start from; by default the CSV file's own.
        path_column, label_column : str
            The columns with the photo's path and its class.
        group_column : str, optional
            The column that names what must stay together: a store, a session, a burst. Where a
            cell is empty, the photo's content is its group.
        where : mapping of str to str or sequence of str, optional
            The value, or the values, that a column must have: ``{"split": "train"}``.
        class_names : iterable of str, optional
            Which classes to use, in the order of their numbers. By default the sorted labels of
            all lines, those that `where` leaves out too.
        image_size, resize, on_error, limits : optional
            As for `from_directory`.

        Returns
        -------
        Dataset
            The photos, in the order of the file.

        Raises
        ------
        DatasetNotFoundError
            There is no such file, or no such `root`.
        DataError
            The file is not as described, lists a photo under two labels, or nothing fits.
        PhotoNotFoundError
            A photo of the list does not exist (only with ``on_error="raise"``).
        """
        one_of("on_error", on_error, ("raise", "skip"))
        columns = Columns(path=path_column, label=label_column, group=group_column)
        manifest = read_manifest(
            path, root=root, columns=columns, where=where, class_names=class_names
        )
        skipped = manifest.without_missing(Origin(repr(os.fspath(path))), on_error)
        return cls._listed(manifest, skipped, _Look(image_size, resize, limits), on_error)

    @classmethod
    def from_frame(
        cls,
        frame: IntoDataFrame,
        *,
        root: str | os.PathLike[str] = "",
        path_column: str = "path",
        label_column: str = "label",
        group_column: str | None = None,
        class_names: Iterable[str] | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Make a dataset of the photos that a frame lists: of pandas, polars or their like.

        It does what `from_manifest` does for a CSV file; rows are chosen by filtering the frame.
        What `to_frame` gives comes back with ``path_column="id", group_column="group"``.

        Parameters
        ----------
        frame : DataFrame
            Any frame that the package narwhals knows; ``pip install "shelfvision[frame]"``.
        root : path-like, default=""
            The folder that relative paths start from; by default the current one.
        path_column, label_column, group_column, class_names : optional
            As for `from_manifest`. Labels and groups that are no text are turned into text.
        image_size, resize, on_error, limits : optional
            As for `from_directory`.

        Returns
        -------
        Dataset
            The photos, in the order of the frame.

        Raises
        ------
        DataError
            The frame is not as described, lists a photo under two labels, or is empty.
        PhotoNotFoundError
            A photo of the list does not exist (only with ``on_error="raise"``).
        MissingDependencyError
            narwhals is not installed.
        """
        one_of("on_error", on_error, ("raise", "skip"))
        columns = Columns(path=path_column, label=label_column, group=group_column)
        rows = rows_of_frame(frame, columns)
        manifest = manifest_of(
            rows, origin=FRAME, root=root, columns=columns, where={}, class_names=class_names
        )
        skipped = manifest.without_missing(FRAME, on_error)
        return cls._listed(manifest, skipped, _Look(image_size, resize, limits), on_error)

    @classmethod
    def from_source(
        cls,
        source: PixelSource,
        *,
        ids: Sequence[str] | npt.NDArray[np.object_],
        labels: Sequence[int] | npt.NDArray[np.integer],
        class_names: Iterable[str],
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
        class_names : iterable of str
            The classes, in the order of their numbers.
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
                    f"{column} has {length} entries for {len(source)} images; give one for each"
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

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as sv
        >>> images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
        >>> ds = sv.Dataset.from_arrays(images, ["milk", "juice", "milk"])
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
            groups=None if groups is None else named_groups(groups),
        )

    @classmethod
    def _listed(
        cls, manifest: Manifest, skipped: list[SkippedFile], look: _Look, on_error: OnError
    ) -> Self:
        ids = object_array(manifest.ids)
        source = look.at(manifest.root, ids)
        full = cls.from_source(
            source,
            ids=ids,
            labels=manifest.labels,
            class_names=manifest.class_names,
            groups=manifest.groups,
        )
        full._skipped = SkippedFiles(skipped)
        return full._without_unreadable(source) if on_error == "skip" else full

    def _without_unreadable(self, source: FilePixels) -> Self:
        bad = unreadable(source)
        if len(bad) == len(self):
            first = next(iter(bad.values()))
            raise DataError(f"none of the {len(self)} photos can be read; the first: {first}")
        good = np.ones(len(self), dtype=np.bool_)
        good[list(bad)] = False
        view = self._view(good)
        failed = [SkippedFile(self._ids[row], str(error), error.code) for row, error in bad.items()]
        view._skipped = SkippedFiles((*self._skipped, *failed))
        return view


class _Look(NamedTuple):
    """How the files of photos become images."""

    image_size: tuple[int, int]
    resize: Resize
    limits: DecodeLimits

    def at(self, root: str, ids: npt.NDArray[np.object_]) -> FilePixels:
        """Return the pixels of some files."""
        one_of("resize", self.resize, ("stretch", "pad", "crop"))
        size = as_image_size(self.image_size)
        return FilePixels(root, ids, image_size=size, resize=self.resize, limits=self.limits)
