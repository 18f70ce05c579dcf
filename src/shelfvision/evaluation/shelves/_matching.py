"""Match the predicted boxes of each photo to its annotated boxes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name, lookalike
from shelfvision._validation import listed, received
from shelfvision.boxes import Boxes
from shelfvision.boxes.overlaps import matched_boxes
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.regions import Regions

Predicted: TypeAlias = Regions | Boxes | Mapping[str, Regions] | Mapping[str, Boxes]
"""The regions or labelled boxes of one photo, or of many by photo."""
Truth: TypeAlias = Boxes | Mapping[str, Boxes]
"""The annotated boxes of one photo, or of many by photo."""
_ONE = "photo"
"""The name of a single photo."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoMatches:
    """The matched boxes of one photo."""

    predicted_labels: tuple[str | None, ...]
    """The label of each predicted box; None for a rejected box or one without a label."""
    true_labels: tuple[str | None, ...]
    """The label of each annotated box."""
    predicted_rows: npt.NDArray[np.int64]
    """The predicted box of each matched pair, ascending, read-only."""
    true_rows: npt.NDArray[np.int64]
    """The annotated box of each matched pair, read-only."""
    ious: npt.NDArray[np.float64]
    """The intersection over union of each matched pair, read-only."""

    @property
    def n_predicted(self) -> int:
        """The number of predicted boxes."""
        return len(self.predicted_labels)

    @property
    def n_true(self) -> int:
        """The number of annotated boxes."""
        return len(self.true_labels)

    @property
    def n_matched(self) -> int:
        """The number of matched pairs."""
        return len(self.ious)

    @property
    def missed(self) -> tuple[int, ...]:
        """The rows of annotated boxes without a predicted box."""
        return tuple(sorted(set(range(self.n_true)) - set(self.true_rows.tolist())))

    @property
    def false_detections(self) -> tuple[int, ...]:
        """The rows of predicted boxes without an annotated box."""
        return tuple(sorted(set(range(self.n_predicted)) - set(self.predicted_rows.tolist())))


def by_photo(regions: object, truth: object) -> dict[str, tuple[Regions | Boxes, Boxes]]:
    """Return predicted and annotated boxes by photo; raise if the photos differ."""
    if isinstance(regions, Mapping) != isinstance(truth, Mapping):
        raise InvalidParameterError(
            "regions and truth must both be of one photo, or both be mappings by photo, got "
            f"{type(regions).__name__} and {type(truth).__name__}; pass {{'shelf.jpg': ...}} twice",
            code="wrong-type",
            parameter="truth",
        )
    predicted = _entries(regions, (Regions, Boxes), "Regions or Boxes", parameter="regions")
    true = _entries(truth, (Boxes,), "Boxes", parameter="truth")
    _require_same_photos(predicted, true)
    return {name: (predicted[name], true[name]) for name in true}  # type: ignore[misc]  # _entries looked


def _entries(
    given: object, kinds: tuple[type, ...], wanted: str, *, parameter: str
) -> dict[str, object]:
    by_name = given if isinstance(given, Mapping) else {_ONE: given}
    found: dict[str, object] = {}
    for key, value in by_name.items():
        if not isinstance(key, str | os.PathLike) or not isinstance(value, kinds):
            raise InvalidParameterError(
                f"{parameter} must be {wanted}, or a mapping of photo names to {wanted}, got "
                f"{received(value)} for {received(key)}; use Classifier.predict_regions and "
                "read_boxes",
                code="wrong-type",
                parameter=parameter,
            )
        name = clean_name(os.fsdecode(key))
        if name in found:
            raise InvalidParameterError(
                f"{parameter} must have each photo once, got {name!r} twice; keep one of them",
                code="duplicate",
                parameter=parameter,
            )
        found[name] = _with_clean_labels(value) if isinstance(value, Boxes) else value
    if not found:
        raise InvalidParameterError(
            f"{parameter} must have at least one photo, got none; pass the boxes of a photo",
            code="empty",
            parameter=parameter,
        )
    return found


def _with_clean_labels(boxes: Boxes) -> Boxes:
    """Return boxes whose labels are spelled as class names are; a blank label is none."""
    labels = [clean_name(label or "") or None for label in boxes.labels]
    if tuple(labels) == boxes.labels:
        return boxes
    return Boxes(
        boxes.corners,
        labels=labels,
        scores=boxes.scores,
        image_size=boxes.image_size,
        relative=boxes.relative,
    )


def _require_same_photos(predicted: Mapping[str, object], true: Mapping[str, object]) -> None:
    """Refuse photos that only one side has: a photo without boxes has an empty `Boxes`."""
    missing = [name for name in true if name not in predicted]
    surplus = [name for name in predicted if name not in true]
    if missing:
        raise DataError(
            f"regions must have each photo of truth, got none for {listed(missing)}; pass "
            "Boxes(np.empty((0, 4))) for a photo without detections",
            code="missing-photos",
            parameter="regions",
        )
    if surplus:
        raise DataError(
            f"truth must have each photo of regions, got none for {listed(surplus)}; pass "
            "Boxes(np.empty((0, 4))) for a photo without products, or leave the photo out",
            code="missing-photos",
            parameter="truth",
        )


def class_names_of(pairs: Mapping[str, tuple[Regions | Boxes, Boxes]]) -> tuple[str, ...]:
    """Return the classes of the regions; for plain boxes, all labels in alphabetical order."""
    names = dict.fromkeys(one.class_names for one, _ in pairs.values() if isinstance(one, Regions))
    if len(names) > 1:
        raise DataError(
            "regions must be predicted by one classifier, got regions with different classes; "
            "predict all photos with the same classifier",
            code="inconsistent",
            parameter="regions",
        )
    if names:
        return next(iter(names))
    labels = {
        label
        for one, truth in pairs.values()
        for label in (*one.labels, *truth.labels)
        if label is not None
    }
    return tuple(sorted(labels))


def require_true_labels(
    pairs: Mapping[str, tuple[Regions | Boxes, Boxes]],
    class_names: tuple[str, ...],
    *,
    reject: bool,
) -> None:
    """Refuse true labels that are partly missing, misspelled, or unknown unless `reject`."""
    labels = [label for _, truth in pairs.values() for label in truth.labels]
    given = {label for label in labels if label is not None}
    if given and None in labels:
        raise DataError(
            f"truth must have a label for each box or for none, got {labels.count(None)} boxes of "
            f"{len(labels)} without one; label them, or pass Boxes without labels",
            code="labels-differ",
            parameter="truth",
        )
    unknown = sorted(given - set(class_names))
    for label in unknown:
        near = lookalike(label, class_names)
        if near is not None:
            raise DataError(
                f"truth has the label {label!r}, which differs from the class {near!r} only in "
                f"case or separators; write {near!r}",
                code="unknown-name",
                parameter="truth",
            )
    if unknown and not reject:
        raise DataError(
            f"truth must have labels of the classifier's classes {listed(class_names)}, got "
            f"{listed(unknown)}; pass unknown='reject' if these are products that the classifier "
            "does not know",
            code="unknown-class",
            parameter="truth",
        )


def matches_of(predicted: Regions | Boxes, truth: Boxes, *, iou: float) -> PhotoMatches:
    """Return the matched boxes of one photo."""
    boxes = predicted.boxes if isinstance(predicted, Regions) else predicted
    corners, true_corners = _comparable(boxes, truth)
    pairs = matched_boxes(corners, true_corners, iou=iou, scores=boxes.scores)
    for column in (pairs.first, pairs.second, pairs.iou):
        column.flags.writeable = False
    return PhotoMatches(
        predicted_labels=_accepted_labels(predicted),
        true_labels=truth.labels,
        predicted_rows=pairs.first,
        true_rows=pairs.second,
        ious=pairs.iou,
    )


def _accepted_labels(predicted: Regions | Boxes) -> tuple[str | None, ...]:
    if isinstance(predicted, Boxes):
        return predicted.labels
    rows = zip(predicted.labels, predicted.decisions, strict=True)
    return tuple(None if decision == "review" else str(label) for label, decision in rows)


def _comparable(
    predicted: Boxes, truth: Boxes
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both lists of corners in one unit; an IoU does not depend on the unit."""
    size = predicted.image_size or truth.image_size
    if size is not None:
        return predicted.in_pixels(size).corners, truth.in_pixels(size).corners
    if predicted.relative != truth.relative and len(predicted) and len(truth):
        raise InvalidParameterError(
            "truth and regions must both be in pixels or both be relative, got one of each; pass "
            "boxes.in_pixels(image_size)",
            code="relative",
            parameter="truth",
        )
    return predicted.corners, truth.corners
