"""HEIC files that ask for more than they say: refused before anything is decoded."""

from __future__ import annotations

import dataclasses
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision._photos.decode import decode_photo
from shelfvision._photos.headers import read_header
from shelfvision.data import DecodeLimits
from shelfvision.errors import PhotoError
from support.heic import ALPHA, Coded, File, Item, box, coded, full, grid, ispe, overlay

pytest.importorskip("pillow_heif", reason="needs pillow-heif to write HEIC")

SIDE = 64


def plain(side: int, value: int = 120) -> Coded:
    return coded(np.full((side, side, 3), value, np.uint8))


@pytest.fixture(scope="module")
def tile() -> Coded:
    return plain(SIDE)


@pytest.fixture(scope="module")
def large() -> Coded:
    return plain(512)


def tile_item(tile: Coded, side: int = SIDE, **more: object) -> Item:
    return Item(b"hvc1", tile.data, (ispe(side, side), tile.settings), **more)  # type: ignore[arg-type]  # a shorthand


def overlay_item(width: int, height: int, made_of: list[int], told: int = SIDE) -> Item:
    return Item(b"iovl", overlay(width, height, len(made_of)), (ispe(told, told),), made_of)


def decoded(file: File) -> npt.NDArray[np.uint8]:
    return decode_photo(file.write(), image_size=(SIDE, SIDE), where="a.heic")


def code_of(file: File, limits: DecodeLimits | None = None) -> str:
    """Return the code with which a file is refused, soon and before the decoder is asked."""
    data, began = file.write(), time.process_time()
    with pytest.raises(PhotoError) as caught:
        read_header(data, limits=limits or DecodeLimits(), where="a.heic")
    assert time.process_time() - began < 2
    assert caught.value.path == "a.heic"
    return caught.value.code


def test_images_that_are_made_of_others_are_read(tile: Coded) -> None:
    tiles = {number: tile_item(tile) for number in (1, 2, 3, 4)}
    joined = Item(b"grid", grid(2, 2, 128, 128), (ispe(128, 128),), (1, 2, 3, 4))
    over = Item(b"iovl", overlay(128, 128), (ispe(128, 128),), (5,))
    turned = Item(b"iden", b"", (ispe(128, 128), box(b"irot", b"\1")), (5,))
    for method in (0, 1):
        items = {**tiles, 5: dataclasses.replace(joined, method=method)}
        assert np.abs(decoded(File(items, 5)).astype(int) - 120).max() <= 3
        items[6] = dataclasses.replace(over, method=method)
        assert np.abs(decoded(File(items, 6)).astype(int) - 120).max() <= 3
    items[7] = dataclasses.replace(turned, data=b"x")
    assert read_header(File(items, 7).write(), limits=DecodeLimits(), where="").width == 128


def test_a_turned_photo_is_told_with_its_upright_size() -> None:
    wide = coded(np.zeros((64, 128, 3), np.uint8))
    for turns, size in ((0, (128, 64)), (1, (64, 128)), (2, (128, 64)), (3, (64, 128))):
        irot = box(b"irot", bytes([turns]))
        data = File({1: Item(b"hvc1", wide.data, (ispe(128, 64), wide.settings, irot))}, 1).write()
        header = read_header(data, limits=DecodeLimits(), where="")
        assert (header.width, header.height) == size
        assert decode_photo(data, image_size=(size[1], size[0])).shape == (size[1], size[0], 3)


def test_the_canvas_of_an_overlay_counts_whatever_is_said_before(tile: Coded) -> None:
    for canvas, code in (((20_000, 20_000), "too-many-pixels"), ((20_001, 1), "too-many-pixels")):
        items = {1: tile_item(tile), 2: overlay_item(*canvas, [1])}
        assert code_of(File(items, 2)) == code
    items = {1: tile_item(tile), 2: overlay_item(2048, 2048, [1])}
    assert code_of(File(items, 2)) == "broken"
    items = {1: tile_item(tile), 2: Item(b"iovl", overlay(2048, 2048), (), (1,))}
    assert code_of(File(items, 2), DecodeLimits(max_pixels=2048 * 2047)) == "too-many-pixels"


@pytest.mark.parametrize("rows", [1, 16, 200])
def test_a_grid_counts_whatever_is_said_before(tile: Coded, rows: int) -> None:
    data = grid(rows, rows, 20_000, 20_000)
    items = {1: tile_item(tile), 2: Item(b"grid", data, (ispe(SIDE, SIDE),), [1] * rows**2)}
    assert code_of(File(items, 2)) in {"too-many-pixels", "too-many-chunks", "broken"}
    data = grid(rows, rows, SIDE, SIDE)
    items = {1: tile_item(tile), 2: Item(b"grid", data, (ispe(SIDE, SIDE),), [1] * 7)}
    assert code_of(File(items, 2)) == "broken"


def test_the_size_that_is_coded_counts(tile: Coded, large: Coded) -> None:
    assert code_of(File({1: tile_item(large)}, 1)) == "broken"
    limits = DecodeLimits(max_side=500)
    assert code_of(File({1: tile_item(large)}, 1), limits) == "too-many-pixels"
    within = Coded(tile.settings, large.sequence_set + tile.data)
    assert code_of(File({1: tile_item(within)}, 1)) == "broken"


def test_an_image_has_one_picture(tile: Coded) -> None:
    assert decoded(File({1: tile_item(tile)}, 1)).shape == (SIDE, SIDE, 3)
    for data in (tile.data * 2, tile.data * 500, tile.sequence_set):
        assert code_of(File({1: tile_item(Coded(tile.settings, data))}, 1)) == "broken"
    cut = Coded(tile.settings, tile.data[:-1])
    assert code_of(File({1: tile_item(cut)}, 1)) == "broken"
    many = Coded(tile.settings, struct.pack(">LH", 2, 0x4E01) * 30_000 + tile.data)
    assert code_of(File({1: tile_item(many)}, 1)) == "broken"


@pytest.mark.parametrize("kind", [b"iovl", b"iden"])
def test_nested_images_are_refused(tile: Coded, kind: bytes) -> None:
    items = {1: tile_item(tile)}
    for number in range(2, 40):
        data = overlay(SIDE, SIDE) if kind == b"iovl" else b"x"
        items[number] = Item(kind, data, (ispe(SIDE, SIDE),), (number - 1,))
    assert code_of(File(items, 39)) == "broken"
    # The decoder walks down images that are not the photo as well.
    assert code_of(File(items, 1)) == "broken"


def test_images_that_are_used_again_and_again_count_each_time(large: Coded) -> None:
    items = {1: tile_item(large, 512)}
    for number in (2, 3, 4):
        items[number] = overlay_item(512, 512, [number - 1] * 200, told=512)
    assert code_of(File(items, 2), DecodeLimits(max_pixels=512 * 512)) == "too-many-pixels"
    assert code_of(File(items, 4)) in {"too-many-pixels", "broken"}


@pytest.mark.parametrize("primary", [1, 2])
@pytest.mark.parametrize("circle", [{2: [2]}, {2: [3], 3: [2]}, {2: [3], 3: [4], 4: [1, 2]}])
def test_images_that_are_made_of_themselves_are_refused(
    tile: Coded, circle: dict[int, list[int]], primary: int
) -> None:
    items = {1: tile_item(tile)}
    for number, made_of in circle.items():
        items[number] = overlay_item(SIDE, SIDE, made_of)
    assert code_of(File(items, primary)) == "broken"


def test_alpha_images_count(tile: Coded, large: Coded) -> None:
    alpha = Item(b"hvc1", tile.data, (ispe(SIDE, SIDE), tile.settings, ALPHA), alpha_of=1)
    items = {1: tile_item(tile), 2: alpha}
    header = read_header(File(items, 1).write(), limits=DecodeLimits(), where="")
    bare = read_header(File({1: tile_item(tile)}, 1).write(), limits=DecodeLimits(), where="")
    assert header.decoding_bytes > bare.decoding_bytes
    items[2] = Item(b"hvc1", large.data, (ispe(512, 512), large.settings, ALPHA), alpha_of=1)
    assert code_of(File(items, 1), DecodeLimits(max_pixels=SIDE * SIDE)) == "too-many-pixels"
    items[2] = dataclasses.replace(alpha, alpha_of=2)
    assert code_of(File(items, 1)) == "broken"
    for number in range(2, 12):
        items[number] = dataclasses.replace(alpha, alpha_of=number - 1)
    assert code_of(File(items, 1)) == "broken"


def changed(file: File, old: bytes, new: bytes) -> Callable[[], bytes]:
    data = file.write()
    assert data.count(old) == 1
    return lambda: data.replace(old, new)


def test_what_is_odd_is_refused(tile: Coded) -> None:
    item = tile_item(tile)
    turns = tuple(box(b"irot", bytes([1, *bytes(number)])) for number in range(20))
    odd = {
        "in another item": File({1: dataclasses.replace(item, method=2)}, 1),
        "of another codec": File({1: dataclasses.replace(item, kind=b"av01")}, 1),
        "of an unknown kind": File({1: dataclasses.replace(item, kind=b"zzzz")}, 1),
        "without a size": File({1: Item(b"hvc1", tile.data, (tile.settings,))}, 1),
        "without settings": File({1: Item(b"hvc1", tile.data, (ispe(SIDE, SIDE),))}, 1),
        "turned often": File({1: Item(b"hvc1", tile.data, (*item.properties, *turns))}, 1),
        "of two sizes": File({1: Item(b"hvc1", tile.data, (*item.properties, ispe(8, 8)))}, 1),
        "not there": File({1: item}, 9),
        "made of what is not there": File({1: item, 2: overlay_item(SIDE, SIDE, [7])}, 2),
        "made of nothing": File({1: item, 2: Item(b"iovl", overlay(8, 8, 0))}, 2),
        "read often": File({1: dataclasses.replace(item, extents=3000)}, 1),
        "two primaries": File({1: item}, 1, more=full(b"pitm", b"\0\1")),
        "two lists": File({1: item}, 1, after=full(b"meta", b"")),
        "two ways": File(
            {1: item, 2: overlay_item(SIDE, SIDE, [1])},
            2,
            references=box(b"dimg", struct.pack(">HHH", 2, 1, 1)),
        ),
    }
    for name, file in odd.items():
        assert code_of(file) in {"broken", "truncated"}, name


def test_what_no_pixel_depends_on_never_reaches_the_decoder(tile: Coded) -> None:
    """Exif, compressed XMP and films: their places are read no more than once, or not at all."""
    bomb = zlib.compress(bytes(2**20), 9)
    items = {
        1: tile_item(tile),
        2: Item(b"Exif", bytes(1000), extents=30),
        3: Item(b"mime", bomb, extents=30),
    }
    describes = b"".join(box(b"cdsc", struct.pack(">HHH", number, 1, 1)) for number in (2, 3))
    film = box(b"moov", box(b"mvhd", b"\xff" * 100))
    long = struct.pack(">L", 1) + b"moov" + struct.pack(">Q", 16 + 40) + b"\xff" * 40
    file = File(items, 1, references=describes, after=film + long)
    header = read_header(file.write(), limits=DecodeLimits(), where="")
    for kind in (b"Exif", b"mime", b"moov"):
        assert kind not in header.data
    assert np.abs(decoded(file).astype(int) - 120).max() <= 3


def test_profiles_that_all_images_share_are_bounded(tile: Coded) -> None:
    profile = box(b"colr", b"prof" + bytes(1_000_000))
    items = {
        number: Item(b"hvc1", tile.data, (ispe(SIDE, SIDE), tile.settings, profile))
        for number in range(1, 40)
    }
    assert code_of(File(items, 1)) == "broken"
    assert decoded(File({1: items[1]}, 1)).shape == (SIDE, SIDE, 3)


def test_the_memory_of_deep_and_full_colour_counts(tile: Coded) -> None:
    data = File({1: tile_item(tile)}, 1).write()
    needed = read_header(data, limits=DecodeLimits(), where="").memory()
    assert decode_photo(data, image_size=(8, 8), limits=DecodeLimits(max_memory=needed)).any()
    with pytest.raises(PhotoError) as caught:
        decode_photo(data, image_size=(8, 8), limits=DecodeLimits(max_memory=needed - 1))
    assert caught.value.code == "too-much-memory"


@pytest.mark.fuzz
def test_damaged_boxes_are_refused_or_harmless(
    tile: Coded, fuzz_count: Callable[[int, int], int]
) -> None:
    items = {number: tile_item(tile) for number in (1, 2, 3, 4)}
    items[5] = Item(b"grid", grid(2, 2, 128, 128), (ispe(128, 128),), (1, 2, 3, 4))
    items[6] = overlay_item(128, 128, [5], told=128)
    data, rng, outcomes = File(items, 6).write(), np.random.default_rng(0), set()
    for _ in range(fuzz_count(400, 50_000)):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data) - len(tile.data), rng.integers(1, 4)):
            damaged[place] = rng.choice((0, 1, 2, 127, 128, 255, int(rng.integers(256))))
        try:
            assert decode_photo(bytes(damaged), image_size=(8, 8)).shape == (8, 8, 3)
            outcomes.add("decoded")
        except PhotoError as error:
            outcomes.add(error.code)
    assert {"decoded", "broken"} <= outcomes
