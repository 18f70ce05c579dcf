"""How well a gallery knows products that its classifier never saw, by a few photos of each.

Run ``python benchmarks/gallery.py --photos PLACE [--cache FILE] [--leavings 5]`` on the Grocery
Store photos. Again and again 20 of the 81 products are left out by lot. The other 61 are enrolled
with their photos of ``train``; the 20 with 0, 1, 3, 5 and 10 photos of it, chosen by lot. All are
judged on ``val``. By default the network is EfficientNet-Lite0 as it comes, which was trained on
none of the products; with ``--classifier`` it is another one, and ``--fixed`` leaves out those that
it was not trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from _embedded import Embedded, Photos, add_options, embedded

import shelfvision as shv
from shelfvision.gallery._enrolled import EnrolledPhotos
from shelfvision.gallery._nearness import Nearness, nearness_of

Mask = npt.NDArray[np.bool_]
Line = tuple[str, dict[str, float]]

SHOTS = (1, 3, 5, 10)
SHARES = (0.05, 0.1, 0.2, 0.3)


def enrolled(photos: Photos) -> tuple[EnrolledPhotos, npt.NDArray[np.int64]]:
    """Return photos as a gallery holds them, and the product that each of its numbers means."""
    products, labels = np.unique(photos.labels, return_inverse=True)
    found = EnrolledPhotos(
        names=tuple(map(str, products)),
        embeddings=photos.seen,
        labels=labels.reshape(-1).astype(np.int32),
        groups=photos.groups,
    )
    return found, products


def few_of(photos: Photos, products: npt.NDArray[np.int64], n: int, seed: int) -> Photos:
    """Return so many photos of each product, chosen by lot."""
    rng = np.random.RandomState(1000 + seed)
    rows = [rng.permutation(np.flatnonzero(photos.labels == product))[:n] for product in products]
    return photos.of(np.concatenate(rows).astype(np.int64))


def joined(some: Photos, more: Photos) -> Photos:
    """Return the photos of both."""
    pairs = {
        key: np.concatenate([getattr(some, key), getattr(more, key)])
        for key in ("seen", "labels", "groups")
    }
    return Photos(**pairs)


def before(nearness: Nearness, val: Photos, new: Mask) -> Iterator[Line]:
    """Yield what is sent to review of known and of unknown products, by the share asked for."""
    from sklearn.metrics import roc_auc_score

    distances = nearness.answers(val.seen)[1]
    usual = nearness.familiarity(distances)
    area = roc_auc_score(new, distances)
    for share in SHARES:
        sent = usual <= share
        yield (
            f"unknown={share}: to review",
            {"old": sent[~new].mean(), "new": sent[new].mean(), "area": area},
        )


def after(nearness: Nearness, products: npt.NDArray[np.int64], val: Photos, new: Mask) -> Line:
    """Return accuracies on old and new products, and what is accepted of each."""
    rows, distances = nearness.answers(val.seen)
    right = products[rows.argmax(axis=1)] == val.labels
    taken = nearness.known(distances)
    return "", {
        "old": right[~new].mean(),
        "new": right[new].mean(),
        "all": right.mean(),
        "old accepted": taken[~new].mean(),
        "new accepted": taken[new].mean(),
        "right of accepted": right[taken].mean(),
    }


def plainly(known: Photos, val: Photos, new: Mask, *, each: bool) -> dict[str, float]:
    """Return accuracies by bare cosines, with every photo or with the mean of each product."""
    from sklearn.preprocessing import normalize

    products, labels = np.unique(known.labels, return_inverse=True)
    points = known.seen
    if not each:
        points = np.stack([known.seen[labels == k].mean(axis=0) for k in range(len(products))])
        labels = np.arange(len(products))
    said = products[labels[(normalize(val.seen) @ normalize(points).T).argmax(axis=1)]]
    right = said == val.labels
    return {"old": right[~new].mean(), "new": right[new].mean(), "all": right.mean()}


def linear(known: Photos, val: Photos, new: Mask) -> dict[str, float]:
    """Return the accuracy of a linear classifier of the old products."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10, max_iter=500).fit(known.seen, known.labels)
    return {"old": (model.predict(val.seen[~new]) == val.labels[~new]).mean()}


def leaving(found: Embedded, out: npt.NDArray[np.int64], seed: int, share: float) -> Iterator[Line]:
    """Yield what comes of leaving some products out."""
    old = found.train.of(~np.isin(found.train.labels, out))
    new = np.isin(found.val.labels, out)
    yield "linear classifier of the old ones", linear(old, found.val, new)
    yield from before(nearness_of(enrolled(old)[0], share), found.val, new)
    for n in SHOTS:
        known = joined(old, few_of(found.train, out, n, seed))
        for each, name in ((True, "nearest photo, bare"), (False, "nearest mean, bare")):
            yield f"{n} photos: {name}", plainly(known, found.val, new, each=each)
        gallery, products = enrolled(known)
        yield (
            f"{n} photos: gallery",
            after(nearness_of(gallery, share), products, found.val, new)[1],
        )


def main() -> None:
    """Print the figures, means over the draws so far."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--leavings", type=int, default=5, help="how often products are left out")
    parser.add_argument("--left-out", type=int, default=20, help="products, at a time")
    parser.add_argument("--share", type=float, default=0.1, help="of known photos to review")
    parser.add_argument("--fixed", action="store_true", help="leave out what it was not trained on")
    options = parser.parse_args()
    found = embedded(options)
    n = len(found.names)
    print(f"{n} products, {len(found.train.labels)} photos to enrol, {len(found.val.labels)} of")
    print(f"{found.val.groups.max() + 1} other bursts to judge by, {options.left_out} left out")
    draws: dict[str, list[dict[str, float]]] = {}
    for seed in range(1 if options.fixed else options.leavings):
        out = np.random.RandomState(seed).permutation(n)[: options.left_out]
        if options.fixed:
            trained = set(shv.Classifier.load(options.classifier).class_names)
            out = np.array([k for k, name in enumerate(found.names) if name not in trained])
        for name, figures in leaving(found, out, seed, options.share):
            draws.setdefault(name, []).append(figures)
        print(f"\nmean (least to most) of {seed + 1} draws")
        for name, rows in draws.items():
            told = {key: [row[key] for row in rows] for key in rows[0]}
            cells = (f"{k} {np.mean(v):.3f} ({min(v):.2f}-{max(v):.2f})" for k, v in told.items())
            print(f"{name:36}", "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
