"""Reads what a HEIC file says of itself, before any pixel is decoded.

The file is a tree of boxes (ISO/IEC 14496-12) that describe items (ISO/IEC 23008-12). One item is
the photo. It is coded itself (``hvc1``), or derived from others: ``grid`` joins tiles, ``iovl``
lays images over a canvas, ``iden`` turns one; each may have an alpha image besides. pillow-heif
hands on none of its decoder's limits, so every canvas, every coded picture and every reference on
the way from the photo down is held against `DecodeLimits` here, with multiplicity: an image that
is used twice is decoded twice. What is not understood is refused.

Boxes and items that no pixel depends on, Exif and films above all, never reach the decoder.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import NoReturn

from shelfvision.data.decoding._hevc import BrokenPictureError, coded_size
from shelfvision.data.decoding._limits import DecodeLimits
from shelfvision.data.decoding._refusals import (
    AGAIN,
    RAISE,
    check_chunks,
    check_size,
    refuse,
    refuse_truncated,
)

_MAX_LEVELS = 5
"""Images from the photo down to a coded picture: overlay, turned image, grid, tile, its alpha."""
_MAX_CODED = 1024
"""Coded pictures; the tiles of a phone's largest photo are some 200."""
_MAX_WORK = 2.5
"""Pixels that are decoded or copied, in multiples of `DecodeLimits.max_pixels`. Tiles and the
canvas that they fill make 2."""
_MAX_PROPERTIES = 64
_MAX_SHARED = 16 * 1024 * 1024
"""Coded bytes that may be read where images share them, as blank tiles do."""
_MAX_PROPERTY_BYTES = 8 * 1024 * 1024
_SLACK = 64
"""By how many pixels a coded picture may be larger than the image cut out of it: one block."""

_KEPT_BOXES = frozenset((b"ftyp", b"meta", b"mdat", b"free", b"skip"))
_KEPT_IN_META = frozenset(
    (b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat", b"free", b"skip")
)
_DERIVED = frozenset((b"grid", b"iovl", b"iden"))
_METADATA = frozenset((b"Exif", b"mime", b"uri "))
_ONCE = frozenset((b"clap", b"irot", b"imir", b"ispe", b"hvcC", b"auxC"))
_ALPHA = (
    b"urn:mpeg:avc:2015:auxid:1\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
)


@dataclass(frozen=True, slots=True)
class HeicPhoto:
    """What is known of the photo in a HEIC file."""

    width: int
    """In pixels, upright."""
    height: int
    """In pixels, upright."""
    decoding_bytes: int
    """Memory that decoding takes, estimated from above."""
    has_alpha: bool
    """Whether an alpha image is decoded as well."""
    data: bytes
    """The file without the parts that no pixel depends on."""


@dataclass(slots=True)
class _Item:
    kind: bytes = b""
    at: int = 0
    """Where its type stands in the file."""
    protected: bool = False
    in_idat: bool = False
    elsewhere: bool = False
    """Whether its data are in another file, or made of another item's."""
    extents: list[tuple[int, int]] = field(default_factory=list)
    properties: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Cost:
    """What an image takes, all that it is made of included."""

    width: int
    height: int
    planes: float
    """Bytes that a pixel takes in the planes of luma and chroma."""
    live: float
    """Bytes that are held at once."""
    work: int
    """Pixels that are decoded or copied."""
    coded: int
    """Coded pictures."""
    read: int
    """Coded bytes."""
    alpha: bool = False


def read_heic(data: bytes, limits: DecodeLimits, where: str) -> HeicPhoto:
    """Return what a file says of its photo; refuse one that costs more than it may."""
    try:
        return _Reader(data, limits, where).photo()
    except BrokenPictureError as error:
        refuse(
            where, "broken", f"is a HEIC file of which the decoder is not trusted: {error}", AGAIN
        )
    except (struct.error, IndexError):
        refuse_truncated(where)


class _Reader:
    """Reads the boxes of one file."""

    def __init__(self, data: bytes, limits: DecodeLimits, where: str) -> None:
        self._data = data
        self._limits = limits
        self._where = where
        self._parts = 0
        self._primary: int | None = None
        self._items: dict[int, _Item] = {}
        self._located: set[int] = set()
        self._properties: list[tuple[bytes, int, int]] = []
        self._references: dict[tuple[bytes, int], list[int]] = {}
        self._auxiliary: dict[int, list[int]] = {}
        self._idat = (0, 0)
        self._hidden: list[int] = []
        """Where four letters are that the decoder must not understand."""
        self._costs: dict[int, _Cost] = {}

    def photo(self) -> HeicPhoto:
        """Return what the file says of its photo."""
        metas = []
        for kind, start, end in self._boxes(0, len(self._data)):
            if kind == b"meta":
                metas.append((start, end))
            elif kind not in _KEPT_BOXES:
                self._hide_box(start)
        if len(metas) != 1:
            self._refuse(f"has {len(metas)} lists of images where one is expected")
        self._read_meta(*metas[0])
        if self._primary is None:
            self._refuse("does not say which image is the photo")
        self._hidden += [item.at for item in self._items.values() if item.kind in _METADATA]
        self._require_shallow()
        self._require_small_properties()
        cost = self._cost(self._primary)
        width, height = cost.width, cost.height
        for body in self._properties_of(self._items[self._primary], b"irot"):
            if body[:1] and body[0] & 1:
                width, height = height, width
        return HeicPhoto(width, height, int(cost.live), cost.alpha, self._without_hidden())

    def _refuse(self, what: str) -> NoReturn:
        refuse(self._where, "broken", f"is a HEIC file that {what}", AGAIN)

    def _count(self, more: int = 1) -> None:
        self._parts += more
        check_chunks(self._parts, self._limits, self._where)

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield kind, start of the body and end of every box."""
        while start + 8 <= end:
            size, kind = int.from_bytes(self._data[start : start + 4], "big"), 8
            if size == 1:
                size, kind = int.from_bytes(self._data[start + 8 : start + 16], "big"), 16
            elif size == 0:
                size = end - start
            if size < kind or start + size > end:
                refuse_truncated(self._where)
            self._count()
            yield self._data[start + 4 : start + 8], start + kind, start + size
            start += size
        if start != end:
            refuse_truncated(self._where)

    def _hide_box(self, body: int) -> None:
        # The four letters are before the body, or before the long size that precedes it.
        long = self._data[body - 16 : body - 12] == b"\0\0\0\1"
        self._hidden.append(body - (12 if long else 4))

    def _without_hidden(self) -> bytes:
        if not self._hidden:
            return self._data
        changed = bytearray(self._data)
        for place in self._hidden:
            changed[place : place + 4] = b"none"
        return bytes(changed)

    # What the boxes say.

    def _read_meta(self, start: int, end: int) -> None:
        readers = {
            b"pitm": self._read_primary,
            b"iinf": self._read_items,
            b"iloc": self._read_locations,
            b"iref": self._read_references,
            b"iprp": self._read_properties,
            b"idat": self._read_idat,
        }
        seen: set[bytes] = set()
        for kind, body, box_end in self._boxes(start + 4, end):
            if kind in readers:
                if kind in seen:
                    self._refuse(f"has two boxes {kind.decode()}")
                seen.add(kind)
                readers[kind](body, box_end)
            elif kind not in _KEPT_IN_META:
                self._hide_box(body)

    def _numbers(self, layout: str, position: int, end: int) -> tuple[int, ...]:
        if position + struct.calcsize(layout) > end:
            refuse_truncated(self._where)
        return struct.unpack_from(layout, self._data, position)

    def _read_primary(self, start: int, end: int) -> None:
        layout = ">H" if self._data[start] == 0 else ">L"
        (self._primary,) = self._numbers(layout, start + 4, end)

    def _read_idat(self, start: int, end: int) -> None:
        self._idat = (start, end)

    def _item(self, number: int) -> _Item:
        return self._items.setdefault(number, _Item())

    def _read_items(self, start: int, end: int) -> None:
        first = start + (6 if self._data[start] == 0 else 8)
        for kind, body, box_end in self._boxes(first, end):
            if kind != b"infe":
                self._hide_box(body)
                continue
            version = self._data[body]
            if version not in (2, 3):
                self._refuse("describes its images in a way that is not read")
            layout = ">HH4s" if version == 2 else ">LH4s"
            if body + 4 + struct.calcsize(layout) > box_end:
                refuse_truncated(self._where)
            number, protection, told = struct.unpack_from(layout, self._data, body + 4)
            item = self._item(number)
            if item.kind:
                self._refuse(f"describes image {number} twice")
            item.kind, item.protected = told, protection != 0
            item.at = body + struct.calcsize(layout)

    def _read_locations(self, start: int, end: int) -> None:
        version = self._data[start]
        sizes = self._data[start + 4] >> 4, self._data[start + 4] & 15, self._data[start + 5] >> 4
        index_size = self._data[start + 5] & 15 if version in (1, 2) else 0
        if version > 2 or not {*sizes, index_size} <= {0, 4, 8}:
            self._refuse("describes places in a way that is not read")
        layout = ">H" if version < 2 else ">L"
        (count,) = self._numbers(layout, start + 6, end)
        position = start + 6 + struct.calcsize(layout)
        for _ in range(count):
            self._count()
            (number,) = self._numbers(layout, position, end)
            position += struct.calcsize(layout)
            position = self._read_location(number, version, (*sizes, index_size), position, end)

    def _read_location(
        self, number: int, version: int, sizes: tuple[int, ...], position: int, end: int
    ) -> int:
        """Read where one item's data are; return where the next item is described."""
        offset_size, length_size, base_size, index_size = sizes
        item = self._item(number)
        if number in self._located:
            self._refuse(f"says twice where image {number} is")
        self._located.add(number)
        method = 0
        if version > 0:
            method = self._numbers(">H", position, end)[0] & 15
            position += 2
        (outside,) = self._numbers(">H", position, end)
        item.in_idat, item.elsewhere = method == 1, method > 1 or outside != 0
        base = self._number(position + 2, base_size, end)
        (extents,) = self._numbers(">H", position + 2 + base_size, end)
        position += 4 + base_size
        self._count(extents)
        for _ in range(extents):
            position += index_size
            offset = self._number(position, offset_size, end)
            length = self._number(position + offset_size, length_size, end)
            item.extents.append((base + offset, length))
            position += offset_size + length_size
        return position

    def _number(self, position: int, size: int, end: int) -> int:
        if position + size > end:
            refuse_truncated(self._where)
        return int.from_bytes(self._data[position : position + size], "big")

    def _read_references(self, start: int, end: int) -> None:
        wide = self._data[start] != 0
        for kind, body, box_end in self._boxes(start + 4, end):
            source, count = self._numbers(">LH" if wide else ">HH", body, box_end)
            self._count(count)
            layout = f">{count}{'L' if wide else 'H'}"
            targets = self._numbers(layout, body + (6 if wide else 4), box_end)
            if (kind, source) in self._references and kind in (b"dimg", b"auxl"):
                self._refuse(f"says twice what image {source} is made of")
            self._references[kind, source] = list(targets)
            if kind == b"auxl":
                for target in targets:
                    self._auxiliary.setdefault(target, []).append(source)

    def _read_properties(self, start: int, end: int) -> None:
        seen = False
        associations = []
        for kind, body, box_end in self._boxes(start, end):
            if kind == b"ipco":
                if seen:
                    self._refuse("has two boxes ipco")
                seen = True
                self._properties = list(self._boxes(body, box_end))
                for one in self._properties:
                    self._size_in(*one)
            elif kind == b"ipma":
                associations.append((body, box_end))
            else:
                self._hide_box(body)
        for body, box_end in associations:
            self._read_associations(body, box_end)

    def _read_associations(self, start: int, end: int) -> None:
        head = ">HB" if self._data[start] == 0 else ">LB"
        wide = self._data[start + 3] & 1
        (entries,) = self._numbers(">L", start + 4, end)
        position = start + 8
        for _ in range(entries):
            self._count()
            number, count = self._numbers(head, position, end)
            position += struct.calcsize(head)
            item = self._item(number)
            if item.properties:
                self._refuse(f"says twice which properties image {number} has")
            found = self._numbers(f">{count}{'H' if wide else 'B'}", position, end)
            position += count * (2 if wide else 1)
            self._count(count)
            item.properties = [one & (0x7FFF if wide else 0x7F) for one in found]

    # What the photo costs.

    def _require_shallow(self) -> None:
        """Refuse images that are made of themselves, and deep nesting, also where it is unused.

        The decoder walks down every image when it opens the file.
        """
        inside = {number: list(others) for number, others in self._auxiliary.items()}
        for (kind, source), targets in self._references.items():
            if kind == b"dimg":
                inside.setdefault(source, []).extend(targets)
        try:
            order = list(TopologicalSorter(inside).static_order())
        except CycleError:
            self._refuse("has an image that is made of itself")
        levels: dict[int, int] = {}
        for number in order:
            below = (levels[one] for one in inside.get(number, ()))
            levels[number] = 1 + max(below, default=0)
            if levels[number] > _MAX_LEVELS:
                self._refuse(f"nests images more than {_MAX_LEVELS} deep")

    def _require_small_properties(self) -> None:
        """Refuse properties that are large and shared: each image of a file gets a copy."""
        sizes = [end - start for _, start, end in self._properties]
        total = 0
        for item in self._items.values():
            if any(one > len(sizes) for one in item.properties):
                self._refuse("has an image of properties that are not there")
            total += sum(sizes[one - 1] for one in item.properties if one)
        if total > _MAX_PROPERTY_BYTES:
            self._refuse("has images with properties that are too large")

    def _cost(self, number: int) -> _Cost:
        """Return what an image costs, what it is made of included."""
        if number in self._costs:
            return self._costs[number]
        item = self._items.get(number)
        if item is None or not item.kind:
            self._refuse(f"has no image {number}")
        if item.protected or item.elsewhere:
            self._refuse("is encrypted, or has its data elsewhere")
        self._require_few_properties(item)
        if item.kind == b"hvc1":
            cost = self._cost_of_coded(item)
        elif item.kind in _DERIVED:
            cost = self._cost_of_derived(number, item)
        else:
            self._refuse(f"has an image of a kind that is not read, {item.kind!r}")
        for other in self._alpha_of(number):
            cost = self._with_alpha(cost, self._cost(other))
        self._check_cost(cost)
        self._costs[number] = cost
        return cost

    def _require_few_properties(self, item: _Item) -> None:
        if len(item.properties) > _MAX_PROPERTIES:
            self._refuse(f"has an image of more than {_MAX_PROPERTIES} properties")
        kinds = [self._properties[one - 1][0] for one in item.properties if one]
        if any(kinds.count(kind) > 1 for kind in _ONCE):
            self._refuse("says the same of an image twice")

    def _properties_of(self, item: _Item, kind: bytes) -> Iterator[bytes]:
        for one in item.properties:
            if one and self._properties[one - 1][0] == kind:
                _, start, end = self._properties[one - 1]
                yield self._data[start:end]

    def _size_in(self, kind: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Return the size that a property tells, if it tells one."""
        if kind != b"ispe":
            return None
        width, height = self._numbers(">LL", start + 4, end)
        check_size(width, height, self._limits, self._where)
        return width, height

    def _told_size(self, item: _Item) -> tuple[int, int] | None:
        told = [self._size_in(*self._properties[one - 1]) for one in item.properties if one]
        return next((size for size in told if size is not None), None)

    def _content(self, item: _Item, most: int) -> bytes:
        """Return an item's data, which must lie in the file."""
        start, end = self._idat if item.in_idat else (0, len(self._data))
        parts = []
        for offset, length in item.extents:
            if length < 1:
                self._refuse("has an image without data")
            if start + offset + length > end:
                refuse_truncated(self._where)
            most -= length
            if most < 0:
                self._refuse("uses its data more than once")
            parts.append(self._data[start + offset : start + offset + length])
        if not parts:
            self._refuse("has an image without data")
        return b"".join(parts)

    def _cost_of_coded(self, item: _Item) -> _Cost:
        told = self._told_size(item)
        settings = next(self._properties_of(item, b"hvcC"), b"")
        if told is None or not settings:
            self._refuse("has an image without a size or the settings of its decoder")
        content = self._content(item, len(self._data))
        coded = coded_size(settings, content, self._limits.max_chunks)
        check_size(coded.width, coded.height, self._limits, self._where)
        if coded.width > told[0] + _SLACK or coded.height > told[1] + _SLACK:
            self._refuse(
                f"says {told[0]} x {told[1]} pixels where {coded.width} x {coded.height} are coded"
            )
        return _Cost(
            *told,
            planes=coded.plane_bytes,
            live=coded.width * coded.height * (2 * coded.plane_bytes + 4),
            work=coded.width * coded.height,
            coded=1,
            read=len(content),
        )

    def _cost_of_derived(self, number: int, item: _Item) -> _Cost:
        made_of = self._references.get((b"dimg", number), [])
        if not 1 <= len(made_of) <= _MAX_CODED:
            self._refuse(f"has an image made of {len(made_of)} others")
        inner = [self._cost(one) for one in made_of]
        told = self._told_size(item)
        if item.kind == b"iden":
            if len(inner) != 1:
                self._refuse("turns several images into one")
            size = inner[0].width, inner[0].height
        else:
            size = self._canvas(item, len(inner))
            check_size(*size, self._limits, self._where)
            if told is not None and told != size:
                self._refuse(
                    f"says {told[0]} x {told[1]} pixels where {size[0]} x {size[1]} are made"
                )
        pixels, planes = size[0] * size[1], max(one.planes for one in inner)
        # Overlays are made in RGB; a grid is converted as a coded picture is.
        canvas = 2 * planes + 4 if item.kind == b"grid" else 6
        return _Cost(
            *size,
            planes=planes,
            live=max(one.live for one in inner) + pixels * canvas,
            work=pixels + sum(one.work for one in inner),
            coded=sum(one.coded for one in inner),
            read=sum(one.read for one in inner),
            alpha=item.kind == b"iovl" or any(one.alpha for one in inner),
        )

    def _canvas(self, item: _Item, parts: int) -> tuple[int, int]:
        """Return the width and height that a grid or an overlay says it makes."""
        content = self._content(item, 16 * (parts + 2))
        version, flags = content[0], content[1]
        size = ">LL" if flags & 1 else ">HH"
        head = 4 if item.kind == b"grid" else 10
        width, height = struct.unpack_from(size, content, head)
        expected = head + struct.calcsize(size)
        if item.kind == b"iovl":
            expected += parts * struct.calcsize(size)
        elif (content[2] + 1) * (content[3] + 1) != parts:
            self._refuse(f"has a grid of {parts} tiles that says otherwise")
        if version or len(content) != expected:
            self._refuse("describes a canvas in a way that is not read")
        return width, height

    def _alpha_of(self, number: int) -> Iterator[int]:
        for other in self._auxiliary.get(number, ()):
            item = self._items.get(other, _Item())
            if any(body[4:].startswith(_ALPHA) for body in self._properties_of(item, b"auxC")):
                yield other

    def _with_alpha(self, cost: _Cost, alpha: _Cost) -> _Cost:
        pixels = cost.width * cost.height
        return _Cost(
            cost.width,
            cost.height,
            # It may have another size, and is brought to that of the photo: its planes, and a
            # byte or two of what they become.
            live=cost.live + alpha.live - 3 * min(pixels, alpha.width * alpha.height),
            work=cost.work + alpha.work,
            coded=cost.coded + alpha.coded,
            read=cost.read + alpha.read,
            planes=cost.planes,
            alpha=True,
        )

    def _check_cost(self, cost: _Cost) -> None:
        if cost.coded > _MAX_CODED:
            self._refuse(f"is made of more than {_MAX_CODED:,} coded pictures")
        if cost.read > max(2 * len(self._data), _MAX_SHARED):
            self._refuse("uses its data more than once")
        if cost.work > _MAX_WORK * self._limits.max_pixels:
            what = f"is made of {cost.work:,} pixels in all, too many for a photo"
            refuse(self._where, "too-many-pixels", what, RAISE.format("max_pixels"))
