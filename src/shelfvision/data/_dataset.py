"""`Dataset`: an immutable, lazy sequence of labelled photos."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import DEFAULT_LIMITS, DecodeLimits
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._validation import as_image_size, one_of
from shelfvision.data._columns import object_array
from shelfvision.data._given import GivenTable
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
from shelfvision.data.finding._scan import scan_directory, warn_of_empty
from shelfvision.data.finding._skipped import SkippedFile, SkippedFiles
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import ClassNames, OnError, Resize

if TYPE_CHECKING:
    from typing import Self

    from narwhals.typing import IntoDataFrame


@final
class Dataset(GivenTable):
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
        class_names: ClassNames | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Make a dataset of a folder that has one sub-folder of photos per class.

        Photos are the ``.jpg``, ``.jpeg``, ``.jpe``, ``.jfif``, ``.jfi``, ``.png`` and ``.webp``
        files, and with ``pip install "shelfvision[heif]"`` the ``.heic`` and ``.heif`` files, in
        any case, anywhere below a class folder; their ids are their paths relative to `directory`,
        with forward slashes. Everything else is listed in `skipped`: hidden files, folders of a
        system's own such as ``@eaDir`` and ``__MACOSX``, and images of other formats with the
        command that converts them. The order of the photos depends on their names only. A link to
        a folder is followed unless that folder is read anyway.

        Class names are in Unicode NFC without space at their ends; folders whose names differ only
        so are one class.

        Parameters
        ----------
        directory : path-like
            The folder.
        class_names : iterable of str, optional
            Which sub-folders to use, in the order of their class numbers. A class without a
            folder counts 0. By default all that are neither hidden nor a system's own, sorted.
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
            It has no sub-folders or no photos, or none that `class_names` names; or its folders
            are the parts of a split, such as train and test (code ``"split-folders"``).
        PhotoError
            A folder below it may not be read (only with ``on_error="raise"``).

        Warns
        -----
        ShelfVisionWarning
            A class has no folder (code ``"missing-class"``) or its folder no usable photo
            (``"empty-class"``), all photos lie below a single folder (``"nested-folders"``), or
            the names of two folders look the same (``"twin-names"``).

        Examples
        --------
        >>> import tempfile
        >>> import shelfvision as shv
        >>> folder = tempfile.mkdtemp()
        >>> _ = shv.samples.write_products(folder, n_per_class=2, class_names=["juice", "milk"])
        >>> ds = shv.Dataset.from_directory(folder, image_size=(64, 64))
        >>> ds.class_counts
        {'juice': 2, 'milk': 2}
        """
        one_of("on_error", on_error, ("raise", "skip"))
        scan = scan_directory(directory, class_names, on_error)
        ids = object_array(scan.ids)
        source = _Look(image_size, resize, limits).at(scan.root, ids)
        full = cls.from_source(source, ids=ids, labels=scan.labels, class_names=scan.class_names)
        full._skipped = SkippedFiles(scan.skipped)
        found = full._without_unreadable(source) if on_error == "skip" else full
        warn_of_empty(scan, found.class_counts, found.skipped)
        return found

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
        class_names: ClassNames | None = None,
        encoding: str | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> Self:
        r"""Make a dataset of the photos that a CSV file lists.

        The first line names the columns. Commas, semicolons, tabs, bars and a first line
        ``sep=;`` are understood, and so are index columns, empty rows and empty columns at the
        end, as pandas and spreadsheets write them. Labels are read in Unicode NFC without space
        at their ends, so that two spellings of ``Käse`` are one class.

        Paths may be absolute, or lead out of `root`: the file is the caller's own list, and the
        id shows it. Backslashes and ``file://`` addresses are understood where such a file
        exists. Photos keep the order of the file; a photo that is listed again with the same
        label counts once.

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
        class_names : iterable of str or mapping, optional
            Which classes to use, in the order of their numbers; or ``{name: number}``, or
            ``{number: name}``. A class without photos is kept and counts 0. By default the sorted
            labels of all lines, those that `where` leaves out too.
        encoding : str, optional
            The encoding of the file, such as ``"cp1252"``. By default that of its byte order
            mark, or UTF-8.
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
            The file is not as described or has another encoding, lists a photo under two labels,
            or nothing fits.
        PhotoNotFoundError
            A photo of the list does not exist (only with ``on_error="raise"``).

        Warns
        -----
        ShelfVisionWarning
            Two spellings are one class (``"twin-names"``), or a class of `class_names` has no
            photo (``"missing-class"``).

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import shelfvision as shv
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = shv.samples.write_products(folder, n_per_class=1, class_names=["juice", "milk"])
        >>> paths = sorted(path.relative_to(folder) for path in folder.glob("*/*"))
        >>> rows = [f"{path};{path.parent}" for path in paths]
        >>> _ = (folder / "list.csv").write_text("\n".join(["path;label", *rows]))
        >>> shv.Dataset.from_manifest(folder / "list.csv").class_counts
        {'juice': 1, 'milk': 1}
        """
        one_of("on_error", on_error, ("raise", "skip"))
        columns = Columns(path=path_column, label=label_column, group=group_column)
        manifest = read_manifest(
            path,
            root=root,
            columns=columns,
            where=where,
            class_names=class_names,
            encoding=encoding,
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
        class_names: ClassNames | None = None,
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
            As for `from_manifest`. Labels and groups that are numbers are turned into text with
            every digit: a code keeps no ``.0``, and text keeps its leading zeros.
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
            raise DataError(
                f"none of the {len(self)} photos can be read; the first: {first}", code="unreadable"
            )
        good = np.ones(len(self), dtype=np.bool_)
        good[list(bad)] = False
        view = self._view(good)
        failed = [SkippedFile(self._ids[row], str(error), error.code) for row, error in bad.items()]
        view._skipped = SkippedFiles((*self._skipped, *failed))
        return view


def require_dataset(name: str, value: object) -> Dataset:
    """Return a dataset, or say how to make one."""
    if not isinstance(value, Dataset):
        raise InvalidParameterError(
            f"{name} must be a shelfvision.Dataset, not {type(value).__name__}; make one with "
            "Dataset.from_directory(...), or of arrays with Dataset.from_arrays(images, labels)",
            code="wrong-type",
            parameter=name,
        )
    return value


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
