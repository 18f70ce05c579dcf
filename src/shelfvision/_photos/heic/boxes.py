"""Read the boxes of a HEIC file (ISO/IEC 14496-12), and hide boxes that do not affect pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from shelfvision._photos.heic.images import Images, Item
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import check_chunks, refuse_truncated

_KEPT_BOXES = frozenset((b"ftyp", b"meta", b"mdat", b"free", b"skip"))
_KEPT_IN_META = frozenset(
    (b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat", b"free", b"skip")
)
_METADATA = frozenset((b"Exif", b"mime", b"uri "))


def read_heic_boxes(data: bytes, limits: DecodeLimits, where: str) -> tuple[Images, bytes]:
    """Return the images of a file, and the file without boxes that do not affect pixels."""
    reader = _BoxReader(Images(data=data, limits=limits, where=where))
    return reader.read(), reader.without_hidden()


class _BoxReader:
    """A reader of the boxes of one file."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._data = images.data
        self._parts = 0
        self._located: set[int] = set()
        self._hidden: list[int] = []
        """Offsets of box types that are hidden from the decoder."""

    def read(self) -> Images:
        """Return the images that the boxes describe."""
        metas = []
        for kind, start, end in self._boxes(0, len(self._data)):
            if kind == b"meta":
                metas.append((start, end))
            elif kind not in _KEPT_BOXES:
                self._hide_box(start)
        if len(metas) != 1:
            self._images.refuse(f"must have one list of images, but has {len(metas)}")
        self._read_meta(*metas[0])
        items = self._images.items.values()
        self._hidden += [item.at for item in items if item.kind in _METADATA]
        return self._images

    def _count(self, more: int = 1) -> None:
        self._parts += more
        check_chunks(self._parts, self._images.limits, self._images.where)

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield kind, start of the body and end of every box."""
        while start + 8 <= end:
            size, kind = int.from_bytes(self._data[start : start + 4], "big"), 8
            if size == 1:
                size, kind = int.from_bytes(self._data[start + 8 : start + 16], "big"), 16
            elif size == 0:
                size = end - start
            if size < kind or start + size > end:
                refuse_truncated(self._images.where)
            self._count()
            yield self._data[start + 4 : start + 8], start + kind, start + size
            start += size
        if start != end:
            refuse_truncated(self._images.where)

    def _hide_box(self, body: int) -> None:
        # The type is before the body, or before the 64-bit size that precedes the body.
        long = self._data[body - 16 : body - 12] == b"\0\0\0\1"
        self._hidden.append(body - (12 if long else 4))

    def without_hidden(self) -> bytes:
        """Return the file with the type of each hidden box replaced by an unknown type."""
        if not self._hidden:
            return self._data
        changed = bytearray(self._data)
        for place in self._hidden:
            changed[place : place + 4] = b"none"
        return bytes(changed)

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
                    self._images.refuse(f"has two {kind.decode()} boxes")
                seen.add(kind)
                readers[kind](body, box_end)
            elif kind not in _KEPT_IN_META:
                self._hide_box(body)

    def _read_primary(self, start: int, end: int) -> None:
        layout = ">H" if self._data[start] == 0 else ">L"
        (self._images.primary,) = self._images.numbers(layout, start + 4, end)

    def _read_idat(self, start: int, end: int) -> None:
        self._images.idat = (start, end)

    def _item(self, number: int) -> Item:
        return self._images.items.setdefault(number, Item())

    def _read_items(self, start: int, end: int) -> None:
        first = start + (6 if self._data[start] == 0 else 8)
        for kind, body, box_end in self._boxes(first, end):
            if kind != b"infe":
                self._hide_box(body)
                continue
            version = self._data[body]
            if version not in (2, 3):
                self._images.refuse("lists its images in a version that is not supported")
            layout = ">HH4s" if version == 2 else ">LH4s"
            if body + 4 + struct.calcsize(layout) > box_end:
                refuse_truncated(self._images.where)
            number, protection, declared = struct.unpack_from(layout, self._data, body + 4)
            item = self._item(number)
            if item.kind:
                self._images.refuse(f"lists image {number} twice")
            item.kind, item.protected = declared, protection != 0
            item.at = body + struct.calcsize(layout)

    def _read_locations(self, start: int, end: int) -> None:
        version = self._data[start]
        sizes = self._data[start + 4] >> 4, self._data[start + 4] & 15, self._data[start + 5] >> 4
        index_size = self._data[start + 5] & 15 if version in (1, 2) else 0
        if version > 2 or not {*sizes, index_size} <= {0, 4, 8}:
            self._images.refuse("stores its data locations in a version that is not supported")
        layout = ">H" if version < 2 else ">L"
        (count,) = self._images.numbers(layout, start + 6, end)
        position = start + 6 + struct.calcsize(layout)
        for _ in range(count):
            self._count()
            (number,) = self._images.numbers(layout, position, end)
            position += struct.calcsize(layout)
            position = self._read_location(number, version, (*sizes, index_size), position, end)

    def _read_location(
        self, number: int, version: int, sizes: tuple[int, ...], position: int, end: int
    ) -> int:
        """Read the location of the data of one item; return the offset of the next entry."""
        offset_size, length_size, base_size, index_size = sizes
        item = self._item(number)
        if number in self._located:
            self._images.refuse(f"gives two locations for image {number}")
        self._located.add(number)
        method = 0
        if version > 0:
            method = self._images.numbers(">H", position, end)[0] & 15
            position += 2
        (outside,) = self._images.numbers(">H", position, end)
        item.in_idat, item.elsewhere = method == 1, method > 1 or outside != 0
        base = self._number(position + 2, base_size, end)
        (extents,) = self._images.numbers(">H", position + 2 + base_size, end)
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
            refuse_truncated(self._images.where)
        return int.from_bytes(self._data[position : position + size], "big")

    def _read_references(self, start: int, end: int) -> None:
        wide = self._data[start] != 0
        for kind, body, box_end in self._boxes(start + 4, end):
            source, count = self._images.numbers(">LH" if wide else ">HH", body, box_end)
            self._count(count)
            layout = f">{count}{'L' if wide else 'H'}"
            targets = self._images.numbers(layout, body + (6 if wide else 4), box_end)
            if (kind, source) in self._images.references and kind in (b"dimg", b"auxl"):
                self._images.refuse(f"lists the parts of image {source} twice")
            self._images.references[kind, source] = list(targets)
            if kind == b"auxl":
                for target in targets:
                    self._images.auxiliary.setdefault(target, []).append(source)

    def _read_properties(self, start: int, end: int) -> None:
        seen = False
        associations = []
        for kind, body, box_end in self._boxes(start, end):
            if kind == b"ipco":
                if seen:
                    self._images.refuse("has two ipco boxes")
                seen = True
                self._images.properties = list(self._boxes(body, box_end))
                for one in self._images.properties:
                    self._images.size_in(*one)
            elif kind == b"ipma":
                associations.append((body, box_end))
            else:
                self._hide_box(body)
        for body, box_end in associations:
            self._read_associations(body, box_end)

    def _read_associations(self, start: int, end: int) -> None:
        head = ">HB" if self._data[start] == 0 else ">LB"
        wide = self._data[start + 3] & 1
        (entries,) = self._images.numbers(">L", start + 4, end)
        position = start + 8
        for _ in range(entries):
            self._count()
            number, count = self._images.numbers(head, position, end)
            position += struct.calcsize(head)
            item = self._item(number)
            if item.properties:
                self._images.refuse(f"lists the properties of image {number} twice")
            found = self._images.numbers(f">{count}{'H' if wide else 'B'}", position, end)
            position += count * (2 if wide else 1)
            self._count(count)
            item.properties = [one & (0x7FFF if wide else 0x7F) for one in found]
