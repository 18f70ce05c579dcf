"""Time `SeededSplitter` on up to a million rows with given groups, and show that it is linear."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import shelfvision as shv
from shelfvision.protocols import Image


class OnePixel:
    """A source of any number of rows of one pixel each."""

    image_size = (1, 1)

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._length

    def read(self, row: int) -> Image:
        """Return the pixel, which is the number of the row."""
        return np.full((1, 1, 3), row % 256, dtype=np.uint8)

    def digest(self, row: int) -> str:
        """Return a digest of its own for every row."""
        return f"{row:064x}"


def dataset(rows: int, kind: str) -> shv.Dataset:
    """Return photos of 25 uneven classes in bursts, in stores, or each a group of its own."""
    random = np.random.RandomState(0)
    labels = np.minimum(random.geometric(0.12, rows) - 1, 24)
    numbers = {
        "bursts of 10, one class each": labels + 25 * random.randint(0, rows // 250, rows),
        "bursts of 10, mixed classes": random.randint(0, rows // 10, rows),
        "2,000 stores": random.randint(0, 2000, rows),
        "every photo by itself": np.arange(rows),
    }[kind]
    return shv.Dataset.from_source(
        OnePixel(rows),
        ids=[f"photos/{row:07d}.jpg" for row in range(rows)],
        labels=labels,
        class_names=[f"class {number:02d}" for number in range(25)],
        groups=[f"user:{number}" for number in numbers],
    )


KINDS = (
    "bursts of 10, one class each",
    "bursts of 10, mixed classes",
    "2,000 stores",
    "every photo by itself",
)


def seconds(call: Callable[[], object], rounds: int) -> float:
    """Return the median CPU time of a call, which other programs disturb less."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    large, small = options.rows, options.rows // 4
    print(f"SeededSplitter.split, CPU seconds, median of {options.rounds} rounds\n")
    print(f"{'groups':32}{'method':12}{small:>12,}{large:>12,}   growth (linear: 4.0)")
    for kind in KINDS:
        few, many = dataset(small, kind), dataset(large, kind)
        for method in ("stratified", "hashed"):
            splitter = shv.SeededSplitter(method=method)
            short = seconds(partial(splitter.split, few), options.rounds)
            long = seconds(partial(splitter.split, many), options.rounds)
            print(f"{kind:32}{method:12}{short:10.2f} s{long:10.2f} s   {long / short:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "split.csv")
        splits = shv.SeededSplitter().split(many)
        print(f"\nsave {seconds(lambda: splits.save(path), 1):.2f} s", end=", ")
        print(f"load {seconds(lambda: shv.Splits.load(path, many), 1):.2f} s", end=", ")
        again = seconds(lambda: shv.SeededSplitter().split(many, previous=path), 1)
        print(f"split with previous {again:.2f} s ({large:,} rows)")
    tracemalloc.start()
    shv.SeededSplitter().split(many)
    print(f"peak memory of a split {tracemalloc.get_traced_memory()[1] / large:.0f} bytes a row")


if __name__ == "__main__":
    main()
