"""Writes HEIC files box by box: images that are joined, laid over each other, or lie about it."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", 8 + len(body)) + kind + body


def full(kind: bytes, body: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">L", version << 24 | flags) + body)


def ispe(width: int, height: int) -> bytes:
    """Return the property that tells an image's size."""
    return full(b"ispe", struct.pack(">LL", width, height))


ALPHA = full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def overlay(width: int, height: int, parts: int = 1) -> bytes:
    """Return the data of an overlay of so many images, all at its corner, over white."""
    head = struct.pack(">BB4H", 0, 1, 65535, 65535, 65535, 65535)
    return head + struct.pack(">LL", width, height) + struct.pack(">ll", 0, 0) * parts


def grid(rows: int, columns: int, width: int, height: int) -> bytes:
    """Return the data of a grid."""
    return struct.pack(">BBBBLL", 0, 1, rows - 1, columns - 1, width, height)


@dataclass(frozen=True)
class Coded:
    """One coded picture: its properties and its data."""

    settings: bytes
    """The whole box ``hvcC``."""
    data: bytes

    @property
    def sequence_set(self) -> bytes:
        """The unit that tells the size, with its length before it."""
        body, position = self.settings[8:], 23
        for _ in range(body[22]):
            count = int.from_bytes(body[position + 1 : position + 3], "big")
            position += 3
            for _ in range(count):
                length = int.from_bytes(body[position : position + 2], "big")
                unit = body[position + 2 : position + 2 + length]
                if unit[0] >> 1 & 63 == 33:
                    return struct.pack(">L", length) + unit
                position += 2 + length
        raise AssertionError("no sequence parameter set")


def coded(pixels: npt.NDArray[np.uint8]) -> Coded:
    """Return pixels as pillow-heif codes them."""
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif to write HEIC")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(file, quality=90)
    data = file.getvalue()
    found = dict(_inside(data, 0, len(data)))
    start, end = found[b"mdat"]
    meta = dict(_inside(data, found[b"meta"][0] + 4, found[b"meta"][1]))
    properties = dict(_inside(data, *meta[b"iprp"]))
    settings = dict(_inside(data, *properties[b"ipco"]))[b"hvcC"]
    return Coded(data[settings[0] - 8 : settings[1]], data[start:end])


def _inside(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    while start < end:
        size = int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], (start + 8, start + size)
        start += size


@dataclass
class Item:
    """One image of a file."""

    kind: bytes
    data: bytes
    properties: Sequence[bytes] = ()
    made_of: Sequence[int] = ()
    alpha_of: int | None = None
    method: int = 0
    """0: the data are in ``mdat``; 1: in ``idat``; 2: in another item."""
    extents: int = 1
    """How often the same data are read."""


@dataclass
class File:
    """A file of items; item `primary` is the photo."""

    items: Mapping[int, Item]
    primary: int
    more: bytes = b""
    """Boxes at the end of ``meta``."""
    after: bytes = b""
    """Boxes at the end of the file."""
    references: bytes = b""
    """More references."""
    _blobs: dict[bytes, int] = field(default_factory=dict)

    def write(self) -> bytes:
        """Return the file."""
        blobs = {
            method: list(dict.fromkeys(i.data for i in self.items.values() if i.method == method))
            for method in (0, 1)
        }
        places = {
            (method, blob): sum(map(len, blobs[method][:number]))
            for method in (0, 1)
            for number, blob in enumerate(blobs[method])
        }
        start = box(b"ftyp", b"heic\0\0\0\0mif1heic")
        base = len(start) + len(self._meta(places, 0, blobs[1])) + 8
        meta = self._meta(places, base, blobs[1])
        return start + meta + box(b"mdat", b"".join(blobs[0])) + self.after

    def _meta(
        self, places: Mapping[tuple[int, bytes], int], base: int, idat: Sequence[bytes]
    ) -> bytes:
        parts = [
            full(b"hdlr", b"\0\0\0\0pict" + bytes(13)),
            full(b"pitm", struct.pack(">H", self.primary)),
            self._locations(places, base),
            self._descriptions(),
            self._properties(),
            full(b"iref", self._references()),
            box(b"idat", b"".join(idat)) if idat else b"",
            self.more,
        ]
        return full(b"meta", b"".join(parts))

    def _locations(self, places: Mapping[tuple[int, bytes], int], base: int) -> bytes:
        out = struct.pack(">BBH", 0x44, 0x00, len(self.items))
        for number, item in self.items.items():
            offset = places.get((item.method, item.data), 0) + (base if item.method == 0 else 0)
            out += struct.pack(">HHHH", number, item.method, 0, item.extents)
            out += struct.pack(">LL", offset, len(item.data)) * item.extents
        return full(b"iloc", out, version=1)

    def _descriptions(self) -> bytes:
        told = [
            full(b"infe", struct.pack(">HH", number, 0) + item.kind + b"\0", version=2)
            for number, item in self.items.items()
        ]
        return full(b"iinf", struct.pack(">H", len(told)) + b"".join(told))

    def _properties(self) -> bytes:
        all_of_them = list(dict.fromkeys(p for i in self.items.values() for p in i.properties))
        told = b"".join(
            struct.pack(">HB", number, len(item.properties))
            + b"".join(struct.pack(">H", all_of_them.index(p) + 1) for p in item.properties)
            for number, item in self.items.items()
            if item.properties
        )
        count = sum(bool(item.properties) for item in self.items.values())
        ipma = full(b"ipma", struct.pack(">L", count) + told, flags=1)
        return box(b"iprp", box(b"ipco", b"".join(all_of_them)) + ipma)

    def _references(self) -> bytes:
        told = []
        for number, item in self.items.items():
            if item.made_of:
                to = struct.pack(f">{len(item.made_of)}H", *item.made_of)
                told.append(box(b"dimg", struct.pack(">HH", number, len(item.made_of)) + to))
            if item.alpha_of is not None:
                told.append(box(b"auxl", struct.pack(">HHH", number, 1, item.alpha_of)))
        return b"".join(told) + self.references
