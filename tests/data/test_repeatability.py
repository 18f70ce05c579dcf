"""One seed, one result: whatever the process, hash seed, order of files and number of workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MakePhoto = Callable[..., Path]

PROGRAM = """
import hashlib, os, random, sys
import numpy as np
import shelfvision as shv

folder, listing = sys.argv[1], int(sys.argv[2])
scandir, chance = os.scandir, random.Random(listing)

class Shuffled:
    def __init__(self, path="."):
        with scandir(path) as entries:
            self._entries = sorted(entries, key=lambda entry: entry.name)
        chance.shuffle(self._entries)
    def __enter__(self):
        return iter(self._entries)
    def __exit__(self, *_):
        pass

os.scandir = Shuffled
for workers in (0, 1, 2, 4):
    digest = hashlib.sha256()
    photos = shv.Dataset.from_directory(folder, image_size=(24, 24), on_error="skip")
    photos.table.source._workers = workers
    digest.update("".join(file.path + file.code for file in photos.skipped).encode())
    photos = photos.group_near_duplicates().group_bursts()
    splits = shv.SeededSplitter(train=0.6, validation=0.2, test=0.2, seed=7).split(photos)
    train = shv.BalancingAugmenter(seed=7).balance(splits.train)
    for part in (photos, train, splits.validation, splits.test):
        images, labels = part.to_arrays()
        digest.update(images.tobytes() + labels.tobytes() + part.fingerprint.encode())
        digest.update("".join([*part.ids, *part.groups, *map(str, part.copies)]).encode())
    shuffled = np.random.RandomState(listing).permutation(len(train))
    back = np.argsort(shuffled)
    digest.update(train.read_batch(shuffled)[back].tobytes())
    print(digest.hexdigest())
"""


@pytest.mark.fuzz
def test_the_same_seed_gives_the_same_bytes_everywhere(
    tmp_path: Path, make_photo: MakePhoto, fuzz_count: Callable[[int, int], int]
) -> None:
    folder = tmp_path / "photos"
    for seed in range(40):
        label = "Milk" if seed % 3 else "Juice"
        make_photo(folder / label / f"{label}_{seed:02}.jpg", seed // 2, size=(40, 30))
    (folder / "Milk/broken.jpg").write_bytes(b"x")
    seen = {}
    for process in range(fuzz_count(1, 5)):
        for hash_seed in ("0", "1", "4242"):
            run = subprocess.run(
                [sys.executable, "-c", PROGRAM, str(folder), str(10 * process + int(hash_seed))],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                text=True,
                check=True,
            )
            seen[process, hash_seed] = run.stdout.split()
    print(f"{len(seen)} processes of 4 numbers of workers")
    assert {len(lines) for lines in seen.values()} == {4}
    assert len({line for lines in seen.values() for line in lines}) == 1
