"""How much accuracy a review of uncertain photos adds, compared with a review of random photos.

The classifier is a linear layer (logistic regression, at most 40 steps of L-BFGS) on embeddings of
EfficientNet-Lite0 with weights of ImageNet. It learns from a quarter of the bursts of the training
photos. The other bursts are the pool of new photos without labels. A person reviews 50, 100 or 200
photos of the pool: those with the smallest margin between the two most probable classes (Scheffer,
Decomain and Wrobel, 2001), at most one of each burst; the least confident; or random ones. The
reviewed photos join the training
photos, and the layer is trained again. The true label of the dataset stands for the answer of the
person, so the person makes no mistakes.

All classifiers are judged on photos of other sessions, which take no part in any choice. The first
interval is a 95 % t interval over seeds, which change the quarter and the random photos. The
second is a 95 % cluster bootstrap over the bursts of the judged photos, of the mean over seeds.

    python benchmarks/corrections.py --judge FOLDER --cache embeddings.npz

needs ``pip install "shelfvision[jax,pretrained]"``, the Grocery Store photos in SHELFVISION_PHOTOS
and further photos of them with a manifest.csv in FOLDER.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

import shelfvision as shv

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

Mask: TypeAlias = npt.NDArray[np.bool_]
Right: TypeAlias = npt.NDArray[np.float64]
"""The share of seeds in which each judged photo is right, or one seed's zeros and ones."""
WAYS = ("smallest margin, one of a burst", "least confident", "random")
SIZE = (224, 224)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Photos of one part, one entry each."""

    seen: npt.NDArray[np.float32]
    """Embeddings, shape (n, 1280)."""
    labels: npt.NDArray[np.int64]
    """Class numbers."""
    groups: npt.NDArray[np.int64]
    """Numbers of bursts."""


def embedded(photos: Path, judge: Path, column: str, cache: Path | None) -> tuple[Part, Part]:
    """Return the training photos and the judged photos as embeddings."""
    if cache is not None and cache.is_file():
        with np.load(cache) as file:
            train, test = (
                Part(**{key: file[f"{name}_{key}"] for key in ("seen", "labels", "groups")})
                for name in ("train", "judge")
            )
            return train, test
    model = shv.build_model(2, architecture="efficientnet_lite0", weights="imagenet")
    network = shv.Classifier.from_model(model, class_names=["a", "b"])
    train_set = opened(photos, "train", column)
    judge_set = opened(judge, "judge", column, train_set.class_names)
    train, test = part_of(network, train_set), part_of(network, judge_set)
    if cache is not None:
        columns = {
            f"{name}_{key}": getattr(part, key)
            for name, part in (("train", train), ("judge", test))
            for key in ("seen", "labels", "groups")
        }
        np.savez(cache, allow_pickle=False, **columns)
    return train, test


def opened(
    folder: Path, split: str, column: str, class_names: tuple[str, ...] | None = None
) -> shv.Dataset:
    """Return the photos of one part of a manifest."""
    return shv.Dataset.from_manifest(
        folder / "manifest.csv",
        label_column=column,
        where={"split": split},
        class_names=class_names,
        image_size=SIZE,
    )


def part_of(network: shv.Classifier, photos: shv.Dataset) -> Part:
    """Return photos as the network sees them."""
    groups = photos.group_bursts().groups.astype(str)
    return Part(
        seen=network.embed(photos),
        labels=photos.labels,
        groups=np.unique(groups, return_inverse=True)[1].astype(np.int64),
    )


def trained(train: Part, rows: Mask) -> LogisticRegression:
    """Return a layer that was trained on some of the photos."""
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops before it has converged
        return LogisticRegression(C=10, max_iter=40).fit(train.seen[rows], train.labels[rows])


def right(layer: LogisticRegression, judge: Part) -> Right:
    """Return 1 for each judged photo with the right label, otherwise 0."""
    return np.asarray(layer.predict(judge.seen) == judge.labels, dtype=np.float64)


def order_of(
    way: str,
    probabilities: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return the order in which the photos of the pool are reviewed."""
    if way == "random":
        return np.argsort(rng.permutation(len(groups)))
    best = np.sort(probabilities, axis=1)
    if way == "least confident":
        return np.argsort(best[:, -1], kind="stable")
    order = np.argsort(best[:, -1] - best[:, -2], kind="stable")
    first = np.sort(np.unique(groups[order], return_index=True)[1])
    return np.concatenate([order[first], np.delete(order, first)])


def start_of(train: Part, share: float, rng: np.random.Generator) -> Mask:
    """Return the photos of some of the bursts, at least one burst of each class."""
    n = int(train.groups.max()) + 1
    kept = rng.permutation(n)[: round(share * n)]
    rows = np.isin(train.groups, kept)
    for label in np.setdiff1d(train.labels, train.labels[rows]):
        rows |= train.groups == rng.choice(train.groups[train.labels == label])
    return rows


def t_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return a 95 % confidence interval of the mean."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def cluster_interval(gain: Right, groups: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return a 95 % cluster bootstrap interval of the mean of a value of each photo."""
    n = int(groups.max()) + 1
    sums, counts = np.bincount(groups, gain, n), np.bincount(groups, minlength=n)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=5000)
    low, high = np.quantile((draws @ sums) / (draws @ counts), (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    """Print one line for each number of reviewed photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--judge", type=Path, required=True, help="photos of other sessions")
    parser.add_argument("--column", default="product", help="column of the manifest: the class")
    parser.add_argument("--cache", type=Path, help="a file to keep embeddings in")
    parser.add_argument("--share", type=float, default=0.25, help="bursts to start with")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--numbers", type=int, nargs="+", default=[50, 100, 200])
    options = parser.parse_args()
    if not options.photos or not (Path(options.photos) / "manifest.csv").is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    train, judge = embedded(Path(options.photos), options.judge, options.column, options.cache)
    print(f"{len(train.labels)} photos to learn from, {len(judge.labels)} judged", flush=True)
    before: list[Right] = []
    after: dict[tuple[int, str], list[Right]] = {
        (number, way): [] for number in options.numbers for way in WAYS
    }
    sizes = []
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        rows = start_of(train, options.share, rng)
        sizes.append(int(rows.sum()))
        first = trained(train, rows)
        before.append(right(first, judge))
        pool = np.flatnonzero(~rows)
        probabilities = first.predict_proba(train.seen[pool])
        for (number, way), found in after.items():
            order = order_of(way, probabilities, train.groups[pool], rng)
            more = rows.copy()
            more[pool[order[:number]]] = True
            found.append(right(trained(train, more), judge))
        print(f"seed {seed}: {before[-1].mean():.3f}", file=sys.stderr, flush=True)
    print(f"started with {np.mean(sizes):.0f} photos, accuracy {np.mean(before):.3f}")
    print("| reviewed | chosen | accuracy | gain | over seeds | over bursts |")
    print("|---|---|---|---|---|---|")
    for (number, way), found in after.items():
        accuracy = np.mean(found)
        gain = np.array(found) - np.array(after[number, "random"])
        over_seeds = "{:+.3f} to {:+.3f}".format(*t_interval(gain.mean(axis=1)))
        over_bursts = "{:+.3f} to {:+.3f}".format(
            *cluster_interval(gain.mean(axis=0), judge.groups)
        )
        shown = [f"{accuracy:.3f}", f"{gain.mean():+.3f}", over_seeds, over_bursts]
        print(f"| {number} | {way} | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()
