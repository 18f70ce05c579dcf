"""Trees of random hostile files: each file is a row or is reported, and none is changed."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import shelfvision as shv

MakePhoto = Callable[..., Path]
Put = Callable[[bytes, random.Random, bytes], None]

WORDS = (
    "milk",
    "Milk",
    "MILK",
    "café",
    "new\nline",
    "tab\t",
    " ",
    "-",
    "*?",
    "'\"",
    "😀",
    "x" * 200,
)
ENDINGS = (".jpg", ".JPG", ".jpeg", ".png", ".webp", ".heic", ".txt", ".mp4", "", ".jpg.bak")


def name_of(chance: random.Random) -> bytes:
    """Return a name that trips programs up."""
    word = chance.choice(WORDS)
    composed = unicodedata.normalize("NFC" if chance.random() < 0.5 else "NFD", word)
    stem = composed.encode() + chance.choice((b"", b"\xff\xfe", b"1", b"02"))
    hidden = b"." if chance.random() < 0.05 else b""
    return hidden + stem + str(chance.randrange(300)).encode() + chance.choice(ENDINGS).encode()


def write(content: Callable[[bytes, random.Random], bytes]) -> Put:
    def put(path: bytes, chance: random.Random, photo: bytes) -> None:
        with open(path, "wb") as file:
            file.write(content(photo, chance))

    return put


def link(target: Callable[[bytes], bytes]) -> Put:
    def put(path: bytes, chance: random.Random, photo: bytes) -> None:
        os.symlink(target(path), path)

    return put


PUTS: tuple[tuple[int, Put], ...] = (
    (50, write(lambda photo, _: photo)),
    (6, write(lambda photo, chance: photo[: chance.randrange(1, len(photo))])),
    (6, write(lambda photo, _: b"")),
    (6, write(lambda _, chance: chance.randbytes(50))),
    (3, lambda path, *_: os.mkfifo(path)),
    (3, link(os.path.dirname)),
    (3, link(lambda path: os.path.dirname(os.path.dirname(path)))),
    (3, link(lambda path: path)),
    (3, link(lambda path: path + b"-gone")),
    (9, lambda path, *_: os.mkdir(path)),
)


def grow(root: Path, n_files: int, photo: bytes, seed: int) -> None:
    """Put so many things into a folder, at random depths."""
    chance = random.Random(seed)
    folders = [os.fsencode(root / name) for name in ("Milk", "milk", "Juice")]
    for folder in folders:
        os.makedirs(folder)
    made = 0
    while made < n_files:
        path = os.path.join(chance.choice(folders), name_of(chance))
        if os.path.lexists(path) or len(path) > 3000:
            continue
        (put,) = chance.choices([put for _, put in PUTS], [weight for weight, _ in PUTS])
        put(path, chance, photo)
        if os.path.isdir(path) and not os.path.islink(path):
            folders.append(path)
        else:
            made += 1


def everything_in(root: Path) -> Iterator[str]:
    """Yield the path of all that is no folder; links are not followed."""
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in (*files, *links))


def state_of(root: Path) -> str:
    """Return a digest of all names, times and contents."""
    digest = hashlib.sha256()
    for name in sorted(everything_in(root)):
        path = root / name
        status = path.lstat()
        digest.update(os.fsencode(name) + repr((status.st_mode, status.st_mtime_ns)).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.mark.fuzz
@pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux file system")
@pytest.mark.parametrize("seed", [0, 1])
def test_every_file_is_a_row_or_is_reported(
    seed: int, tmp_path: Path, make_photo: MakePhoto, fuzz_count: Callable[[int, int], int]
) -> None:
    photo = make_photo(tmp_path / "photo.jpg", size=(24, 18)).read_bytes()
    root = tmp_path / "root"
    grow(root, fuzz_count(800, 10_000), photo, seed)
    before, there = state_of(root), sorted(everything_in(root))
    for on_error in ("raise", "skip"):
        ds = shv.Dataset.from_directory(root, on_error=on_error)
        told = [*ds.ids.tolist(), *(file.path for file in ds.skipped)]
        assert sorted(told) == there
        print(f"{len(there):,} files: {len(ds):,} rows, {len(ds.skipped):,} reported ", end="")
        print(ds.skipped.counts)
    assert len(ds.to_arrays()[0]) == len(ds)
    assert ds.skipped.to_json_lines().count("\n") == len(ds.skipped)
    assert state_of(root) == before
