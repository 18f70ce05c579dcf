"""Reads the boxes of one photo from COCO JSON: a data set's annotations, or detections."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias, cast

import numpy as np

from shelfvision._validation import listed
from shelfvision.errors import DataError
from shelfvision.regions._checking import MAX_BOXES, MAX_PIXEL, written
from shelfvision.regions._found import Found
from shelfvision.regions._reading import parse_json, read_text, refuse

Coco: TypeAlias = str | os.PathLike[str] | Mapping[str, object] | Sequence[object]
"""A file, or what parsing one gives."""

_KIND = "COCO JSON"
_MOST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file that was parsed."""

    where: str
    images: Sequence[Mapping[str, object]]
    annotations: Sequence[Mapping[str, object]]
    names: Mapping[object, str]

    def refuse(self, fault: str) -> NoReturn:
        refuse(self.where, _KIND, fault)


def read_coco(source: Coco, image: str | int | None) -> Found:
    """Return the boxes of one photo."""
    file = _parsed(source)
    number, size = _chosen(file, image)
    rows = list(_rows_of(file, number))
    if len(rows) > MAX_BOXES:
        file.refuse(f"it has {len(rows):,} boxes for one photo, and {MAX_BOXES:,} are allowed")
    scores = [_score(file, row, one) for row, one in enumerate(rows)]
    return Found(
        corners=np.array(
            [_corners(file, row, one) for row, one in enumerate(rows)], dtype=np.float64
        ).reshape(-1, 4),
        labels=[file.names.get(one.get("category_id")) for one in rows],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        image_size=size,
    )


def _parsed(source: Coco) -> _File:
    where, content = "this mapping", cast("object", source)
    if isinstance(source, str | os.PathLike):
        where = repr(os.fspath(source))
        content = parse_json(read_text(source, kind=_KIND, most=_MOST), kind=_KIND, where=where)
    if isinstance(content, list | tuple):
        return _File(where=where, images=(), annotations=_entries(content, where), names={})
    if not isinstance(content, Mapping):
        refuse(where, _KIND, f"it holds {written(content)}, not images and annotations")
    names: dict[object, str] = {}
    for one in _entries(content.get("categories", []), where):
        name = one.get("name")
        if isinstance(name, str) and isinstance(one.get("id"), int):
            names[one["id"]] = name
    return _File(
        where=where,
        images=_entries(content.get("images", []), where),
        annotations=_entries(content.get("annotations", []), where),
        names=names,
    )


def _entries(value: object, where: str) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or any(not isinstance(one, Mapping) for one in value):
        refuse(where, _KIND, f"{written(value)} stands where a list of entries should")
    return value


def _chosen(file: _File, image: str | int | None) -> tuple[object, tuple[int, int] | None]:
    """Return the id of the photo that is asked for, and its height and width if they are told."""
    if not file.images:
        return _only_id(file, image), None
    if image is None and len(file.images) > 1:
        raise DataError(
            f"{file.where} has {len(file.images)} photos, {_told(file)}; say which with image="
        )
    fits = [one for one in file.images if image is None or _is(one, image)]
    fits = fits or [one for one in file.images if _ends_in(one, image)]
    if len(fits) != 1:
        many = "has no photo" if not fits else f"has {len(fits)} photos"
        raise DataError(f"{file.where} {many} {image!r}; image= takes one of {_told(file)}")
    size = fits[0].get("height"), fits[0].get("width")
    known = all(type(side) is int and 0 < side <= 16384 for side in size)
    return fits[0].get("id"), (size[0], size[1]) if known else None  # type: ignore[return-value]


def _only_id(file: _File, image: str | int | None) -> object:
    """Return the id of a photo in a list of detections, which tells nothing of photos but ids."""
    if image is not None:
        if all(one.get("image_id") != image for one in file.annotations):
            raise DataError(
                f"{file.where} has no box of a photo {image!r}; it names no files, so image= takes "
                "an image_id"
            )
        return image
    ids = list(dict.fromkeys(str(one.get("image_id")) for one in file.annotations))
    if len(ids) > 1:
        raise DataError(
            f"{file.where} has boxes of {len(ids)} photos, with the ids {listed(ids)}; say which "
            "with image="
        )
    return file.annotations[0].get("image_id") if file.annotations else None


def _is(one: Mapping[str, object], image: str | int) -> bool:
    return image in (one.get("file_name"), one.get("id")) and not isinstance(image, bool)


def _ends_in(one: Mapping[str, object], image: str | int | None) -> bool:
    name = one.get("file_name")
    if not isinstance(name, str) or not isinstance(image, str):
        return False
    return name.replace("\\", "/").rpartition("/")[2] == image.replace("\\", "/").rpartition("/")[2]


def _told(file: _File) -> str:
    return listed(str(one.get("file_name", one.get("id"))) for one in file.images)


def _rows_of(file: _File, number: object) -> Iterator[Mapping[str, object]]:
    return (one for one in file.annotations if one.get("image_id") == number)


def _corners(file: _File, row: int, one: Mapping[str, object]) -> tuple[float, ...]:
    box = one.get("bbox")
    sides = [_number(value) for value in box] if isinstance(box, list | tuple) else []
    if len(sides) != 4 or any(map(math.isnan, sides)):
        file.refuse(
            f"the bbox of {_name(row, one)} is {written(box)}, not four numbers, left, top, width "
            "and height"
        )
    left, top, width, height = sides
    if not (width > 0 and height > 0):
        file.refuse(f"the bbox of {_name(row, one)}, {written(box)}, has no area")
    return left, top, left + width, top + height


def _score(file: _File, row: int, one: Mapping[str, object]) -> float | None:
    score = one.get("score")
    if score is None:
        return None
    number = _number(score)
    if not 0 <= number <= 1:
        file.refuse(f"the score of {_name(row, one)} is {written(score)}, not from 0 to 1")
    return number


def _number(value: object) -> float:
    """Return a value as a number of pixels, NaN if it is none."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return math.nan
    # Compared before it is converted, for a whole number can be too large for that.
    return float(value) if abs(value) <= MAX_PIXEL else math.nan


def _name(row: int, one: Mapping[str, object]) -> str:
    number = one.get("id")
    return f"annotation {number}" if isinstance(number, int) else f"box {row}"
