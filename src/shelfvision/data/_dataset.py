"""`Dataset`: an immutable, lazy sequence of labelled photos."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex, cast, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import DEFAULT_LIMITS, DecodeLimits
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision._photos.sources import preprocessing_of, read_rows, resize_of
from shelfvision._product_codes import ProductCodes
from shelfvision._skipped import SkippedFiles
from shelfvision._validation import Rows, as_rows
from shelfvision.boxes.annotated import BoxSource
from shelfvision.data._columns import as_photo_id
from shelfvision.data._given import table_of_arrays, table_of_source
from shelfvision.data._joining import joined_table
from shelfvision.data._lineage import GroupLink
from shelfvision.data._notebook import dataset_view
from shelfvision.data._pixels import cached_table, resized_table
from shelfvision.data._regrouping import bursts_joined, near_duplicates_joined
from shelfvision.data._relabelling import Unreviewed, with_answers
from shelfvision.data._selecting import relabelled, selected, with_codes
from shelfvision.data.duplicates.bursts import BURST_LIKENESS
from shelfvision.data.finding import tables
from shelfvision.data.finding._manifest import Columns, Where
from shelfvision.data.finding._readable import verified
from shelfvision.data.shelves._choosing import AtBorder, BoxFilter, LabelMap
from shelfvision.data.shelves.tables import BoxOptions, table_of_boxes
from shelfvision.data.table import (
    PhotoTable,
    class_counts_of,
    fingerprint_of,
    frame_of,
    group_links_of,
    groups_of,
    summary_of,
    taken,
)
from shelfvision.protocols import (
    ClassNames,
    Image,
    Images,
    Location,
    OnError,
    PixelSource,
    Resize,
    StorageOptions,
)
from shelfvision.review.corrections import Corrections

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    from narwhals.typing import IntoDataFrame


@final
class Dataset:
    """An immutable, lazy sequence of labelled photos.

    ``dataset[i]`` returns ``(image, label)``. A slice, mask or index array returns another
    `Dataset` that shares the pixels. Photos are read on access and are not kept in memory. Make a
    dataset with `from_directory`, `from_manifest`, `from_frame`, `from_boxes`, `from_arrays` or
    `from_source`.
    """

    __slots__ = ("_table",)

    _table: PhotoTable

    def __init__(self, table: PhotoTable) -> None:
        """Make a dataset from a table; for packages that extend shelfvision."""
        if not isinstance(table, PhotoTable):
            raise TypeError(
                "a Dataset is made by Dataset.from_directory, from_manifest, from_arrays or "
                "from_source, not by calling Dataset()"
            )
        self._table = table

    @classmethod
    def from_directory(
        cls,
        directory: Location,
        *,
        class_names: ClassNames | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
        storage_options: StorageOptions | None = None,
    ) -> Self:
        """Make a dataset from a folder with one sub-folder of photos per class.

        Photos are files with the suffix ``.jpg``, ``.jpeg``, ``.jpe``, ``.jfif``, ``.jfi``,
        ``.png`` or ``.webp``, in upper or lower case, at any depth below a class folder. With
        ``pip install "shelfvision[heif]"``, ``.heic`` and ``.heif`` files are photos too. The id
        of a photo is its path relative to `directory`, with forward slashes. `skipped` lists all
        other files: hidden files, system folders such as ``@eaDir`` and ``__MACOSX``, and images
        of other formats, with a command that converts them. The order of the photos depends on
        their names only. Links to folders are followed, and each folder is read once.

        Class names are normalized: Unicode NFC, without spaces at the ends. Folders whose
        normalized names are equal are one class.

        Parameters
        ----------
        directory : path-like or URL
            The folder. A URL such as ``"s3://shop/photos"`` is listed once now; ids, order and
            splits are those of the same folder on a disk.
        class_names : iterable of str, optional
            The sub-folders to use, in the order of their class numbers. A class without a folder
            has count 0. By default all sub-folders, sorted, except hidden and system folders.
        image_size : tuple of int, default=(100, 100)
            Height and width of the images, in pixels.
        resize : {"stretch", "pad", "crop"}, default="stretch"
            How a photo of another aspect ratio is resized: stretched, padded with white margins,
            or cropped to its center.
        on_error : {"raise", "skip"}, default="raise"
            ``"raise"`` opens no photo now and raises an error when a corrupted photo is read.
            ``"skip"`` decodes each photo once now and lists the photos that fail in `skipped`.
        limits : DecodeLimits, optional
            The largest size and memory of a photo; a photo above them is an error.
        storage_options : mapping, optional
            Options of the fsspec file system, for a URL, such as ``{"profile": "shop"}``. A pickled
            dataset contains them.

        Returns
        -------
        Dataset
            The photos, sorted by class folder.

        Raises
        ------
        DatasetNotFoundError
            The folder does not exist.
        DataError
            The folder has no sub-folders or no photos, or none that `class_names` names; or its
            sub-folders are the sets of a split, such as train and test (code
            ``"split-folders"``), or photos and annotations of boxes or masks
            (``"annotation-folders"``).
        PhotoError
            A sub-folder cannot be read (only with ``on_error="raise"``).

        Warns
        -----
        ShelfVisionWarning
            A class has no folder (code ``"missing-class"``) or its folder has no usable photo
            (``"empty-class"``), all photos are below one folder (``"nested-folders"``), or the
            names of two folders are easily confused (``"twin-names"``).

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
        options = tables.ReadOptions(image_size, resize, limits, on_error, storage_options)
        return cls(tables.table_of_directory(directory, class_names, options))

    @classmethod
    def from_manifest(
        cls,
        path: Location,
        *,
        root: Location | None = None,
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
        storage_options: StorageOptions | None = None,
    ) -> Self:
        r"""Make a dataset from a CSV file of paths and labels.

        The first line has the column names. The separator may be a comma, semicolon, tab or bar;
        a first line ``sep=;`` is accepted. Index columns, and empty rows and columns at the end,
        as pandas and spreadsheets write them, are ignored. Labels are normalized to Unicode NFC
        without spaces at the ends, so that two spellings of ``Käse`` are one class.

        Paths may be absolute or lead out of `root`; the id shows such a path. Backslashes and
        ``file://`` URLs are accepted if the file exists.
        Photos keep the order of the CSV file. A photo that is listed twice with the same label
        counts once.

        Parameters
        ----------
        path : path-like or URL
            The CSV file.
        root : path-like or URL, optional
            The folder that relative paths start from; by default the folder of the CSV file. Paths
            may also be absolute, or lead outside of it (``..``). With the URL of a folder, paths
            and URLs below it are read from there when a photo is read; no other URL in the file is
            ever fetched, and no other path.
        path_column, label_column : str
            The columns with the path and the class name of each photo.
        group_column : str, optional
            The column with the group of each photo: a store, a session, a burst. Photos of one
            group stay in one set of a split. An empty cell means that the photo's content is its
            group.
        where : mapping of str to str or sequence of str, optional
            A filter: the value, or the values, that a column must have, such as
            ``{"split": "train"}``.
        class_names : iterable of str or mapping, optional
            The classes to use, in the order of their numbers; or ``{name: number}``, or
            ``{number: name}``. A class without photos is kept with count 0. By default the sorted
            labels of all lines, including those that `where` filters out.
        encoding : str, optional
            The encoding of the file, such as ``"cp1252"``. By default the encoding of its byte
            order mark, or UTF-8.
        image_size, resize, on_error, limits, storage_options : optional
            As for `from_directory`. URLs of servers, such as HTTP or SFTP, need `storage_options`,
            at least ``{}``.

        Returns
        -------
        Dataset
            The photos, in the order of the file.

        Raises
        ------
        DatasetNotFoundError
            The CSV file or the folder `root` does not exist.
        DataError
            The file lacks a column or has another encoding, lists a photo with two labels, or no
            line matches `where` and `class_names`.
        PhotoNotFoundError
            A listed photo does not exist (only with ``on_error="raise"``).

        Warns
        -----
        ShelfVisionWarning
            Two spellings are one class (``"twin-names"``), or a class in `class_names` has no
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
        options = tables.ReadOptions(image_size, resize, limits, on_error, storage_options)
        table = tables.table_of_manifest(
            path,
            root=root,
            columns=Columns(path=path_column, label=label_column, group=group_column),
            where=where,
            class_names=class_names,
            encoding=encoding,
            options=options,
        )
        return cls(table)

    @classmethod
    def from_frame(
        cls,
        frame: IntoDataFrame,
        *,
        root: Location = "",
        path_column: str = "path",
        label_column: str = "label",
        group_column: str | None = None,
        class_names: ClassNames | None = None,
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
        storage_options: StorageOptions | None = None,
    ) -> Self:
        """Make a dataset from a pandas, polars or similar DataFrame of paths and labels.

        Filter the frame to choose rows. To read a frame of `to_frame` again, pass
        ``path_column="id", group_column="group"``.

        Parameters
        ----------
        frame : DataFrame
            Any frame that the package narwhals supports; ``pip install "shelfvision[frame]"``.
        root : path-like or URL, default=""
            The folder that relative paths start from; by default the current folder. A URL works
            as in `from_manifest`.
        path_column, label_column, group_column, class_names : optional
            As for `from_manifest`. Numeric labels and groups are converted to text with all
            digits and without ``.0``; text keeps its leading zeros.
        image_size, resize, on_error, limits, storage_options : optional
            As for `from_directory`.

        Returns
        -------
        Dataset
            The photos, in the order of the frame.

        Raises
        ------
        DataError
            The frame lacks a column, lists a photo with two labels, or is empty.
        PhotoNotFoundError
            A listed photo does not exist (only with ``on_error="raise"``).
        MissingDependencyError
            narwhals is not installed.
        """
        options = tables.ReadOptions(image_size, resize, limits, on_error, storage_options)
        table = tables.table_of_frame(
            frame,
            root=root,
            columns=Columns(path=path_column, label=label_column, group=group_column),
            class_names=class_names,
            options=options,
        )
        return cls(table)

    @classmethod
    def from_boxes(
        cls,
        source: BoxSource,
        *,
        images: str | os.PathLike[str] | None = None,
        label_map: LabelMap | None = None,
        class_names: ClassNames | None = None,
        context: SupportsFloat = 0.0,
        shape: CropShape = "box",
        image_size: tuple[int, int] = (100, 100),
        resize: Resize = "stretch",
        min_box_size: SupportsFloat = 0.0,
        at_border: AtBorder = "keep",
        as_stored: bool | None = None,
        on_error: OnError = "raise",
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Make a dataset of crops from the annotated boxes of shelf photos, one row per box.

        A crop is cut exactly as `Classifier.predict_regions` cuts it. The crop rule is stored in
        the classifier that `Trainer.fit` returns, so that both use the same rule.

        The id of a row is the path of its photo and the position of its box in the annotations,
        such as ``"shelf.jpg#3"``. The position is counted from 0, before any box is left out. The
        content of the whole photo is the group of all its boxes. So boxes of one photo, and of
        copies with another name, stay in one set of a split. Augmented versions of one photo from
        Roboflow (``shelf_jpg.rf.….jpg``) are one group, too. `group_near_duplicates`,
        `group_bursts` and `audit` compare whole photos, not crops.

        Parameters
        ----------
        source : path-like, mapping or DetectionDataset
            The annotations, as for `read_boxes`: COCO JSON, a folder of PASCAL VOC XML, a YOLO
            ``data.yaml`` or folder, a mapping of photo to `Boxes`, or supervision's
            ``DetectionDataset``.
        images : path-like, optional
            The folder of the photos; by default the folder of the annotations. Ids start from it.
        label_map : mapping of str to str or None, optional
            The class of each label. None leaves the boxes of a label out, such as price tags.
            Labels that are not in the mapping keep their name.
        class_names : iterable of str or mapping, optional
            The classes to use, in the order of their numbers; boxes of other classes are left out.
            By default the sorted labels, after `label_map`.
        context : float, default=0.0
            The context margin of crops: a share of the box's width and height, 0 to 10, added on
            every side.
        shape : {"box", "image"}, default="box"
            What is cropped: the box, or more around it in the aspect ratio of `image_size`.
        image_size, resize : optional
            As for `from_directory`.
        min_box_size : float, default=0.0
            The smallest shorter side of a box inside its photo, in pixels. Smaller boxes are left
            out.
        at_border : {"keep", "skip"}, default="keep"
            ``"skip"`` leaves out boxes that are less than 1 pixel from the border of the photo,
            because the product is often cut off.
        as_stored : bool, optional
            Whether boxes refer to the stored pixels of photos with an EXIF orientation. By default
            they refer to the upright photo, unless the annotations prove otherwise.
        on_error : {"raise", "skip"}, default="raise"
            ``"raise"`` raises an error for a missing photo or an invalid box. ``"skip"`` decodes
            each photo once now and lists what cannot be used in `skipped`.
        limits : DecodeLimits, optional
            As for `from_directory`.

        Returns
        -------
        Dataset
            The crops in the order of the photos and their boxes.

        Raises
        ------
        DatasetNotFoundError
            `source` or `images` does not exist.
        PhotoNotFoundError
            A photo does not exist (only with ``on_error="raise"``).
        DataError
            The annotations cannot be read, a box is invalid, or no box is left.
        InvalidParameterError
            A parameter is out of range, or `label_map` has a label that the annotations lack.

        Warns
        -----
        ShelfVisionWarning
            A class in `class_names` has no box (code ``"missing-class"``), or two spellings are
            one class (``"twin-names"``).

        Notes
        -----
        Each file is read once now, without decoding it, and its content must not change
        afterwards. Rows that are read in order decode each photo once. `Trainer.fit` reads rows in
        random order, so it cuts all crops once before training, in memory or in its `cache_dir`.
        Boxes of whole pixels give the same crops from COCO, PASCAL VOC and YOLO files, although
        YOLO rounds: an edge within 0.0075 pixels of a whole pixel is that pixel.

        `skipped` lists invalid boxes and missing photos, boxes without a label, crowds (``iscrowd``
        of COCO), boxes that are too small or at the border, and photos without boxes.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import shelfvision as shv
        >>> from PIL import Image
        >>> shelf = shv.samples.render_shelf(2, 6, class_names=["juice", "milk"], seed=1)
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "shelf.png"
        >>> Image.fromarray(shelf.photo).save(path)
        >>> boxes = shv.Boxes(shelf.boxes, labels=shelf.labels)
        >>> crops = shv.Dataset.from_boxes({path: boxes}, context=0.1, image_size=(64, 64))
        >>> crops.class_names, crops.image_size, len(set(crops.groups))
        (('juice', 'milk'), (64, 64), 1)
        """
        margin, size = cast("float", context), cast("float", min_box_size)
        options = BoxOptions(
            rule=Preprocessing(image_size=image_size, resize=resize, context=margin, shape=shape),
            boxes=BoxFilter(min_box_size=size, at_border=at_border),
            as_stored=as_stored,
            limits=limits,
            on_error=on_error,
        )
        return cls(table_of_boxes(source, images, label_map, class_names, options))

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
        """Make a dataset from images in memory.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, height, width, 3)
            RGB pixels, 0 to 255. They are not copied; do not change them afterwards.
        labels : sequence of int or str, length n
            The class number or class name of each image.
        class_names : iterable of str or mapping, optional
            The classes in the order of their numbers; some may have no images. By default the
            sorted names, or for numbers ``"0"``, ``"1"``, … up to the largest.
        ids : sequence of str, optional
            A unique id for each image; by default ``"0"``, ``"1"`` and so on.
        groups : sequence of str, optional
            The group of each image: a store, a session, a burst. Images of one group stay in one
            set of a split. By default, and where the name is empty, an image's content is its
            group.

        Returns
        -------
        Dataset
            The dataset.

        Raises
        ------
        DataError
            The arrays differ in length, or one has another shape, dtype or value than described.

        Warns
        -----
        ShelfVisionWarning
            Labels are names, and a class has no image (code ``"missing-class"``), or two names
            are easily confused (``"twin-names"``).

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
        """Make a dataset from any source of pixels, such as a database.

        Parameters
        ----------
        source : PixelSource
            An object that returns the pixels of row `i`; its length is that of `ids`.
        ids : sequence of str
            The id of each photo; a photo and its copies share one id.
        labels : sequence of int
            The class number of each row, an index into `class_names`.
        class_names : iterable of str, or mapping
            The classes, in the order of their numbers; some may have no photos.
        groups : sequence of str, optional
            The group of each row with its prefix, such as ``"user:store-1"``, as in `groups`. Rows
            of one group stay in one set of a split. By default, and if it is None, a photo's
            content is its group.
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
        table = table_of_source(
            source, ids=ids, labels=labels, class_names=class_names, groups=groups, copies=copies
        )
        return cls(table)

    @classmethod
    def concat(cls, datasets: Sequence[Dataset] | Mapping[str, Dataset]) -> Self:
        """Join datasets into one, such as corrected photos and the training set.

        Class names are aligned: the classes of the first dataset keep their numbers, and further
        classes follow in the order of the datasets. A photo with the same content in two datasets
        is kept twice and gets one group, so that a split does not separate it. Photos are read on
        access. Only files of equal size are compared by their content.

        Parameters
        ----------
        datasets : sequence of Dataset, or mapping of str to Dataset
            The datasets, with one image size, resize rule and crop rule. The keys of a mapping are
            written before the ids, as in ``"store 7/milk/1.jpg"``, because datasets of several
            folders often contain equal ids.

        Returns
        -------
        Dataset
            The rows of all datasets, in this order.

        Raises
        ------
        DataError
            The preprocessing differs (code ``"inconsistent"``), an id is in two datasets
            (``"duplicate"``), or photos with the same content have two labels (``"conflict"``).
        InvalidParameterError
            `datasets` is empty, or a dataset has augmented copies: join datasets before balancing.

        Warns
        -----
        ShelfVisionWarning
            Two class names differ only in case or separators (code ``"twin-names"``), or the same
            photo is in two groups that you named (``"named-groups"``).

        Examples
        --------
        >>> import shelfvision as shv
        >>> one = shv.samples.render_products({"juice": 2, "milk": 2}, seed=1)
        >>> other = shv.samples.render_products({"milk": 3, "tea": 1}, seed=2)
        >>> shv.Dataset.concat({"one": one, "other": other}).class_counts
        {'juice': 2, 'milk': 5, 'tea': 1}
        """
        return cls(joined_table(datasets))

    @property
    def table(self) -> PhotoTable:
        """The columns and the pixel source; for packages that extend shelfvision."""
        return self._table

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The photo id of each row, ``str``, shape (n,); copies share the id of their original."""
        return self._table.ids

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The class number of each row, shape (n,), read-only."""
        return self._table.labels

    @property
    def groups(self) -> npt.NDArray[np.object_]:
        """The group of each row with a prefix for its kind, ``str``, shape (n,).

        ``"user:store-1"`` is a group that you named, ``"content:…"`` the digest of a photo, and
        ``"near:…"`` and ``"burst:…"`` are detected groups.

        Rows of one group stay in one set of a split. A photo without a named group has the digest
        of its content as its group, which is computed on first use.
        """
        return groups_of(self._table)

    @property
    def group_links(self) -> tuple[GroupLink, ...]:
        """The pairs of related photos in different named groups, most similar first.

        `group_near_duplicates` and `group_bursts` find them.
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
        """How photos are resized to another shape: ``"stretch"``, ``"pad"`` or ``"crop"``."""
        return resize_of(self._table.source)

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos or boxes become images: image size, resize rule and crop rule.

        The crop rule (`context` and `shape`) has an effect for crops of `from_boxes` only.
        """
        return preprocessing_of(self._table.source)

    @property
    def product_codes(self) -> ProductCodes | None:
        """The GTIN or SKU of classes, which a trained classifier takes over."""
        return self._table.product_codes

    @property
    def skipped(self) -> SkippedFiles:
        """The files that were found but are not in the dataset, with reasons; prints as a table."""
        return self._table.skipped

    @property
    def fingerprint(self) -> str:
        """A digest of all data that training depends on: rows, order, classes and content."""
        return fingerprint_of(self._table)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._table)

    @overload
    def __getitem__(self, index: int | np.integer) -> tuple[Image, int]: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> tuple[Image, int] | Self:
        """Return one ``(image, label)``, or a view of the indexed rows."""
        table = self._table
        if isinstance(index, SupportsIndex) and not isinstance(index, bool | np.ndarray):
            return table.source.read(int(table.rows[index])), int(table.labels[index])
        positions = as_rows(cast("Rows", index), len(table), of="a dataset")
        return type(self)(taken(table, positions))

    def __contains__(self, name: object) -> bool:
        """Return whether the dataset has a photo with this id; no photo is read.

        Raises
        ------
        InvalidParameterError
            `name` is not a str.
        """
        return bool((self._table.ids == as_photo_id(name)).any())

    def __iter__(self) -> Iterator[tuple[Image, int]]:
        """Yield ``(image, label)`` for every row, reading one photo at a time."""
        yield from (self[position] for position in range(len(self)))

    def read_batch(self, indices: Rows) -> Images:
        """Return the images of several rows at once.

        Parameters
        ----------
        indices : slice, mask or indices
            The rows.

        Returns
        -------
        ndarray of uint8, shape (len(indices), height, width, 3)
            RGB pixels, equal to those of ``self[i][0]`` row by row. The array is writeable.
        """
        rows = self._table.rows[as_rows(indices, len(self), of="a dataset")]
        return read_rows(self._table.source, np.atleast_1d(rows))

    def select(self, class_names: ClassNames) -> Self:
        """Return the photos of some classes, numbered in the order given.

        Parameters
        ----------
        class_names : iterable of str, or mapping
            The classes to keep. A class that the dataset does not have gets a number and no
            photos.

        Returns
        -------
        Dataset
            A view with these `class_names`.

        Raises
        ------
        InvalidParameterError
            The dataset has none of the classes.

        Warns
        -----
        ShelfVisionWarning
            The dataset lacks some of the classes (code ``"missing-class"``). The message contains
            the closest class name of the dataset.
        """
        return type(self)(selected(self._table, class_names))

    def relabel(self, names: Mapping[str, str]) -> Self:
        """Rename or merge classes.

        Parameters
        ----------
        names : mapping of str to str
            Old name to new name. Classes that get the same new name are merged; classes that are
            not in the mapping keep their names.

        Returns
        -------
        Dataset
            A view whose `class_names` are the new names, sorted.

        Raises
        ------
        InvalidParameterError
            A key is not a class of the dataset, or a value is not a str.
        """
        return type(self)(relabelled(self._table, names))

    def with_product_codes(self, codes: Mapping[str, str] | None) -> Self:
        """Give classes product codes: GTINs or SKUs.

        A classifier that is trained on the dataset has the same codes, and with it its bundle, its
        exported files and the inventories that it counts.

        Parameters
        ----------
        codes : ProductCodes, mapping of str to str, or None
            The code of each class, by class name; some classes may have none. A plain mapping
            contains GTINs. None removes the codes.

        Returns
        -------
        Dataset
            A view with these codes.

        Raises
        ------
        InvalidParameterError
            A code is not valid, or is for a class that the dataset does not have.

        Examples
        --------
        >>> import shelfvision as shv
        >>> dataset = shv.samples.render_products({"juice": 2, "milk": 2})
        >>> coded = dataset.with_product_codes({"milk": "4006381333931"})
        >>> coded.select(["milk"]).product_codes["milk"]
        '4006381333931'
        """
        return type(self)(with_codes(self._table, codes))

    def with_labels(
        self,
        labels: Corrections | Mapping[str, str],
        *,
        class_names: ClassNames | None = None,
        unreviewed: Unreviewed = "keep",
    ) -> Self:
        """Give photos other labels, such as the corrections of a review.

        Photos are found by their id. An augmented copy gets the label of its original. Photos that
        a person marked as another product or as unusable leave the dataset and are listed in
        `skipped`. No photo is read.

        Parameters
        ----------
        labels : Corrections, or mapping of str to str
            The class name of each photo id; see `Corrections.read`.
        class_names : iterable of str or mapping, optional
            The classes of the result, in the order of their numbers; new classes must be listed
            here. By default the classes of this dataset.
        unreviewed : {"keep", "drop"}, default="keep"
            What happens to photos without an answer: they keep their label, or they leave the
            dataset. ``"drop"`` turns a folder of new photos without labels into a dataset of the
            reviewed photos.

        Returns
        -------
        Dataset
            A view with the new labels.

        Raises
        ------
        DataError
            `labels` has an id that the dataset does not have (code ``"unknown-id"``) or a class
            that is not among the classes (``"unknown-class"``). The message lists them with the
            closest names.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
        >>> dataset = shv.Dataset.from_arrays(images, ["milk", "juice", "milk"])
        >>> unusable = shv.review.Correction(status="unusable")
        >>> corrected = dataset.with_labels(shv.Corrections({"0": "juice", "2": unusable}))
        >>> corrected.class_counts
        {'juice': 2, 'milk': 0}
        """
        return type(self)(with_answers(self._table, labels, class_names, unreviewed))

    def group_near_duplicates(
        self,
        *,
        threshold: float = 0.95,
        embeddings: npt.NDArray[np.floating] | None = None,
        embedding_threshold: float = 0.98,
    ) -> Self:
        """Put near-duplicates into one group, so that a split keeps them together.

        Near-duplicates are copies that were re-encoded, resized, stretched, mirrored or rotated by
        quarter turns, and almost identical photos of a burst. Groups that you named are not
        changed: near-duplicates in two of them are listed in `group_links`, with a warning.
        Augmented copies keep the group of their original. The run time grows slightly faster than
        the number of photos.

        Parameters
        ----------
        threshold : float, default=0.95
            The smallest structural similarity (SSIM of 16 x 16 pixels in colour) of
            near-duplicates. A lower threshold joins more photos of a burst, but also more pairs of
            similar products.
        embeddings : ndarray of float, shape (n, d), optional
            Embeddings of the rows, from ``classifier.embed(dataset)``. Photos with similar
            embeddings are joined too: embeddings also find photos that were cropped or taken in
            other light, which pixels miss.
        embedding_threshold : float, default=0.98
            The smallest cosine similarity between embeddings of near-duplicates.

        Returns
        -------
        Dataset
            A view with joined `groups`. The name of a joined group is ``"near:"`` and the smallest
            content digest in it.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        InvalidParameterError
            `embeddings` does not have a finite row for every photo.

        Warns
        -----
        ShelfVisionWarning
            Photos in different named groups are near-duplicates.

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
        """Put the photos of a burst into one group, so that a split keeps them together.

        A burst is a series of photos of one product in one place: the same hand, fridge and
        light. A random split puts such photos into both the training and the test set, and a model
        that memorized the fridge scores too high (data leakage). A burst has one label, names that
        differ in their last number only (``milk_001.jpg``, ``milk_002.jpg``) and similar colours,
        whatever the position of objects in the photo. In a series of more than 512 photos, each
        photo is compared with the nearest numbers only. Photos without a number in their name and
        groups that you named are not changed. Bursts across named groups are listed in
        `group_links`, with a warning.

        Parameters
        ----------
        threshold : float, default=0.92
            The smallest mean colour similarity within a burst: the Bhattacharyya coefficient of
            the colour distributions, 1 if they are equal. A lower threshold joins more photos.

        Returns
        -------
        Dataset
            A view with joined `groups`. The name of a joined group is ``"burst:"`` and the
            smallest content digest in it.

        Raises
        ------
        PhotoError
            A photo cannot be read.

        Warns
        -----
        ShelfVisionWarning
            Photos in different named groups seem to be one burst.

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
        """Decode all photos once and cache the pixels, in memory or in a file.

        Ids, labels, groups, class names and `fingerprint` do not change. The cache holds the
        current content of the photos; later changes of the files do not affect it.

        Parameters
        ----------
        directory : path-like, optional
            A folder for one memory-mapped file that later runs and other processes share. The
            file name contains the `fingerprint`, so a cache of other photos, or of an older state
            of these photos, is never used: a new file is written next to it. After an
            interruption the next call resumes writing (not on Windows). By default the pixels are
            kept in memory.

        Returns
        -------
        Dataset
            The dataset over the cached pixels.

        Raises
        ------
        InvalidParameterError
            The dataset has augmented copies that change in each epoch.
        PhotoError
            A photo cannot be read.
        StorageError
            The cache cannot be written.
        """
        return type(self)(cached_table(self._table, directory))

    def verify(self, *, on_error: OnError = "raise") -> Self:
        """Decode each photo once, and raise an error or leave out photos that cannot be read.

        Use it before a long run, so that a corrupted photo does not end it.

        Parameters
        ----------
        on_error : {"raise", "skip"}, default="raise"
            ``"raise"`` raises the error of the first photo that cannot be read. ``"skip"`` leaves
            such photos out and lists them in `skipped`.

        Returns
        -------
        Dataset
            The photos that can be read.

        Raises
        ------
        PhotoError
            A photo cannot be read (only with ``on_error="raise"``).
        DataError
            No photo can be read (only with ``on_error="skip"``).

        Examples
        --------
        >>> import shelfvision as shv
        >>> len(shv.samples.render_products(2, image_size=(32, 32)).verify())
        10
        """
        return type(self)(verified(self._table, on_error))

    def resized(self, image_size: tuple[int, int], *, resize: Resize | None = None) -> Self:
        """Return the same photos at another image size or resize rule.

        Photos with files are read from the files again, also in views, cached datasets and
        balanced datasets; augmented copies are rendered from originals of the new size. Pixels of
        a dataset that was made from arrays are resized, which is less sharp. Ids, labels, groups
        and class names do not change. Photos are read on access, and the result is not cached.

        Parameters
        ----------
        image_size : tuple of int
            Height and width in pixels, 1 to 16384.
        resize : {"stretch", "pad", "crop"}, optional
            How a photo of another aspect ratio is resized; by default as in this dataset.

        Returns
        -------
        Dataset
            The dataset at that size.

        Raises
        ------
        InvalidParameterError
            `image_size` or `resize` is out of range.

        Notes
        -----
        A custom `PixelSource` may have a method ``resized(image_size, resize)``, which returns
        another source with the same number of rows. Without this method its pixels are resized.

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
        """Return one-hot labels, ``float32`` of shape (n, number of classes)."""
        return np.eye(len(self.class_names), dtype=np.float32)[self.labels]

    def to_arrays(self) -> tuple[Images, npt.NDArray[np.int64]]:
        """Read all photos into memory and return images and labels.

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

        The group of a photo without a named group is a digest of its content, so its file is read.

        Returns
        -------
        pandas.DataFrame
            One row per photo; ``label`` is the class name, ``copy`` is 0 for an original.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        return frame_of(self._table)

    def _repr_html_(self) -> str:
        """Return a few photos and the number of photos of each class, for notebooks."""
        return dataset_view(self._table)

    def __repr__(self) -> str:
        """Return one line with the number of photos, the number of classes and the image size."""
        return f"<Dataset: {summary_of(self._table)}>"
