r"""Read class names, image size, stride and kind of a detector from its ONNX metadata.

Ultralytics writes the text of Python values: ``names`` is ``{0: 'can', 1: 'jar'}`` and ``imgsz`` is
``[640, 640]``. RF-DETR writes one JSON object under ``rfdetr_inference``. Only these forms are
read, by a scanner whose time is linear in the text; nothing is evaluated.

>>> class_names_in("{0: 'can', 1: \"maker's jar\"}")
{0: 'can', 1: "maker's jar"}
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from shelfvision._class_names import MAX_CLASSES
from shelfvision._identifiers import clean_name
from shelfvision._storage.json_values import json_object
from shelfvision.errors import BundleError

_MOST = 2**22
"""The largest size of a metadata entry in bytes."""
_SIDE = 16_384
_RF_DETR = "rfdetr_inference"
_ENTRY = re.compile(
    r"""\s*(?:["']?(\d{1,9})["']?\s*:)?\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')\s*(,|$)"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorMetadata:
    """The entries of the metadata that running a detector needs; None where one is missing."""

    names: Mapping[int, str] | None = None
    """The class names by number."""
    image_size: tuple[int, int] | None = None
    """Height and width of the input in pixels."""
    stride: int | None = None
    """The number that the sides of the input must be a multiple of."""
    task: str | None = None
    """The task: ``"detect"``, ``"segment"``, ``"pose"``, ..."""
    end_to_end: bool | None = None
    """Whether the file returns final boxes, without duplicates."""
    rt_detr: bool | None = None
    """Whether the file is an RT-DETR of Ultralytics; None for files of other packages."""


def metadata_of(entries: Mapping[str, bytes], where: str) -> DetectorMetadata:
    """Return the metadata of a file; raise BundleError for an entry that cannot be read."""
    for name, value in entries.items():
        if len(value) > _MOST:
            _refuse(where, name, f"has more than {_MOST:,} bytes", "too-large")
    if _RF_DETR in entries:
        return _of_rf_detr(entries[_RF_DETR], where)
    texts = {name: value.decode("utf-8", "replace") for name, value in entries.items()}
    names = None
    if "names" in texts:
        names = class_names_in(texts["names"])
        if names is None:
            _refuse(where, "names", "is not a list or dictionary of class names", "damaged")
    return DetectorMetadata(
        names=names,
        image_size=_size_of(texts.get("imgsz")),
        stride=_number_of(texts.get("stride")),
        task=texts.get("task"),
        end_to_end={"True": True, "False": False}.get(texts.get("end2end", "")),
        rt_detr=_is_rt_detr(texts) if texts.get("author") == "Ultralytics" else None,
    )


def _is_rt_detr(texts: Mapping[str, str]) -> bool:
    """Return whether the entries of Ultralytics are those of an RT-DETR; older ones lack a head."""
    return texts.get("head") == "RTDETRDecoder" or "rtdetr" in texts.get("description", "").lower()


def class_names_in(text: str) -> dict[int, str] | None:
    """Return class names by number from the text of a Python list or dictionary, or of JSON.

    Returns None if the text has another form, or repeats a number.
    """
    text = text.strip()
    if len(text) < 2 or text[0] + text[-1] not in ("{}", "[]"):
        return None
    keyed, inner = text[0] == "{", text[1:-1].strip()
    found: dict[int, str] = {}
    at = 0
    while at < len(inner):
        entry = _ENTRY.match(inner, at)
        if entry is None or (entry[1] is not None) != keyed or len(found) >= MAX_CLASSES:
            return None
        number = int(entry[1]) if keyed else len(found)
        name = _name(entry[2])
        if name is None or number in found:
            return None
        found[number] = name
        at = entry.end()
    return found or None


def _name(literal: str) -> str | None:
    """Return the text of one quoted string literal."""
    try:
        value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return None
    return clean_name(value) if isinstance(value, str) else None


def _size_of(text: str | None) -> tuple[int, int] | None:
    """Return height and width from ``[640, 640]`` or ``640``."""
    sides = [int(side) for side in re.findall(r"\d{1,6}", (text or "")[:60])]
    if not 1 <= len(sides) <= 2 or not all(1 <= side <= _SIDE for side in sides):
        return None
    return sides[0], sides[-1]


def _number_of(text: str | None) -> int | None:
    number = re.fullmatch(r"\d{1,4}", (text or "").strip())
    return int(number[0]) if number and int(number[0]) else None


def _of_rf_detr(data: bytes, where: str) -> DetectorMetadata:
    """Return the metadata from RF-DETR's JSON entry."""
    fields = json_object(
        data, where, fail=lambda code, fault: _refuse(where, _RF_DETR, fault, code)
    )
    numbered = fields.get("class_id_to_name")
    listed = fields.get("class_names")
    names: dict[int, str] = {}
    if isinstance(numbered, dict) and numbered:
        names = {
            int(number): clean_name(name)
            for number, name in numbered.items()
            if re.fullmatch(r"[0-9]{1,9}", number) and isinstance(name, str)
        }
    elif isinstance(listed, list):
        names = dict(enumerate(clean_name(name) for name in listed if isinstance(name, str)))
    task = fields.get("task")
    return DetectorMetadata(
        names=names or None,
        task=task if isinstance(task, str) else None,
    )


def _refuse(where: str, name: str, fault: str, code: str) -> NoReturn:
    raise BundleError(
        f"{where} cannot be used as a detector: its metadata entry {name!r} {fault}; export the "
        "detector again",
        code=code,
    )
