"""Keeps decoded pixels, in memory or in one memory-mapped file."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shelfvision._files import write_atomically
from shelfvision.data._blocks import write_blocks
from shelfvision.data._sources import (
    ArrayPixels,
    MappedPixels,
    digests_of,
    origin_of,
    read_rows,
    resize_of,
)
from shelfvision.protocols import PixelSource

_SCHEME = "shelfvision-pixels-1"
# Photos that are decoded between two writes.
_BLOCK = 256


def cached_in_memory(source: PixelSource, rows: npt.NDArray[np.int64]) -> ArrayPixels:
    """Read rows into memory."""
    # The digests come first: reading then tells if a photo changes in between.
    digests = digests_of(source, rows)
    return ArrayPixels(
        read_rows(source, rows),
        digests=digests,
        resize=resize_of(source),
        origin=origin_of(source, rows),
    )


def cached_in_directory(
    source: PixelSource,
    rows: npt.NDArray[np.int64],
    directory: str | os.PathLike[str],
    *,
    key: str,
) -> ArrayPixels:
    """Read rows into a file named after `key`, or open the one that is there and whole."""
    if not len(rows):
        # Nothing can be mapped of an empty file.
        return cached_in_memory(source, rows)
    pixels = Path(directory) / f"photos-{key[:32]}.npy"
    note = pixels.with_suffix(".json")
    digests, resize = digests_of(source, rows), resize_of(source)
    shape = (len(rows), *source.image_size, 3)
    if not _is_whole(pixels, note, key, shape):
        checksum = _write_pixels(pixels, source, rows, shape)
        # Written last: without it the pixels are not trusted.
        facts = {"scheme": _SCHEME, "fingerprint": key, "shape": shape, "sha256": checksum}
        write_atomically(note, json.dumps(facts, indent=2).encode())
    return MappedPixels(pixels, digests=digests, resize=resize, origin=origin_of(source, rows))


def _write_pixels(
    path: Path, source: PixelSource, rows: npt.NDArray[np.int64], shape: tuple[int, ...]
) -> str:
    header = io.BytesIO()
    facts = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, facts)
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    sizes = [len(block) * math.prod(shape[1:]) for block in blocks]
    return write_blocks(
        path, header.getvalue(), sizes, lambda number: read_rows(source, blocks[number]).tobytes()
    )


def _is_whole(pixels: Path, note: Path, key: str, shape: tuple[int, ...]) -> bool:
    """Tell whether the files are there, belong together and have not been damaged."""
    try:
        facts = json.loads(note.read_bytes())
        images = np.load(pixels, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return False
    expected = {"scheme": _SCHEME, "fingerprint": key, "shape": list(shape)}
    if not isinstance(facts, dict) or any(facts.get(name) != expected[name] for name in expected):
        return False
    if images.shape != shape or images.dtype != np.uint8:
        return False
    checksum = hashlib.sha256()
    for start in range(0, len(images), _BLOCK):
        checksum.update(np.ascontiguousarray(images[start : start + _BLOCK]).data)
    return bool(checksum.hexdigest() == facts.get("sha256"))
