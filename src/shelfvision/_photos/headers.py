"""Read the headers of JPEG, PNG, WebP and HEIC files before any pixel is decoded.

Each reader parses the structure of the file, checks it against the limits, and returns only the
parts that affect pixels. Comments, colour profiles, thumbnails and text never reach the decoder.
The EXIF orientation is read here.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from shelfvision._photos.formats import READ_NAMES, conversion, format_of_content
from shelfvision._photos.heic.header import read_heic
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import (
    AGAIN,
    check_chunks,
    check_frames,
    check_size,
    refuse,
    refuse_size,
    refuse_truncated,
)

_BUFFERS = 8 * 1024 * 1024
"""The constant memory of a decoder, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header of a photo, and the bytes to decode."""

    format: str
    """``"JPEG"``, ``"PNG"``, ``"WebP"`` or ``"HEIC"``."""
    width: int
    """In pixels, as stored."""
    height: int
    """In pixels, as stored."""
    orientation: int
    """The EXIF orientation, 1 to 8; 1 is upright."""
    data: bytes
    """The file without the parts that do not affect pixels."""
    stored: float
    """Bytes per decoded pixel before the conversion to RGB."""
    working: float
    """Bytes per pixel during the conversion to RGB or to an array, whichever is larger."""
    decoding_bytes: int = 0
    """Additional bytes that the decoder needs and releases at the end."""
    file_bytes: int = 0
    """The size of the file."""

    def memory(self, fraction: int = 1) -> int:
        """Return an upper bound of the memory for decoding in bytes, including the file.

        Parameters
        ----------
        fraction : int, default=1
            The factor by which the decoder reduces each side (JPEG only).
        """
        pixels = -(-self.width // fraction) * -(-self.height // fraction)
        while_decoding = self.decoding_bytes + self.stored * pixels
        files = self.file_bytes + len(self.data)
        return _BUFFERS + files + int(max(while_decoding, self.working * pixels))


def read_header(data: bytes, *, limits: DecodeLimits, where: str) -> Header:
    """Return the header of a photo, or raise `PhotoError` if it must not be decoded."""
    if not data:
        refuse(where, "empty", "is empty (0 bytes)", "copy it from its source again, or remove it")
    if len(data) > limits.max_bytes:
        refuse_size(where, len(data), limits)
    header = _reader_of(data, where)(data, limits, where)
    check_size(header.width, header.height, limits, where)
    return header if header.data is data else replace(header, file_bytes=len(data))


def _reader_of(data: bytes, where: str) -> Callable[[bytes, DecodeLimits, str], Header]:
    found = format_of_content(data)
    if found is None:
        what = f"is not a {READ_NAMES} photo: its content starts with {bytes(data[:12])!r}"
        refuse(where, "not-an-image", what, "convert it to one of these formats, or remove it")
    if not found.is_read:
        name = where if os.path.isfile(where) else f"photo{found.suffixes[0]}"
        what = f"is a {found.name} image, a format that is not read"
        refuse(where, "not-an-image", what, f"convert it, for example with: {conversion(name)}")
    return _READERS[found.name]


# JPEG: ITU-T T.81, annex B.

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))
# Frames, tables, restart intervals, and the two application segments that define the colour space.
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
                refuse(where, "broken", "is a corrupted JPEG with two frame headers", AGAIN)
            frame = data[start:position]
        if marker in _KEPT:
            kept.append(data[start:position])
        elif marker == 0xE1 and data[start + 4 : start + 10] == b"Exif\0\0":
            orientation = _orientation(data[start + 10 : position])
    if len(frame) < 10 or marker == _END_OF_IMAGE:
        refuse(where, "broken", "is a JPEG file without an image", AGAIN)
    _check_scans(data, start, frame, limits, where)
    height, width = struct.unpack_from(">HH", frame, 5)
    kept.append(data[start:])
    return Header(
        format="JPEG",
        width=width,
        height=height,
        orientation=orientation,
        data=b"".join(kept),
        stored=1 if frame[9] == 1 else 4,
        working=8 if frame[9] == 4 else 7,
        decoding_bytes=0 if _in_one_scan(data, start, frame) else _coefficients(frame),
    )


def _coefficients(frame: bytes) -> int:
    """Return the bytes of the coefficients of all scans, which are kept until the last scan."""
    height, width = struct.unpack_from(">HH", frame, 5)
    factors = [(part >> 4, part & 15) for part in frame[11::3]]
    widest, tallest = (max((pair[side] for pair in factors), default=1) for side in (0, 1))
    share = sum(across * down for across, down in factors) / max(1, widest * tallest)
    # Two bytes per coefficient, with complete blocks at the edges.
    return int(2 * share * (width + 8 * widest) * (height + 8 * tallest))


def _in_one_scan(data: bytes, start: int, frame: bytes) -> bool:
    return frame[1] not in _PROGRESSIVE and data[start + 4 : start + 5] == frame[9:10]


def _segment_end(data: bytes, start: int, where: str) -> int:
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    end = start + 2 + length
    if length < 2 or end > len(data):
        refuse_truncated(where)
    return end


def _check_scans(data: bytes, start: int, frame: bytes, limits: DecodeLimits, where: str) -> None:
    if _in_one_scan(data, start, frame):
        # Only the first scan is decoded, and its coded bytes cannot contain an end marker.
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
            refuse(where, "too-many-scans", what, "save it again, or raise DecodeLimits.max_scans")
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
    # Grey of 16 bits takes up to 4 bytes; palettes and grey of fewer bits take 1.
    stored = 1 if kept[1][17] in (0, 3) and kept[1][16] <= 8 else 4
    return Header(
        format="PNG",
        width=width,
        height=height,
        orientation=orientation,
        data=b"".join(kept),
        stored=stored,
        working=max(7, stored + 4),
    )


# WebP: RFC 9649.


def _read_webp(data: bytes, limits: DecodeLimits, where: str) -> Header:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        refuse_truncated(where)
    size, orientation, position, chunks, frames = (0, 0), 1, 12, 0, 0
    kept: list[bytes] = []
    while position + 8 <= end:
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + min(length, 65536)]
        chunks += 1
        check_chunks(chunks, limits, where)
        size = _larger(size, _webp_size(kind, body), where)
        frames += kind == b"ANMF"
        after = position + 8 + length + length % 2
        if kind == b"EXIF":
            orientation = _orientation(body.removeprefix(b"Exif\0\0"))
        elif kind == b"VP8X":
            # Without the flags for a colour profile, EXIF and XMP, whose chunks are removed.
            flags = bytes([body[0] & ~_WEBP_NOTES]) if body else b""
            kept.append(data[position : position + 8] + flags + data[position + 9 : after])
        elif kind in _WEBP_KEPT:
            kept.append(data[position:after])
        position = after
    check_frames(frames, limits, where)
    if position > end + 1:
        refuse_truncated(where)
    if size == (0, 0):
        refuse(where, "broken", "is a WebP file without an image", AGAIN)
    return Header(
        format="WebP",
        width=size[0],
        height=size[1],
        orientation=orientation,
        data=_riff(kept),
        # Pillow always uses the decoder for animations, which keeps two canvases in addition to
        # the frame and the result.
        stored=_WEBP_BYTES,
        working=_WEBP_BYTES,
    )


_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
_WEBP_NOTES = 0x20 | 0x08 | 0x04
_WEBP_BYTES = 17


def _riff(chunks: list[bytes]) -> bytes:
    size = 4 + sum(map(len, chunks))
    return b"".join((b"RIFF", size.to_bytes(4, "little"), b"WEBP", *chunks))


def _larger(size: tuple[int, int], found: tuple[int, int] | None, where: str) -> tuple[int, int]:
    """Return the size of the canvas, which is stored first and contains all images."""
    if found is None or size == (0, 0):
        return found or size
    if found[0] > size[0] or found[1] > size[1]:
        refuse(
            where, "broken", f"is a WebP file whose parts declare different sizes: {found}", AGAIN
        )
    return size


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


def _heic_header(data: bytes, limits: DecodeLimits, where: str) -> Header:
    photo = read_heic(data, limits, where)
    # The decoder rotates it, because HEIC files store the rotation outside of EXIF.
    return Header(
        format="HEIC",
        width=photo.width,
        height=photo.height,
        orientation=1,
        data=photo.data,
        decoding_bytes=photo.decoding_bytes,
        stored=0,
        working=8,
    )


def _orientation(exif: bytes) -> int:
    """Return the orientation (tag 0x0112) in the first directory of a TIFF header, or 1."""
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


_READERS = {"JPEG": _read_jpeg, "PNG": _read_png, "WebP": _read_webp, "HEIC": _heic_header}
