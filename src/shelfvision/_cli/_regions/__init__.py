"""``regions``: classify the products in a shelf photo, by a file of boxes or by a detector."""

from __future__ import annotations

import argparse
import io
import os

from PIL import Image as PillowImage

from shelfvision._cli._photos import model_of, require_place
from shelfvision._cli._regions._boxes import boxes_of_photos, detector_of, require_box_options
from shelfvision._cli._say import say
from shelfvision._csv import csv_text
from shelfvision._photos.formats import suffix_of
from shelfvision._storage import write_atomically
from shelfvision._text import json_text
from shelfvision._validation import counted
from shelfvision.boxes import Boxes, read_boxes
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image
from shelfvision.regions import Regions

_COLUMNS = ("id", "left", "top", "right", "bottom", "label", "confidence", "decision")
_PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def run(chosen: argparse.Namespace) -> int:
    """Classify the boxes, print the counts and write the files that are asked for."""
    _require_files(chosen)
    boxes = detector_of(chosen) if chosen.boxes is None else _boxes(chosen)
    model = model_of(chosen.file, chosen.sha256)
    regions = model.predict_regions(chosen.photo, boxes, context=chosen.context, shape=chosen.shape)
    if chosen.output is not None:
        write_atomically(chosen.output, _picture(regions.draw(), chosen.output))
    if chosen.csv is not None:
        write_atomically(chosen.csv, _table(regions).encode())
    if chosen.coco is not None:
        name = os.path.basename(chosen.photo)
        write_atomically(chosen.coco, json_text(regions.to_coco(file_name=name)).encode())
    _report(regions)
    return 0


def _require_files(chosen: argparse.Namespace) -> None:
    """Raise for arguments that cannot be used, before a model is loaded."""
    require_box_options(chosen)
    if chosen.boxes is None and chosen.detector is None:
        raise InvalidParameterError(
            "one of --boxes and --detector must be given, got neither; name a file of boxes or a "
            "detector",
            code="conflict",
            parameter="--boxes",
        )
    for option in ("output", "csv", "coco"):
        read = (chosen.file, chosen.photo, chosen.boxes, chosen.detector)
        require_place(getattr(chosen, option), f"--{option}", *read)
    if chosen.output is not None and suffix_of(chosen.output) not in _PICTURES:
        raise InvalidParameterError(
            f"--output must end in {', '.join(_PICTURES)}, got {chosen.output!r}; rename it",
            code="wrong-suffix",
            parameter="--output",
        )


def _boxes(chosen: argparse.Namespace) -> Boxes:
    """Return the boxes of the photo from COCO JSON, PASCAL VOC XML, YOLO text, or a data set."""
    suffix = suffix_of(chosen.boxes)
    if os.path.isdir(chosen.boxes) or suffix in (".yaml", ".yml"):
        return boxes_of_photos(read_boxes(chosen.boxes), [chosen.photo])[chosen.photo]
    if suffix == ".json":
        return Boxes.from_coco(chosen.boxes, image=os.path.basename(chosen.photo))
    if suffix == ".xml":
        return Boxes.from_voc(chosen.boxes)
    if suffix == ".txt":
        return Boxes.from_yolo(chosen.boxes)
    raise InvalidParameterError(
        "--boxes must be COCO JSON (.json), PASCAL VOC XML (.xml), YOLO text (.txt) or a folder, "
        f"got {chosen.boxes!r}; rename it",
        code="wrong-suffix",
        parameter="--boxes",
    )


def _picture(pixels: Image, path: str) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, _PICTURES[suffix_of(path)], quality=90)
    return buffer.getvalue()


def _table(regions: Regions) -> str:
    rows: list[tuple[object, ...]] = [_COLUMNS]
    for one in regions:
        sides = (round(side, 2) for side in one.box)
        rows.append((one.id, *sides, one.label, round(float(one.confidence), 6), one.decision))
    return csv_text(rows)


def _report(regions: Regions) -> None:
    """Print the number of boxes of each product, the most frequent first."""
    n_review = int((regions.decisions == "review").sum())
    say(f"{counted(len(regions), 'box')}, {n_review} to review")
    for name, count in sorted(regions.counts.items(), key=lambda item: -item[1]):
        if count:
            say(f"{count:6}  {name}")
