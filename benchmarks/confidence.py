"""How far confidence holds on photos of other sessions, from predictions that are kept.

Run ``python benchmarks/confidence.py FILE.npz ...`` on files of ``accuracy.py --judge MANIFEST
--predictions FOLDER``. Each set of photos (``val``, those of ``--judge``) is of other sessions.
Temperature and thresholds are fitted on one set and used on another, and, to compare, fitted on one
half of the bursts of a set and used on the other half. Printed are the expected calibration error
(ECE) with what chance alone gives, and coverage and precision of what is accepted. The promise of
`Thresholds.for_precision` is about bursts: in so many of those with accepted photos, no accepted
photo is wrong. Where the 95 % interval of that share is below what was asked for, it is broken.

``--photos`` and ``--summed-column`` say the same of kinds, whose classes' probabilities are added
up. ``--drinks`` says it of the five packaged classes of the Grocery Store photos: of the photos of
these products, whose probabilities are divided by their sum and added up. Several files are several
trainings, whose figures are averaged.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from _judging import TOGETHER, Judged, kinds_of
from _places import drink_of_products

import shelfvision as shv

Rows = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HALVINGS = 10
RESAMPLES = 1000


class Rule(NamedTuple):
    """What is asked for: the precision, with a confidence level or on average."""

    precision: float
    confidence_level: float | None

    def __str__(self) -> str:
        """Return it as a cell of a table."""
        surely = "on average" if self.confidence_level is None else f"{self.confidence_level:.2f}"
        return f"{self.precision:.2f}, {surely}"


RULES = tuple(Rule(p, c) for p in (0.98, 0.95, 0.9) for c in (0.95, 0.8, None))


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Probabilities, true classes and bursts of some photos."""

    rows: Rows
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.str_]

    @classmethod
    def of(cls, judged: Judged) -> Scored:
        """Return the columns of kept predictions; rounding made their sums inexact."""
        rows = judged.probabilities.astype(np.float64)
        rows /= rows.sum(axis=1, keepdims=True)
        return cls(rows=rows, labels=judged.labels, groups=judged.groups)

    def of_rows(self, mask: Mask) -> Scored:
        """Return some of the photos."""
        return Scored(rows=self.rows[mask], labels=self.labels[mask], groups=self.groups[mask])

    @property
    def right(self) -> Mask:
        """Whether each prediction is correct."""
        return np.asarray(self.rows.argmax(axis=1) == self.labels)


class Case(NamedTuple):
    """Photos to judge by, and what each part of them is fitted on."""

    judge: Scored
    parts: list[tuple[Scored, Mask]]

    def calibrated(self) -> Rows:
        """Return the probabilities after temperature scaling."""
        rows = np.empty_like(self.judge.rows)
        for fit, mask in self.parts:
            rows[mask] = shv.Calibration.fit(fit.rows, fit.labels).apply(self.judge.rows[mask])
        return rows


class Outcome(NamedTuple):
    """What a rule does: shares, each first as measured and then for resampled bursts."""

    coverage: Rows
    precision: Rows
    of_bursts: Rows


def cases(judged: Judged) -> Iterator[tuple[str, list[Case]]]:
    """Yield the pairs of sets, and the halvings of each set, by a name."""
    sets = {name: Scored.of(judged.of(name)) for name in judged.names if name != TOGETHER}
    for first, fit in sets.items():
        for second, judge in sets.items():
            if first != second:
                every = np.ones(len(judge.rows), np.bool_)
                yield f"fitted on {first}, used on {second}", [Case(judge, [(fit, every)])]
    for name, part in sets.items():
        yield f"halves of {name}", [halved(part, seed) for seed in range(HALVINGS)]


def halved(part: Scored, seed: int) -> Case:
    """Return photos whose bursts are in two halves, each judged by what the other gives."""
    names, codes = np.unique(part.groups, return_inverse=True)
    first = np.random.RandomState(seed).permutation(len(names))[: len(names) // 2]
    inside = np.isin(codes, first)
    return Case(part, [(part.of_rows(inside), ~inside), (part.of_rows(~inside), inside)])


def drinks_of(judged: Judged, folder: Path) -> Judged:
    """Return the photos of drinks, with probabilities of their classes alone."""
    kinds = drink_of_products(folder)
    inside = np.array([name in kinds for name in judged.class_names])
    kept = inside[judged.labels]
    parts = {name: getattr(judged, name)[kept] for name in ("ids", "groups", "sets")}
    rows = judged.probabilities[kept][:, inside].astype(np.float64)
    return replace(
        judged,
        probabilities=(rows / rows.sum(axis=1, keepdims=True)).astype(np.float32),
        class_names=tuple(name for name in judged.class_names if name in kinds),
        labels=(np.cumsum(inside) - 1)[judged.labels[kept]],
        **parts,
    ).summed(kinds)


def calibration_of(case: Case) -> tuple[float, float, float]:
    """Return the ECE before and after temperature scaling, and what chance gives after it."""
    rows, rng = case.calibrated(), np.random.default_rng(0)
    chance = []
    for _ in range(20):
        drawn = (rows.cumsum(axis=1) > rng.random((len(rows), 1)) * 0.999999).argmax(axis=1)
        chance.append(shv.expected_calibration_error(rows, drawn))
    return (
        shv.expected_calibration_error(case.judge.rows, case.judge.labels),
        shv.expected_calibration_error(rows, case.judge.labels),
        float(np.mean(chance)),
    )


def accepted(case: Case, rule: Rule) -> Mask:
    """Return which photos are accepted by what was fitted on the others."""
    taken = np.zeros(len(case.judge.rows), np.bool_)
    for fit, mask in case.parts:
        fitted = shv.Calibration.fit(fit.rows, fit.labels)
        thresholds = shv.Thresholds.for_precision(
            fitted.apply(fit.rows),
            fit.labels,
            fit.groups.tolist(),
            precision=rule.precision,
            confidence_level=rule.confidence_level,
        )
        taken[mask] = thresholds.decide(fitted.apply(case.judge.rows[mask])) == "accept"
    return taken


def outcome(case: Case, taken: Mask) -> Outcome:
    """Return coverage and precision of what is accepted, with resamples of bursts."""
    codes = np.unique(case.judge.groups, return_inverse=True)[1]
    n = int(codes.max()) + 1
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    times = np.concatenate([np.ones((1, n), np.int64), draws]).astype(np.float64)
    photos = np.bincount(codes, minlength=n)
    some = np.bincount(codes, taken, n)
    wrong = np.bincount(codes, taken & ~case.judge.right, n)
    with np.errstate(invalid="ignore"):
        return Outcome(
            coverage=(times @ some) / (times @ photos),
            precision=1 - (times @ wrong) / (times @ some),
            of_bursts=1 - (times @ (wrong > 0)) / (times @ (some > 0)),
        )


def cell(several: list[Rows]) -> str:
    """Return the mean over trainings and halvings with a 95 % interval, as a cell."""
    values = np.array(several)
    values = values[~np.isnan(values[:, 0])]
    if not len(values):
        return f"{'-':23}"
    mean = values.mean(axis=0)
    low, high = np.nanquantile(mean[1:], (0.025, 0.975))
    return f"{mean[0]:.3f} ({low:.3f} to {high:.3f})"


def report(trainings: list[Judged]) -> None:
    """Print calibration errors, and what the rules accept, for each pair of sets."""
    by_name: dict[str, list[Case]] = {}
    for judged in trainings:
        for name, found in cases(judged):
            by_name.setdefault(name, []).extend(found)
    for name, found in by_name.items():
        before, after, chance = np.mean([calibration_of(case) for case in found], axis=0)
        print(f"\n{name}: accuracy {np.mean([case.judge.right.mean() for case in found]):.3f}")
        print(f"ECE {before:.3f}, after temperature scaling {after:.3f}, by chance {chance:.3f}")
        print(f"{'asked for':18}{'coverage':25}{'precision':25}{'of bursts':25}accepting")
        for rule in RULES:
            said = [outcome(case, accepted(case, rule)) for case in found]
            some = np.mean([one.coverage[0] > 0 for one in said])
            cells = [cell(list(rows)) for rows in zip(*said, strict=True)]
            print(f"{rule!s:18}" + "".join(f"{text:25}" for text in cells) + f"{some:.2f}")


def main() -> None:
    """Print the figures of classes, and of kinds if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="what accuracy.py --predictions wrote")
    parser.add_argument("--photos", help="manifest with the kind of each class")
    parser.add_argument("--label-column", default="product")
    parser.add_argument("--summed-column", help="column of the kinds")
    parser.add_argument("--drinks", action="store_true", help="the packaged classes, too")
    options = parser.parse_args()
    if not options.files:
        print("nothing to judge; name files of accuracy.py --predictions")
        return
    trainings = [Judged.read(path) for path in options.files]
    print(f"{len(trainings[0].class_names)} classes")
    report(trainings)
    kinds = kinds_of(options)
    if kinds:
        summed = [judged.summed(kinds) for judged in trainings]
        print(f"\n\n{len(summed[0].class_names)} kinds")
        report(summed)
    if options.drinks:
        print("\n\ndrinks")
        report([drinks_of(judged, Path(options.photos)) for judged in trainings])


if __name__ == "__main__":
    main()
