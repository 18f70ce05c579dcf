"""`Dataset`: an immutable, lazy sequence of labelled photos."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsIndex, cast, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import DEFAULT_LIMITS, DecodeLimits
from shelfvision._photos.sources import read_rows, resize_of
from shelfvision._validation import Rows, as_rows, counted
from shelfvision.data._given import table_of_arrays, table_of_source
from shelfvision.data._lineage import GroupLink
from shelfvision.data._pixels import cached_table, resized_table
from shelfvision.data._regrouping import bursts_joined, near_duplicates_joined
from shelfvision.data._selecting import relabelled, selected
from shelfvision.data.duplicates.bursts import BURST_LIKENESS
from shelfvision.data.finding._manifest import Columns, Where
from shelfvision.data.finding._skipped import SkippedFiles
from shelfvision.data.finding.tables import (
    ReadOptions,
    table_of_directory,
    table_of_frame,
    table_of_manifest,
)
from shelfvision.data.table import (
    PhotoTable,
    class_counts_of,
    fingerprint_of,
    frame_of,
    group_links_of,
    groups_of,
    taken,
)
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames, Image, Images, OnError, PixelSource, Resize

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    from narwhals.typing import IntoDataFrame


@final
class Dataset:
    """Labelled photos: columns of ids, labels, groups and copies, and a way to get the pixels.

    It is an immutable sequence: ``dataset[i]`` gives ``(image, label)``, and a slice, mask or index
    array gives another `Dataset` that shares the pixels. Photos are read when asked for, never
    held. Make one with `from_directory`, `from_manifest`, `from_frame`, `from_arrays` or
    `from_source`.
    """

    __slots__ = ("_table",)

    _table: PhotoTable

    def __init__(self, table: PhotoTable) -> None:
        """Make a dataset over a table, in packages that extend ours."""
        if not isinstance(table, PhotoTable):
            raise TypeError(
                "a Dataset is made by Dataset.from_directory, from_manifest, from_arrays or "
                "from_source, not by calling Dataset()"
            )
        self._table = table

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
        >>> dataset = shv.Dataset.from_directory(folder, image_size=(64, 64))
        >>> dataset.class_counts
        {'juice': 2, 'milk': 2}
        """
        options = ReadOptions(
            image_size=image_size, resize=resize, limits=limits, on_error=on_error
        )
        return cls(table_of_directory(directory, class_names, options))

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
        options = ReadOptions(
            image_size=image_size, resize=resize, limits=limits, on_error=on_error
        )
        return cls(
            table_of_manifest(
                path,
                root=root,
                columns=Columns(path=path_column, label=label_column, group=group_column),
                where=where,
                class_names=class_names,
                encoding=encoding,
                options=options,
            )
        )

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
        options = ReadOptions(
            image_size=image_size, resize=resize, limits=limits, on_error=on_error
        )
        return cls(
            table_of_frame(
                frame,
                root=root,
                columns=Columns(path=path_column, label=label_column, group=group_column),
                class_names=class_names,
                options=options,
            )
        )

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
        >>> dataset = shv.Dataset.from_arrays(images, ["milk", "juice", "milk"])
        >>> dataset.class_counts
        {'juice': 1, 'milk': 2}
        """
        return cls(table_of_arrays(images, labels, class_names=class_names, ids=ids, groups=groups))

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
        return cls(
            table_of_source(
                source,
                ids=ids,
                labels=labels,
                class_names=class_names,
                groups=groups,
                copies=copies,
            )
        )

    @property
    def table(self) -> PhotoTable:
        """The columns and the source of the pixels in one value, for packages that extend ours."""
        return self._table

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The name of every row's photo, ``str``, shape (n,); copies share their original's."""
        return self._table.ids

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The class number of every row, shape (n,), read-only."""
        return self._table.labels

    @property
    def groups(self) -> npt.NDArray[np.object_]:
        """The namespaced group of every row, ``str``, shape (n,); rows of one group never part.

        Groups that nobody named are digests of the photos' content, computed on first use.
        """
        return groups_of(self._table)

    @property
    def group_links(self) -> tuple[GroupLink, ...]:
        """The photos that look the same in groups that the user named apart, the likest first.

        `group_near_duplicates` finds them.
        """
        return group_links_of(self._table)

    @property
    def copies(self) -> npt.NDArray[np.int32]:
        """0 for an original, 1, 2, … for its augmented copies, shape (n,), read-only."""
        return self._table.copies

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of their numbers."""
        return self._table.class_names

    @property
    def class_counts(self) -> dict[str, int]:
        """How many rows each class has; a class without photos counts 0."""
        return class_counts_of(self._table)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image, in pixels."""
        return self._table.source.image_size

    @property
    def resize(self) -> Resize:
        """What happened to photos of another shape: ``"stretch"``, ``"pad"`` or ``"crop"``."""
        return resize_of(self._table.source)

    @property
    def skipped(self) -> SkippedFiles:
        """What was seen when the dataset was made and is not in it; prints as a table."""
        return self._table.skipped

    @property
    def fingerprint(self) -> str:
        """A digest of everything that training depends on: rows, order, classes and content."""
        return fingerprint_of(self._table)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._table)

    @overload
    def __getitem__(self, index: int | np.integer) -> tuple[Image, int]: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> tuple[Image, int] | Self:
        """Return one ``(image, label)``, or a view of the rows that the index names."""
        table = self._table
        if isinstance(index, SupportsIndex) and not isinstance(index, bool | np.ndarray):
            return table.source.read(int(table.rows[index])), int(table.labels[index])
        positions = as_rows(cast("Rows", index), len(table), of="a dataset")
        return type(self)(taken(table, positions))

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
        return bool((self._table.ids == name).any())

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
        rows = self._table.rows[as_rows(indices, len(self), of="a dataset")]
        return read_rows(self._table.source, np.atleast_1d(rows))

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
        return type(self)(selected(self._table, class_names))

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
        return type(self)(relabelled(self._table, names))

    def group_near_duplicates(
        self,
        *,
        threshold: float = 0.95,
        embeddings: npt.NDArray[np.floating] | None = None,
        embedding_threshold: float = 0.98,
    ) -> Self:
        """Return the same photos with those that look the same in one group.

        Found are copies that were re-encoded, resized, stretched, mirrored or turned by quarter
        turns, and shots of a burst that are as good as identical. Groups that the user named stay
        as they are: photos that look the same in two of them are told in `group_links`, with a
        warning. Augmented copies go with their originals. The cost grows little faster than the
        number of photos.

        Parameters
        ----------
        threshold : float, default=0.95
            The structural similarity, of 16 x 16 pixels in colour, from which on two photos are
            the same. The lower, the more of a burst is joined, and the more often two products
            that look alike.
        embeddings : ndarray of float, shape (n, d), optional
            What a network sees in each row, as ``classifier.embed(dataset)`` gives it. Photos whose
            embeddings point the same way are joined as well: a network knows a photo again after
            a crop or a change of light that pixels do not forgive.
        embedding_threshold : float, default=0.98
            The cosine similarity of embeddings from which on two photos are the same.

        Returns
        -------
        Dataset
            A view whose `groups` are joined; a joined group is named ``"near:"`` and the
            smallest content digest in it.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        InvalidParameterError
            `embeddings` does not have a finite row for every photo.

        Warns
        -----
        ShelfVisionWarning
            Photos of groups that the user named look the same.

        References
        ----------
        Z. Wang et al., "Image quality assessment: from error visibility to structural
        similarity", IEEE Transactions on Image Processing 13 (2004) 600-612.
        """
        return type(self)(
            near_duplicates_joined(
                self._table,
                threshold=threshold,
                embeddings=embeddings,
                embedding_threshold=embedding_threshold,
            )
        )

    def group_bursts(self, *, threshold: float = BURST_LIKENESS) -> Self:
        """Return the same photos with those of one burst in one group.

        A burst is one product photographed several times in one place: the same hand, fridge and
        light. A random split deals it to both sides, and a model that remembers the fridge scores
        well. Looked for are photos of one label whose names differ in their last number alone
        (``milk_001.jpg``, ``milk_002.jpg``) and whose colours are alike; wherever things lie in
        the photo. In a series of more than 512 photos each is held against the nearest by number.
        Photos whose names have no number stay as they are, and so do groups that the user named;
        of those, what looks like one burst is told in `group_links`.

        Parameters
        ----------
        threshold : float, default=0.92
            How alike the colours of a burst's photos are on average: the Bhattacharyya
            coefficient of their distributions, 1 where they are the same. The lower, the more is
            joined.

        Returns
        -------
        Dataset
            A view whose `groups` are joined; a joined group is named ``"burst:"`` and the
            smallest content digest in it.

        Raises
        ------
        PhotoError
            A photo cannot be read.

        Warns
        -----
        ShelfVisionWarning
            Photos of groups that the user named look like one burst.

        References
        ----------
        A. Bhattacharyya, "On a measure of divergence between two multinomial populations",
        Sankhya 7 (1946) 401-406.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products({"juice": 6, "milk": 6}).group_bursts()
        >>> splits = shv.SeededSplitter(train=0.5, validation=0.25, test=0.25).split(photos)
        """
        return type(self)(bursts_joined(self._table, threshold=threshold))

    def cached(self, directory: str | os.PathLike[str] | None = None) -> Self:
        """Return the same dataset with its pixels decoded once and kept.

        Ids, labels, groups, class names and `fingerprint` are the same. The cache holds the
        photos as they are now; photos that change afterwards do not change it.

        Parameters
        ----------
        directory : path-like, optional
            A folder for one memory-mapped file, which later runs and other processes share. It
            is named after the `fingerprint`, so a cache of other photos, or of these before they
            changed, is never taken for this one: a new one is written beside it. Where writing
            was cut off, the next call goes on (not on Windows). By default the pixels are held
            in memory.

        Returns
        -------
        Dataset
            The dataset over the kept pixels.

        Raises
        ------
        InvalidParameterError
            The dataset has copies that are made anew in every epoch.
        PhotoError
            A photo cannot be read.
        StorageError
            The cache cannot be written.
        """
        return type(self)(cached_table(self._table, directory))

    def resized(self, image_size: tuple[int, int], *, resize: Resize | None = None) -> Self:
        """Return the same photos at another image size or resize rule.

        A dataset with files behind it is read from them: a view, a cached and a balanced one too,
        whose copies are rendered from originals of the new size. Of one that was given as arrays
        the pixels are resized, which is less sharp. Ids, labels, groups and class names stay; no
        photo is read until it is asked for, and nothing of it is cached.

        Parameters
        ----------
        image_size : tuple of int
            Height and width in pixels, 1 to 16384.
        resize : {"stretch", "pad", "crop"}, optional
            What happens to a photo of another shape; by default as in this dataset.

        Returns
        -------
        Dataset
            The dataset at that size.

        Raises
        ------
        InvalidParameterError
            `image_size` or `resize` are not as described.

        Notes
        -----
        A `PixelSource` of your own is asked for its method ``resized(image_size, resize)``, which
        returns another source of as many rows; without one its pixels are resized.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(2, image_size=(64, 64))
        >>> photos.resized((32, 48), resize="pad").image_size
        (32, 48)
        """
        table = resized_table(self._table, image_size, resize)
        return self if table is self._table else type(self)(table)

    def one_hot(self) -> npt.NDArray[np.float32]:
        """Return the labels as ``float32`` of shape (n, number of classes), one 1 a row."""
        return np.eye(len(self.class_names), dtype=np.float32)[self.labels]

    def to_arrays(self) -> tuple[Images, npt.NDArray[np.int64]]:
        """Read everything into memory.

        Returns
        -------
        images : ndarray of uint8, shape (n, height, width, 3)
            RGB pixels, 0 to 255.
        labels : ndarray of int64, shape (n,)
            Class numbers.
        """
        return self.read_batch(slice(None)), self.labels.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table of the rows: id, label, group and copy; no pixels are read.

        Groups that nobody named are digests of the photos' content, so their files are read.

        Returns
        -------
        pandas.DataFrame
            One row a photo; ``label`` is the class name, ``copy`` 0 for an original.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        return frame_of(self._table)

    def __repr__(self) -> str:
        """Return a line that tells the number of photos, the classes and the image size."""
        height, width = self.image_size
        return (
            f"<Dataset: {counted(len(self), 'photo')} of "
            f"{counted(len(self.class_names), 'class')}, {height} x {width}>"
        )
