"""The images of a HEIC file: their types, parts, properties and data."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import NoReturn

from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import AGAIN, check_size, refuse, refuse_truncated

_MAX_LEVELS = 5
"""The maximum nesting of images: overlay, rotated image, grid, tile, alpha of the tile."""
_MAX_PROPERTIES = 64
_MAX_PROPERTY_BYTES = 8 * 1024 * 1024
_ONCE = frozenset((b"clap", b"irot", b"imir", b"ispe", b"hvcC", b"auxC"))
_ALPHA = (
    b"urn:mpeg:avc:2015:auxid:1\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
)


@dataclass(slots=True)
class Item:
    """One item: an image, or metadata."""

    kind: bytes = b""
    at: int = 0
    """The offset of its type in the file, in bytes."""
    protected: bool = False
    in_idat: bool = False
    elsewhere: bool = False
    """Whether its data are in another file or are computed from another item."""
    extents: list[tuple[int, int]] = field(default_factory=list)
    properties: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Images:
    """The images that the boxes of a file describe; filled while the boxes are read."""

    data: bytes
    """The file."""
    limits: DecodeLimits
    where: str
    """The name of the file in messages."""
    primary: int | None = None
    """The number of the photo."""
    items: dict[int, Item] = field(default_factory=dict)
    properties: list[tuple[bytes, int, int]] = field(default_factory=list)
    """Type, start and end of each property; items refer to them by position, from 1."""
    references: dict[tuple[bytes, int], list[int]] = field(default_factory=dict)
    """The targets of each reference, by its type and source."""
    auxiliary: dict[int, list[int]] = field(default_factory=dict)
    """The auxiliary images of each image, such as its alpha image."""
    idat: tuple[int, int] = (0, 0)
    """Start and end of the data in the ``idat`` box."""

    def refuse(self, what: str) -> NoReturn:
        """Refuse the file."""
        refuse(self.where, "broken", f"is a HEIC file that {what}", AGAIN)

    def numbers(self, layout: str, position: int, end: int) -> tuple[int, ...]:
        """Return the numbers at an offset; refuse a file that ends before them."""
        if position + struct.calcsize(layout) > end:
            refuse_truncated(self.where)
        return struct.unpack_from(layout, self.data, position)

    def require_shallow(self) -> None:
        """Refuse cycles and deep nesting of images, also in unused images.

        The decoder visits every image when it opens the file.
        """
        inside = {number: list(others) for number, others in self.auxiliary.items()}
        for (kind, source), targets in self.references.items():
            if kind == b"dimg":
                inside.setdefault(source, []).extend(targets)
        try:
            order = list(TopologicalSorter(inside).static_order())
        except CycleError:
            self.refuse("has an image that contains itself")
        levels: dict[int, int] = {}
        for number in order:
            below = (levels[one] for one in inside.get(number, ()))
            levels[number] = 1 + max(below, default=0)
            if levels[number] > _MAX_LEVELS:
                self.refuse(f"nests images more than {_MAX_LEVELS} deep")

    def require_small_properties(self) -> None:
        """Refuse large shared properties, because the decoder copies them for each image."""
        sizes = [end - start for _, start, end in self.properties]
        total = 0
        for item in self.items.values():
            if any(one > len(sizes) for one in item.properties):
                self.refuse("has an image that refers to a missing property")
            total += sum(sizes[one - 1] for one in item.properties if one)
        if total > _MAX_PROPERTY_BYTES:
            self.refuse("has images with properties that are too large")

    def require_few_properties(self, item: Item) -> None:
        """Refuse an image with too many properties, or with a duplicate of a unique property."""
        if len(item.properties) > _MAX_PROPERTIES:
            self.refuse(f"has an image with more than {_MAX_PROPERTIES} properties")
        kinds = [self.properties[one - 1][0] for one in item.properties if one]
        if any(kinds.count(kind) > 1 for kind in _ONCE):
            self.refuse("has an image with a duplicate property")

    def properties_of(self, item: Item, kind: bytes) -> Iterator[bytes]:
        """Yield the properties of an image that have one type."""
        for one in item.properties:
            if one and self.properties[one - 1][0] == kind:
                _, start, end = self.properties[one - 1]
                yield self.data[start:end]

    def size_in(self, kind: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Return the size in a property, or None."""
        if kind != b"ispe":
            return None
        width, height = self.numbers(">LL", start + 4, end)
        check_size(width, height, self.limits, self.where)
        return width, height

    def declared_size(self, item: Item) -> tuple[int, int] | None:
        """Return the declared width and height of an image."""
        sizes = [self.size_in(*self.properties[one - 1]) for one in item.properties if one]
        return next((size for size in sizes if size is not None), None)

    def content(self, item: Item, most: int) -> bytes:
        """Return the data of an item; refuse data outside the file."""
        start, end = self.idat if item.in_idat else (0, len(self.data))
        parts = []
        for offset, length in item.extents:
            if length < 1:
                self.refuse("has an image without data")
            if start + offset + length > end:
                refuse_truncated(self.where)
            most -= length
            if most < 0:
                self.refuse("refers to its data more than once")
            parts.append(self.data[start + offset : start + offset + length])
        if not parts:
            self.refuse("has an image without data")
        return b"".join(parts)

    def alpha_of(self, number: int) -> Iterator[int]:
        """Yield the alpha images of an image."""
        for other in self.auxiliary.get(number, ()):
            item = self.items.get(other, Item())
            if any(body[4:].startswith(_ALPHA) for body in self.properties_of(item, b"auxC")):
                yield other
