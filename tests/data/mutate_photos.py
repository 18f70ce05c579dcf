"""Decode many damaged photos and print what came of it; test_damaged_photos.py runs it alone."""

from __future__ import annotations

import io
import json
import random
import re
import resource
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from shelfvision._photos.decode import decode_photo
from shelfvision._photos.heic.opening import heif_is_installed
from shelfvision.errors import PhotoError

Damage = Callable[[bytearray, random.Random], None]


def originals() -> list[bytes]:
    """Return small photos of every kind that is decoded."""
    photo = Image.effect_mandelbrot((72, 56), (-2, -1.5, 1, 1.5), 60)
    colour = Image.merge("RGB", (photo, photo.rotate(90), photo.rotate(180)))
    alpha = colour.copy()
    alpha.putalpha(photo)
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds: list[tuple[Image.Image, str, dict[str, object]]] = [
        (colour, "JPEG", {"exif": exif}),
        (colour, "JPEG", {"progressive": True, "restart_marker_rows": 1}),
        (photo, "JPEG", {"quality": 30}),
        (colour.convert("CMYK"), "JPEG", {}),
        (colour, "PNG", {"exif": exif}),
        (colour.quantize(16), "PNG", {"transparency": 3}),
        (photo.convert("I;16"), "PNG", {}),
        (alpha, "PNG", {}),
        (colour, "WEBP", {"exif": exif}),
        (alpha, "WEBP", {"lossless": True}),
    ]
    files = []
    for image, kind, options in kinds:
        file = io.BytesIO()
        image.save(file, kind, **options)
        files.append(file.getvalue())
    if heif_is_installed():
        import pillow_heif

        file = io.BytesIO()
        pillow_heif.from_pillow(colour).save(file)
        files.append(file.getvalue())
    return files


def place_in(data: bytearray, chance: random.Random) -> int:
    """Return a place, among the headers half of the time."""
    return chance.randrange(min(len(data), 120) if chance.random() < 0.5 else len(data))


def flip_bit(data: bytearray, chance: random.Random) -> None:
    data[place_in(data, chance)] ^= 1 << chance.randrange(8)


def overwrite(data: bytearray, chance: random.Random) -> None:
    start = place_in(data, chance)
    length = min(chance.choice((1, 2, 4, 16)), len(data) - start)
    fill = chance.choice((b"\0", b"\xff", b"\x7f", chance.randbytes(1)))
    data[start : start + length] = fill * length


def set_number(data: bytearray, chance: random.Random) -> None:
    size = chance.choice((2, 4))
    start = place_in(data, chance)
    number = chance.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1)) % 256**size
    data[start : start + size] = number.to_bytes(size, chance.choice(("big", "little")))


def cut_out(data: bytearray, chance: random.Random) -> None:
    start = place_in(data, chance)
    del data[start : start + chance.randrange(1, 64)]


def repeat(data: bytearray, chance: random.Random) -> None:
    start = place_in(data, chance)
    data[start:start] = data[start : start + chance.randrange(1, 256)] * chance.choice((1, 2, 50))


def truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def add_noise(data: bytearray, chance: random.Random) -> None:
    start = place_in(data, chance)
    data[start:start] = chance.randbytes(chance.randrange(1, 64))


DAMAGES: tuple[Damage, ...] = (
    *(flip_bit, flip_bit, overwrite, overwrite, set_number, set_number),
    *(cut_out, repeat, truncate, add_noise),
)


def damaged(number: int, files: list[bytes]) -> bytes:
    """Return one damaged photo, the same for one number whenever it is asked for."""
    chance = random.Random(number)
    data = bytearray(chance.choice(files))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if data:
            chance.choice(DAMAGES)(data, chance)
    return bytes(data)


def peak_mib() -> int:
    """Return the most memory that this program ever held."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    # What getrusage tells on Linux starts with the memory of the process that started this one.
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) // 1024


def main(start: int, count: int) -> None:
    """Decode so many damaged photos and print the outcome as JSON."""
    files = originals()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(start, start + count):
        data = damaged(number, files)
        began = time.process_time()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                pixels = decode_photo(data, image_size=(16, 16), where=str(number))
                outcomes["decoded" if pixels.shape == (16, 16, 3) else "wrong shape"] += 1
            except PhotoError as error:
                outcomes[error.code] += 1
            except BaseException as error:  # noqa: BLE001  (any other is what is looked for)
                outcomes[f"{number}: {error!r}"] += 1
        outcomes.update(f"{number}: {warning.message}" for warning in told)
        slowest = max(slowest, time.process_time() - began)
    print(json.dumps({"outcomes": outcomes, "slowest_s": slowest, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
