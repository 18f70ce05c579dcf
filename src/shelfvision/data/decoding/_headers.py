"""Reads what JPEG, PNG, WebP and HEIC files say of themselves, before any pixel is decoded.

Each reader walks the file's own structure, holds it against the limits, and hands on only the
parts that pixels are made of: comments, colour profiles, thumbnails and text never reach the
decoder, and the orientation is read here.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from shelfvision.data.decoding._limits import DecodeLimits
from shelfvision.data.decoding._refusals import (
    AGAIN,
    check_chunks,
    check_frames,
    check_size,
    refuse,
    refuse_size,
    refuse_truncated,
)


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a photo before decoding, and the bytes to decode."""

    format: str
    """``"JPEG"``, ``"PNG"``, ``"WebP"`` or ``"HEIC"``."""
    width: int
    """In pixels, as stored."""
    height: int
    """In pixels, as stored."""
    orientation: int
    """The EXIF orientation, 1 to 8; 1 is upright."""
    data: bytes
    """The file without the parts that no pixel depends on."""


def read_header(data: bytes, *, limits: DecodeLimits, where: str) -> Header:
    """Return the header of a photo, or raise `PhotoError` if it must not be decoded."""
    if not data:
        refuse(
            where, "empty", "is empty (0 bytes)", "copy it again from where it came, or remove it"
        )
    if len(data) > limits.max_bytes:
        refuse_size(where, len(data), limits)
    header = _reader_of(data, where)(data, limits, where)
    check_size(header.width, header.height, limits, where)
    return header


def _reader_of(data: bytes, where: str) -> Callable[[bytes, DecodeLimits, str], Header]:
    if data.startswith(b"\xff\xd8\xff"):
        return _read_jpeg
    if data.startswith(_PNG_SIGNATURE):
        return _read_png
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _read_webp
    if data[4:8] != b"ftyp" or not _HEIC_BRANDS & _brands(data):
        start = bytes(data[:12])
        what = f"is not a JPEG, PNG, WebP or HEIC photo: its content starts with {start!r}"
        refuse(where, "not-an-image", what, "convert it to one of these formats, or remove it")
    return _read_heic


# JPEG: ITU-T T.81, annex B.

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))
# Frames, tables, restart intervals, and the two application segments that tell the colour space.
_KEPT = frozenset((*_FRAMES, 0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xE0, 0xEE))
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")


def _read_jpeg(data: bytes, limits: DecodeLimits, where: str) -> Header:
    kept, frame, orientation, segments, position = [b"\xff\xd8"], b"", 1, 0, 2
    while True:
        match = _NEXT_MARKER.search(data, position)
        if match is None:
            refuse_truncated(where)
        start, marker = match.start(), data[match.end() - 1]
        if marker in (_START_OF_SCAN, _END_OF_IMAGE):
            break
        position = _segment_end(data, start, where)
        segments += 1
        check_chunks(segments, limits, where)
        if marker in _FRAMES:
            if frame:
                refuse(where, "broken", "is a broken JPEG with two frame headers", AGAIN)
            frame = data[start:position]
        if marker in _KEPT:
            kept.append(data[start:position])
        elif marker == 0xE1 and data[start + 4 : start + 10] == b"Exif\0\0":
            orientation = _orientation(data[start + 10 : position])
    if len(frame) < 10 or marker == _END_OF_IMAGE:
        refuse(where, "broken", "is a JPEG file without an image in it", AGAIN)
    _check_scans(data, start, frame, limits, where)
    height, width = struct.unpack_from(">HH", frame, 5)
    kept.append(data[start:])
    return Header("JPEG", width, height, orientation, b"".join(kept))


def _segment_end(data: bytes, start: int, where: str) -> int:
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    end = start + 2 + length
    if length < 2 or end > len(data):
        refuse_truncated(where)
    return end


def _check_scans(data: bytes, start: int, frame: bytes, limits: DecodeLimits, where: str) -> None:
    in_one_scan = frame[1] not in _PROGRESSIVE and data[start + 4 : start + 5] == frame[9:10]
    if in_one_scan:
        # Only the first scan is ever decoded, and its coded bytes cannot look like an end.
        if data.rfind(b"\xff\xd9", start) < 0:
            refuse_truncated(where)
        return
    scans = segments = 0
    while match := _NEXT_MARKER.search(data, start):
        marker = data[match.end() - 1]
        if marker == _END_OF_IMAGE:
            return
        start = _segment_end(data, match.start(), where)
        segments += 1
        check_chunks(segments, limits, where)
        scans += marker == _START_OF_SCAN
        if scans > limits.max_scans:
            what = f"is a JPEG of more than the {limits.max_scans} scans allowed"
            refuse(where, "too-many-scans", what, "save it anew, or raise DecodeLimits.max_scans")
    refuse_truncated(where)


# PNG: ISO/IEC 15948.

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))


def _read_png(data: bytes, limits: DecodeLimits, where: str) -> Header:
    kept, orientation, position, chunks = [_PNG_SIGNATURE], 1, 8, 0
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            refuse_truncated(where)
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            refuse_truncated(where)
        chunks += 1
        check_chunks(chunks, limits, where)
        if kind in _PNG_KEPT:
            kept.append(data[position:end])
        elif kind == b"eXIf":
            orientation = _orientation(data[position + 8 : end - 4])
        elif kind == b"acTL":
            check_frames(int.from_bytes(data[position + 8 : position + 12], "big"), limits, where)
        position = end
    if kept[1][4:8] != b"IHDR" or len(kept[1]) < 25:
        refuse(where, "broken", "is a PNG file that does not start with a header", AGAIN)
    width, height = struct.unpack_from(">LL", kept[1], 8)
    return Header("PNG", width, height, orientation, b"".join(kept))


# WebP: RFC 9649.


def _read_webp(data: bytes, limits: DecodeLimits, where: str) -> Header:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        refuse_truncated(where)
    size, orientation, position, chunks, frames = None, 1, 12, 0, 0
    while position + 8 <= end:
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + min(length, 65536)]
        chunks += 1
        check_chunks(chunks, limits, where)
        size = size or _webp_size(kind, body)
        frames += kind == b"ANMF"
        if kind == b"EXIF":
            orientation = _orientation(body.removeprefix(b"Exif\0\0"))
        position += 8 + length + length % 2
    check_frames(frames, limits, where)
    if position > end + 1:
        refuse_truncated(where)
    if size is None:
        refuse(where, "broken", "is a WebP file without an image in it", AGAIN)
    return Header("WebP", *size, orientation, data)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8 " and len(body) >= 10:
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


# HEIC: ISO/IEC 14496-12 (boxes) and 23008-12 (what is in them).

_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis"))
_HOLDERS = {b"meta": 12, b"iprp": 8, b"ipco": 8}


def _brands(data: bytes) -> set[bytes]:
    """Return the kinds of file that this one says it is."""
    end = min(int.from_bytes(data[:4], "big"), 256, len(data))
    return {data[place : place + 4] for place in (8, *range(16, end, 4))}


def _read_heic(data: bytes, limits: DecodeLimits, where: str) -> Header:
    """Return the size of the largest image inside, of whose tiles the photo is made.

    The decoder turns it upright, for the file tells that apart from EXIF.
    """
    largest, boxes, open_boxes = (0, 0), 0, [(0, len(data))]
    while open_boxes:
        start, end = open_boxes.pop()
        while start + 8 <= end:
            kind, size = data[start + 4 : start + 8], int.from_bytes(data[start : start + 4], "big")
            if size == 1:
                size = int.from_bytes(data[start + 8 : start + 16], "big")
            size = size or end - start
            if size < 8 or start + size > end:
                refuse_truncated(where)
            boxes += 1
            check_chunks(boxes, limits, where)
            if kind == b"ispe" and size >= 20:
                width, height = struct.unpack_from(">LL", data, start + 12)
                check_size(width, height, limits, where)
                largest = max(largest, (width, height), key=math.prod)
            elif kind in _HOLDERS:
                open_boxes.append((start + _HOLDERS[kind], start + size))
            start += size
    if largest == (0, 0):
        refuse(where, "broken", "is a HEIC file without an image in it", AGAIN)
    return Header("HEIC", *largest, 1, data)


def _orientation(exif: bytes) -> int:
    """Return tag 0x0112 of a TIFF header's first directory, or 1 where there is none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "L", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHLH", exif, entry)
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
