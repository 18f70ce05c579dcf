"""How near corrected counts come to the truth, and how often their intervals hold it.

Run ``python benchmarks/inventory.py --photos PLACE [--judge PLACE] [--cache FILE] [--mixes 40]
[--task drinks]`` on folders with ``manifest.csv`` (columns path, label, product, split). A linear
classifier on frozen EfficientNet-Lite0 learns from ``train``, or with ``--few`` from few photos of
each class. Photos of ``val``, and those of ``--judge``, are of other sessions. They are drawn into
random mixes of 200, whose shares are drawn for each mix (Dirichlet, all shares equally probable).
Counts are taken with confusions

- of the counted photos themselves: what correcting brings where mistakes are known;
- of one half of their bursts, the mixes being drawn from the other half;
- of other sessions: ``train`` out of fold, ``val``, the judge photos, and two of them.

Each line has the difference to plain counts with a 95 % interval over mixes.

``--groups`` says what counts as taken together: photos of one product, or of one burst.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from _embedded import Photos, add_options, embedded, embedded_judge
from _places import drink_of_products

import shelfvision as shv

FOLDS = 5
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

    @property
    def accuracy(self) -> float:
        """The share of photos that it is right about."""
        return float((self.rows.argmax(axis=1) == self.labels).mean())


@dataclass(frozen=True, kw_only=True)
class Part:
    """What the network sees of some photos, with the classes of a task."""

    seen: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.object_]


def classes_of(options: argparse.Namespace, names: list[str]) -> dict[str, str]:
    """Return the class of each product that takes part in a task."""
    if options.task == "products":
        return {name: name for name in names}
    if options.task == "coarse":
        return shv.Taxonomy.from_manifest(Path(options.photos) / "manifest.csv").mapping()
    return drink_of_products(Path(options.photos))


def part_of(photos: Photos, names: list[str], classes: dict[str, str], groups: str) -> Part:
    """Return the photos of a task."""
    numbers = {name: place for place, name in enumerate(sorted(set(classes.values())))}
    products = np.array(names)[photos.labels]
    taken = np.isin(products, list(classes))
    together = products if groups == "products" else photos.groups
    return Part(
        seen=photos.seen[taken],
        labels=np.array([numbers[classes[name]] for name in products[taken]], dtype=np.int64),
        groups=together[taken].astype(str).astype(object),
    )


def learned(part: Part) -> Any:
    """Return a linear classifier that learned from these photos."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
    return head.fit(part.seen, part.labels)


def said(head: Any, part: Part, k: int) -> Scored:
    """Return what a classifier says of photos."""
    rows = np.zeros((len(part.seen), k), np.float32)
    rows[:, head[-1].classes_] = head.predict_proba(part.seen)
    return Scored(rows=rows, labels=part.labels, groups=part.groups)


def out_of_fold(part: Part, bursts: npt.NDArray[np.object_], k: int, few: int) -> Scored:
    """Return what is said of photos by classifiers that learned from the others."""
    from sklearn.model_selection import StratifiedGroupKFold

    rows = np.zeros((len(part.labels), k), np.float32)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for known, new in folds.split(part.seen, part.labels, bursts):
        some, other = (
            Part(seen=part.seen[r], labels=part.labels[r], groups=part.groups[r])
            for r in (known, new)
        )
        rows[new] = said(learned(few_of(some, few)), other, k).rows
    return Scored(rows=rows, labels=part.labels, groups=part.groups)


def few_of(part: Part, n: int) -> Part:
    """Return at most n photos of each class."""
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(part.labels == c))[:n] for c in np.unique(part.labels)]
    )
    return Part(seen=part.seen[rows], labels=part.labels[rows], groups=part.groups[rows])


def scored(options: argparse.Namespace) -> tuple[shv.Classifier, dict[str, Scored]]:
    """Return a classifier of the right classes, and what is said of train, val and judge."""
    photos = embedded(options)
    classes = classes_of(options, photos.names)
    groups = "bursts" if options.task == "products" else options.groups
    train, val = (
        part_of(some, photos.names, classes, groups) for some in (photos.train, photos.val)
    )
    bursts = part_of(photos.train, photos.names, classes, "bursts").groups
    names = sorted(set(classes.values()))
    model = shv.build_model(len(names), image_size=(88, 88))
    # The network of this classifier is not asked: it holds names and validation scores.
    classifier = shv.Classifier.from_model(model, class_names=names)
    k = len(names)
    few = options.few or len(train.labels)
    head = learned(few_of(train, few))
    found = {"train": out_of_fold(train, bursts, k, few), "val": said(head, val, k)}
    if options.judge:
        judge = embedded_judge(options, photos.names)
        found["judge"] = said(head, part_of(judge, photos.names, classes, groups), k)
    return classifier, found


def knowing(classifier: shv.Classifier, photos: Scored) -> shv.Classifier:
    """Return the classifier with these as its validation scores."""
    kept = shv.ValidationScores.of(photos.rows, photos.labels, photos.groups)
    return classifier.with_validation(kept)


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


def errors(
    classifier: shv.Classifier,
    sources: list[shv.Classifier],
    photos: Scored,
    *,
    told: bool,
) -> tuple[float, float, float, float]:
    """Return errors of a mix, naive and corrected, how many intervals hold, and their width."""
    ids = [str(row) for row in range(len(photos.labels))]
    found = shv.Predictions(photos.rows, classifier.class_names, ids)
    groups = photos.groups if told else None
    stock = shv.take_inventory(classifier, found, confusion=sources, groups=groups, draws=100)
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
        float((ends[:, 1] - ends[:, 0])[there].mean()),
    )


def ways(found: dict[str, Scored]) -> dict[str, list[tuple[list[Scored], Scored]]]:
    """Return sources of confusion and the photos that are counted, by name."""
    rng = np.random.default_rng(42)
    pairs: dict[str, list[tuple[list[Scored], Scored]]] = {}
    counted = [name for name in ("val", "judge") if name in found]
    for name in counted:
        pairs[f"{name} itself"] = [([found[name]], found[name])]
        pairs[f"half of {name}, the other half"] = [
            ([one], other) for _ in range(5) for one, other in halves(found[name], rng)
        ]
    for name in counted:
        others = [other for other in found if other != name]
        for other in others:
            pairs[f"{other}, {name}"] = [([found[other]], found[name])]
        if len(others) > 1:
            known = [found[other] for other in others]
            pairs[f"{' and '.join(others)}, {name}"] = [(known, found[name])]
    return pairs


def main() -> None:
    """Print a line for each way to know the mistakes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add_options(parser)
    parser.add_argument("--judge", help="a folder with another manifest, of other sessions")
    parser.add_argument("--mixes", type=int, default=40)
    parser.add_argument("--few", type=int, default=0, help="learn from this many photos a class")
    parser.add_argument("--task", choices=("drinks", "coarse", "products"), default="drinks")
    parser.add_argument("--groups", choices=("products", "bursts"), default="bursts")
    parser.add_argument("--told", action="store_true", help="tell the groups of counted photos too")
    options = parser.parse_args()
    classifier, found = scored(options)
    for name, one in found.items():
        print(f"{options.task}, {name}: {len(one.labels)} photos, accuracy {one.accuracy:.3f}")
    for name, pairs in ways(found).items():
        mixes = np.random.default_rng(1)
        each = max(1, options.mixes // len(pairs))
        rows = [
            errors(classifier, known, mix(counted, mixes), told=options.told)
            for sources, counted in pairs
            for known in [[knowing(classifier, one) for one in sources]]
            for _ in range(each)
        ]
        naive, corrected, inside, width = np.mean(rows, axis=0)
        more = np.array([row[1] - row[0] for row in rows])
        error = 1.96 * more.std(ddof=1) / np.sqrt(len(more))
        print(
            f"  {name}: mean absolute error {naive:.2f} naive, {corrected:.2f} corrected "
            f"({corrected / max(naive, 1e-9):.2f}), difference {more.mean():+.2f} +- {error:.2f}; "
            f"intervals hold {inside:.1%}, width {width:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
