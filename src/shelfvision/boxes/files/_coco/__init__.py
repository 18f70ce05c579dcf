"""Read the boxes of one photo, or of all, from COCO JSON: annotations of a dataset, or detections.

All ids in the file are checked, also those of other photos, because an inconsistent file is not
reliable. A duplicate id, or an annotation whose photo or category is not listed, is an error. A
number and its text are the same id. If the list of photos or categories is missing altogether, its
ids are not checked.

The file is read entry by entry. Only the photos, the categories and the boxes of one photo, or of
all, are kept in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shelfvision.boxes.files._coco.annotations import Annotation, CocoFile, OnFault
from shelfvision.boxes.files._coco.entries import Coco, events
from shelfvision.boxes.files._coco.photo_choice import WhichPhoto, check_asked
from shelfvision.boxes.files._raw_boxes import RawBoxes
from shelfvision.errors import DataError

__all__ = ["Coco", "CocoPhoto", "WhichPhoto", "read_coco", "read_coco_photos"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoPhoto:
    """A photo of a file with its boxes."""

    name: str
    """The file name of the photo; without one its id."""
    boxes: RawBoxes
    """The boxes in the order of the file."""
    numbers: Sequence[int]
    """The position of each box among the annotations of the photo."""
    crowds: Sequence[int]
    """The numbers of boxes that cover several objects (``iscrowd``)."""


def read_coco(source: Coco, image: WhichPhoto | None) -> RawBoxes:
    """Return the boxes of one photo."""
    check_asked(image)
    where = named_source(source)
    file = CocoFile(where, image)
    for event in events(source, where):
        file.take(*event)
    if file.finish():
        for key, entry in events(source, where):
            file.take_again(key, entry)
    return _raw(file.chosen, file.names or {}, file.size)


def read_coco_photos(source: Coco, on_fault: OnFault | None) -> Iterator[CocoPhoto]:
    """Yield all photos of a file in its order; photos without boxes are included.

    `on_fault` takes the name of a photo, the number of an invalid box and its fault. Without it, an
    invalid box raises.
    """
    where = named_source(source)
    faults: list[tuple[str, int, DataError]] = []
    later = None if on_fault is None else lambda *fault: faults.append(fault)
    file = CocoFile(where, None, every_photo=True, on_fault=later)
    for event in events(source, where):
        file.take(*event)
    file.finish()
    listed = file.photos or dict.fromkeys(file.boxes)
    names = {number: (photo.name if photo else None) or number for number, photo in listed.items()}
    if on_fault is not None:
        for number, box, error in faults:
            on_fault(names[number], box, error)
    for number, photo in listed.items():
        found = file.boxes.pop(number, [])
        yield CocoPhoto(
            name=names[number],
            boxes=_raw(found, file.names or {}, photo.size if photo else None),
            numbers=[box.number for box in found],
            crowds=[box.number for box in found if box.crowd],
        )


def named_source(source: Coco) -> str:
    """Return what messages call a source."""
    return repr(os.fspath(source)) if isinstance(source, str | os.PathLike) else "this mapping"


def _raw(
    found: Sequence[Annotation], names: Mapping[str, str], size: tuple[int, int] | None
) -> RawBoxes:
    scores = [box.score for box in found]
    return RawBoxes(
        corners=np.array([box.corners for box in found], dtype=np.float64).reshape(-1, 4),
        labels=[None if box.category is None else names.get(box.category) for box in found],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        image_size=size,
    )
