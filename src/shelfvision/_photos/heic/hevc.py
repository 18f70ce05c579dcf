"""Read the size of coded pictures (HEVC) before they are decoded.

A picture is coded in NAL units (ITU-T H.265, 7.3.1). The decoder allocates the size in the sequence
parameter set, even if the boxes of the file declare another size. A file may contain several
pictures for one item, which is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SEQUENCE_SET = 33
_PICTURES = range(32)
# Longer parameter sets do not occur; sizes are in the first bytes.
_LONGEST_SET = 4096


class BrokenPictureError(ValueError):
    """The coded data are not one valid picture."""


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """The size of a coded picture, from its data."""

    width: int
    """In pixels, as allocated: before cropping."""
    height: int
    """In pixels, as allocated."""
    plane_bytes: float
    """Bytes per pixel of the luma and chroma planes."""


def coded_size(settings: bytes, data: bytes, most_units: int) -> CodedPicture:
    """Return the size of the one picture of a coded item.

    Parameters
    ----------
    settings : bytes
        The content of its ``hvcC`` box.
    data : bytes
        The coded data: NAL units, each preceded by its length.
    most_units : int
        The maximum number of units.

    Raises
    ------
    BrokenPictureError
        The data have no picture, several pictures or sizes, or are truncated.
    """
    if len(settings) < 23:
        raise BrokenPictureError("its decoder settings are truncated")
    sets: list[CodedPicture] = []
    pictures = 0
    for number, (from_settings, unit) in enumerate(_units(settings, data)):
        if number >= most_units:
            raise BrokenPictureError("it has too many NAL units")
        kind = unit[0] >> 1 & 63
        if (unit[0] & 1) << 5 | unit[1] >> 3:
            raise BrokenPictureError("it has several layers")
        if kind == _SEQUENCE_SET:
            sets.append(_size_in(unit[2 : 2 + _LONGEST_SET]))
        elif kind in _PICTURES and not from_settings:
            # The first bit of a slice is 1 if a picture starts.
            pictures += len(unit) > 2 and unit[2] >> 7
    if not sets or pictures != 1:
        raise BrokenPictureError(f"it must have one picture, but has {pictures}")
    if len(set(sets)) > 1:
        raise BrokenPictureError("it declares several sizes")
    return sets[0]


def _units(settings: bytes, data: bytes) -> Iterator[tuple[bool, bytes]]:
    try:
        for unit in _units_of_settings(settings):
            yield True, unit
        for unit in _units_of_data(data, (settings[21] & 3) + 1):
            yield False, unit
    except struct.error:
        raise BrokenPictureError("its units are cut off") from None


def _units_of_settings(settings: bytes) -> Iterator[bytes]:
    """Yield the units in an ``hvcC`` box (ISO/IEC 14496-15, 8.3.3.1)."""
    position = 23
    for _ in range(settings[22]):
        (count,) = struct.unpack_from(">H", settings, position + 1)
        position += 3
        for _ in range(count):
            (length,) = struct.unpack_from(">H", settings, position)
            yield _unit(settings, position + 2, length)
            position += 2 + length


def _units_of_data(data: bytes, prefix: int) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        length = int.from_bytes(data[position : position + prefix], "big")
        yield _unit(data, position + prefix, length)
        position += prefix + length


def _unit(data: bytes, start: int, length: int) -> bytes:
    """Return the first bytes of a unit; refuse a truncated unit."""
    if length < 2 or start + length > len(data):
        raise BrokenPictureError("its units are cut off")
    return data[start : start + min(length, 2 + _LONGEST_SET)]


class _Bits:
    """A reader of single bits, most significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise BrokenPictureError("its sequence parameters are truncated")
        return self._number >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """Return an unsigned Exp-Golomb code (H.265, 9.2)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise BrokenPictureError("its sequence parameters are damaged")
        return (1 << zeros) - 1 + self.take(zeros)


def _size_in(parameters: bytes) -> CodedPicture:
    """Return the size in a sequence parameter set (H.265, 7.3.2.2)."""
    # A byte 3 after two zeros is an escape that avoids start codes; it is not data.
    bits = _Bits(parameters.replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    _skip_profile(bits, layers)
    bits.golomb()
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)
    width, height = bits.golomb(), bits.golomb()
    if bits.take(1):
        for _ in range(4):
            bits.golomb()
    deep = bits.golomb() > 0 or bits.golomb() > 0
    planes = {0: 1.0, 1: 1.5, 2: 2.0, 3: 3.0}.get(chroma)
    if planes is None:
        raise BrokenPictureError("its sequence parameters are damaged")
    return CodedPicture(width, height, planes * (2 if deep else 1))


def _skip_profile(bits: _Bits, layers: int) -> None:
    """Skip profile, tier and level (H.265, 7.3.3)."""
    bits.take(96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
