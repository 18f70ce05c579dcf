"""Decode one large photo of each format and mode, each in a process of its own; print the peaks.

``python tests/data/measure_photos.py 7200`` prints the table of docs/security.md; 7200 is the side.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from shelfvision._photos.decode import decode_photo, decode_whole
from shelfvision._photos.headers import read_header
from shelfvision._photos.heic.opening import heif_is_installed
from shelfvision.data import DecodeLimits

COLOURS: dict[str, object] = {
    "1": 1,
    "L": 9,
    "P": 1,
    "LA": (9, 100),
    "RGB": (9, 8, 7),
    "RGBA": (9, 8, 7, 100),
    "CMYK": (9, 8, 7, 6),
}
KINDS: dict[str, tuple[str, str, dict[str, object]]] = {
    "JPEG grey": ("JPEG", "L", {}),
    "JPEG": ("JPEG", "RGB", {}),
    "JPEG CMYK": ("JPEG", "CMYK", {}),
    "JPEG progressive": ("JPEG", "RGB", {"progressive": True}),
    "JPEG progressive 4:4:4": ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    "JPEG progressive CMYK": ("JPEG", "CMYK", {"progressive": True, "subsampling": 0}),
    "PNG 1 bit": ("PNG", "1", {}),
    "PNG grey": ("PNG", "L", {}),
    "PNG grey, 16 bits": ("PNG", "I;16", {}),
    "PNG grey, alpha": ("PNG", "LA", {}),
    "PNG palette, transparent": ("PNG", "P", {"transparency": 0}),
    "PNG": ("PNG", "RGB", {}),
    "PNG, transparent colour": ("PNG", "RGB", {"transparency": (1, 2, 3)}),
    "PNG alpha": ("PNG", "RGBA", {}),
    "WebP": ("WEBP", "RGB", {"quality": 60, "method": 0}),
    "WebP alpha": ("WEBP", "RGBA", {"quality": 60, "method": 0}),
    "WebP lossless, alpha": ("WEBP", "RGBA", {"lossless": True, "method": 0}),
}
HEIC = {"HEIC": "RGB", "HEIC alpha": "RGBA"}


def encoded(name: str, side: int) -> bytes:
    """Return a photo without much in it."""
    file = io.BytesIO()
    if name in HEIC:
        import pillow_heif

        mode = HEIC[name]
        image = Image.new(mode, (side, side), COLOURS[mode])  # type: ignore[arg-type]  # one of its kinds
        pillow_heif.from_pillow(image).save(file, quality=30)
        return file.getvalue()
    kind, mode, options = KINDS[name]
    if mode == "I;16":
        image = Image.fromarray(np.full((side, side), 900, np.uint16))
    else:
        image = Image.new(mode, (side, side), COLOURS[mode])  # type: ignore[arg-type]  # one of its kinds
    image.save(file, kind, **options)
    return file.getvalue()


def memory(what: str) -> float:
    """Return this process's peak (``VmHWM``) or present memory (``VmRSS``) in MiB."""
    found = re.search(rf"^{what}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def in_child(work: Callable[[], object]) -> object:
    """Return what a function gives in a process of its own."""
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.write(write, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        data = file.read()
    os.wait()
    return json.loads(data)


def measured(data: bytes, *, whole: bool) -> list[float]:
    """Return peak memory above the baseline and its estimate in MiB, and seconds of the CPU."""
    limits = DecodeLimits(max_memory=2**40)
    estimate = read_header(data, limits=limits, where="").memory() / 2**20
    before, began = memory("VmRSS"), time.process_time()
    if whole:
        decode_whole(data, limits=limits)
    else:
        decode_photo(data, image_size=(224, 224), limits=limits)
    return [memory("VmHWM") - before, estimate, time.process_time() - began]


def largest_side(name: str, side: int) -> int:
    """Return the side of the largest photo that the limits accept, up to `side`."""
    small = encoded(name, 512)
    header = read_header(small, limits=DecodeLimits(), where="")
    each = (header.memory() - 8 * 2**20) / 512**2
    return min(side, int(((512 - 16) * 2**20 / each) ** 0.5) // 16 * 16)


def main(side: int) -> None:
    """Print a line for each format and mode, and all of them as JSON in the end."""
    found: dict[str, list[float]] = {}
    decode_photo(encoded("PNG", 64), image_size=(8, 8))
    if heif_is_installed():
        decode_photo(encoded("HEIC", 64), image_size=(8, 8))
    for name in (*KINDS, *(HEIC if heif_is_installed() else ())):
        wide = largest_side(name, side)
        place = Path(f"/tmp/shelfvision-measure-{os.getpid()}")

        def write(name: str = name, wide: int = wide, place: Path = place) -> int:
            return place.write_bytes(encoded(name, wide))

        in_child(write)
        data = place.read_bytes()
        place.unlink()
        for whole in (False, True):
            result = in_child(lambda data=data, whole=whole: measured(data, whole=whole))  # type: ignore[misc]  # bound now
            assert isinstance(result, list)
            found[f"{name}{', whole' if whole else ''}"] = result
            size = f"{wide * wide / 1e6:.1f} MP"
            print(f"{name:26} {size:8} {'whole' if whole else '224':6}", end="", file=sys.stderr)
            print(" {:5.0f} MiB of {:4.0f}, {:.2f} s".format(*result), file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
