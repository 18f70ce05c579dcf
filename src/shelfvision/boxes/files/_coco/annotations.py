"""Join the photos, categories and annotations of COCO JSON by their ids.

`CocoFile` collects the boxes of one chosen photo. `every_photo` makes it collect those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from shelfvision._storage.json_stream import LISTED
from shelfvision._validation import received
from shelfvision.boxes._checking import MAX_BOXES, MAX_BOXES_OF_ALL
from shelfvision.boxes.files._coco.entries import (
    Corners,
    corners_of,
    description_of,
    file_name_of,
    id_of,
    is_crowd,
    refuse_entry,
    score_of,
    size_of,
    text_in,
)
from shelfvision.boxes.files._coco.photo_choice import (
    ListedPhoto,
    WhichPhoto,
    asked_id,
    choose_by_id,
    choose_photo,
)
from shelfvision.errors import DataError

OnFault: TypeAlias = Callable[[str, int, DataError], None]
"""Takes the id of a photo, the number of a box in it, and the fault of this box."""

_MAX_PHOTOS = 500_000
_MAX_CATEGORIES = 100_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of a photo."""

    corners: Corners
    category: str | None
    score: float | None
    number: int
    """Its position among the annotations of its photo, from 0."""
    crowd: bool
    """Whether it covers several objects (``iscrowd``)."""


class CocoFile:
    """The state of reading a file, and the boxes of the chosen photo."""

    __slots__ = (
        "_categories_used",
        "_chosen",
        "_count",
        "_every",
        "_image",
        "_numbers",
        "_on_fault",
        "_photos_used",
        "_total",
        "_where",
        "boxes",
        "names",
        "photos",
    )

    def __init__(
        self,
        where: str,
        image: WhichPhoto | None,
        *,
        every_photo: bool = False,
        on_fault: OnFault | None = None,
    ) -> None:
        self._where, self._image = where, image
        self._every, self._on_fault = every_photo, on_fault
        self.photos: dict[str, ListedPhoto] | None = None
        self._numbers: dict[str, int] = {}
        self._total = 0
        self._chosen: str | None = None
        self._count: int | None = None
        # Ids that annotations refer to, each with the first such annotation.
        self._photos_used: dict[str, str] = {}
        self._categories_used: dict[str, str] = {}
        self.boxes: dict[str, list[Annotation]] = {}
        self.names: dict[str, str] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the photo, if the file has them."""
        return None if not self.photos or self._chosen is None else self.photos[self._chosen].size

    @property
    def chosen(self) -> list[Annotation]:
        """The annotations of the chosen photo, in the order of the file."""
        return self.boxes.get(self._chosen or "", [])

    def take(self, key: str, entry: object) -> None:
        """Process the start of a list, or one of its entries."""
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
        """Process an event of the second pass, which collects the boxes of the chosen photo."""
        if key in ("", "annotations"):
            if entry is LISTED:
                self._count = 0
            else:
                self._take_annotation(self._fields(key, entry))

    def finish(self) -> bool:
        """Check that all ids are listed; return whether a second pass must read the boxes."""
        if self._count is None:
            self._refuse("it has no list of annotations", "foreign-format")
        self._require_listed("photo", "images", self._photos_used, self.photos)
        self._require_listed("category", "categories", self._categories_used, self.names)
        if self._every:
            return False
        again = self._chosen is None
        if self.photos is None:
            self._chosen = choose_by_id(self._where, list(self._photos_used), self._image)
        elif again:
            self._chosen = choose_photo(self._where, self.photos, self._image)
        return again and bool(self._photos_used)

    def _begin(self, key: str) -> None:
        if key == "images":
            self.photos = {}
        elif key == "categories":
            self.names = {}
        else:
            self._count = 0
            # If the photos are listed after the annotations, a second pass is needed.
            if self._every:
                return
            if self.photos is not None:
                self._chosen = choose_photo(self._where, self.photos, self._image)
            elif not key and self._image is not None:
                self._chosen = asked_id(self._image)

    def _fields(self, key: str, entry: object) -> Mapping[str, object]:
        if not isinstance(entry, Mapping):
            where = repr(key) if key else "the list"
            self._refuse(
                f"the entries of {where} must be objects, got {received(entry)}", "wrong-type"
            )
        return entry

    def _take_photo(self, entry: Mapping[str, object]) -> None:
        photos = self.photos if self.photos is not None else {}
        name = file_name_of(self._where, entry)
        which = "a photo without a name" if name is None else f"photo {name!r}"
        number = id_of(self._where, entry, "id", which)
        if number in photos:
            other = photos[number].name
            self._refuse(f"{other!r} and {name!r} have the same id {received(number)}", "duplicate")
        self._require_few(photos, _MAX_PHOTOS, "photos")
        photos[number] = ListedPhoto(name, size_of(self._where, entry, which))

    def _take_category(self, entry: Mapping[str, object]) -> None:
        names = self.names if self.names is not None else {}
        number = id_of(self._where, entry, "id", f"category {received(entry.get('name'))}")
        name = text_in(self._where, entry.get("name"), f"the name of category {received(number)}")
        if number in names:
            both = f"categories {names[number]!r} and {name!r}"
            self._refuse(f"{both} have the same id {received(number)}", "duplicate")
        self._require_few(names, _MAX_CATEGORIES, "categories")
        names[number] = name

    def _take_annotation(self, entry: Mapping[str, object]) -> None:
        self._count = count = 1 + (self._count or 0)
        which = description_of(entry, count)
        photo = id_of(self._where, entry, "image_id", which)
        category = None
        if entry.get("category_id") is not None:
            category = id_of(self._where, entry, "category_id", which)
            self._categories_used.setdefault(category, which)
            self._require_few(self._categories_used, _MAX_CATEGORIES + 1, "categories")
        if self.photos is None or photo not in self.photos:
            self._photos_used.setdefault(photo, which)
            self._require_few(self._photos_used, _MAX_PHOTOS + 1, "photos")
        if self._every or photo == self._chosen:
            self._add(photo, entry, category, which)

    def _add(
        self, photo: str, entry: Mapping[str, object], category: str | None, which: str
    ) -> None:
        found = self.boxes.setdefault(photo, [])
        number = self._numbers[photo] = self._numbers.get(photo, -1) + 1
        self._total += 1
        self._require_few(found, MAX_BOXES, "boxes of one photo")
        self._require_few(range(self._total), MAX_BOXES_OF_ALL, "boxes")
        try:
            corners = corners_of(self._where, entry, which)
            score = score_of(self._where, entry, which)
        except DataError as error:
            if self._on_fault is None:
                raise
            self._on_fault(photo, number, error)
            return
        found.append(Annotation(corners, category, score, number, is_crowd(entry)))

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
            f"{used[number]} refers to {what} {received(number)}, which is not in {key!r}{more}",
            "unknown-id",
        )

    def _refuse(self, fault: str, code: str) -> NoReturn:
        refuse_entry(self._where, fault, code)
