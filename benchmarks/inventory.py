"""How near corrected counts come to the truth, and how often their intervals hold it.

Run ``python benchmarks/inventory.py --photos PLACE [--mixes 200] [--task drinks]`` on a folder
with ``manifest.csv`` (columns path, label, product, split). A linear classifier on frozen
EfficientNet-Lite0 learns from ``train``. Photos of ``val`` are drawn into random mixes of 200,
whose shares are drawn anew each time (Dirichlet, all shares alike probable). Their counts are
taken with a confusion that was measured

- on ``val`` itself: what correcting brings where mistakes are known;
- on one half of the bursts of ``val``, the mixes being drawn from the other half, and turned round:
  what it brings where few photos of other moments must do.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shelfvision as sv
from shelfvision.inference._trust import Trust

DRINKS = {
    "Juice": "Juice",
    "Milk": "Milk",
    "Yoghurt": "Yoghurt",
    "Oat-Milk": "Plant drink",
    "Soy-Milk": "Plant drink",
    "Oatghurt": "Plant yoghurt",
    "Soyghurt": "Plant yoghurt",
}
SIZE = 200


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the classifier said of some photos."""

    rows: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.object_]

    def taken(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Scored:
        """Return some of them."""
        return Scored(rows=self.rows[rows], labels=self.labels[rows], groups=self.groups[rows])


def part_of(place: Path, task: str, part: str) -> sv.Dataset:
    """Return the photos of ``train`` or ``val``."""
    photos = sv.Dataset.from_manifest(
        place / "manifest.csv",
        label_column="product" if task == "products" else "label",
        where={"split": part},
        class_names=list(DRINKS) if task == "drinks" else None,
        image_size=(224, 224),
    )
    return photos.relabel(DRINKS) if task == "drinks" else photos


def scored(place: Path, task: str) -> tuple[sv.Classifier, Scored]:
    """Learn from ``train``; return what is said of ``val``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, val = (part_of(place, task, part) for part in ("train", "val"))
    model = sv.build_model(
        len(train.class_names),
        architecture="efficientnet_lite0",
        weights="imagenet",
        image_size=(224, 224),
    )
    classifier = sv.Classifier.from_model(model, class_names=train.class_names)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
    head.fit(classifier.embed(train), train.labels)
    rows = np.zeros((len(val), len(train.class_names)), np.float32)
    rows[:, head[-1].classes_] = head.predict_proba(classifier.embed(val))
    groups = np.array([str(group) for group in val.group_bursts().groups], dtype=object)
    return classifier, Scored(rows=rows, labels=np.asarray(val.labels), groups=groups)


def knowing(classifier: sv.Classifier, photos: Scored) -> sv.Classifier:
    """Return the classifier with these as its validation scores."""
    kept = sv.ValidationScores.of(photos.rows, photos.labels, photos.groups)
    return classifier._trusting(Trust(validation=kept))


def halves(photos: Scored, rng: np.random.Generator) -> Iterator[tuple[Scored, Scored]]:
    """Yield two halves of the bursts, and the same turned round."""
    bursts = rng.permutation(np.unique(photos.groups))
    first = np.isin(photos.groups, bursts[: len(bursts) // 2])
    yield photos.taken(first), photos.taken(~first)
    yield photos.taken(~first), photos.taken(first)


def mix(photos: Scored, rng: np.random.Generator) -> Scored:
    """Return photos in a random mix of products."""
    there = np.unique(photos.labels)
    chosen = rng.choice(there, SIZE, p=rng.dirichlet(np.ones(len(there))))
    return photos.taken(
        np.array([rng.choice(np.flatnonzero(photos.labels == label)) for label in chosen])
    )


def errors(classifier: sv.Classifier, photos: Scored) -> tuple[float, float, float]:
    """Return the naive and the corrected error of a mix, and how many intervals hold the truth."""
    ids = [str(row) for row in range(len(photos.labels))]
    found = sv.Predictions(photos.rows, classifier.class_names, ids)
    stock = sv.take_inventory(classifier, found, groups=photos.groups, draws=300)
    true = np.bincount(photos.labels, minlength=len(classifier.class_names))
    counts, naive, ends = (
        np.array(list(values.values())) for values in (stock.counts, stock.naive, stock.intervals)
    )
    inside = (ends[:, 0] <= true) & (true <= ends[:, 1])
    there = true > 0
    return (
        float(np.abs(naive - true).mean()),
        float(np.abs(counts - true).mean()),
        float(inside[there].mean()),
    )


def main() -> None:
    """Print a line for each way to know the mistakes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=os.environ.get("SHELFVISION_PHOTOS"))
    parser.add_argument("--mixes", type=int, default=200)
    parser.add_argument("--task", choices=("drinks", "coarse", "products"), default="drinks")
    options = parser.parse_args()
    classifier, val = scored(Path(options.photos), options.task)
    said = float((val.rows.argmax(axis=1) == val.labels).mean())
    print(f"{options.task}: {len(val.labels)} photos of val, accuracy {said:.3f}")
    rng = np.random.default_rng(42)
    ways = {"val itself": [(val, val)], "the other half": [*halves(val, rng), *halves(val, rng)]}
    for name, pairs in ways.items():
        found = []
        for known, counted in pairs:
            own = knowing(classifier, known)
            each = options.mixes // len(pairs)
            found += [errors(own, mix(counted, rng)) for _ in range(each)]
        naive, corrected, inside = np.mean(found, axis=0)
        print(
            f"  confusion of {name}: mean absolute error {naive:.2f} naive, {corrected:.2f} "
            f"corrected ({corrected / naive:.2f}); intervals hold {inside:.1%}"
        )


if __name__ == "__main__":
    main()
