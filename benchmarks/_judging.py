"""Scores of a classifier on several sets of photos, alone and together, kept for paired tests.

`Judged` has the probabilities of one training on one or several sets. Its file (`.npz`) is enough
for every later question: accuracy and its interval, classes summed to kinds, another recipe on the
same photos. No network has to run again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from _places import judge_photos
from _rows import Row

import shelfvision as shv

TOGETHER = "together"
"""The name of all sets together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Predictions for photos with known classes, each photo in a named set."""

    probabilities: npt.NDArray[np.float32]
    """Of shape (n, classes)."""
    class_names: tuple[str, ...]
    ids: npt.NDArray[np.str_]
    """The set and the id of each photo, such as ``val/photos/Apple/1.jpg``."""
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.str_]
    """The burst of each photo."""
    sets: npt.NDArray[np.str_]
    """The set of each photo."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sets in their order, then all together if there are several."""
        found = tuple(dict.fromkeys(self.sets.tolist()))
        return found if len(found) == 1 else (*found, TOGETHER)

    def of(self, name: str) -> Self:
        """Return the photos of one set."""
        rows = np.ones(len(self.sets), bool) if name == TOGETHER else self.sets == name
        parts = ("probabilities", "ids", "labels", "groups", "sets")
        return replace(self, **{part: getattr(self, part)[rows] for part in parts})

    def summed(self, kinds: Mapping[str, str]) -> Self:
        """Return the same photos, the probabilities of each kind's classes added up."""
        of_class = np.array([kinds[name] for name in self.class_names])
        names, numbers = np.unique(of_class, return_inverse=True)
        sums = [self.probabilities[:, of_class == name].sum(axis=1) for name in names]
        return replace(
            self,
            probabilities=np.stack(sums, axis=1),
            class_names=tuple(names.tolist()),
            labels=numbers[self.labels],
        )

    def report(self) -> shv.EvaluationReport:
        """Return the report, whose intervals come from a bootstrap over bursts."""
        # Sums in half or single precision are not exactly 1.
        shares = self.probabilities.astype(np.float64)
        shares /= shares.sum(axis=1, keepdims=True)
        predictions = shv.Predictions(shares, list(self.class_names), self.ids.tolist())
        return shv.EvaluationReport(predictions, self.labels, groups=self.groups.tolist())

    def save(self, path: Path) -> None:
        """Write everything to an ``.npz`` file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        names = np.array(self.class_names)
        parts = {part: getattr(self, part) for part in ("ids", "labels", "groups", "sets")}
        shares = self.probabilities.astype(np.float32)
        np.savez_compressed(path, probabilities=shares, class_names=names, **parts)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `save` wrote."""
        with np.load(path) as file:
            values = {name: file[name] for name in file.files}
        return cls(**values | {"class_names": tuple(values["class_names"].tolist())})


def sets_to_judge(
    options: argparse.Namespace, test: shv.Dataset, train: shv.Dataset
) -> dict[str, shv.Dataset]:
    """Return the photos to judge by, by the name of their set."""
    found = {options.test if options.judge else "test": test.group_bursts()}
    for manifest in options.judge or ():
        place = Path(manifest)
        name = place.parent.name if place.is_file() else place.name
        if name in found:
            # Two manifests of one folder; their files tell them apart.
            name = f"{name}/{place.name}"
        photos = judge_photos(place, options, train.image_size)
        found[name] = photos.group_bursts()
    return found


def judged_by(classifier: shv.Classifier, sets: Mapping[str, shv.Dataset]) -> Judged:
    """Return a classifier's predictions for all sets."""
    parts = []
    for name, photos in sets.items():
        report = shv.evaluate(classifier, photos)
        groups = np.array([f"{name}/{group}" for group in photos.groups])
        parts.append(
            Judged(
                probabilities=np.asarray(report.predictions.probabilities, np.float32),
                class_names=classifier.class_names,
                ids=np.array([f"{name}/{one}" for one in photos.ids]),
                labels=np.asarray(report.labels, np.int64),
                groups=groups,
                sets=np.full(len(photos), name),
            )
        )
    joined = {
        part: np.concatenate([getattr(one, part) for one in parts])
        for part in ("probabilities", "ids", "labels", "groups", "sets")
    }
    return Judged(class_names=classifier.class_names, **joined)


def kinds_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the kind of each class, from the manifest; none without ``--summed-column``."""
    if not options.summed_column:
        return {}
    place = Path(options.photos)
    path = place if place.is_file() else place / "manifest.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row[options.label_column]: row[options.summed_column] for row in csv.DictReader(file)
        }


def figures(judged: Judged, kinds: Mapping[str, str]) -> dict[str, Row]:
    """Return accuracy, macro F1 and interval on each set and on all sets together."""
    found: dict[str, Row] = {}
    for name in judged.names:
        part = judged.of(name)
        row = _scores(part)
        if kinds:
            row |= {f"summed_{key}": value for key, value in _scores(part.summed(kinds)).items()}
        found[name] = row
    return found


def _scores(part: Judged) -> Row:
    report = part.report()
    return {
        "accuracy": round(report.accuracy, 4),
        "macro_f1": round(report.macro_f1, 4),
        "interval": [round(end, 4) for end in report.intervals.accuracy],
        "photos": len(report.predictions),
    }
