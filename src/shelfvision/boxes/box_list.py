"""`Boxes`: the positions of products in a photo, from annotations or a detector."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._validation import Rows, as_image_size, as_rows, counted, received
from shelfvision.boxes._checking import Corners, box_corners, box_labels, box_scores
from shelfvision.boxes.files._coco import read_coco
from shelfvision.boxes.files._raw_boxes import RawBoxes
from shelfvision.boxes.files._voc import read_voc
from shelfvision.boxes.files._yolo import read_yolo
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames, OnError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Boxes", "Corners", "HasCorners", "as_boxes"]

Source: TypeAlias = str | os.PathLike[str]
"""The path of a file."""


class HasCorners(Protocol):
    """An object with box corners, such as `supervision.Detections`."""

    @property
    def xyxy(self) -> npt.NDArray[np.floating]:
        """Left, top, right and bottom of every box in pixels, shape (n, 4)."""
        ...


@final
class Boxes:
    """An immutable list of boxes in one photo, from annotations or a detector.

    Boxes refer to the upright photo, after applying its EXIF orientation. The origin is the upper
    left corner.

    Parameters
    ----------
    corners : array_like of float, shape (n, 4)
        Left, top, right and bottom of each box in pixels. Pixel edges have integer coordinates.
    labels : sequence of str or None, length n, optional
        The class in each box, if it is known.
    scores : array_like of float, length n, optional
        The detector's score for each box, 0 to 1.
    image_size : tuple of int, optional
        Height and width of the photo that the boxes belong to. Photos of another size are refused.
    relative : bool, default=False
        Whether the corners are shares of the photo's width and height, 0 to 1, instead of pixels.
    skipped : iterable of SkippedFile, optional
        The lines of a file that were skipped, as the readers of files list them.

    Raises
    ------
    InvalidParameterError
        The corners have another shape, or a box is not finite or has no area.

    Examples
    --------
    >>> import shelfvision as shv
    >>> boxes = shv.Boxes([[10, 20, 60, 90], [70, 20, 118.5, 92]], labels=["juice", "milk"])
    >>> boxes
    <Boxes: 2 boxes>
    >>> boxes.corners[1].tolist()
    [70.0, 20.0, 118.5, 92.0]
    """

    __slots__ = ("_corners", "_image_size", "_labels", "_relative", "_scores", "_skipped")

    def __init__(
        self,
        corners: npt.ArrayLike,
        *,
        labels: Sequence[str | None] | None = None,
        scores: npt.ArrayLike | None = None,
        image_size: tuple[int, int] | None = None,
        relative: bool = False,
        skipped: Iterable[SkippedFile] = (),
    ) -> None:
        self._corners = box_corners(corners, relative=relative)
        self._labels = box_labels(labels, len(self._corners))
        self._scores = box_scores(scores, len(self._corners))
        self._image_size = None if image_size is None else as_image_size(image_size)
        self._relative = bool(relative)
        self._skipped = SkippedFiles(skipped)

    @classmethod
    def from_coco(
        cls,
        source: Source | Mapping[str, object] | Sequence[object],
        *,
        image: str | int | os.PathLike[str] | None = None,
    ) -> Self:
        """Read the boxes of one photo from COCO JSON.

        Parameters
        ----------
        source : path-like, mapping or sequence
            A dataset file with images, annotations and categories, or the list of results of a
            detector; also the parsed content of such a file. Files can have up to 512 MiB. They are
            read entry by entry, and only the boxes of the photo are kept in memory.
        image : str, int or path-like, optional
            The file name or the id of the photo. A name without folders matches a photo in any
            folder if exactly one has this name; ``shop_b/IMG_1.jpg`` never matches
            ``shop_a/IMG_1.jpg``. Optional if the file has only one photo.

        Returns
        -------
        Boxes
            The boxes of the photo in the order of the file, with labels if the file names
            categories, and with scores if all boxes have one.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            The file is not COCO JSON or does not contain the photo, its ids are inconsistent, or an
            annotation has no valid box.
        InvalidParameterError
            `image` is neither a name nor an id.

        Notes
        -----
        Ids are compared exactly: ``7``, ``"7"`` and ``7.0`` are the same id, ``"007"`` is another.
        Duplicate ids of photos or categories, and annotations of photos or categories that are not
        listed, are errors. The box of an annotation is its ``bbox``, also for crowds
        (``iscrowd``). Polygons and run-length encoded masks are not read.

        Examples
        --------
        >>> import shelfvision as shv
        >>> found = [{"image_id": 7, "category_id": 1, "bbox": [10, 20, 50, 70], "score": 0.8}]
        >>> shv.Boxes.from_coco(found, image="7").corners.tolist()
        [[10.0, 20.0, 60.0, 90.0]]
        """
        return cls(**read_coco(source, image))

    @classmethod
    def from_voc(cls, path: Source) -> Self:
        """Read the boxes of one photo from a PASCAL VOC file.

        Parameters
        ----------
        path : path-like
            The XML file of the photo, in UTF-8 or in the encoding that it declares. Its coordinates
            are used as box edges, without the correction by 1 that the original VOC files need.

        Returns
        -------
        Boxes
            The boxes in the order of the file, with the names of the objects as labels.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            The file is not PASCAL VOC XML, or an object has no valid box. Document types and
            entities are refused.
        """
        return cls(**read_voc(path))

    @classmethod
    def from_yolo(
        cls, path: Source, *, class_names: ClassNames | None = None, on_error: OnError = "raise"
    ) -> Self:
        r"""Read the boxes of one photo from a YOLO text file.

        Parameters
        ----------
        path : path-like
            The text file of the photo. Each line has a class number, then center, width and height
            of the box relative to the photo, and optionally a confidence. Polygons and oriented
            boxes, which have corners instead, become their bounding boxes.
        class_names : sequence of str, or mapping, optional
            The class name of each number, in order or as ``names`` in a ``data.yaml``. By default
            the labels are the numbers.
        on_error : {"raise", "skip"}, default="raise"
            For an invalid line: raise, or leave it out, list it in `skipped` and warn once.

        Returns
        -------
        Boxes
            The boxes in the order of the file, relative to the photo and clipped to it.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            A line is invalid or has a number without a class name, or the file cannot be read.

        Notes
        -----
        Exporters round, so values up to 0.01 below 0 or above 1 are clipped; values further outside
        are refused. Keypoints and track numbers are not read.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import shelfvision as shv
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "shelf.txt"
        >>> _ = path.write_text("0 0.5 0.5 0.5 1.0004\n1 0.1 0.1 0.4 0.1 0.4 0.4\n")
        >>> boxes = shv.Boxes.from_yolo(path, class_names={0: "juice", 1: "milk"})
        >>> boxes.labels, boxes.corners.tolist()
        (('juice', 'milk'), [[0.25, 0.0, 0.75, 1.0], [0.1, 0.1, 0.4, 0.4]])
        """
        return cls(**read_yolo(path, class_names, on_error))

    @property
    def corners(self) -> npt.NDArray[np.float64]:
        """Left, top, right and bottom of each box, shape (n, 4), read-only."""
        return self._corners

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The class in each box; None if it is unknown."""
        return self._labels

    @property
    def scores(self) -> npt.NDArray[np.float32] | None:
        """The detector's score for each box, 0 to 1, read-only; None without scores."""
        return self._scores

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width of the photo that the boxes belong to; None if unknown."""
        return self._image_size

    @property
    def relative(self) -> bool:
        """Whether the corners are shares of the photo's width and height instead of pixels."""
        return self._relative

    @property
    def skipped(self) -> SkippedFiles:
        """The lines skipped with ``on_error="skip"``, each with path, number and reason."""
        return self._skipped

    def in_pixels(self, image_size: tuple[int, int]) -> Self:
        """Return the boxes in pixels of a photo of a given size.

        Parameters
        ----------
        image_size : tuple of int
            Height and width of the upright photo.

        Returns
        -------
        Boxes
            The same boxes with absolute corners; some may lie outside the photo.

        Raises
        ------
        InvalidParameterError
            The boxes belong to a photo of another size.
        """
        height, width = as_image_size(image_size)
        if self._image_size is not None and self._image_size != (height, width):
            _refuse_size(self._image_size, (height, width))
        scale = (width, height, width, height) if self._relative else 1.0
        return type(self)(
            self._corners * scale,
            labels=self._labels,
            scores=self._scores,
            image_size=(height, width),
            skipped=self._skipped,
        )

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self._corners)

    def __iter__(self) -> Iterator[tuple[float, float, float, float]]:
        """Yield left, top, right and bottom of each box."""
        return (
            cast("tuple[float, float, float, float]", tuple(row)) for row in self._corners.tolist()
        )

    def __getitem__(self, rows: Rows) -> Self:
        """Return the boxes that a slice, a mask or a list of indices selects."""
        chosen = np.arange(len(self))[as_rows(rows, len(self), of="boxes")]
        return type(self)(
            self._corners[chosen],
            labels=[self._labels[row] for row in chosen],
            scores=None if self._scores is None else self._scores[chosen],
            image_size=self._image_size,
            relative=self._relative,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the constructor's arguments, so that unpickled arrays are read-only again."""
        arguments = RawBoxes(
            corners=self._corners,
            labels=self._labels,
            scores=self._scores,
            image_size=self._image_size,
            relative=self._relative,
            skipped=self._skipped,
        )
        return partial(type(self), **arguments), ()

    def __repr__(self) -> str:
        """Return one line with the number of boxes and the size of the photo."""
        size = "" if self._image_size is None else " in {} x {} pixels".format(*self._image_size)
        size = " relative to the photo" if self._relative else size
        return f"<Boxes: {counted(len(self), 'box')}{size}>"


def as_boxes(value: object) -> Boxes:
    """Convert an array, or an object such as `supervision.Detections`, to `Boxes`."""
    if isinstance(value, Boxes):
        return value
    if isinstance(value, str | bytes | os.PathLike | Mapping):
        raise InvalidParameterError(
            f"boxes must be an array of shape (n, 4), Boxes or supervision.Detections, got "
            f"{received(value)}; read files with Boxes.from_coco, from_voc or from_yolo",
            code="wrong-type",
            parameter="boxes",
        )
    corners = getattr(value, "xyxy", None)
    if corners is None:
        return Boxes(cast("npt.ArrayLike", value))
    return Boxes(
        corners,
        labels=_named(getattr(value, "data", None)),
        scores=getattr(value, "confidence", None),
    )


def _named(data: object) -> list[str | None] | None:
    """Return the class names of `supervision.Detections`, if it has any."""
    names = data.get("class_name") if isinstance(data, Mapping) else None
    return None if names is None else [None if name is None else str(name) for name in names]


def _refuse_size(made_for: tuple[int, int], got: tuple[int, int]) -> None:
    raise InvalidParameterError(
        f"the boxes are for a photo of {made_for[1]} x {made_for[0]} pixels, got one of "
        f"{got[1]} x {got[0]}; scale them to this photo, or pass the photo that they are for",
        code="sizes-differ",
        parameter="boxes",
    )
