"""`Dataset.cached`: decoded once, the same dataset."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._photos.sources import read_rows
from shelfvision.errors import PhotoError, StorageError
from shelfvision.protocols import Images, PixelSource
from support import refuses

Places = Callable[[Path], Path | None]
places = pytest.mark.parametrize("place", [lambda _: None, lambda path: path / "cache"])


@places
def test_a_cached_dataset_is_the_same_dataset(shop: Path, tmp_path: Path, place: Places) -> None:
    ds = shv.Dataset.from_directory(shop, image_size=(12, 16))[[4, 0, 2]].relabel({"Milk": "A"})
    cached = ds.cached(place(tmp_path))
    np.testing.assert_array_equal(cached.to_arrays()[0], ds.to_arrays()[0])
    for column in ("ids", "labels", "groups", "copies"):
        np.testing.assert_array_equal(getattr(cached, column), getattr(ds, column))
    assert cached.class_names == ds.class_names
    assert cached.fingerprint == ds.fingerprint
    assert cached[1:].fingerprint == ds[1:].fingerprint
    cached[0][0][:] = 0
    cached.read_batch([0])[:] = 0
    np.testing.assert_array_equal(cached[0][0], ds[0][0])


@places
def test_the_photos_may_go_once_they_are_cached(shop: Path, tmp_path: Path, place: Places) -> None:
    ds = shv.Dataset.from_directory(shop)
    cached = ds.cached(place(tmp_path))
    before = cached.to_arrays()[0]
    for photo in shop.rglob("*.*"):
        photo.unlink()
    np.testing.assert_array_equal(cached.to_arrays()[0], before)
    assert cached.groups[0].startswith("content:")
    assert pickle.loads(pickle.dumps(cached)).fingerprint == cached.fingerprint


@places
def test_groups_that_were_joined_or_named_are_kept(
    shop: Path, tmp_path: Path, place: Places
) -> None:
    (shop / "Milk/copy.jpg").write_bytes((shop / "Juice/1.JPG").read_bytes())
    ds = shv.Dataset.from_directory(shop).group_near_duplicates()
    np.testing.assert_array_equal(ds[::-1].cached(place(tmp_path)).groups, ds.groups[::-1])
    images, labels = ds.to_arrays()
    named = shv.Dataset.from_arrays(images, labels, groups=list("aabbcc"))
    np.testing.assert_array_equal(named[2:].cached(place(tmp_path)).groups, named.groups[2:])


def test_a_cache_on_disk_is_reused_and_shared(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = shv.Dataset.from_directory(shop)
    first = ds.cached(tmp_path / "cache")
    files = sorted((tmp_path / "cache").iterdir())
    assert [file.suffix for file in files] == [".json", ".npy"]
    stamps = [file.stat().st_mtime_ns for file in files]
    monkeypatch.setattr("shelfvision._photos.file_pixels.decode_photo", None)
    again = shv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    np.testing.assert_array_equal(again.to_arrays()[0], first.to_arrays()[0])
    assert [file.stat().st_mtime_ns for file in files] == stamps
    assert len(pickle.dumps(again)) < 10_000


def test_a_cache_of_other_photos_or_sizes_is_never_used(shop: Path, tmp_path: Path) -> None:
    shv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    (shop / "Milk/b.jpg").write_bytes((shop / "Juice/1.JPG").read_bytes())
    changed = shv.Dataset.from_directory(shop)
    cached = changed.cached(tmp_path / "cache")
    np.testing.assert_array_equal(cached.to_arrays()[0], changed.to_arrays()[0])
    padded = shv.Dataset.from_directory(shop, resize="pad")
    np.testing.assert_array_equal(
        padded.cached(tmp_path / "cache").to_arrays()[0], padded.to_arrays()[0]
    )


@pytest.mark.parametrize("damage", ["flip", "cut", "no note", "no facts", "other facts"])
def test_a_damaged_cache_is_written_anew(shop: Path, tmp_path: Path, damage: str) -> None:
    ds = shv.Dataset.from_directory(shop)
    ds.cached(tmp_path / "cache")
    note, pixels = sorted((tmp_path / "cache").iterdir())
    data = bytearray(pixels.read_bytes())
    if damage == "flip":
        data[-7] ^= 1
        pixels.write_bytes(data)
    elif damage == "cut":
        pixels.write_bytes(data[:-7])
    elif damage == "no note":
        note.unlink()
    elif damage == "no facts":
        note.write_text("[]")
    else:
        note.write_text(note.read_text().replace('"key": "', '"key": "0'))
    again = shv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    np.testing.assert_array_equal(again.to_arrays()[0], ds.to_arrays()[0])
    assert json.loads(note.read_text())["key"] == ds.fingerprint


def test_an_empty_dataset_can_be_cached_on_disk(shop: Path, tmp_path: Path) -> None:
    assert len(shv.Dataset.from_directory(shop)[:0].cached(tmp_path / "cache")) == 0


def test_a_photo_that_changes_meanwhile_stops_the_cache(
    shop: Path, make_photo: Callable[..., Path]
) -> None:
    ds = shv.Dataset.from_directory(shop)
    _ = ds.groups
    make_photo(shop / "Milk/b.jpg", 77)
    os.utime(shop / "Milk/b.jpg", (5, 5))
    with refuses(PhotoError, "changed") as caught:
        ds.cached()
    assert caught.value.path == str(shop / "Milk" / "b.jpg")


def test_a_cache_that_cannot_be_written_is_named(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with refuses(StorageError, "not-writable"):
        shv.Dataset.from_directory(shop).cached(tmp_path / "taken")


def cut_off(shop: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Start writing a cache, a photo a block, and end like a killed process."""
    read: list[npt.NDArray[np.int64]] = []

    def reading(source: PixelSource, rows: npt.NDArray[np.int64]) -> Images:
        if len(read) == after:
            raise KeyboardInterrupt
        read.append(rows)
        return read_rows(source, rows)

    with monkeypatch.context() as patch:
        patch.setattr("shelfvision.data._pixels.read_rows", reading)
        with pytest.raises(KeyboardInterrupt):
            shv.Dataset.from_directory(shop).cached(cache)


@pytest.fixture
def photo_by_photo(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Write caches a photo a block; return the rows that are read from now on."""
    read: list[int] = []

    def reading(source: PixelSource, rows: npt.NDArray[np.int64]) -> Images:
        read.extend(rows.tolist())
        return read_rows(source, rows)

    monkeypatch.setattr("shelfvision.data._pixels._BLOCK", 1)
    monkeypatch.setattr("shelfvision.data._pixels.read_rows", reading)
    return read


@pytest.mark.skipif(sys.platform == "win32", reason="Windows writes caches in one go")
@pytest.mark.parametrize("damage", ["none", "flip", "cut", "no journal", "torn journal"])
def test_a_cache_that_was_cut_off_goes_on(
    shop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    photo_by_photo: list[int],
    damage: str,
) -> None:
    cut_off(shop, tmp_path / "cache", monkeypatch, after=4)
    journal, part = sorted((tmp_path / "cache").iterdir())
    data = bytearray(part.read_bytes())
    if damage == "flip":
        data[-1] ^= 1  # in the fourth photo
        part.write_bytes(data)
    elif damage == "cut":
        part.write_bytes(data[:-1])
    elif damage == "no journal":
        journal.unlink()
    elif damage == "torn journal":
        journal.write_bytes(journal.read_bytes()[:-1])
    photo_by_photo.clear()
    ds = shv.Dataset.from_directory(shop)
    cached = ds.cached(tmp_path / "cache")
    first = {"none": 4, "no journal": 0}.get(damage, 3)
    assert photo_by_photo == list(range(first, len(ds)))
    np.testing.assert_array_equal(cached.to_arrays()[0], ds.to_arrays()[0])
    assert [file.suffix for file in sorted((tmp_path / "cache").iterdir())] == [".json", ".npy"]
    photo_by_photo.clear()
    ds.cached(tmp_path / "cache")
    assert not photo_by_photo


@pytest.mark.skipif(sys.platform == "win32", reason="Windows writes caches in one go")
def test_two_processes_may_write_the_same_cache(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo_by_photo: list[int]
) -> None:
    import fcntl

    cut_off(shop, tmp_path / "cache", monkeypatch, after=2)
    part = next((tmp_path / "cache").glob("*.part"))
    before = part.read_bytes()
    ds = shv.Dataset.from_directory(shop)
    with part.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        cached = ds.cached(tmp_path / "cache")
        np.testing.assert_array_equal(cached.to_arrays()[0], ds.to_arrays()[0])
    assert part.read_bytes() == before


def test_a_photo_that_cannot_be_read_leaves_no_cache_behind(shop: Path, tmp_path: Path) -> None:
    (shop / "Milk/broken.jpg").write_bytes(b"no photo")
    with refuses(PhotoError, "not-an-image"):
        shv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
