"""What is no photo, is damaged or costs too much: named, and refused before it is decoded."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from shelfvision._photos.decode import decode_photo, read_photo
from shelfvision.data import DecodeLimits
from shelfvision.errors import InvalidParameterError, PhotoError, PhotoNotFoundError
from support import refuses
from support.heic import box

SIZE = (16, 16)


def encoded(kind: str, **options: object) -> bytes:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def code_of(data: bytes, **limits: int) -> str:
    with pytest.raises(PhotoError) as caught:
        decode_photo(data, image_size=SIZE, limits=DecodeLimits(**limits), where="Milk/a.jpg")
    assert caught.value.path == "Milk/a.jpg"
    assert "'Milk/a.jpg'" in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.code


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + b"".join(extra) + pixels + chunk(b"IEND", b"")


def jpeg_of_many_scans(n_scans: int) -> bytes:
    data = encoded("JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    scan = data[start:-2]
    return data[:start] + scan * n_scans + b"\xff\xd9"


def webp_canvas(width: int, height: int, n_frames: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<L", 10) + bytes([2 if n_frames else 0, 0, 0, 0]) + sides
    body += (b"ANMF" + struct.pack("<L", 16) + bytes(16)) * n_frames
    return b"RIFF" + struct.pack("<L", len(body)) + body


def jpeg_frame(width: int, height: int, components: int = 3) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, components) + bytes(3 * components)
    segment = b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame
    scan = b"\xff\xda" + struct.pack(">HB", 6 + 2 * components, components) + bytes(9)
    return b"\xff\xd8" + segment + scan + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"just a note, saved as .jpg", "not-an-image"),
        (b"GIF89a" + bytes(40), "not-an-image"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\xff\xd8\xff\xd9", "broken"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "broken"),
        (b"RIFF\x04\0\0\0WEBP", "broken"),
        (png(0, 5), "broken"),
        (png(200, 200), "truncated"),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_photo_is_refused(kind: str, kept: float) -> None:
    data = encoded(kind)
    assert code_of(data[: int(len(data) * kept)]) == "truncated"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_photo_is_refused_whatever_the_host_tells_pillow(
    monkeypatch: pytest.MonkeyPatch, *, progressive: bool
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded("JPEG", progressive=progressive)
    assert code_of(data[: int(len(data) * 0.7)]) == "truncated"


def test_a_truncated_progressive_photo_is_refused() -> None:
    data = encoded("JPEG", progressive=True)
    assert code_of(data[: len(data) // 2]) == "truncated"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: png(19_000, 19_000), "too-many-pixels"),
        (lambda: png(1, 100_000), "too-many-pixels"),
        (lambda: png(19_000, 19_000, depth=16, colour=0), "too-many-pixels"),
        (lambda: jpeg_frame(60_000, 60_000), "too-many-pixels"),
        (lambda: jpeg_frame(60_000, 60_000, components=4), "too-many-pixels"),
        (lambda: webp_canvas(16_000, 16_000), "too-many-pixels"),
        (lambda: jpeg_of_many_scans(500), "too-many-scans"),
        (lambda: png(9, 9, chunk(b"acTL", struct.pack(">LL", 10_000, 0))), "too-many-frames"),
        (lambda: webp_canvas(20, 20, n_frames=5000), "too-many-frames"),
        (lambda: png(9, 9, *[chunk(b"tEXt", b"a\0b")] * 30_000), "too-many-chunks"),
        (lambda: png(9, 9, *[chunk(b"IDAT", b"")] * 30_000), "too-many-chunks"),
    ],
)
def test_a_bomb_is_refused_before_it_costs_memory(make: Callable[[], bytes], code: str) -> None:
    data = make()
    tracemalloc.start()
    try:
        assert code_of(data) == code
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()


def segments(n_segments: int) -> bytes:
    """Return a JPEG that starts with many comments."""
    data = encoded("JPEG")
    return data[:2] + b"\xff\xfe\x00\x02" * n_segments + data[2:]


def heic(*sizes: tuple[int, int]) -> bytes:
    """Return a HEIC file that says it holds images of these sizes."""
    said = b"".join(box(b"ispe", struct.pack(">LLL", 0, *size)) for size in sizes)
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", said)))
    return box(b"ftyp", b"heic\0\0\0\0heic") + meta


def bombs() -> dict[str, bytes]:
    """Return sixty files that ask for far more than they hold, by name."""
    wide = ((7300, 7300), (19_999, 19_999), (65_535, 65_535), (1, 20_001), (20_001, 1))
    kinds = ((8, 0), (8, 2), (8, 3), (8, 4), (8, 6), (16, 0), (16, 2), (1, 0))
    made = {
        f"png-{depth}-{colour}-{size}": png(*size, depth=depth, colour=colour)
        for size in wide[:4]
        for depth, colour in kinds
    }
    made |= {f"jpeg-{n}-{size}": jpeg_frame(*size, n) for size in wide[1:] for n in (1, 3, 4)}
    made |= {f"webp-{side}": webp_canvas(side, side) for side in (7300, 16_383, 2**24)}
    made |= {f"heic-{size}": heic((512, 512), size) for size in wide[1:4]}
    made |= {f"scans-{n}": jpeg_of_many_scans(n) for n in (40, 200, 1000, 2000)}
    made |= {f"webp-frames-{n}": webp_canvas(20, 20, n_frames=n) for n in (2, 5000)}
    animated = chunk(b"acTL", struct.pack(">LL", 10_000, 0))
    made |= {"png-frames": png(9, 9, animated), "jpeg-chunks": segments(60_000)}
    made |= {
        f"png-chunks-{kind!r}": png(9, 9, *[chunk(kind, b"a\0b")] * 60_000)
        for kind in (b"tEXt", b"IDAT")
    }
    return made


_MEASURE = """
import json, pathlib, resource, sys, time
from shelfvision._photos.decode import read_photo
from shelfvision.errors import PhotoError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

folder = pathlib.Path(sys.argv[1])
read_photo(folder / "photo.jpg", image_size=(16, 16))
before, found = peak(), {}
for path in sorted(folder.glob("bomb-*")):
    began = time.process_time()
    try:
        read_photo(path, image_size=(16, 16))
        code = "decoded"
    except PhotoError as error:
        code = error.code
    found[path.name] = code, time.process_time() - began
print(json.dumps({"found": found, "grown_mib": peak() - before}))
"""


@pytest.mark.fuzz
@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with getrusage")
def test_sixty_bombs_together_cost_less_memory_than_one_may(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded("JPEG"))
    made = bombs()
    for number, data in enumerate(made.values()):
        (tmp_path / f"bomb-{number:02}").write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    measured = json.loads(run.stdout)
    codes, times = zip(*measured["found"].values(), strict=True)
    slowest = max(zip(times, made, strict=True))
    print(f"{len(codes)} bombs: {dict(Counter(codes))}, {measured['grown_mib']:.1f} MiB, ", end="")
    print(f"the slowest {1000 * slowest[0]:.1f} ms, {slowest[1]}")
    assert len(codes) == 60
    assert set(codes) <= {"too-many-pixels", "too-many-scans", "too-many-frames", "too-many-chunks"}
    assert measured["grown_mib"] < 32


def test_texts_that_unpack_to_gigabytes_are_not_unpacked() -> None:
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**24), 9))
    image = Image.new("RGB", (4, 4), (1, 2, 3))
    file = io.BytesIO()
    image.save(file, "PNG")
    data = file.getvalue()
    end_of_header = 8 + 25
    tracemalloc.start()
    try:
        pixels = decode_photo(
            data[:end_of_header] + bomb * 20 + data[end_of_header:], image_size=(4, 4)
        )
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
    assert (pixels == (1, 2, 3)).all()


def test_limits_are_the_callers_to_set() -> None:
    data = encoded("JPEG", progressive=True)
    assert code_of(data, max_bytes=100) == "too-large"
    assert code_of(data, max_side=59) == "too-many-pixels"
    assert code_of(data, max_pixels=40 * 60 - 1) == "too-many-pixels"
    assert code_of(data, max_scans=2) == "too-many-scans"
    assert code_of(encoded("PNG"), max_chunks=2) == "too-many-chunks"
    exact = DecodeLimits(max_side=60, max_pixels=40 * 60, max_bytes=len(data))
    assert decode_photo(data, image_size=SIZE, limits=exact).shape == (16, 16, 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_first_frame_of_an_animation_is_the_photo_where_animations_are_allowed(
    kind: str,
) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], lossless=True)
    assert code_of(file.getvalue()) == "too-many-frames"
    allowed = DecodeLimits(max_frames=3)
    pixels = decode_photo(file.getvalue(), image_size=(8, 8), limits=allowed)
    assert (pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "9"])
def test_a_limit_that_is_no_number_is_refused(value: object) -> None:
    with refuses(InvalidParameterError, "not-in-range", "max_scans"):
        DecodeLimits(max_scans=value)  # type: ignore[arg-type]  # on purpose


ORIGINALS = {kind: encoded(kind) for kind in ("JPEG", "PNG", "WEBP")}


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(sorted(ORIGINALS)),
    edits=st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), max_size=6),
    kept=st.floats(0.1, 1),
)
def test_damaged_bytes_give_pixels_or_a_photo_error_and_no_warning(
    kind: str, edits: list[tuple[float, bytes]], kept: float
) -> None:
    data = bytearray(ORIGINALS[kind])
    for place, piece in edits:
        start = int(place * len(data))
        data[start : start + len(piece)] = piece
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            pixels = decode_photo(bytes(data[: int(kept * len(data))]), image_size=SIZE)
        except PhotoError:
            return
    assert pixels.shape == (16, 16, 3)


def test_any_error_of_the_decoder_comes_out_as_a_photo_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error in (MemoryError(), SyntaxError("x"), struct.error("x"), OverflowError("x")):

        def fail(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("shelfvision._photos.decode.as_rgb", fail)
        assert code_of(encoded("PNG")) == "broken"


def test_a_missing_photo_is_named(tmp_path: Path) -> None:
    with refuses(PhotoNotFoundError, "not-found") as caught:
        read_photo(tmp_path / "nowhere.jpg", image_size=SIZE)
    assert "nowhere.jpg" in str(caught.value)


def test_a_folder_or_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    with refuses(PhotoError, "not-a-file"):
        read_photo(tmp_path, image_size=SIZE)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with refuses(PhotoError, "not-a-file"):
            read_photo(tmp_path / "pipe.jpg", image_size=SIZE)


def test_a_photo_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))
    monkeypatch.setattr("shelfvision._storage.reading.os.open", refuse)
    with refuses(PhotoError, "permission") as caught:
        read_photo(tmp_path / "a.jpg", image_size=SIZE)
    assert caught.value.path == str(tmp_path / "a.jpg")
