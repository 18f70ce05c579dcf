"""Boxes that a program has already: a mapping of photos, or supervision's `DetectionDataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from shelfvision._validation import received
from shelfvision.boxes.box_list import Boxes, as_boxes
from shelfvision.boxes.sources._gathering import AnnotatedPhoto, Gathering
from shelfvision.errors import DataError, InvalidParameterError

_WHERE = "source"


def gather_mapping(source: Mapping[object, object], gathering: Gathering) -> None:
    """Add the photos of a mapping of path to boxes."""
    for key, value in source.items():
        if not isinstance(key, str | os.PathLike):
            raise InvalidParameterError(
                f"source must have the paths of photos as keys, got {received(key)}; pass "
                "{path: boxes}",
                code="wrong-type",
                parameter="source",
            )
        _add(os.fspath(key), value, gathering)


def gather_detections(source: object, gathering: Gathering) -> None:
    """Add the photos of supervision's `DetectionDataset`, whose class ids index `classes`."""
    classes: Sequence[object] = getattr(source, "classes", ())
    annotations: Mapping[str, object] = getattr(source, "annotations", {})
    for path, detections in annotations.items():
        boxes = as_boxes(detections)
        numbers = getattr(detections, "class_id", None)
        if numbers is not None:
            labels = [_class_of(number, classes) for number in np.asarray(numbers).tolist()]
            boxes = Boxes(boxes.corners, labels=labels, scores=boxes.scores)
        _add(path, boxes, gathering)


def _class_of(number: int, classes: Sequence[object]) -> str:
    if not 0 <= number < len(classes):
        raise DataError(
            f"source must have class ids below its {len(classes)} classes, got {number}; add the "
            "class",
            code="unknown-id",
            parameter="source",
        )
    return str(classes[number])


def _add(given: str, value: object, gathering: Gathering) -> None:
    try:
        boxes = as_boxes(value)
    except InvalidParameterError as error:
        fault = f"the boxes of {given!r} are invalid: {error}"
        gathering.refuse(given, DataError(fault, code=error.code, parameter="source"))
        return
    root = gathering.files.root
    path = os.path.normpath(os.path.join(root, given))
    inside = gathering.has_images and path.startswith(os.path.join(root, ""))
    name = os.path.relpath(path, root) if inside else given
    placed: tuple[str, str | None] | None = (name.replace(os.sep, "/"), path)
    if not os.path.isfile(path):
        placed = gathering.place(given, gathering.files.find(given), _WHERE)
    if placed is None:
        return
    numbers = np.arange(len(boxes), dtype=np.int64)
    gathering.add(
        AnnotatedPhoto(name=placed[0], path=placed[1], boxes=boxes, numbers=numbers), _WHERE
    )
