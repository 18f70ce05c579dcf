"""Scan a folder of a hundred thousand photos beside `os.walk`, and index a million rows."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

import shelfvision as shv

CLASSES = 100


def make_tree(root: Path, photos: int) -> None:
    """Make empty files, which a scan with ``on_error="raise"`` does not open."""
    for number in range(CLASSES):
        folder = root / f"Class-{number:03}"
        folder.mkdir()
        for photo in range(photos // CLASSES):
            (folder / f"photo_{photo:05}.jpg").touch()


def walk(root: Path) -> int:
    """Return how many files `os.walk` sees."""
    return sum(len(files) for _, _, files in os.walk(root))


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def indexing(rows: shv.Dataset) -> float:
    """Return how many microseconds it takes to take one row and a view of five."""
    places = np.random.default_rng(0).integers(0, len(rows) - 5, 2000)
    start = time.perf_counter()
    for place in places.tolist():
        rows[place : place + 5].labels[0]
    return (time.perf_counter() - start) / len(places) * 1e6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        make_tree(root, options.count)
        walk(root), shv.Dataset.from_directory(root)
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(seconds(lambda: shv.Dataset.from_directory(root)))
            theirs.append(seconds(lambda: walk(root)))
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        print(f"Dataset.from_directory, {options.count:,} photos {statistics.median(ours):8.2f} s")
        print(f"os.walk of the same tree              {statistics.median(theirs):8.2f} s")
        print(f"ratio                                 {ratio:8.2f}")
        tracemalloc.start()
        photos = shv.Dataset.from_directory(root)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        print(f"memory of a photo                     {held / len(photos):8.0f} bytes")
        many = photos[np.tile(np.arange(len(photos)), 1_000_000 // len(photos))]
        print(
            f"a view of 5 rows, of {len(photos):>9,}         {indexing(photos):8.1f} microseconds"
        )
        print(f"a view of 5 rows, of {len(many):>9,}         {indexing(many):8.1f} microseconds")


if __name__ == "__main__":
    main()
