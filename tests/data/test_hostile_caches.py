"""Whatever lies in a cache folder, the pixels are right and no other file is touched."""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._storage.array_file import ArrayFile
from shelfvision.errors import DataError, PhotoError, StorageError
from support import refuses

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
SUFFIXES = (".npy", ".json", ".part", ".blocks")


def cache_of(ds: shv.Dataset, folder: Path) -> Path:
    """Return the path of a dataset's cache, which is written and taken away again."""
    ds.cached(folder)
    (pixels,) = folder.glob("*.npy")
    return pixels


def require_right(ds: shv.Dataset, folder: Path) -> None:
    np.testing.assert_array_equal(ds.cached(folder).to_arrays()[0], ds.to_arrays()[0])


@posix
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("planted", ["link", "dangling", "second name", "FIFO", "socket", "folder"])
@pytest.mark.parametrize("written", [True, False])
def test_what_was_planted_in_a_cache_folder_is_left_alone(
    shop: Path,
    tmp_path: Path,
    suffix: str,
    planted: str,
    written: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ds = shv.Dataset.from_directory(shop)
    pixels = cache_of(ds, tmp_path / "cache")
    if not written:
        for file in pixels.parent.iterdir():
            file.unlink()
    victim, place = tmp_path / "victim", pixels.with_suffix(suffix)
    victim.write_bytes(b"precious " * 10)
    place.unlink(missing_ok=True)
    if planted == "link":
        place.symlink_to(victim)
    elif planted == "dangling":
        place.symlink_to(tmp_path / "nowhere")
    elif planted == "second name":
        os.link(victim, place)
    elif planted == "FIFO":
        os.mkfifo(place)
    elif planted == "socket":
        monkeypatch.chdir(place.parent)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(place.name)
    else:
        place.mkdir()
    require_right(ds, tmp_path / "cache")
    require_right(ds, tmp_path / "cache")
    assert victim.read_bytes() == b"precious " * 10
    assert not (tmp_path / "nowhere").exists()


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


def header(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


JUNK = {
    "nothing": b"",
    "one byte": b"\x93",
    "pickle": pickled(),
    "pickle alone": pickle.dumps([1]),
    "deep header": header(b"(" * 5000),
    "large shape": header(b"{'descr':'|u1','fortran_order':False,'shape':(9**9**9,)}\n"),
    "no shape": header(b"{'descr':'|u1'}\n"),
    "zip": b"PK\x03\x04" + bytes(100),
    "text": "Käse".encode("utf-16"),
    "zeros": bytes(100_000),
    "deep": b"[" * 200_000,
    "deep objects": b'{"a":' * 50_000,
    "digits": b'{"sha256": ' + b"9" * 6000 + b"}",
    "list": b"[]",
    "null": b"null",
    "not a number": b'{"sha256": NaN}',
    "surrogate": b'{"sha256": "\\ud800"}',
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_a_cache_is_computed_again(
    shop: Path, tmp_path: Path, suffix: str, junk: str
) -> None:
    ds = shv.Dataset.from_directory(shop)
    pixels = cache_of(ds, tmp_path / "cache")
    if suffix in {".part", ".blocks"}:
        pixels.unlink()
    pixels.with_suffix(suffix).write_bytes(JUNK[junk])
    require_right(ds, tmp_path / "cache")


@pytest.mark.parametrize("name", ["sha256", "scheme", "key", "shape", "dtype"])
@pytest.mark.parametrize("value", [None, 3, [], {}, "", "0" * 64])
def test_a_note_that_says_otherwise_is_not_trusted(
    shop: Path, tmp_path: Path, name: str, value: object
) -> None:
    ds = shv.Dataset.from_directory(shop)
    note = cache_of(ds, tmp_path / "cache").with_suffix(".json")
    facts = json.loads(note.read_text())
    for changed in ({**facts, name: value}, {k: v for k, v in facts.items() if k != name}):
        note.write_text(json.dumps(changed))
        require_right(ds, tmp_path / "cache")


def test_a_note_without_an_end_is_not_read(shop: Path, tmp_path: Path) -> None:
    ds = shv.Dataset.from_directory(shop)
    note = cache_of(ds, tmp_path / "cache").with_suffix(".json")
    with note.open("ab") as file:
        file.truncate(10**12)
    require_right(ds, tmp_path / "cache")


@posix
@pytest.mark.parametrize("left", [0, 1, 100, 30_000])
def test_a_cache_that_is_shortened_while_it_is_used_is_read_from_the_photos(
    shop: Path, tmp_path: Path, left: int
) -> None:
    ds = shv.Dataset.from_directory(shop)
    cached = ds.cached(tmp_path / "cache")
    (pixels,) = (tmp_path / "cache").glob("*.npy")
    os.truncate(pixels, left)
    np.testing.assert_array_equal(cached.to_arrays()[0], ds.to_arrays()[0])
    np.testing.assert_array_equal(cached[3][0], ds[3][0])
    for photo in shop.rglob("*.*"):
        photo.unlink()
    with pytest.raises((DataError, PhotoError)):
        cached[4]


@posix
def test_an_array_without_photos_that_is_shortened_is_an_error(tmp_path: Path) -> None:
    file = ArrayFile(
        path=tmp_path / "a.npy", scheme="s", key="k", shape=(9, 2, 3), dtype="<f2", block=4
    )
    numbers = np.arange(54, dtype="<f2").reshape(9, 2, 3)
    stored = file.write(lambda start, stop: numbers[start:stop])
    rows, views = np.array([8, 0, 1, 2, 8]), np.array([1, 0, 0, 1, 1])
    np.testing.assert_array_equal(stored[rows], numbers[rows])
    np.testing.assert_array_equal(stored[rows, views], numbers[rows, views])
    np.testing.assert_array_equal(stored[4], numbers[4])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stored))[rows], numbers[rows])
    with pytest.raises(ValueError, match="invalid entry"):
        stored[9]
    os.truncate(tmp_path / "a.npy", 150)
    np.testing.assert_array_equal(stored[0], numbers[0])
    with refuses(DataError, "damaged"):
        stored[rows]
    assert file.opened() is None


def test_a_full_folder_in_the_way_is_named(shop: Path, tmp_path: Path) -> None:
    ds = shv.Dataset.from_directory(shop)
    pixels = cache_of(ds, tmp_path / "cache")
    pixels.unlink()
    pixels.mkdir()
    (pixels / "a").write_bytes(b"")
    with refuses(StorageError, "not-a-file") as caught:
        ds.cached(tmp_path / "cache")
    assert str(pixels) in str(caught.value)


@posix
def test_a_photo_that_was_swapped_with_its_time_and_size_kept_is_noticed(shop: Path) -> None:
    photo = shop / "Milk/b.jpg"
    before, status = photo.read_bytes(), photo.stat()
    ds = shv.Dataset.from_directory(shop)
    _ = ds.groups
    # A byte in a comment, or in the picture: the same size.
    photo.write_bytes(before[:-9] + bytes([before[-9] ^ 1]) + before[-8:])
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert photo.stat().st_size == status.st_size
    assert photo.stat().st_mtime_ns == status.st_mtime_ns
    with refuses(PhotoError, "changed"):
        ds.cached()


@posix
def test_a_photo_of_other_rights_is_the_same_photo(shop: Path) -> None:
    ds = shv.Dataset.from_directory(shop)
    groups = ds.groups.tolist()
    for photo in shop.rglob("*.*"):
        photo.chmod(0o600)
    assert ds.cached().groups.tolist() == groups
