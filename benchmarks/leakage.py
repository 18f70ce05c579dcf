"""How far a random split of photos that come in bursts flatters: nearest neighbours, in folds."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shelfvision as sv

DRINKS = {
    "Juice": "Juice",
    "Milk": "Milk",
    "Yoghurt": "Yoghurt",
    "Oat-Milk": "Plant drink",
    "Soy-Milk": "Plant drink",
    "Oatghurt": "Plant yoghurt",
    "Soyghurt": "Plant yoghurt",
}
"""Five classes of packaged drinks, of seven labels."""


def photos_of(folder: Path, split: str, side: int) -> sv.Dataset:
    """Return the drinks of one part of the manifest."""
    photos = sv.Dataset.from_manifest(
        folder / "manifest.csv",
        where={"split": split},
        class_names=list(DRINKS),
        image_size=(side, side),
    )
    return photos.relabel(DRINKS)


def nearest(train: sv.Dataset, test: sv.Dataset) -> float:
    """Return the accuracy of the nearest training photo's class."""
    known, unknown = flat(train), flat(test)
    squares = (known**2).sum(axis=1) - 2 * unknown @ known.T
    return float(np.mean(train.labels[squares.argmin(axis=1)] == test.labels))


def flat(photos: sv.Dataset) -> npt.NDArray[np.float32]:
    """Return every photo as one row of numbers."""
    return photos.to_arrays()[0].reshape(len(photos), -1).astype(np.float32)


def in_folds(photos: sv.Dataset, seeds: int) -> tuple[float, float]:
    """Return mean and spread, over seeds, of the accuracy in five folds."""
    scores = []
    for seed in range(seeds):
        folds = sv.SeededSplitter(seed=seed).folds(photos, n_folds=5)
        parts = [(nearest(fold.train, fold.test), len(fold.test)) for fold in folds if fold.test]
        scores.append(sum(score * size for score, size in parts) / len(photos))
    return statistics.mean(scores), statistics.pstdev(scores)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--side", type=int, default=16, help="of the thumbnails, in pixels")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(options.photos)
    if not options.photos or not (folder / "manifest.csv").is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    train, other = (photos_of(folder, part, options.side).cached() for part in ("train", "val"))
    named = photos_of(folder, "train", options.side)
    print(f"1-nearest-neighbour on {options.side} x {options.side} pixels, {len(train)} photos\n")
    for what, photos in (
        ("random folds", train),
        ("folds, near duplicates together", train.group_near_duplicates()),
        ("folds, bursts together", named.group_bursts().cached()),
        ("folds, both together", named.group_near_duplicates().group_bursts().cached()),
    ):
        mean, spread = in_folds(photos, options.seeds)
        groups = len(set(photos.groups))
        print(f"{what:34}{mean:.3f} +- {spread:.3f}   {groups:4} groups")
    print(
        f"{'photos of other sessions':34}{nearest(train, other):.3f}           {len(other)} photos"
    )


if __name__ == "__main__":
    main()
