"""Reads the entries of COCO JSON, one by one, and the values in them."""

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
from shelfvision.errors import DataError
from shelfvision.regions._checking import MAX_PIXEL
from shelfvision.regions.files._text_files import refuse_file

Coco: TypeAlias = str | os.PathLike[str] | Mapping[str, object] | Sequence[object]
"""A file, or what parsing one gives."""
Corners: TypeAlias = tuple[float, float, float, float]

_KIND = "COCO JSON"
_MOST = 512 * 1024 * 1024
_LARGEST_SIDE = 16384
_LISTS = ("images", "categories", "annotations")


def events(source: Coco, where: str) -> Iterator[Event]:
    """Yield the lists of a file, or of what parsing one gave, with their entries."""

    def fail(code: str, fault: str) -> NoReturn:
        refuse_entry(where, f"it is not such JSON, {fault}", code)

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
            refuse_entry(where, f"{key or 'it'} is {received(entries)}, not a list", "wrong-type")
        yield key, LISTED
        for entry in entries:
            yield key, entry


def refuse_entry(where: str, fault: str, code: str) -> NoReturn:
    """Refuse the file because of one of its entries."""
    refuse_file(where, _KIND, fault, code=code, parameter="source")


def id_of(where: str, entry: Mapping[str, object], key: str, which: str) -> str:
    """Return an id as text."""
    value = entry.get(key)
    if type(value) is int and -(10**18) < value < 10**18:
        return str(value)
    try:
        return identifier(value)
    except DataError as error:
        fault = f"the {key} of {which} is {received(value)}, not a text or a whole number"
        refuse_entry(where, fault, error.code)


def text_in(where: str, value: object, what: str) -> str:
    """Return a name as text; numbers are names too."""
    try:
        text = "" if isinstance(value, bool) else text_of(value)
        text.encode()
    except (DataError, UnicodeEncodeError):
        text = ""
    if not text or not isinstance(value, str | int | float | np.generic):
        refuse_entry(
            where, f"{what} is {received(value)}, not a text or a whole number", "wrong-type"
        )
    return text


def file_name_of(where: str, entry: Mapping[str, object]) -> str | None:
    """Return the file name of a photo, None where there is none."""
    name = entry.get("file_name")
    if name is None or name == "":
        return None
    text = text_in(where, name, "a file_name")
    # White space at its ends belongs to the name of a file, other than to that of a class.
    return name if isinstance(name, str) else text


def size_of(where: str, entry: Mapping[str, object], which: str) -> tuple[int, int] | None:
    """Return height and width; None where they are missing or 0, as some tools write."""
    sides = [entry.get(side) for side in ("height", "width")]
    if any(side is None or side == 0 for side in sides):
        return None
    numbers = [_number(side) for side in sides]
    if not all(1 <= side <= _LARGEST_SIDE and side == int(side) for side in numbers):
        refuse_entry(
            where,
            f"height and width of {which} are {received(sides)}, not whole numbers of pixels "
            f"from 1 to {_LARGEST_SIDE:,}",
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
        fault = "not four numbers, left, top, width and height"
        refuse_entry(where, f"the bbox of {which} is {received(box)}, {fault}", code)
    left, top, width, height = sides
    right, bottom = left + width, top + height
    if not (right > left and bottom > top):
        refuse_entry(where, f"the bbox of {which}, {received(box)}, has no area", "empty")
    if max(right, bottom) > MAX_PIXEL:
        far = f"lies beyond {MAX_PIXEL:,.0f} pixels"
        refuse_entry(where, f"the bbox of {which}, {received(box)}, {far}", "not-in-range")
    return left, top, right, bottom


def score_of(where: str, entry: Mapping[str, object], which: str) -> float | None:
    """Return the score of a detection, None where there is none."""
    score = entry.get("score")
    if score is None:
        return None
    number = _number(score)
    if not 0 <= number <= 1:
        fault = f"the score of {which} is {received(score)}, not from 0 to 1"
        refuse_entry(where, fault, "not-in-range")
    return number


def _fault(box: Iterable[object], sides: Sequence[float]) -> str:
    """Return the code of what is wrong with four values, no text where nothing is."""
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
    """Return a value as a number of pixels, NaN if it is none."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return math.nan
    # Compared before it is converted, for a whole number can be too large for that.
    return float(value) if abs(value) <= MAX_PIXEL else math.nan


def description_of(entry: Mapping[str, object], count: int) -> str:
    """Return how messages call an annotation."""
    number = entry.get("id")
    known = isinstance(number, int | str) and not isinstance(number, bool)
    return f"annotation {received(number)}" if known else f"the annotation at position {count}"
