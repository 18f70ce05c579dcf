"""Read the boxes of one photo from COCO JSON: annotations of a dataset, or detections.

All ids in the file are checked, also those of other photos, because an inconsistent file is not
reliable. A duplicate id, or an annotation whose photo or category is not listed, is an error. A
number and its text are the same id. If the list of photos or categories is missing altogether, its
ids are not checked.

The file is read entry by entry. Only the photos, the categories and the boxes of one photo are kept
in memory.
"""

from __future__ import annotations

import os

import numpy as np

from shelfvision.boxes.files._coco.annotations import CocoFile
from shelfvision.boxes.files._coco.entries import Coco, events
from shelfvision.boxes.files._coco.photo_choice import WhichPhoto, check_asked
from shelfvision.boxes.files._raw_boxes import RawBoxes

__all__ = ["Coco", "WhichPhoto", "read_coco"]


def read_coco(source: Coco, image: WhichPhoto | None) -> RawBoxes:
    """Return the boxes of one photo."""
    check_asked(image)
    named = isinstance(source, str | os.PathLike)
    where = repr(os.fspath(source)) if named else "this mapping"  # type: ignore[arg-type]  # checked
    file = CocoFile(where, image)
    for event in events(source, where):
        file.take(*event)
    if file.finish():
        for key, entry in events(source, where):
            file.take_again(key, entry)
    scores = [box.score for box in file.boxes]
    names = file.names or {}
    return RawBoxes(
        corners=np.array([box.corners for box in file.boxes], dtype=np.float64).reshape(-1, 4),
        labels=[None if box.category is None else names.get(box.category) for box in file.boxes],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        image_size=file.size,
    )
