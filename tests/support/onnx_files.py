"""Parts of ONNX files as bytes, and a small limit of the memory that graphs may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shelfvision._runtime._onnx_session import _bounded_in
from shelfvision.export import Predictor

_SMALL = Path(__file__).parents[1] / "export" / "golden" / "tiny.onnx"


def varint(value: int) -> bytes:
    """Return a whole number of protobuf."""
    data = b""
    while value > 0x7F:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


def field(number: int, value: bytes) -> bytes:
    """Return a field of protobuf that holds bytes."""
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def entry(key: str, value: str) -> bytes:
    """Return an entry of an ONNX file's metadata."""
    return field(14, field(1, key.encode()) + field(2, value.encode()))


@contextmanager
def memory_of(limit: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let graphs take so many bytes; the limit is the process's, so it is put back after."""
    with monkeypatch.context() as patch:
        patch.setattr("shelfvision._runtime._onnx_session.MOST_MEMORY", limit)
        _bounded_in.clear()
        yield
    _bounded_in.clear()
    Predictor(_SMALL)
