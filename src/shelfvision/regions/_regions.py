"""`Regions`: the predictions for boxes in a photo."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex, cast, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._pages.notebook import notebook_view, picture
from shelfvision._storage import as_location, write_atomically
from shelfvision._text import printable
from shelfvision._validation import Rows, as_number, as_path, as_rows, counted, received
from shelfvision.boxes.box_list import Boxes
from shelfvision.boxes.whole_photo import Origin, pixels_of
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Decision, Predictions, Thresholds
from shelfvision.protocols import Image, Location
from shelfvision.regions._conversion import as_coco, as_detections, joined_coco
from shelfvision.regions._reviewing import BoxesInPhoto, surroundings_of
from shelfvision.regions.drawing._regions_picture import MarkedBoxes, draw_regions
from shelfvision.review.label_studio import (
    LabelledBox,
    image_source,
    shelf_config,
    shelf_task,
    write_tasks,
)
from shelfvision.review.page import review_page

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd

_NUMBERED = re.compile(r".*#[0-9]{1,9}", re.DOTALL)


# Compared by identity, because comparing arrays does not give a single truth value.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """The prediction for one box."""

    id: str
    """The photo's name and the number of the box: ``"shelf.jpg#4"``."""
    box: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels of the upright photo."""
    label: str
    """The most probable class."""
    confidence: float
    """The probability of that class, 0 to 1."""
    probabilities: npt.NDArray[np.float32]
    """The probability of each class in the order of `class_names`, read-only, shape (k,)."""
    decision: Decision | None
    """``"accept"``, or ``"review"`` if a person should check it; None without thresholds."""


@final
class Regions(Sequence[Region]):
    """The predictions for the boxes in a photo: an immutable sequence of `Region`.

    `Classifier.predict_regions` returns them in the order of the boxes. They do not keep the pixels
    of a photo that was read from a file: `draw` and `photo` read the file again.

    Parameters
    ----------
    predictions : Predictions
        One row per box.
    boxes : Boxes
        The boxes in pixels of the upright photo, with `image_size`.
    origin : str, bytes or ndarray
        The photo: its path, the bytes of its file, or its pixels.
    """

    __slots__ = ("_boxes", "_origin", "_predictions")

    def __init__(self, predictions: Predictions, boxes: Boxes, origin: Origin) -> None:
        if len(predictions) != len(boxes) or any(predictions.errors):
            raise InvalidParameterError(
                f"predictions must have one row for each of the {counted(len(boxes), 'box')}, "
                f"without errors, got {counted(len(predictions), 'row')}; use "
                "Classifier.predict_regions",
                code="wrong-length",
                parameter="predictions",
            )
        if boxes.relative or boxes.image_size is None:
            raise InvalidParameterError(
                "boxes must be in pixels of a photo of known size; use Boxes.in_pixels",
                code="not-in-pixels",
                parameter="boxes",
            )
        self._predictions = predictions
        self._boxes = boxes
        self._origin = origin

    @property
    def predictions(self) -> Predictions:
        """The predictions, one row per box, for `take_inventory`."""
        return self._predictions

    @property
    def boxes(self) -> Boxes:
        """The boxes in pixels of the upright photo."""
        return self._boxes

    @property
    def origin(self) -> str | bytes | Image:
        """The photo: its path, the bytes of its file, or its pixels."""
        return self._origin

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the upright photo, in pixels."""
        # The constructor refuses boxes without image_size.
        return cast("tuple[int, int]", self._boxes.image_size)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, in the order of the columns of `probabilities`."""
        return self._predictions.class_names

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The photo's name and the number of each box, ``str``, shape (n,), read-only."""
        return self._predictions.ids

    @property
    def labels(self) -> npt.NDArray[np.object_]:
        """The most probable class of each box, ``str``, shape (n,), read-only."""
        return self._predictions.labels

    @property
    def confidences(self) -> npt.NDArray[np.float32]:
        """The probability of the most probable class, 0 to 1, shape (n,), read-only."""
        return self._predictions.confidences

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """The probability of each class for each box, shape (n, k), read-only."""
        return self._predictions.probabilities

    @property
    def decisions(self) -> npt.NDArray[np.object_]:
        """``"accept"``, ``"review"`` or None for each box, shape (n,), read-only."""
        return self._predictions.decisions

    @property
    def unknown(self) -> npt.NDArray[np.bool_]:
        """Whether each box is rejected: its decision is ``"review"``, shape (n,).

        Such a box may show a price tag, or a product that the classifier does not know.
        """
        return np.asarray(self.decisions == "review", dtype=np.bool_)

    @property
    def counts(self) -> dict[str, int]:
        """The number of boxes with each label, unadjusted and without those that are `unknown`.

        `take_inventory` returns adjusted counts.
        """
        found = Counter(self.labels[~self.unknown])
        return {name: found[name] for name in self.class_names}

    @staticmethod
    def pooled(several: Iterable[Regions]) -> Predictions:
        """Join the predictions of several photos, for one inventory of all of them.

        Parameters
        ----------
        several : iterable of Regions
            The regions of one or more photos, predicted by one classifier.

        Returns
        -------
        Predictions
            One row per box, in the order of the photos.

        Raises
        ------
        InvalidParameterError
            No regions are given, their classes differ, or `class_prior` was used.
        """
        parts = [one.predictions for one in _listed_regions(several, "several")]
        names = list(dict.fromkeys(part.class_names for part in parts))
        if len(names) != 1 or any(part.class_prior is not None for part in parts):
            got = "no regions" if not names else "regions with different classes or a class_prior"
            raise InvalidParameterError(
                "several must be regions that one classifier predicted without class_prior, "
                f"got {got}; pass the result of its predict_regions for each photo",
                code="inconsistent",
                parameter="several",
            )
        return Predictions(
            np.concatenate([part.probabilities for part in parts]),
            names[0],
            np.concatenate([part.ids for part in parts]),
            decisions=[one for part in parts for one in part.decisions],
        )

    def with_min_confidence(self, min_confidence: SupportsFloat) -> Self:
        """Return the regions with other decisions: boxes below a confidence are rejected.

        Parameters
        ----------
        min_confidence : float
            The lowest confidence of the decision ``"accept"``, 0 to 1; other boxes get
            ``"review"``.

        Returns
        -------
        Regions
            The same boxes and probabilities.

        Raises
        ------
        InvalidParameterError
            `min_confidence` is not in the range.
        """
        least = as_number("min_confidence", min_confidence, minimum=0, maximum=1)
        old = self._predictions
        predictions = Predictions(
            old.probabilities,
            old.class_names,
            old.ids,
            decisions=list(Thresholds(values=(least,)).decide(old.probabilities)),
            class_prior=old.class_prior,
        )
        return type(self)(predictions, self._boxes, self._origin)

    def photo(self) -> Image:
        """Return the pixels of the upright photo, ``uint8`` (height, width, 3).

        Raises
        ------
        PhotoError
            The file of the photo does not exist, cannot be read, or has another size now.
        """
        return pixels_of(self._origin, self.image_size)

    def draw(
        self,
        *,
        width: SupportsIndex | None = None,
        font: str | os.PathLike[str] | None = None,
    ) -> Image:
        """Draw the boxes with labels and confidences on the photo.

        Boxes to review have a dashed frame in another color and a question mark. If boxes are too
        small for names, they show numbers, and a legend below the photo lists the names. The font
        size grows with the width of the picture and is at least 12 pixels.

        Parameters
        ----------
        width : int, optional
            The width of the picture in pixels. By default the width of the photo, at most 1600.
        font : path-like, optional
            A TrueType or OpenType font, for class names in scripts that DejaVu Sans lacks. DejaVu
            Sans comes with matplotlib; without it only ASCII is written, ``"Musli"`` for
            ``"Müsli"``.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            RGB pixels of the photo, with a legend below it if needed.

        Raises
        ------
        PhotoError
            The file of the photo does not exist, cannot be read, or has another size now.
        """
        marked = MarkedBoxes(
            corners=self._boxes.corners,
            labels=tuple(self.labels),
            confidences=tuple(self.confidences.tolist()),
            sure=tuple(one != "review" for one in self.decisions),
        )
        return draw_regions(self.photo(), marked, width, font)

    def save_review(
        self,
        path: Location,
        *,
        others: Iterable[Regions] = (),
        top: SupportsIndex = 5,
    ) -> None:
        """Save a page on which a person confirms or corrects the class of each box.

        The page shows each box in its surroundings; `Predictions.save_review` describes the page.
        Select the boxes to review first, for example ``regions[regions.decisions == "review"]``.

        Parameters
        ----------
        path : path-like or URL
            The HTML file. A missing folder is created.
        others : iterable of Regions, optional
            The regions of other photos, for one page of all of them.
        top : int, default=5
            The number of classes to offer for each box, at most 20.

        Raises
        ------
        DataError
            The number of boxes is 0 or above 10,000, or several have one id.
        InvalidParameterError
            `others` have other classes, or `top` is out of range.
        PhotoError
            None of the photos can be read.
        StorageError
            The file cannot be written; an existing file is unchanged.
        """
        target = as_location(path, writes=True)
        several = [self, *_listed_regions(others, "others")]
        pooled = Regions.pooled(several) if len(several) > 1 else self._predictions
        photos = [
            BoxesInPhoto(corners=one.boxes.corners, photo=one.photo) for one in several if len(one)
        ]
        page = review_page(
            list(pooled.ids),
            pooled.class_names,
            pooled.probabilities,
            surroundings_of(photos),
            top=top,
        )
        write_atomically(target, page.encode("utf-8", "backslashreplace"))

    def save_label_studio(
        self,
        path: Location,
        *,
        others: Iterable[Regions] = (),
        root: str | os.PathLike[str] | None = None,
    ) -> str:
        """Write a Label Studio task for each photo, with its boxes as labelled rectangles.

        `Predictions.save_label_studio` describes the file. A person changes the label of a
        rectangle; ``"other product"`` and ``"unusable"`` are labels, too. `Corrections.read` reads
        the JSON export of the project, with ids such as ``"shelf.jpg#4"``, and leaves out
        rectangles that the person added.

        Parameters
        ----------
        path : path-like or URL
            The JSON file to write; an existing file is replaced atomically.
        others : iterable of Regions, optional
            The regions of other photos, for one project of all of them.
        root : path-like, optional
            The folder that Label Studio serves; by default the root of the file system.

        Returns
        -------
        str
            The labelling configuration, XML with all classes.

        Raises
        ------
        DataError
            A class name has control characters.
        InvalidParameterError
            A photo is not below `root`.
        PhotoError
            A photo that is not a file cannot be read.
        StorageError
            The file cannot be written.
        """
        several = [self, *_listed_regions(others, "others")]
        names = dict.fromkeys(name for one in several for name in one.class_names)
        config = shelf_config(names)
        folder = None if root is None else as_path(root, "root")
        write_tasks(path, (_task_of(one, folder) for one in several))
        return config

    def save_coco(self, path: Location, *, others: Iterable[Regions] = ()) -> None:
        """Write the boxes of one or more photos as one COCO file, for FiftyOne and other tools.

        Parameters
        ----------
        path : path-like or URL
            The JSON file to write; an existing file is replaced atomically.
        others : iterable of Regions, optional
            The regions of other photos.

        Raises
        ------
        StorageError
            The file cannot be written.

        Notes
        -----
        FiftyOne reads the file with ``fiftyone.Dataset.from_dir(
        dataset_type=fiftyone.types.COCODetectionDataset, data_path="photos",
        labels_path="regions.json")``. Annotations also have score and decision.
        """
        found = joined_coco([one.to_coco() for one in (self, *_listed_regions(others, "others"))])
        write_atomically(path, json.dumps(found).encode("ascii"))

    def to_coco(self, *, file_name: str | None = None) -> dict[str, object]:
        """Return a COCO dataset of this photo, as plain values for ``json.dump``.

        Parameters
        ----------
        file_name : str, optional
            The file name of the photo; by default its path.

        Returns
        -------
        dict
            The lists images, categories and annotations; annotations also have score and decision.
        """
        name = self._name() if file_name is None else file_name
        return as_coco(self._predictions, self._boxes, name)

    def to_supervision(self) -> object:
        """Return the regions as `supervision.Detections`, to draw, filter or track them.

        Returns
        -------
        supervision.Detections
            Boxes, class ids and confidences; ``data`` contains class names and decisions.

        Raises
        ------
        MissingDependencyError
            supervision is not installed.
        """
        return as_detections(self._predictions, self._boxes)

    def to_frame(self) -> pd.DataFrame:
        """Return the predictions as a pandas table with columns left, top, right and bottom.

        Returns
        -------
        pandas.DataFrame
            One row per box.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        frame = self._predictions.to_frame()
        for place, side in enumerate(("left", "top", "right", "bottom"), 1):
            frame.insert(place, side, self._boxes.corners[:, place - 1])
        return frame

    def _name(self) -> str:
        return self._origin if isinstance(self._origin, str) else "photo"

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self._boxes)

    @overload
    def __getitem__(self, index: int | np.integer) -> Region: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> Region | Self:
        """Return one `Region`, or the regions that a slice, mask or list selects."""
        if isinstance(index, int | np.integer):
            return self._one(range(len(self))[index])
        rows = np.arange(len(self))[as_rows(index, len(self), of="regions")]
        return type(self)(self._predictions[rows], self._boxes[rows], self._origin)

    def __iter__(self) -> Iterator[Region]:
        """Yield one `Region` per box."""
        return (self._one(row) for row in range(len(self)))

    def _one(self, row: int) -> Region:
        found = self._predictions[row]
        left, top, right, bottom = self._boxes.corners[row].tolist()
        return Region(
            id=found.id,
            box=(left, top, right, bottom),
            label=str(found.label),
            confidence=found.confidence,
            probabilities=found.probabilities,
            decision=found.decision,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the constructor's arguments."""
        return type(self), (self._predictions, self._boxes, self._origin)

    def _repr_html_(self) -> str:
        """Return the photo with its boxes and the counts of labels, for notebooks."""
        review = int((self.decisions == "review").sum())
        return notebook_view(
            f"Regions: {counted(len(self), 'box')}",
            notes=[f"{counted(review, 'box')} to review."] if review else [],
            photos=[picture(lambda: self.draw(width=640), self._name())],
            columns=["class", "boxes"],
            rows=(+Counter(self.counts)).most_common(),
        )

    def __repr__(self) -> str:
        """Return the number of boxes, and the highest `counts`."""
        review = int((self.decisions == "review").sum())
        note = f", {review} to review" if review else ""
        found = +Counter(self.counts)  # without zeros
        names = [f"{n} {printable(name)}" for name, n in found.most_common(5)]
        more = len(found) - len(names)
        names += [f"{more} classes more"] if more > 0 else []
        title = f"<Regions: {counted(len(self), 'box')}{note}"
        return f"{title}: {', '.join(names)}>" if names else f"{title}>"


def _listed_regions(several: object, parameter: str) -> list[Regions]:
    found: list[Regions] = []
    # Regions of one photo can be iterated too, but give its boxes.
    for one in several if isinstance(several, Iterable) else (several,):
        if not isinstance(one, Regions):
            raise InvalidParameterError(
                f"{parameter} must be a list of the regions of photos, got {received(several)}; "
                "pass [regions]",
                code="wrong-type",
                parameter=parameter,
            )
        found.append(one)
    return found


def _task_of(regions: Regions, root: str | None) -> dict[str, object]:
    """Return the Label Studio task of one photo."""
    numbers = [str(name).rpartition("#") for name in regions.ids]
    odd = [name for name in regions.ids if not _NUMBERED.fullmatch(name)]
    if odd:
        raise InvalidParameterError(
            "predictions must have ids such as 'shelf.jpg#3' for Label Studio, got "
            f"{received(odd[0])}; add '#' and the number of the box",
            code="inconsistent",
            parameter="predictions",
        )
    boxes = [
        LabelledBox(number=int(number), corners=one.box, label=one.label, confidence=one.confidence)
        for one, (_, _, number) in zip(regions, numbers, strict=True)
    ]
    origin = regions.origin
    image = image_source(origin if isinstance(origin, str) else regions.photo(), root=root)
    photo = numbers[0][0] if numbers else origin if isinstance(origin, str) else "photo"
    return shelf_task(photo, image, regions.image_size, boxes)
