"""Build, split, balance, index and batch a dataset of a million rows; tell time and memory."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import shelfvision as shv
from shelfvision.protocols import Image, Images


class RepeatedPhotos:
    """A few rendered photos, repeated; every row has a digest of its own."""

    def __init__(self, photos: Images, length: int) -> None:
        self._photos = photos
        self._length = length

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._photos.shape[1], self._photos.shape[2]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._length

    def read(self, row: int) -> Image:
        """Return a copy of one photo."""
        return self._photos[row % len(self._photos)].copy()

    def digest(self, row: int) -> str:
        """Return a digest of its own for every row."""
        return f"{row:064x}"


def megabytes() -> float:
    """Return the most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print how long a step took, and the most memory so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:44}{took[0]:8.2f} s{took[1]:8.2f} s{megabytes():10,.0f} MB")


def run(rows: int) -> None:
    """Print the steps for one number of rows."""
    random = np.random.RandomState(0)
    photos, _ = shv.samples.render_products({"Can": 8, "Jar": 8}).to_arrays()
    labels = np.minimum(random.geometric(0.12, rows) - 1, 24)
    groups = [f"user:{number}" for number in labels + 25 * random.randint(0, rows // 250, rows)]
    ids = [f"photos/{row:07}.jpg" for row in range(rows)]
    names = [f"class {number:02}" for number in range(25)]
    print(f"\n{rows:,} rows{'':33}    wall       CPU      memory")
    with step("build, with a group for every burst of ten"):
        ds = shv.Dataset.from_source(
            RepeatedPhotos(photos, rows), ids=ids, labels=labels, class_names=names, groups=groups
        )
    with step("split 70 / 20 / 10, stratified"):
        splits = shv.SeededSplitter(seed=42).split(ds)
    with step("split 70 / 20 / 10, hashed"):
        shv.SeededSplitter(seed=42, method="hashed").split(ds)
    with step("balance all rows to the median"):
        balanced = shv.BalancingAugmenter(sampling_strategy="median", seed=42).balance(ds)
    with step("balance the training part to the largest"):
        largest = shv.BalancingAugmenter(seed=42).balance(splits.train)
    print(f"{'  rows after that':44}{len(balanced):,} and {len(largest):,}")
    with step("1,000 views of 32 rows chosen at random"):
        for _ in range(1000):
            ds[random.randint(0, rows, 32)]
    with step("100 batches of 32 photos, augmented"):
        for _ in range(100):
            largest.read_batch(random.randint(0, len(largest), 32))


def main() -> None:
    """Print the figures of a quarter of the rows, then of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    for rows in (options.rows // 4, options.rows):
        run(rows)


if __name__ == "__main__":
    main()
