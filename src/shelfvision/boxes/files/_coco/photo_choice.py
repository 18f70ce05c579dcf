"""Choose a photo by its id or file name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from shelfvision._identifiers import closest, identifier
from shelfvision._validation import listed, received
from shelfvision.boxes.files._photo_names import matching_photos
from shelfvision.errors import DataError, InvalidParameterError

WhichPhoto: TypeAlias = str | int | os.PathLike[str]
"""A photo's file name or id."""


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """A photo in the list of the file."""

    name: str | None
    size: tuple[int, int] | None
    """Height and width, if the file has them."""


def check_asked(image: object) -> None:
    """Raise if `image` is neither a file name nor an id."""
    if image is None or isinstance(image, str | os.PathLike):
        return
    try:
        identifier(image, name="image")
    except DataError as error:
        raise InvalidParameterError(
            f"image must be the file name or id of a photo, got {received(image)}; pass one of "
            "them",
            code="wrong-type",
            parameter="image",
        ) from error


def choose_photo(where: str, photos: Mapping[str, ListedPhoto], image: WhichPhoto | None) -> str:
    """Return the id of the chosen photo, or an empty string if the file lists no photos."""
    if image is None:
        if len(photos) > 1:
            _refuse_choice(where, photos, list(photos), f"has {len(photos):,} photos", "ambiguous")
        return next(iter(photos), "")
    names = [(number, one.name) for number, one in photos.items() if one.name is not None]
    named = isinstance(image, str | os.PathLike)
    found = matching_photos(os.fspath(image), names) if named else []  # type: ignore[arg-type]  # checked
    number = "" if isinstance(image, os.PathLike) else _number_of(image)
    if number in photos and number not in found:
        if found:
            raise DataError(
                f"{image!r} is the name of one photo of {where} and the id of another; pass "
                f"image=Path({image!r}) for the name, or the id as a number",
                code="ambiguous",
                parameter="image",
            )
        found = [number]
    if len(found) > 1:
        fault = f"has {len(found)} photos that match {_shown(image)}"
        _refuse_choice(where, photos, found, fault, "ambiguous")
    if not found:
        code = "unknown-name" if named else "unknown-id"
        near = closest(os.fspath(image), [name for _, name in names]) if named else None  # type: ignore[arg-type]  # checked
        first = [number for number, name in names if name == near][:1]
        rest = [number for number in photos if number not in first]
        _refuse_choice(where, photos, first + rest, f"has no photo {_shown(image)}", code)
    return found[0]


def choose_by_id(where: str, used: Sequence[str], image: WhichPhoto | None) -> str:
    """Return the id of the chosen photo for files without a list of photos, such as detections."""
    if image is None and len(used) > 1:
        raise DataError(
            f"{where} has boxes of {len(used):,} photos; choose one with image=, such "
            f"as {listed(used)}",
            code="ambiguous",
            parameter="image",
        )
    if image is None:
        return used[0] if used else ""
    asked = asked_id(image)
    if asked not in used:
        has = f"only ids such as {listed(used)}" if used else "no boxes at all"
        raise DataError(
            f"{where} has no boxes of the photo {_shown(image)}, but {has}, and lists no file "
            "names; pass an image_id as image=",
            code="unknown-id",
            parameter="image",
        )
    return asked


def asked_id(image: WhichPhoto) -> str:
    """Return `image` as an id."""
    return os.fspath(image) if isinstance(image, os.PathLike) else _number_of(image)


def _refuse_choice(
    where: str, photos: Mapping[str, ListedPhoto], numbers: Sequence[str], fault: str, code: str
) -> NoReturn:
    """Raise DataError for a choice, with the names or ids that would be valid."""
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
    """Return an id as text."""
    return image if isinstance(image, str) and not image else identifier(image, name="image")


def _shown(image: object) -> str:
    return repr(os.fspath(image)) if isinstance(image, os.PathLike) else received(image)
