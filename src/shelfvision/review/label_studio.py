"""Write predictions as tasks of Label Studio, and the labelling configuration that they need.

A task has the image and our photo id in ``data``, and the predicted class as a pre-annotation in
``predictions``. A photo has one choice; the boxes of a shelf photo are rectangles in percent of
the photo's width and height. `Corrections.read` reads what the project exports.

>>> image_source("photos/milk 1.jpg", root="photos")
'/data/local-files/?d=milk%201.jpg'
>>> print(photo_config(["milk", "tea & sugar"]).splitlines()[5])
    <Choice value="tea &amp; sugar" />

References
----------
.. [1] Label Studio, "Import pre-annotated data into Label Studio",
   https://labelstud.io/guide/predictions.
.. [2] Label Studio, "Units of image annotations",
   https://labelstud.io/guide/predictions#Units-of-image-annotations.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import quote

from shelfvision._pages.html import photo_uri
from shelfvision._photos.decode import resize_image
from shelfvision._storage import atomic_writer
from shelfvision._urls import without_user
from shelfvision._validation import as_path, listed
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import Image, Location
from shelfvision.review._label_studio_names import (
    COMMENT,
    IMAGE,
    LABEL,
    PHOTO_ID,
    REJECTIONS,
    STATUS,
)

MODEL: Final = "shelfvision"
"""The model version of the pre-annotations."""
LARGEST_SIDE: Final = 1024
"""The largest side, in pixels, of a photo that is written into its task."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|/data/(?:upload|local-files)/")
# XML 1.0 cannot hold these characters.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBox:
    """A box with its predicted class."""

    number: int
    """The position of the box in its photo's list of boxes."""
    corners: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels."""
    label: str
    """The predicted class."""
    confidence: float
    """Its probability."""


def photo_task(photo_id: str, image: str, label: str, confidence: float) -> dict[str, object]:
    """Return a task with the predicted class as a choice."""
    result = {
        "id": LABEL,
        "type": "choices",
        "from_name": LABEL,
        "to_name": IMAGE,
        "value": {"choices": [label]},
    }
    return _task(photo_id, image, [result], confidence)


def shelf_task(
    photo_id: str, image: str, image_size: tuple[int, int], boxes: Sequence[LabelledBox]
) -> dict[str, object]:
    """Return a task with a rectangle for each box, in percent of the photo's sides.

    The score of the task is that of the least confident box, so that Label Studio sorts photos by
    the box that needs a person most.
    """
    height, width = image_size
    results = []
    for box in boxes:
        left, top, right, bottom = box.corners
        value = {
            "x": 100 * left / width,
            "y": 100 * top / height,
            "width": 100 * (right - left) / width,
            "height": 100 * (bottom - top) / height,
            "rotation": 0,
            "rectanglelabels": [box.label],
        }
        results.append(
            {
                "id": f"box-{box.number}",
                "type": "rectanglelabels",
                "from_name": LABEL,
                "to_name": IMAGE,
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "score": box.confidence,
                "value": value,
            }
        )
    score = min((box.confidence for box in boxes), default=None)
    return _task(photo_id, image, results, score)


def _task(
    photo_id: str, image: str, results: Sequence[object], score: float | None
) -> dict[str, object]:
    prediction: dict[str, object] = {"model_version": MODEL, "result": list(results)}
    if score is not None:
        prediction["score"] = score
    return {"data": {IMAGE: image, PHOTO_ID: photo_id}, "predictions": [prediction]}


def photo_config(class_names: Iterable[str]) -> str:
    """Return the labelling configuration for tasks of `photo_task`, as XML."""
    view = ET.Element("View")
    ET.SubElement(view, "Image", name=IMAGE, value=f"${IMAGE}", zoom="true")
    ET.SubElement(view, "Filter", name="filter", toName=LABEL)
    labels = ET.SubElement(view, "Choices", name=LABEL, toName=IMAGE, choice="single")
    labels.set("showInline", "true")
    for name in _names(class_names):
        ET.SubElement(labels, "Choice", value=name)
    status = ET.SubElement(view, "Choices", name=STATUS, toName=IMAGE, choice="single")
    status.set("showInline", "true")
    for name in REJECTIONS:
        ET.SubElement(status, "Choice", value=name)
    return _text_of(view)


def shelf_config(class_names: Iterable[str]) -> str:
    """Return the labelling configuration for tasks of `shelf_task`, as XML."""
    view = ET.Element("View")
    ET.SubElement(view, "Image", name=IMAGE, value=f"${IMAGE}", zoom="true")
    ET.SubElement(view, "Filter", name="filter", toName=LABEL)
    labels = ET.SubElement(view, "RectangleLabels", name=LABEL, toName=IMAGE, canRotate="false")
    names = _names(class_names)
    for name in (*names, *(name for name in REJECTIONS if name not in names)):
        ET.SubElement(labels, "Label", value=name)
    return _text_of(view)


def _text_of(view: ET.Element) -> str:
    comment = ET.SubElement(view, "TextArea", name=COMMENT, toName=IMAGE, maxSubmissions="1")
    comment.set("placeholder", "Comment")
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def _names(class_names: Iterable[str]) -> tuple[str, ...]:
    names = tuple(class_names)
    odd = [name for name in names if _NOT_XML.search(name)]
    if odd:
        raise DataError(
            f"class names must have no control characters for Label Studio, got {listed(odd)}; "
            "rename them with Dataset.relabel and train again",
            code="wrong-encoding",
            parameter="class_names",
        )
    return names


def image_source(photo: str | os.PathLike[str] | Image, *, root: str | None) -> str:
    """Return what Label Studio loads: a URL, a path of its local files, or the image itself.

    Parameters
    ----------
    photo : path, URL or ndarray of uint8
        The photo. Pixels are written into the task as a JPEG of at most `LARGEST_SIDE` pixels.
    root : str or None
        The folder that Label Studio serves (``LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT``); None for
        the root of the file system, which is its default.
    """
    if not isinstance(photo, str | os.PathLike):
        return photo_uri(_small(photo))
    if isinstance(photo, str) and _URL.match(photo):
        return without_user(photo)
    path = as_path(photo, "photos")
    absolute = Path(os.path.abspath(path))
    folder = PurePath(absolute.anchor) if root is None else Path(os.path.abspath(root))
    if not absolute.is_relative_to(folder):
        raise InvalidParameterError(
            f"photos must be below root, {str(folder)!r}, got {path!r}; pass the folder that Label "
            "Studio serves as root=",
            code="outside",
            parameter="root",
        )
    relative = absolute.relative_to(folder).as_posix()
    return "/data/local-files/?d=" + quote(relative.encode("utf-8", "surrogateescape"), safe="/")


def _small(pixels: Image) -> Image:
    height, width = pixels.shape[:2]
    scale = LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return resize_image(pixels, image_size=size)


def write_tasks(path: Location, tasks: Iterable[dict[str, object]]) -> None:
    """Write tasks as one JSON list, one task in each line; tasks are made one by one."""
    with atomic_writer(path) as file:
        file.write(b"[")
        for number, task in enumerate(tasks):
            # ASCII, so that names of bytes that are not UTF-8 stay escapes.
            text = json.dumps(task).encode("ascii")
            file.write((b",\n" if number else b"\n") + text)
        file.write(b"\n]\n")
