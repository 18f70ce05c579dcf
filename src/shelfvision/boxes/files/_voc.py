"""Read the boxes of one photo from PASCAL VOC XML.

Tools write different elements beside those of the format: CVAT ``attributes`` and ``occluded``,
Roboflow ``path`` and the corners in another order. Only the corners, the names of the objects, the
size and the file name of the photo are read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn
from xml.etree import ElementTree as ET

import numpy as np

from shelfvision._identifiers import clean_name
from shelfvision._validation import as_path, received
from shelfvision.boxes._checking import MAX_BOXES, MAX_PIXEL
from shelfvision.boxes.files._raw_boxes import RawBoxes
from shelfvision.boxes.files._text_files import number_in, read_text, refuse_file
from shelfvision.errors import DataError

_KIND = "PASCAL VOC"
_MOST = 16 * 1024 * 1024
_DEPTH = 16
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_DOCTYPE = "it declares a document type, which PASCAL VOC files never have"


class _XMLError(ValueError):
    """The reason for refusing a file during parsing."""

    def __init__(self, code: str, fault: str) -> None:
        super().__init__(fault)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class VocFile:
    """The content of a file."""

    file_name: str
    """The name of the photo; empty without one."""
    boxes: RawBoxes
    """The boxes in the order of the file."""
    numbers: Sequence[int]
    """The position of each box in the file."""


def read_voc(path: str | os.PathLike[str]) -> RawBoxes:
    """Return the boxes of a file."""
    return read_voc_file(path, None).boxes


def read_voc_file(
    path: str | os.PathLike[str], on_fault: Callable[[int, DataError], None] | None
) -> VocFile:
    """Return the boxes of a file; `on_fault` takes the number of an invalid box and its fault."""
    where = repr(as_path(path))
    root = _parsed(read_text(path, kind=_KIND, most=_MOST), where)
    objects = root.findall("object")
    if root.tag != "annotation":
        _refuse(
            where,
            f"its root element must be 'annotation', got {received(root.tag)}",
            "foreign-format",
        )
    if len(objects) > MAX_BOXES:
        _refuse(where, f"it has more than {MAX_BOXES:,} boxes", "too-large")
    corners: dict[int, list[float]] = {}
    for row, one in enumerate(objects):
        try:
            corners[row] = _corners(one, row, where)
        except DataError as error:
            if on_fault is None:
                raise
            on_fault(row, error)
    boxes = RawBoxes(
        corners=np.array(list(corners.values()), dtype=np.float64).reshape(-1, 4),
        labels=[clean_name(objects[row].findtext("name") or "") or None for row in corners],
        image_size=_size(root),
    )
    name = (root.findtext("filename") or "").strip()
    return VocFile(file_name=name, boxes=boxes, numbers=list(corners))


class _Shallow(ET.TreeBuilder):
    """A tree builder with limited depth that refuses document types."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> ET.Element:
        """Start an element."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise _XMLError("too-deep", f"it is nested more than {_DEPTH} deep")
        return super().start(tag, attributes)

    def end(self, tag: str) -> ET.Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)

    def doctype(self, *_: object) -> NoReturn:
        """Refuse a document type, which could declare entities."""
        raise _XMLError("document-type", _DOCTYPE)


def _parsed(text: str, where: str) -> ET.Element:
    # The target refuses a document type at its start, so entities are never declared.
    parser = ET.XMLParser(target=_Shallow())  # noqa: S314
    try:
        parser.feed(text)
        root: ET.Element = parser.close()
    except _XMLError as error:
        _refuse(where, str(error), error.code)
    except (ET.ParseError, ValueError, LookupError) as error:
        _refuse(where, f"it is not well-formed XML ({error})", "not-xml")
    return root


def _refuse(where: str, fault: str, code: str) -> NoReturn:
    refuse_file(where, _KIND, fault, code=code, parameter="path")


def _corners(one: ET.Element, row: int, where: str) -> list[float]:
    texts = [(one.findtext(f"bndbox/{side}") or "").strip() for side in _SIDES]
    corners = [number_in(text, most=MAX_PIXEL) for text in texts]
    if not all(math.isfinite(value) for value in corners):
        _refuse(
            where,
            f"the bndbox of object {row} must have four numbers {', '.join(_SIDES)}, got "
            f"{received(texts)}",
            "wrong-type",
        )
    left, top, right, bottom = corners
    if not (right > left and bottom > top):
        _refuse(where, f"the bndbox of object {row}, {received(corners)}, has no area", "empty")
    return corners


def _size(root: ET.Element) -> tuple[int, int] | None:
    """Return height and width; None if they are missing or 0, which tools write for unknown."""
    texts = [(root.findtext(f"size/{side}") or "").strip() for side in ("height", "width")]
    sides = [number_in(text, most=MAX_PIXEL) for text in texts]
    if not all(1 <= side <= 16384 and side == int(side) for side in sides):
        return None
    return int(sides[0]), int(sides[1])
