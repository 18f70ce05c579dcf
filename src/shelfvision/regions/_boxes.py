"""`Boxes`: where products are in a photo, from whatever found them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import Rows, as_image_size, as_rows, counted, received
from shelfvision.data import SkippedFile, SkippedFiles
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames, OnError
from shelfvision.regions._checking import box_corners, box_labels, box_scores
from shelfvision.regions.files._coco import read_coco
from shelfvision.regions.files._raw_boxes import RawBoxes
from shelfvision.regions.files._voc import read_voc
from shelfvision.regions.files._yolo import read_yolo

if TYPE_CHECKING:
    from typing import Self

Source: TypeAlias = str | os.PathLike[str]
"""The path of a file."""


class HasCorners(Protocol):
    """What `supervision.Detections` and the like are known by."""

    @property
    def xyxy(self) -> npt.NDArray[np.floating]:
        """Left, top, right and bottom of every box in pixels, shape (n, 4)."""
        ...


@final
class Boxes:
    """Where products are in a photo: an immutable list of boxes, from whatever found them.

    Boxes refer to the photo as one looks at it, turned upright by its EXIF orientation, with the
    origin in the upper left corner.

    Parameters
    ----------
    corners : array_like of float, shape (n, 4)
        Left, top, right and bottom of every box, in pixels; a pixel is as wide as 1.
    labels : sequence of str or None, length n, optional
        What stands in each box, where that is known already.
    scores : array_like of float, length n, optional
        How sure a detector is of each box, 0 to 1.
    image_size : tuple of int, optional
        Height and width of the photo that the boxes were made for; then they are used for no
        photo of another size.
    relative : bool, default=False
        Whether corners are shares of the photo's width and height, 0 to 1, in place of pixels.
    skipped : iterable of SkippedFile, optional
        The lines of a file that were left out, as readers of files list them.

    Raises
    ------
    InvalidParameterError
        The corners are not of this shape, or a box is not finite, or has no area.

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
            A dataset's file with images, annotations and categories, or a detector's list of
            results; or what parsing such a file gives. A file may have 512 MiB; it is read entry
            by entry, and only the boxes of the photo are kept.
        image : str, int or path-like, optional
            Which photo: its file name or its id. A name without folders stands for one in any
            folder if there is only one; ``shop_b/IMG_1.jpg`` never stands for
            ``shop_a/IMG_1.jpg``. It may be left out where there is only one photo.

        Returns
        -------
        Boxes
            Its boxes in the order of the file, with labels where the file names categories, and
            scores where all have one.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            The file is not such JSON or does not know the photo; ids do not join, or an
            annotation has no valid box.
        InvalidParameterError
            `image` is neither a name nor an id.

        Notes
        -----
        Ids are joined exactly: ``7``, ``"7"`` and ``7.0`` are one id, ``"007"`` is another.
        Duplicate ids of photos or categories, and annotations of photos or categories that are
        not listed, are errors. The box of an annotation is its ``bbox``, also for crowds
        (``iscrowd``) and for polygons and run-length encoded masks, which are not read.

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
            The XML file of the photo: UTF-8, or the encoding that it declares. Its numbers are
            the edges of boxes, without the correction by 1 that the first VOC files need.

        Returns
        -------
        Boxes
            Its boxes in the order of the file, with the names of the objects as labels.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            The file is not such XML, or an object has no valid box. A document type and entities
            are refused, for no such file needs them.
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
            The file of the photo. Each line has the number of a class, the middle of the box and
            its width and height as shares of the photo's, and, from a detector, a confidence. A
            polygon and an oriented box (the corners instead) become their bounding boxes.
        class_names : sequence of str, or mapping, optional
            The name of every number, in order or as ``names`` of a ``data.yaml``; without them
            labels are the numbers.
        on_error : {"raise", "skip"}, default="raise"
            Whether a line that is not such a box is an error or is left out and listed in
            `skipped`, with one warning.

        Returns
        -------
        Boxes
            Its boxes in the order of the file, relative to the photo's size and clipped to it.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            A line is not such a box, or has a number without a name; or the file cannot be read.

        Notes
        -----
        Exporters round beyond the edge: values of up to 0.01 below 0 or above 1 are clipped,
        others are refused. Keypoints and the numbers of tracks are not read.

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
        """Left, top, right and bottom of every box, shape (n, 4), read-only."""
        return self._corners

    @property
    def labels(self) -> tuple[str | None, ...]:
        """What stands in each box; None where that is not known."""
        return self._labels

    @property
    def scores(self) -> npt.NDArray[np.float32] | None:
        """How sure a detector is of each box, 0 to 1, read-only; None where none was asked."""
        return self._scores

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width of the photo that the boxes were made for; None if not known."""
        return self._image_size

    @property
    def relative(self) -> bool:
        """Whether corners are shares of the photo's width and height, in place of pixels."""
        return self._relative

    @property
    def skipped(self) -> SkippedFiles:
        """The lines left out with ``on_error="skip"``, each with path, number and reason."""
        return self._skipped

    def in_pixels(self, image_size: tuple[int, int]) -> Self:
        """Return the boxes in pixels of a photo of this size.

        Parameters
        ----------
        image_size : tuple of int
            Height and width of the photo, upright.

        Returns
        -------
        Boxes
            The same boxes, not relative; some may lie outside the photo.

        Raises
        ------
        InvalidParameterError
            The boxes were made for a photo of another size.
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
        """Yield left, top, right and bottom of every box."""
        return (
            cast("tuple[float, float, float, float]", tuple(row)) for row in self._corners.tolist()
        )

    def __getitem__(self, rows: Rows) -> Self:
        """Return the boxes that a slice, a mask or a list of numbers chooses."""
        chosen = np.arange(len(self))[as_rows(rows, len(self), of="boxes")]
        return type(self)(
            self._corners[chosen],
            labels=[self._labels[row] for row in chosen],
            scores=None if self._scores is None else self._scores[chosen],
            image_size=self._image_size,
            relative=self._relative,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the arguments that make it, so that its arrays are read-only again."""
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
        """Return a line that tells how many there are, and for which size of photo."""
        size = "" if self._image_size is None else " in {} x {} pixels".format(*self._image_size)
        size = " relative to the photo" if self._relative else size
        return f"<Boxes: {counted(len(self), 'box')}{size}>"


def as_boxes(value: object) -> Boxes:
    """Return boxes as such: from an array, or from an object like `supervision.Detections`."""
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
    """Return the class names that detections carry, as `supervision` has them."""
    names = data.get("class_name") if isinstance(data, Mapping) else None
    return None if names is None else [None if name is None else str(name) for name in names]


def _refuse_size(made_for: tuple[int, int], got: tuple[int, int]) -> None:
    raise InvalidParameterError(
        f"the boxes were made for a photo of {made_for[1]} x {made_for[0]} pixels, but this one is "
        f"{got[1]} x {got[0]}; scale them to the photo, or give the photo that they were made for",
        code="sizes-differ",
        parameter="boxes",
    )
