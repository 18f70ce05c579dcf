"""How far confidence holds on photos of other sessions, and what is sent to review of unknowns.

Run ``python benchmarks/abstaining.py --photos FOLDER`` for a softmax layer over EfficientNet-Lite0.
With ``--classifier FILE``, it is about a classifier that learned all coarse labels from ``train``
and keeps its scores of ``val``; ``--without FILE``, as often as you like, takes ones that learned
all but some. ``accuracy.py --task coarse --keep FOLDER [--leave-out CLASS]`` makes such files.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision.predictions import CalibrationMethod

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Masks = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Photos as the network sees them."""

    seen: Floats
    labels: Integers
    groups: Integers

    def of(self, rows: npt.NDArray[np.bool_]) -> Part:
        """Return some of the photos."""
        return Part(seen=self.seen[rows], labels=self.labels[rows], groups=self.groups[rows])


class Rule(NamedTuple):
    """What was asked for: the precision, with a confidence or on average."""

    precision: float
    confidence: float | None

    def __str__(self) -> str:
        """Return it as a cell of a table."""
        surely = "on average" if self.confidence is None else f"at {self.confidence:.2f}"
        return f"{self.precision:.2f} {surely}"


class Shares(NamedTuple):
    """What a way to decide does with photos."""

    unknown_to_review: float
    known_accepted: float
    right: float
    """Of the known ones that are accepted; not a number where there are none."""


METHODS: tuple[CalibrationMethod, ...] = ("temperature", "sigmoid", "isotonic")
RULES = tuple(Rule(p, c) for p in (0.98, 0.95, 0.9) for c in (0.95, 0.8, None))


def embedded(folder: Path, cache: Path | None) -> tuple[Part, Part, list[str]]:
    """Return the photos of train and val through EfficientNet-Lite0 without its last layer."""
    if cache is not None and cache.is_file():
        with np.load(cache) as found:
            kept = [
                Part(**{key: found[f"{name}_{key}"] for key in ("seen", "labels", "groups")})
                for name in ("train", "val")
            ]
            return kept[0], kept[1], found["names"].tolist()
    size = (224, 224)
    parts: list[Part] = []
    for name in ("train", "val"):
        photos = shv.Dataset.from_manifest(
            folder / "manifest.csv", where={"split": name}, image_size=size
        )
        k = len(photos.class_names)
        model = shv.build_model(
            k, architecture="efficientnet_lite0", weights="imagenet", image_size=size
        )
        seen = shv.Classifier.from_model(model, class_names=photos.class_names).embed(photos)
        groups = np.unique(photos.group_bursts().groups.astype(str), return_inverse=True)[1]
        parts.append(Part(seen=seen, labels=photos.labels, groups=groups))
    if cache is not None:
        columns = {
            f"{name}_{key}": getattr(part, key)
            for name, part in zip(("train", "val"), parts, strict=True)
            for key in ("seen", "labels", "groups")
        }
        np.savez(cache, allow_pickle=False, names=np.array(photos.class_names), **columns)
    return parts[0], parts[1], list(photos.class_names)


def halves(part: Part, seed: int) -> Iterator[Masks]:
    """Yield which photos to fit on and which to judge on: one half of the groups, and swapped."""
    n = int(part.groups.max()) + 1
    first = np.isin(part.groups, np.random.RandomState(seed).permutation(n)[: n // 2])
    yield first, ~first
    yield ~first, first


def head(train: Part, penalty: float) -> tuple[Floats, Floats]:
    """Return weights and biases of a softmax layer over what the network sees."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / penalty, max_iter=2000).fit(train.seen, train.labels)
    return model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)


def softmax(logits: Floats) -> Floats:
    """Return probabilities."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def calibration(said: Floats, part: Part, seeds: int) -> None:
    """Print calibration errors before and after, each photo calibrated by the half it is not in."""
    rng = np.random.default_rng(0)
    print(f"\nexpected calibration error, mean of {seeds} halvings (first)")
    raw = shv.expected_calibration_error(said, part.labels)
    print(f"{'raw':14}{raw:.3f}")
    for method in METHODS:
        errors, chance = [], []
        for seed in range(seeds):
            rows = np.empty_like(said)
            for fit, judge in halves(part, seed):
                fitted = shv.Calibration.fit(said[fit], part.labels[fit], method=method)
                rows[judge] = fitted.apply(said[judge])
            errors.append(shv.expected_calibration_error(rows, part.labels))
            # What is left where every probability is exactly right.
            drawn = (rows.cumsum(axis=1) > rng.random((len(rows), 1)) * 0.999999).argmax(axis=1)
            chance.append(shv.expected_calibration_error(rows, drawn))
        print(f"{method:14}{np.mean(errors):.3f} ({errors[0]:.3f})", end="")
        print(f"   by chance alone {np.mean(chance):.3f}", flush=True)


def interval(right: npt.NDArray[np.bool_], groups: Integers, rng: np.random.Generator) -> str:
    """Return a 95 % interval of a share: groups are drawn anew, whole, 2,000 times."""
    codes = np.unique(groups, return_inverse=True)[1]
    n = int(codes.max()) + 1
    sums = np.bincount(codes, right, n), np.bincount(codes, minlength=n)
    draws = rng.multinomial(n, np.full(n, 1 / n), size=2000)
    low, high = np.quantile((draws @ sums[0]) / (draws @ sums[1]), (0.025, 0.975))
    return f"{low:.3f} to {high:.3f}"


def accepted(said: Floats, part: Part, rule: Rule, seed: int) -> npt.NDArray[np.bool_]:
    """Return which photos are accepted, each decided by what was learned on the other half."""
    taken = np.zeros(len(said), np.bool_)
    for fit, judge in halves(part, seed):
        fitted = shv.Calibration.fit(said[fit], part.labels[fit])
        thresholds = shv.Thresholds.for_precision(
            fitted.apply(said[fit]),
            part.labels[fit],
            part.groups[fit],
            precision=rule.precision,
            confidence_level=rule.confidence,
        )
        taken[judge] = thresholds.decide(fitted.apply(said[judge])) == "accept"
    return taken


def precision(said: Floats, part: Part, seeds: int) -> None:
    """Print accuracy and coverage of what is accepted."""
    rng = np.random.default_rng(0)
    right = said.argmax(axis=1) == part.labels
    print("\nprecision asked for   accepted  95 % interval    accuracy  95 % interval   (first)")
    print(f"{'':22}{'':27}accepted and right, mean of {seeds} halvings")
    for rule in RULES:
        taken = accepted(said, part, rule, 0)
        line = f"{rule!s:20}  {taken.mean():8.3f}  {interval(taken, part.groups, rng)}"
        if taken.any():
            line += f"  {right[taken].mean():8.3f}  "
            line += interval(right[taken], part.groups[taken], rng)
        many = [accepted(said, part, rule, seed) for seed in range(seeds)]
        shares = np.mean([mask.mean() for mask in many])
        good = [right[mask].mean() for mask in many if mask.any()]
        line += f"   | {shares:.3f} "
        line += f"{np.mean(good):.3f}" if good else "-"
        print(line, flush=True)


def shifted(said: Floats, part: Part, trained: Integers, seeds: int) -> None:
    """Print accuracies where the mix of products is another, with and without correction."""
    from shelfvision.predictions.class_prior import estimated_prior, reweighted

    known = trained / trained.sum()
    found = []
    for seed in range(seeds):
        rng = np.random.RandomState(seed)
        for fit, judge in halves(part, seed):
            rows = shv.Calibration.fit(said[fit], part.labels[fit]).apply(said[judge])
            labels = part.labels[judge]
            # Shares fall as 1, 1/2, 1/3, ... over the classes in an order drawn by lot.
            shares = np.zeros(len(trained))
            there = rng.permutation(np.unique(labels))
            shares[there] = 1 / np.arange(1, len(there) + 1)
            weights = shares[labels] / np.bincount(labels)[labels]
            drawn = rng.choice(len(labels), 500, p=weights / weights.sum())
            rows, labels = rows[drawn], labels[drawn]
            smooth = (shares / shares.sum() + 1e-3) / (1 + 1e-3 * len(shares))
            mixes = (smooth, estimated_prior(rows, known))
            answers = (rows, *(reweighted(rows, known, mix) for mix in mixes))
            found.append([np.mean(some.argmax(axis=1) == labels) for some in answers])
    means = np.mean(found, axis=0)
    print("\naccuracy where a few products make most of the shelf")
    print(f"as trained {means[0]:.3f}, mix known {means[1]:.3f}, mix estimated {means[2]:.3f}")


def unknown(train: Part, val: Part, n_classes: int, options: argparse.Namespace) -> None:
    """Print which share of products that were never trained on is sent to review."""
    rows: dict[str, list[Shares]] = {}
    for seed in range(options.leavings):
        rng = np.random.RandomState(seed)
        out = rng.permutation(n_classes)[: options.left_out]
        inside = train.of(~np.isin(train.labels, out))
        weights, biases = head(inside, options.penalty)
        known = np.unique(inside.labels)
        strange = np.isin(val.labels, out)
        labels = np.where(strange, 0, np.searchsorted(known, val.labels)).astype(np.int64)
        said = softmax(val.seen @ weights + biases)
        judge_ways(Part(seen=said, labels=labels, groups=val.groups), strange, seed, rows)
    print(f"\na layer alone, {options.left_out} of {n_classes} classes left out,", end="")
    show_ways(rows, options.leavings)


def unknown_to(path: Path, val: Part, names: list[str], options: argparse.Namespace) -> None:
    """Print the same of a classifier that was trained without some of the classes."""
    classifier = shv.Classifier.load(path)
    photos = shv.Dataset.from_manifest(
        Path(options.photos) / "manifest.csv",
        where={"split": "val"},
        image_size=classifier.image_size,
    )
    index = {name: number for number, name in enumerate(classifier.class_names)}
    labels = np.array([index.get(names[label], -1) for label in val.labels], dtype=np.int64)
    said = classifier.predict_proba(photos)
    scored = Part(seen=said, labels=np.maximum(labels, 0), groups=val.groups)
    rows: dict[str, list[Shares]] = {}
    for seed in range(options.halvings):
        judge_ways(scored, labels < 0, seed, rows)
    left_out = sorted(set(names) - set(classifier.class_names))
    print(f"\n{path.name}, trained without {', '.join(left_out)} ({(labels < 0).sum()} photos),")
    show_ways(rows, options.halvings)


def judge_ways(
    scored: Part, strange: npt.NDArray[np.bool_], seed: int, rows: dict[str, list[Shares]]
) -> None:
    """Note, for every way to decide, what becomes of unknown products and of known ones."""
    right = scored.seen.argmax(axis=1) == scored.labels
    for name, taken in ways(scored, strange, seed):
        known = right[~strange & taken]
        rows.setdefault(name, []).append(
            Shares(
                unknown_to_review=float((~taken[strange]).mean()),
                known_accepted=float(taken[~strange].mean()),
                right=float(known.mean()) if len(known) else np.nan,
            )
        )


def show_ways(rows: dict[str, list[Shares]], times: int) -> None:
    """Print the means of what was noted."""
    print(f" mean of {times} times\n{'':38}unknown to review   known accepted   of these right")
    for name, found in rows.items():
        shares, known_shares, accuracies = map(np.array, zip(*found, strict=True))
        right = accuracies[~np.isnan(accuracies)]
        shown = f"{right.mean():17.3f}" if len(right) else f"{'-':>17}"
        print(f"{name:38}{shares.mean():17.3f}{known_shares.mean():17.3f}{shown}", flush=True)


def ways(
    scored: Part, strange: npt.NDArray[np.bool_], seed: int
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield ways to decide and which photos each accepts; unknown ones are never fitted on."""
    said = scored.seen
    for level in (0.5, 0.9, 0.98):
        yield f"softmax at least {level}", said.max(axis=1) >= level
    for level in (0.9, 0.98):
        taken = np.zeros(len(said), np.bool_)
        for half, judge in halves(scored, seed):
            fit = half & ~strange
            fitted = shv.Calibration.fit(said[fit], scored.labels[fit])
            taken[judge] = fitted.apply(said[judge]).max(axis=1) >= level
        yield f"calibrated at least {level}", taken
    for rule in RULES:
        taken = np.zeros(len(said), np.bool_)
        for half, judge in halves(scored, seed):
            fit = half & ~strange
            fitted = shv.Calibration.fit(said[fit], scored.labels[fit])
            thresholds = shv.Thresholds.for_precision(
                fitted.apply(said[fit]),
                scored.labels[fit],
                scored.groups[fit],
                precision=rule.precision,
                confidence_level=rule.confidence,
            )
            taken[judge] = thresholds.decide(fitted.apply(said[judge])) == "accept"
        yield f"precision {rule}", taken


def judged_scores(train: Part, val: Part, options: argparse.Namespace) -> Floats:
    """Return what is said of val: by a classifier that keeps scores of it, or by a layer alone."""
    if options.classifier is None:
        weights, biases = head(train, options.penalty)
        return softmax(val.seen @ weights + biases)
    kept = shv.Classifier.load(options.classifier).validation_scores
    if kept is None or not np.array_equal(kept.labels, val.labels):
        sys.exit("the classifier must keep scores of the val photos: with_validation(val)")
    return kept.probabilities


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--cache", type=Path, help="a file to keep what the network sees in")
    parser.add_argument("--classifier", type=Path, help="one that keeps scores of val")
    parser.add_argument("--without", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--penalty", type=float, default=0.1, help="on the head's weights")
    parser.add_argument("--halvings", type=int, default=20)
    parser.add_argument("--leavings", type=int, default=10)
    parser.add_argument("--left-out", type=int, default=8, help="classes, at a time")
    options = parser.parse_args()
    folder = Path(options.photos)
    if not options.photos or not (folder / "manifest.csv").is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    train, val, names = embedded(folder, options.cache)
    said = judged_scores(train, val, options)
    accuracy = np.mean(said.argmax(axis=1) == val.labels)
    print(f"{len(names)} classes, {len(train.labels)} photos trained on, {len(val.labels)} of")
    print(f"{val.groups.max() + 1} other bursts judged on; accuracy {accuracy:.3f}")
    calibration(said, val, options.halvings)
    precision(said, val, options.halvings)
    shifted(said, val, np.bincount(train.labels, minlength=len(names)), options.halvings)
    unknown(train, val, len(names), options)
    for path in options.without:
        unknown_to(path, val, names, options)


if __name__ == "__main__":
    main()
