"""How far a random split of photos that come in bursts flatters: nearest neighbours and trees."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from _places import drinks

import shelfvision as shv

Judge = Callable[[shv.Dataset, shv.Dataset], float]


def nearest(train: shv.Dataset, test: shv.Dataset) -> float:
    """Return the accuracy of the nearest training photo's class."""
    known, unknown = flat(train), flat(test)
    squares = (known**2).sum(axis=1) - 2 * unknown @ known.T
    return float(np.mean(train.labels[squares.argmin(axis=1)] == test.labels))


def flat(photos: shv.Dataset) -> npt.NDArray[np.float32]:
    """Return every photo as one row of numbers."""
    return photos.to_arrays()[0].reshape(len(photos), -1).astype(np.float32)


def trees(train: shv.Dataset, test: shv.Dataset) -> float:
    """Return the accuracy of 300 extremely randomized trees."""
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(300, random_state=0, n_jobs=2).fit(flat(train), train.labels)
    return float(forest.score(flat(test), test.labels))


def in_folds(photos: shv.Dataset, seeds: int, judge: Judge) -> tuple[float, float]:
    """Return mean and spread, over seeds, of the accuracy in five folds."""
    scores = []
    for seed in range(seeds):
        folds = shv.SeededSplitter(seed=seed).folds(photos, n_folds=5)
        parts = [(judge(fold.train, fold.test), len(fold.test)) for fold in folds if fold.test]
        scores.append(sum(score * size for score, size in parts) / len(photos))
    return statistics.mean(scores), statistics.pstdev(scores)


def trained(photos: shv.Dataset, other: shv.Dataset, epochs: int) -> tuple[float, float]:
    """Return the article's network's accuracy on its split's test part, and on other sessions."""
    splits = shv.SeededSplitter(seed=42).split(photos)
    model = shv.build_model(len(photos.class_names), image_size=photos.image_size, seed=42)
    trainer = shv.Trainer(epochs=epochs, patience=10, seed=42, verbose=False)
    result = trainer.fit(model, splits.train, splits.validation)
    scores = [shv.evaluate(result.classifier, part).accuracy for part in (splits.test, other)]
    return scores[0], scores[1]


def networks(folder: Path, epochs: int) -> None:
    """Print how the article's network fares after a random split, and with bursts kept whole."""
    photos, other = (drinks(folder, part, 100) for part in ("train", "val"))
    print(f"\nthe article's network, at most {epochs} epochs {'':9} own test   other sessions")
    for what, grouped in (("random split", photos), ("bursts together", photos.group_bursts())):
        own, away = trained(grouped.cached(), other.cached(), epochs)
        print(f"{what:50}{own:.3f}      {away:.3f}", flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--side", type=int, default=16, help="of the thumbnails, in pixels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--network", type=int, default=0, help="train for so many epochs, too")
    options = parser.parse_args()
    folder = Path(options.photos)
    if not options.photos or not (folder / "manifest.csv").is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    train, other = (drinks(folder, part, options.side).cached() for part in ("train", "val"))
    named = drinks(folder, "train", options.side)
    ways = {
        "random folds": train,
        "folds, near duplicates together": train.group_near_duplicates(),
        "folds, bursts together": named.group_bursts().cached(),
    }
    print(f"{len(train)} photos of {options.side} x {options.side} pixels", end="")
    print(f", mean and spread of {options.seeds} seeds\n\n{'':34}neighbour         trees")
    for what, photos in ways.items():
        found = [in_folds(photos, options.seeds, judge) for judge in (nearest, trees)]
        shown = "   ".join(f"{mean:.3f} +- {spread:.3f}" for mean, spread in found)
        print(f"{what:34}{shown}   {len(set(photos.groups)):4} groups", flush=True)
    away = nearest(train, other), trees(train, other)
    print(f"{'photos of other sessions':34}{away[0]:.3f}            {away[1]:.3f}", end="")
    print(f"            {len(other):4} photos")
    if options.network:
        networks(folder, options.network)


if __name__ == "__main__":
    main()
