"""`Dataset.cached`: decoded once, the same dataset."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import shelfvision as sv
from shelfvision.errors import PhotoError, StorageError

Places = Callable[[Path], Path | None]
places = pytest.mark.parametrize("place", [lambda _: None, lambda path: path / "cache"])


@places
def test_a_cached_dataset_is_the_same_dataset(shop: Path, tmp_path: Path, place: Places) -> None:
    ds = sv.Dataset.from_directory(shop, image_size=(12, 16))[[4, 0, 2]].relabel({"Milk": "A"})
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
    ds = sv.Dataset.from_directory(shop)
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
    ds = sv.Dataset.from_directory(shop).group_near_duplicates()
    np.testing.assert_array_equal(ds[::-1].cached(place(tmp_path)).groups, ds.groups[::-1])
    images, labels = ds.to_arrays()
    named = sv.Dataset.from_arrays(images, labels, groups=list("aabbcc"))
    np.testing.assert_array_equal(named[2:].cached(place(tmp_path)).groups, named.groups[2:])


def test_a_cache_on_disk_is_reused_and_shared(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = sv.Dataset.from_directory(shop)
    first = ds.cached(tmp_path / "cache")
    files = sorted((tmp_path / "cache").iterdir())
    assert [file.suffix for file in files] == [".json", ".npy"]
    stamps = [file.stat().st_mtime_ns for file in files]
    monkeypatch.setattr("shelfvision.data.decoding._file_pixels.decode_photo", None)
    again = sv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    np.testing.assert_array_equal(again.to_arrays()[0], first.to_arrays()[0])
    assert [file.stat().st_mtime_ns for file in files] == stamps
    assert len(pickle.dumps(again)) < 10_000


def test_a_cache_of_other_photos_or_sizes_is_never_used(shop: Path, tmp_path: Path) -> None:
    sv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    (shop / "Milk/b.jpg").write_bytes((shop / "Juice/1.JPG").read_bytes())
    changed = sv.Dataset.from_directory(shop)
    cached = changed.cached(tmp_path / "cache")
    np.testing.assert_array_equal(cached.to_arrays()[0], changed.to_arrays()[0])
    padded = sv.Dataset.from_directory(shop, resize="pad")
    np.testing.assert_array_equal(
        padded.cached(tmp_path / "cache").to_arrays()[0], padded.to_arrays()[0]
    )


@pytest.mark.parametrize("damage", ["flip", "cut", "no note", "no facts", "other facts"])
def test_a_damaged_cache_is_written_anew(shop: Path, tmp_path: Path, damage: str) -> None:
    ds = sv.Dataset.from_directory(shop)
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
        note.write_text(note.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    again = sv.Dataset.from_directory(shop).cached(tmp_path / "cache")
    np.testing.assert_array_equal(again.to_arrays()[0], ds.to_arrays()[0])
    assert json.loads(note.read_text())["fingerprint"] == ds.fingerprint


def test_an_empty_dataset_can_be_cached_on_disk(shop: Path, tmp_path: Path) -> None:
    assert len(sv.Dataset.from_directory(shop)[:0].cached(tmp_path / "cache")) == 0


def test_a_photo_that_changes_meanwhile_stops_the_cache(
    shop: Path, make_photo: Callable[..., Path]
) -> None:
    ds = sv.Dataset.from_directory(shop)
    _ = ds.groups
    make_photo(shop / "Milk/b.jpg", 77)
    os.utime(shop / "Milk/b.jpg", (5, 5))
    with pytest.raises(PhotoError, match=r"b\.jpg.*changed"):
        ds.cached()


def test_a_cache_that_cannot_be_written_is_named(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="taken"):
        sv.Dataset.from_directory(shop).cached(tmp_path / "taken")
