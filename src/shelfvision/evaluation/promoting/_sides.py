"""Both classifiers on the same photos, with the classes of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._validation import listed
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.errors import DataError
from shelfvision.evaluation._predicting import PredictsDataset, predicted, sized_for
from shelfvision.evaluation.scores._outcomes import Outcomes, both_readable, outcomes_of
from shelfvision.predictions import Predictions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """The photos that both classifiers could read; class numbers are those of `class_names`."""

    old: Outcomes
    new: Outcomes
    class_names: tuple[str, ...]
    """The classes of the old classifier, then those that only the new one has."""
    only_old: tuple[str, ...]
    """The classes that only the old classifier has."""
    only_new: tuple[str, ...]
    have_thresholds: tuple[bool, bool]
    n_unreadable: int

    @property
    def known_to_both(self) -> npt.NDArray[np.bool_]:
        """Whether both classifiers have the true class of each photo."""
        alone = {*self.only_old, *self.only_new}
        shared = np.array([name not in alone for name in self.class_names], dtype=np.bool_)
        return np.asarray(shared[self.old.true])


def sides_of(old: PredictsDataset, new: PredictsDataset, dataset: Dataset) -> Sides:
    """Predict with both classifiers and match their classes by name."""
    ours, theirs = tuple(old.class_names), tuple(new.class_names)
    names = tuple(dict.fromkeys((*ours, *theirs)))
    labels = _labels(dataset, names)
    found = [
        _united(predicted(one, sized_for(dataset, one).dataset, parameter=name), names)
        for name, one in (("old", old), ("new", new))
    ]
    before, after = (outcomes_of(one, labels, dataset.groups) for one in found)
    before, after = both_readable(before, after)
    return Sides(
        old=before,
        new=after,
        class_names=names,
        only_old=tuple(name for name in ours if name not in set(theirs)),
        only_new=tuple(name for name in theirs if name not in set(ours)),
        have_thresholds=(_has_thresholds(found[0]), _has_thresholds(found[1])),
        n_unreadable=len(labels) - len(before),
    )


def _labels(dataset: Dataset, class_names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    known = set(class_names)
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise DataError(
            f"dataset must have classes of old or new, got {listed(unknown)}, which neither has; "
            "leave them out with dataset.select(sorted({*old.class_names, *new.class_names}))",
            code="unknown-class",
            parameter="dataset",
        )
    return aligned(dataset, class_names, parameter="dataset", of="old and new").labels


def _united(predictions: Predictions, class_names: tuple[str, ...]) -> Predictions:
    """Return the predictions with the classes of both; a class it lacks has probability 0."""
    number = {name: place for place, name in enumerate(class_names)}
    rows = np.zeros((len(predictions), len(class_names)), dtype=np.float32)
    rows[:, [number[name] for name in predictions.class_names]] = predictions.probabilities
    return Predictions(
        rows,
        class_names,
        predictions.ids,
        predictions.errors,
        decisions=predictions.decisions.tolist(),
    )


def _has_thresholds(predictions: Predictions) -> bool:
    pairs = zip(predictions.decisions, predictions.errors, strict=True)
    return any(decision is not None for decision, error in pairs if error is None)
