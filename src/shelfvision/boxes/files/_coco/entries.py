"""Read the entries of COCO JSON one by one, and check their values."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn, TypeAlias

import numpy as np

from shelfvision._identifiers import identifier, text_of
from shelfvision._storage import open_regular
from shelfvision._storage.json_stream import LISTED, Event, json_entries
from shelfvision._validation import received
from shelfvision.boxes._checking import MAX_PIXEL
from shelfvision.boxes.files._text_files import refuse_file
from shelfvision.errors import DataError

Coco: TypeAlias = str | os.PathLike[str] | Mapping[str, object] | Sequence[object]
"""The path of a file, or its parsed content."""
Corners: TypeAlias = tuple[float, float, float, float]

_KIND = "COCO JSON"
_MOST = 512 * 1024 * 1024
_LARGEST_SIDE = 16384
_LISTS = ("images", "categories", "annotations")


def events(source: Coco, where: str) -> Iterator[Event]:
    """Yield the lists of a file, or of its parsed content, with their entries."""

    def fail(code: str, fault: str) -> NoReturn:
        refuse_entry(where, f"it is not valid JSON, {fault}", code)

    if isinstance(source, str | os.PathLike):
        with open_regular(source, _MOST, what=f"the {_KIND} file", parameter="source") as file:
            try:
                yield from json_entries(file, _LISTS, where, limit=_MOST, fail=fail)
            except OSError as error:
                refuse_entry(where, f"it cannot be read: {error.strerror or error}", "unreadable")
        return
    lists: Mapping[str, object] = source if isinstance(source, Mapping) else {"": source}
    for key in ("", *_LISTS):
        if key not in lists:
            continue
        entries = lists[key]
        if not isinstance(entries, list | tuple):
            refuse_entry(
                where, f"{key or 'it'} must be a list, got {received(entries)}", "wrong-type"
            )
        yield key, LISTED
        for entry in entries:
            yield key, entry


def refuse_entry(where: str, fault: str, code: str) -> NoReturn:
    """Raise DataError for the file because of one of its entries."""
    refuse_file(where, _KIND, fault, code=code, parameter="source")


def id_of(where: str, entry: Mapping[str, object], key: str, which: str) -> str:
    """Return an id as text."""
    value = entry.get(key)
    if type(value) is int and -(10**18) < value < 10**18:
        return str(value)
    try:
        return identifier(value)
    except DataError as error:
        fault = f"the {key} of {which} must be a string or an integer, got {received(value)}"
        refuse_entry(where, fault, error.code)


def text_in(where: str, value: object, what: str) -> str:
    """Return a name as text; numbers are accepted."""
    try:
        text = "" if isinstance(value, bool) else text_of(value)
        text.encode()
    except (DataError, UnicodeEncodeError):
        text = ""
    if not text or not isinstance(value, str | int | float | np.generic):
        refuse_entry(
            where, f"{what} must be a string or an integer, got {received(value)}", "wrong-type"
        )
    return text


def file_name_of(where: str, entry: Mapping[str, object]) -> str | None:
    """Return the file name of a photo, or None without one."""
    name = entry.get("file_name")
    if name is None or name == "":
        return None
    text = text_in(where, name, "a file_name")
    # File names keep white space at their ends; class names do not.
    return name if isinstance(name, str) else text


def size_of(where: str, entry: Mapping[str, object], which: str) -> tuple[int, int] | None:
    """Return height and width; None if they are missing or 0, which tools write for unknown."""
    sides = [entry.get(side) for side in ("height", "width")]
    if any(side is None or side == 0 for side in sides):
        return None
    numbers = [_number(side) for side in sides]
    if not all(1 <= side <= _LARGEST_SIDE and side == int(side) for side in numbers):
        refuse_entry(
            where,
            f"height and width of {which} must be integers from 1 to {_LARGEST_SIDE:,}, got "
            f"{received(sides)}",
            "not-in-range",
        )
    return int(numbers[0]), int(numbers[1])


def corners_of(where: str, entry: Mapping[str, object], which: str) -> Corners:
    """Return left, top, right and bottom of an annotation."""
    box = entry.get("bbox")
    code, sides = "wrong-type", [math.nan]
    if isinstance(box, list | tuple | np.ndarray):
        sides = [_number(value) for value in box]
        code = "wrong-length" if len(sides) != 4 else _fault(box, sides)
    if code:
        fault = f"must be four finite numbers, left, top, width and height, got {received(box)}"
        refuse_entry(where, f"the bbox of {which} {fault}", code)
    left, top, width, height = sides
    right, bottom = left + width, top + height
    if not (right > left and bottom > top):
        refuse_entry(where, f"the bbox of {which}, {received(box)}, has no area", "empty")
    if max(right, bottom) > MAX_PIXEL:
        far = f"lies beyond {MAX_PIXEL:,.0f} pixels"
        refuse_entry(where, f"the bbox of {which}, {received(box)}, {far}", "not-in-range")
    return left, top, right, bottom


def score_of(where: str, entry: Mapping[str, object], which: str) -> float | None:
    """Return the score of a detection, or None without one."""
    score = entry.get("score")
    if score is None:
        return None
    number = _number(score)
    if not 0 <= number <= 1:
        fault = f"the score of {which} must be in [0, 1], got {received(score)}"
        refuse_entry(where, fault, "not-in-range")
    return number


def is_crowd(entry: Mapping[str, object]) -> bool:
    """Return whether an annotation covers several objects."""
    return entry.get("iscrowd") in (1, True)


def _fault(box: Iterable[object], sides: Sequence[float]) -> str:
    """Return the error code for four values of a box, or an empty string if they are valid."""
    if not any(map(math.isnan, sides)):
        return ""
    kinds = [_is_number(value) for value in box]
    if not all(kinds):
        return "wrong-type"
    finite = all(math.isfinite(value) for value in box if isinstance(value, float))
    return "not-in-range" if finite else "not-finite"


def _is_number(value: object) -> bool:
    value = value.item() if isinstance(value, np.generic) else value
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float:
    """Return a value as float, or NaN if it is not a number or too large."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return math.nan
    # Compare before converting, because a large int does not fit into a float.
    return float(value) if abs(value) <= MAX_PIXEL else math.nan


def description_of(entry: Mapping[str, object], count: int) -> str:
    """Return the name of an annotation in messages."""
    number = entry.get("id")
    known = isinstance(number, int | str) and not isinstance(number, bool)
    return f"annotation {received(number)}" if known else f"the annotation at position {count}"
