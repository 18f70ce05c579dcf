"""Reads the boxes of one photo from COCO JSON: a dataset's annotations, or detections.

Ids of photos and categories are joined exactly and completely. A number and its text are the same
id. A duplicate id, or an annotation of a photo or category that is not listed, is an error, also
where it concerns another photo than the one that is asked for: such a file is not what its maker
meant it to be. A list that is missing altogether describes nothing, so nothing is missing in it.

The file is read entry by entry: memory is taken by photos and categories and by the boxes of one
photo, whatever else the file holds.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import numpy as np

from shelfvision._files import open_regular
from shelfvision._identifiers import closest, identifier, text_of
from shelfvision._json_stream import LISTED, Event, json_entries
from shelfvision._validation import listed
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.regions._checking import MAX_BOXES, MAX_PIXEL, written
from shelfvision.regions._found import Found
from shelfvision.regions._names import meant
from shelfvision.regions._reading import refuse

Coco: TypeAlias = str | os.PathLike[str] | Mapping[str, object] | Sequence[object]
"""A file, or what parsing one gives."""
WhichPhoto: TypeAlias = str | int | os.PathLike[str]
"""A photo's file name or id."""
Corners: TypeAlias = tuple[float, float, float, float]

_KIND = "COCO JSON"
_MOST = 512 * 1024 * 1024
_MAX_PHOTOS = 500_000
_MAX_CATEGORIES = 100_000
_LARGEST_SIDE = 16384
_LISTS = ("images", "categories", "annotations")


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo that is listed."""

    name: str | None
    size: tuple[int, int] | None
    """Height and width, where the file tells."""


@dataclass(frozen=True, slots=True)
class _Box:
    """One annotation of the photo that is asked for."""

    corners: Corners
    category: str | None
    score: float | None


def read_coco(source: Coco, image: WhichPhoto | None) -> Found:
    """Return the boxes of one photo."""
    _check_asked(image)
    named = isinstance(source, str | os.PathLike)
    where = repr(os.fspath(source)) if named else "this mapping"  # type: ignore[arg-type]  # checked
    file = _Contents(where, image)
    for event in _events(source, where):
        file.take(*event)
    if file.finish():
        for key, entry in _events(source, where):
            file.take_again(key, entry)
    scores = [box.score for box in file.boxes]
    names = file.names or {}
    return Found(
        corners=np.array([box.corners for box in file.boxes], dtype=np.float64).reshape(-1, 4),
        labels=[None if box.category is None else names.get(box.category) for box in file.boxes],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        image_size=file.size,
    )


def _check_asked(image: object) -> None:
    if image is None or isinstance(image, str | os.PathLike):
        return
    try:
        identifier(image, name="image")
    except DataError as error:
        raise InvalidParameterError(
            f"image must be a photo's file name or id, got {written(image)}; give one of them",
            code="wrong-type",
            parameter="image",
        ) from error


def _events(source: Coco, where: str) -> Iterator[Event]:
    """Yield the lists of a file, or of what parsing one gave, with their entries."""

    def fail(code: str, fault: str) -> NoReturn:
        _refuse(where, f"it is not such JSON, {fault}", code)

    if isinstance(source, str | os.PathLike):
        with open_regular(source, _MOST, what=f"the {_KIND} file", parameter="source") as file:
            try:
                yield from json_entries(file, _LISTS, where, limit=_MOST, fail=fail)
            except OSError as error:
                _refuse(where, f"it cannot be read: {error.strerror or error}", "unreadable")
        return
    lists: Mapping[str, object] = source if isinstance(source, Mapping) else {"": source}
    for key in ("", *_LISTS):
        if key not in lists:
            continue
        entries = lists[key]
        if not isinstance(entries, list | tuple):
            _refuse(where, f"{key or 'it'} is {written(entries)}, not a list", "wrong-type")
        yield key, LISTED
        for entry in entries:
            yield key, entry


def _refuse(where: str, fault: str, code: str) -> NoReturn:
    refuse(where, _KIND, fault, code=code, parameter="source")


class _Contents:
    """What is known of a file while it is read, and the boxes of the photo that is asked for."""

    __slots__ = (
        "_categories_used", "_chosen", "_count", "_image", "_photos", "_photos_used", "_where",
        "boxes", "names",
    )  # fmt: skip

    def __init__(self, where: str, image: WhichPhoto | None) -> None:
        self._where, self._image = where, image
        self._photos: dict[str, _Photo] | None = None
        self._chosen: str | None = None
        self._count: int | None = None
        # Ids that annotations name, each with the first annotation that does.
        self._photos_used: dict[str, str] = {}
        self._categories_used: dict[str, str] = {}
        self.boxes: list[_Box] = []
        self.names: dict[str, str] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the photo, where the file tells."""
        return None if not self._photos or self._chosen is None else self._photos[self._chosen].size

    def take(self, key: str, entry: object) -> None:
        """Take the beginning of a list, or one of its entries."""
        if entry is LISTED:
            self._begin(key)
            return
        fields = self._fields(key, entry)
        if key == "images":
            self._take_photo(fields)
        elif key == "categories":
            self._take_category(fields)
        else:
            self._take_annotation(fields)

    def take_again(self, key: str, entry: object) -> None:
        """Take what is read a second time, once the photo is known: its boxes."""
        if key in ("", "annotations"):
            if entry is LISTED:
                self._count = 0
            else:
                self._take_annotation(self._fields(key, entry))

    def finish(self) -> bool:
        """Require that everything joins; return whether boxes are to be read a second time."""
        if self._count is None:
            self._refuse("it has no list of annotations", "foreign-format")
        self._require_listed("photo", "images", self._photos_used, self._photos)
        self._require_listed("category", "categories", self._categories_used, self.names)
        again = self._chosen is None
        if self._photos is None:
            self._chosen = self._chosen_by_id()
        elif again:
            self._chosen = _chosen(self._where, self._photos, self._image)
        return again and bool(self._photos_used)

    def _begin(self, key: str) -> None:
        if key == "images":
            self._photos = {}
        elif key == "categories":
            self.names = {}
        else:
            self._count = 0
            # Photos that are listed after the annotations take a second reading.
            if self._photos is not None:
                self._chosen = _chosen(self._where, self._photos, self._image)
            elif not key and self._image is not None:
                self._chosen = self._asked_id()

    def _fields(self, key: str, entry: object) -> Mapping[str, object]:
        if not isinstance(entry, Mapping):
            where = f"its {key!r}" if key else "the list"
            self._refuse(f"{written(entry)} in {where} is not an object", "wrong-type")
        return entry

    def _take_photo(self, entry: Mapping[str, object]) -> None:
        photos = self._photos if self._photos is not None else {}
        name = self._file_name(entry)
        told = "a photo without a name" if name is None else f"photo {name!r}"
        number = self._id(entry, "id", told)
        if number in photos:
            other = photos[number].name
            self._refuse(f"{other!r} and {name!r} have the same id {written(number)}", "duplicate")
        self._require_few(photos, _MAX_PHOTOS, "photos")
        photos[number] = _Photo(name, self._size(entry, told))

    def _take_category(self, entry: Mapping[str, object]) -> None:
        names = self.names if self.names is not None else {}
        number = self._id(entry, "id", f"category {written(entry.get('name'))}")
        name = self._text(entry.get("name"), f"the name of category {written(number)}")
        if number in names:
            both = f"categories {names[number]!r} and {name!r}"
            self._refuse(f"{both} have the same id {written(number)}", "duplicate")
        self._require_few(names, _MAX_CATEGORIES, "categories")
        names[number] = name

    def _take_annotation(self, entry: Mapping[str, object]) -> None:
        self._count = count = 1 + (self._count or 0)
        told = _told(entry, count)
        photo = self._id(entry, "image_id", told)
        category = None
        if entry.get("category_id") is not None:
            category = self._id(entry, "category_id", told)
            self._categories_used.setdefault(category, told)
            self._require_few(self._categories_used, _MAX_CATEGORIES + 1, "categories")
        if self._photos is None or photo not in self._photos:
            self._photos_used.setdefault(photo, told)
            self._require_few(self._photos_used, _MAX_PHOTOS + 1, "photos")
        if photo == self._chosen:
            self._require_few(self.boxes, MAX_BOXES, "boxes of one photo")
            self.boxes.append(_Box(self._corners(entry, told), category, self._score(entry, told)))

    def _require_few(self, found: Sized, most: int, what: str) -> None:
        if len(found) >= most:
            self._refuse(f"it has more than {most:,} {what}", "too-large")

    def _require_listed(
        self, what: str, key: str, used: Mapping[str, str], known: Mapping[str, object] | None
    ) -> None:
        missing = [] if known is None else [number for number in used if number not in known]
        if not missing:
            return
        number = missing[0]
        more = f", and {len(missing) - 1:,} more ids are missing" if len(missing) > 1 else ""
        self._refuse(
            f"{used[number]} is of {what} {written(number)}, which {key} does not list{more}",
            "unknown-id",
        )

    def _chosen_by_id(self) -> str:
        """Return the id of the photo where the file lists no photos, as detections do."""
        used = list(self._photos_used)
        if self._image is None and len(used) > 1:
            raise DataError(
                f"{self._where} has boxes of {len(used):,} photos; choose one with image=, such "
                f"as {listed(used)}",
                code="ambiguous",
                parameter="image",
            )
        if self._image is None:
            return used[0] if used else ""
        asked = self._asked_id()
        if asked not in self._photos_used:
            has = f"only ids such as {listed(used)}" if used else "no boxes at all"
            raise DataError(
                f"{self._where} has no box of a photo {_shown(self._image)}, but {has}; it lists "
                "no file names, so choose with image= an image_id",
                code="unknown-id",
                parameter="image",
            )
        return asked

    def _asked_id(self) -> str:
        image = self._image
        return os.fspath(image) if isinstance(image, os.PathLike) else _number_of(image)

    def _id(self, entry: Mapping[str, object], key: str, told: str) -> str:
        value = entry.get(key)
        if type(value) is int and -(10**18) < value < 10**18:
            return str(value)
        try:
            return identifier(value)
        except DataError as error:
            fault = f"the {key} of {told} is {written(value)}, not a text or a whole number"
            _refuse(self._where, fault, error.code)

    def _text(self, value: object, what: str) -> str:
        """Return a name as text; numbers are names too."""
        try:
            text = "" if isinstance(value, bool) else text_of(value)
            text.encode()
        except (DataError, UnicodeEncodeError):
            text = ""
        if not text or not isinstance(value, str | int | float | np.generic):
            self._refuse(f"{what} is {written(value)}, not a text or a whole number", "wrong-type")
        return text

    def _file_name(self, entry: Mapping[str, object]) -> str | None:
        name = entry.get("file_name")
        if name is None or name == "":
            return None
        text = self._text(name, "a file_name")
        # White space at its ends belongs to the name of a file, other than to that of a class.
        return name if isinstance(name, str) else text

    def _size(self, entry: Mapping[str, object], told: str) -> tuple[int, int] | None:
        """Return height and width; None where the file does not tell, as tools write 0 then."""
        sides = [entry.get(side) for side in ("height", "width")]
        if any(side is None or side == 0 for side in sides):
            return None
        numbers = [_number(side) for side in sides]
        if not all(1 <= side <= _LARGEST_SIDE and side == int(side) for side in numbers):
            self._refuse(
                f"height and width of {told} are {written(sides)}, not whole numbers of pixels "
                f"from 1 to {_LARGEST_SIDE:,}",
                "not-in-range",
            )
        return int(numbers[0]), int(numbers[1])

    def _corners(self, entry: Mapping[str, object], told: str) -> Corners:
        box = entry.get("bbox")
        code, sides = "wrong-type", [math.nan]
        if isinstance(box, list | tuple | np.ndarray):
            sides = [_number(value) for value in box]
            code = "wrong-length" if len(sides) != 4 else _fault(box, sides)
        if code:
            fault = "not four numbers, left, top, width and height"
            self._refuse(f"the bbox of {told} is {written(box)}, {fault}", code)
        left, top, width, height = sides
        right, bottom = left + width, top + height
        if not (right > left and bottom > top):
            self._refuse(f"the bbox of {told}, {written(box)}, has no area", "empty")
        if max(right, bottom) > MAX_PIXEL:
            far = f"lies beyond {MAX_PIXEL:,.0f} pixels"
            self._refuse(f"the bbox of {told}, {written(box)}, {far}", "not-in-range")
        return left, top, right, bottom

    def _score(self, entry: Mapping[str, object], told: str) -> float | None:
        score = entry.get("score")
        if score is None:
            return None
        number = _number(score)
        if not 0 <= number <= 1:
            fault = f"the score of {told} is {written(score)}, not from 0 to 1"
            self._refuse(fault, "not-in-range")
        return number

    def _refuse(self, fault: str, code: str) -> NoReturn:
        _refuse(self._where, fault, code)


def _chosen(where: str, photos: Mapping[str, _Photo], image: WhichPhoto | None) -> str:
    """Return the id of the photo that is asked for; no text where no photo is listed."""
    if image is None:
        if len(photos) > 1:
            _refuse_choice(where, photos, list(photos), f"has {len(photos):,} photos", "ambiguous")
        return next(iter(photos), "")
    names = [(number, one.name) for number, one in photos.items() if one.name is not None]
    named = isinstance(image, str | os.PathLike)
    found = meant(os.fspath(image), names) if named else []  # type: ignore[arg-type]  # checked
    number = "" if isinstance(image, os.PathLike) else _number_of(image)
    if number in photos and number not in found:
        if found:
            raise DataError(
                f"{where} has a photo with the name and another with the id {image!r}; choose "
                f"with image= Path({image!r}) or the id as a number",
                code="ambiguous",
                parameter="image",
            )
        found = [number]
    if len(found) > 1:
        fault = f"has {len(found)} photos that {_shown(image)} may mean"
        _refuse_choice(where, photos, found, fault, "ambiguous")
    if not found:
        code = "unknown-name" if named else "unknown-id"
        near = closest(os.fspath(image), [name for _, name in names]) if named else None  # type: ignore[arg-type]  # checked
        first = [number for number, name in names if name == near][:1]
        rest = [number for number in photos if number not in first]
        _refuse_choice(where, photos, first + rest, f"has no photo {_shown(image)}", code)
    return found[0]


def _refuse_choice(
    where: str, photos: Mapping[str, _Photo], numbers: Sequence[str], fault: str, code: str
) -> NoReturn:
    """Refuse what chooses a photo, and say what would choose one of these."""
    if not photos:
        raise DataError(
            f"{where} lists no photos; choose a file that does", code=code, parameter="image"
        )
    names = Counter(photo.name for photo in photos.values())
    ways = [
        photos[number].name if names[photos[number].name] == 1 else number for number in numbers
    ]
    raise DataError(
        f"{where} {fault}; choose with image= one of {listed(way or '' for way in ways)}",
        code=code,
        parameter="image",
    )


def _number_of(image: object) -> str:
    """Return an id that is asked for as text."""
    return image if isinstance(image, str) and not image else identifier(image, name="image")


def _shown(image: object) -> str:
    return repr(os.fspath(image)) if isinstance(image, os.PathLike) else written(image)


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


def _told(entry: Mapping[str, object], count: int) -> str:
    """Return how messages call an annotation."""
    number = entry.get("id")
    known = isinstance(number, int | str) and not isinstance(number, bool)
    return f"annotation {written(number)}" if known else f"the annotation at position {count}"
