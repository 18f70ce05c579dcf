"""How well a gallery knows products that its network never saw, by a few photos of each.

Run ``python benchmarks/gallery.py --photos PLACE --judge PLACE [--networks FOLDER] [--draws 3]`` on
the Grocery Store photos or on other manifests. In each draw, 20 of the 81 products are left out by
lot. The other 61 are enrolled with their photos of ``train``; the 20 with 1, 3, 5 and 10 photos of
it, chosen by lot. All are judged on ``val`` and on the photos of ``--judge``, which may be
repeated. Before the 20 are enrolled, their photos should be sent to review.

With ``--networks``, an EfficientNet-Lite0 is fine-tuned on the other products of each draw (eleven
minutes of CPU time) and kept in the folder. Without it, the network is EfficientNet-Lite0 as it
comes. ``--classifier`` names another one, and ``--fixed`` leaves out what that was not trained on.
Intervals are 95 % bootstrap intervals over bursts, which are the same for every draw.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from _embedded import Embedded, Photos, add_options, embedded, embedded_judge, manifest_of

import shelfvision as shv
from shelfvision.gallery._enrolled import EnrolledPhotos
from shelfvision.gallery._nearness import Nearness, nearness_of

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.int64]

SHOTS = (1, 3, 5, 10)
SHARES = (0.05, 0.1, 0.2, 0.3)
RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Some products left out, what a network sees of all photos, and how often bursts count."""

    seed: int
    out: Integers
    """The numbers of the products that are left out."""
    train: Photos
    judged: Photos
    counts: Weights
    """How often each photo is drawn, a row for each resample; the first row has ones."""

    @property
    def new(self) -> Mask:
        """Whether each photo to judge by shows a product that is left out."""
        return np.isin(self.judged.labels, self.out)

    def mean(self, values: npt.NDArray[np.bool_], of: Mask) -> npt.NDArray[np.float64]:
        """Return the share of photos for each resample."""
        return np.asarray(self.counts[:, of] @ values[of] / self.counts[:, of].sum(axis=1))


Figures = dict[str, npt.NDArray[np.float64]]


def enrolled(photos: Photos) -> tuple[EnrolledPhotos, Integers]:
    """Return photos as a gallery holds them, and the product that each of its numbers means."""
    products, labels = np.unique(photos.labels, return_inverse=True)
    found = EnrolledPhotos(
        names=tuple(map(str, products)),
        embeddings=photos.seen,
        labels=labels.reshape(-1).astype(np.int32),
        groups=photos.groups,
    )
    return found, products


def few_of(photos: Photos, products: Integers, n: int, seed: int) -> Photos:
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


def apart(some: Photos, more: Photos) -> Photos:
    """Return the photos of both, whose bursts are others."""
    shift = some.groups.max() + 1
    return joined(some, Photos(seen=more.seen, labels=more.labels, groups=more.groups + shift))


def before(nearness: Nearness, draw: Draw) -> Iterator[tuple[str, Figures]]:
    """Yield what is sent to review of known and of unknown products, by the share asked for."""
    distances, new = nearness.answers(draw.judged.seen)[1], draw.new
    usual = nearness.familiarity(distances)
    for share in SHARES:
        sent = usual <= share
        yield (
            f"unknown={share}: to review",
            {"known": draw.mean(sent, ~new), "unknown": draw.mean(sent, new)},
        )
    yield "review at 10 % of known", separated(distances, draw)


def separated(scores: npt.NDArray[np.float64], draw: Draw) -> Figures:
    """Return the share of unknown photos beyond a tenth of the known ones, and the ROC area."""
    new = draw.new
    order = np.argsort(scores, kind="stable")
    counts, unknown = draw.counts[:, order], new[order]
    known_left = np.cumsum(counts[:, ::-1] * ~unknown[::-1], axis=1)[:, ::-1]
    unknown_left = np.cumsum(counts[:, ::-1] * unknown[::-1], axis=1)[:, ::-1]
    n_known, n_unknown = known_left[:, :1], unknown_left[:, :1]
    beyond = np.where(known_left <= 0.1 * n_known, unknown_left, 0).max(axis=1)
    area = (counts * ~unknown * unknown_left).sum(axis=1) / (n_known * n_unknown)[:, 0]
    return {"unknown": beyond / n_unknown[:, 0], "ROC area": area}


def after(nearness: Nearness, products: Integers, draw: Draw) -> Figures:
    """Return accuracies on old and new products, and what is accepted of each."""
    rows, distances = nearness.answers(draw.judged.seen)
    right = products[rows.argmax(axis=1)] == draw.judged.labels
    taken, new = nearness.known(distances), draw.new
    return {
        "new right": draw.mean(right, new),
        "old right": draw.mean(right, ~new),
        "all right": draw.mean(right, np.ones(len(new), np.bool_)),
        "new accepted": draw.mean(taken, new),
        "old accepted": draw.mean(taken, ~new),
        "right of accepted": draw.mean(right, taken),
    }


def plainly(known: Photos, draw: Draw, *, each: bool) -> Figures:
    """Return accuracies by bare cosines, with every photo or with the mean of each product."""
    from sklearn.preprocessing import normalize

    products, labels = np.unique(known.labels, return_inverse=True)
    points = known.seen
    if not each:
        points = np.stack([known.seen[labels == k].mean(axis=0) for k in range(len(products))])
        labels = np.arange(len(products))
    cosines = normalize(draw.judged.seen) @ normalize(points).T
    right = products[labels[cosines.argmax(axis=1)]] == draw.judged.labels
    every = np.ones(len(right), np.bool_)
    parts = {"new right": draw.new, "old right": ~draw.new, "all right": every}
    return {name: draw.mean(right, of) for name, of in parts.items()}


def leaving(draw: Draw, share: float) -> Iterator[tuple[str, Figures]]:
    """Yield what comes of leaving some products out."""
    old = draw.train.of(~np.isin(draw.train.labels, draw.out))
    yield from before(nearness_of(enrolled(old)[0], share), draw)
    for n in SHOTS:
        known = joined(old, few_of(draw.train, draw.out, n, draw.seed))
        for each, name in ((True, "nearest photo, bare"), (False, "nearest mean, bare")):
            yield f"{n} photos: {name}", plainly(known, draw, each=each)
        gallery, products = enrolled(known)
        yield f"{n} photos: gallery", after(nearness_of(gallery, share), products, draw)


def network_without(seed: int, options: argparse.Namespace) -> Path:
    """Return the file of a network that was fine-tuned on the other products; train it once."""
    path: Path = options.networks / f"without-{seed}.shelf"
    if path.is_file():
        return path
    options.networks.mkdir(parents=True, exist_ok=True)
    photos = shv.Dataset.from_manifest(
        manifest_of(options.photos),
        label_column="product",
        where={"split": "train"},
        image_size=(224, 224),
    )
    out = left_out(len(photos.class_names), seed, options)
    names = [name for k, name in enumerate(photos.class_names) if k not in set(out.tolist())]
    train = photos.select(class_names=names)
    model = shv.build_model(len(names), architecture="efficientnet_lite0", weights="imagenet")
    trainer = shv.Trainer.recommended(model, train, seed=0, monitor="loss", verbose=False)
    trainer.fit(model, train, None).classifier.save(path)
    return path


def seen_by(path: Path | None, options: argparse.Namespace) -> tuple[Embedded, Photos]:
    """Return the photos as a network sees them, and all that judge in one."""
    cache = options.cache
    if cache is not None and path is not None:
        cache = cache.with_name(f"{cache.stem}-{path.stem}.npz")
    values = vars(options) | {"classifier": path, "cache": cache}
    found = embedded(argparse.Namespace(**values))
    judged = found.val
    for place in options.judge or ():
        if cache is not None:
            values["cache"] = cache.with_name(f"{cache.stem}-{Path(place).stem}.npz")
        values["judge"] = place
        judged = apart(judged, embedded_judge(argparse.Namespace(**values), found.names))
    return found, judged


def resampled(groups: Integers) -> Weights:
    """Return how often each photo is drawn when bursts are resampled; first, once each."""
    n = int(groups.max()) + 1
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return np.concatenate([np.ones((1, n), np.int64), draws])[:, groups]


def draws_of(options: argparse.Namespace) -> Iterator[Draw]:
    """Yield the draws, each with what its network sees."""
    for seed in range(1 if options.fixed else options.draws):
        path: Path | None = options.classifier
        if options.networks is not None:
            path = network_without(seed, options)
        found, judged = seen_by(path, options)
        out = left_out(len(found.names), seed, options)
        if options.fixed:
            trained = set(shv.Classifier.load(options.classifier).class_names)
            out = np.array([k for k, name in enumerate(found.names) if name not in trained])
        counts = resampled(judged.groups)
        yield Draw(seed=seed, out=out, train=found.train, judged=judged, counts=counts)


def left_out(n: int, seed: int, options: argparse.Namespace) -> Integers:
    """Return the numbers of some products, chosen by lot."""
    return np.random.RandomState(seed).permutation(n)[: options.left_out].astype(np.int64)


def show(found: dict[str, list[Figures]]) -> None:
    """Print the mean over draws of each figure, with its interval and its range."""
    for name, rows in found.items():
        cells = []
        for key in rows[0]:
            several = np.array([row[key] for row in rows])
            low, high = np.nanquantile(several.mean(axis=0)[1:], (0.025, 0.975))
            first = several[:, 0]
            cell = f"{key} {first.mean():.3f} ({low:.3f} to {high:.3f})"
            if len(rows) > 1:
                cell += f" [{first.min():.2f}-{first.max():.2f}]"
            cells.append(cell)
        print(f"{name:32}", "  ".join(cells), flush=True)


def main() -> None:
    """Print the figures of each draw so far."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--judge", action="append", metavar="PLACE", help="more photos to judge by")
    parser.add_argument("--networks", type=Path, help="folder of the networks that are fine-tuned")
    parser.add_argument("--draws", type=int, default=1, help="how often products are left out")
    parser.add_argument("--left-out", type=int, default=20, help="products, at a time")
    parser.add_argument("--share", type=float, default=0.1, help="of known photos to review")
    parser.add_argument("--fixed", action="store_true", help="leave out what it was not trained on")
    options = parser.parse_args()
    found: dict[str, list[Figures]] = {}
    for draw in draws_of(options):
        for name, figures in leaving(draw, options.share):
            found.setdefault(name, []).append(figures)
        n, bursts = len(draw.judged.labels), int(draw.judged.groups.max()) + 1
        print(f"\n{len(draw.out)} products left out, {n} photos in {bursts} bursts to judge by")
        print(f"mean (95 % interval) [least-most] of draws so far: {draw.seed + 1}")
        show(found)


if __name__ == "__main__":
    main()
