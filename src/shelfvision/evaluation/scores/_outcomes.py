"""`Outcomes`: columns of numbers of all scored photos, from which scores are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shelfvision.errors import DataError
from shelfvision.evaluation.scores._metrics import macro_f1_of
from shelfvision.predictions import Predictions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """True and predicted classes of every photo that could be read; one entry per photo."""

    rows: npt.NDArray[np.int64]
    """The row in the predictions."""
    true: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    ranks: npt.NDArray[np.int64]
    """The rank of the true class among classes sorted by probability, from 0."""
    groups: npt.NDArray[np.int64]
    """The number of the group, from 0 to `n_groups` - 1."""
    accepted: npt.NDArray[np.bool_]
    n_classes: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether the prediction is correct."""
        return np.asarray(self.true == self.predicted)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have photos."""
        return macro_f1_of(self.true, self.predicted)

    @property
    def n_groups(self) -> int:
        """The number of groups."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    def select(self, mask: npt.NDArray[np.bool_]) -> Outcomes:
        """Return some of the photos, with groups numbered from 0."""
        return Outcomes(
            rows=self.rows[mask],
            true=self.true[mask],
            predicted=self.predicted[mask],
            confidences=self.confidences[mask],
            ranks=self.ranks[mask],
            groups=group_numbers(self.groups[mask]),
            accepted=self.accepted[mask],
            n_classes=self.n_classes,
        )

    def with_groups(self, groups: npt.NDArray[np.int64]) -> Outcomes:
        """Return the same photos in other groups."""
        return replace(self, groups=groups)


def outcomes_of(
    predictions: Predictions,
    labels: npt.NDArray[np.int64],
    groups: Sequence[str] | npt.NDArray[np.object_] | None,
) -> Outcomes:
    """Return the rows without an error; without `groups`, every photo is a group."""
    rows = np.flatnonzero([reason is None for reason in predictions.errors]).astype(np.int64)
    number = {name: place for place, name in enumerate(predictions.class_names)}
    true = labels[rows]
    return Outcomes(
        rows=rows,
        true=true,
        predicted=np.array([number[name] for name in predictions.labels[rows]], dtype=np.int64),
        confidences=predictions.confidences[rows].astype(np.float64),
        ranks=_ranks(predictions.probabilities[rows], true),
        groups=np.arange(len(rows)) if groups is None else group_numbers(np.asarray(groups)[rows]),
        accepted=np.array(predictions.decisions[rows] != "review", dtype=np.bool_),
        n_classes=len(number),
    )


def both_readable(first: Outcomes, second: Outcomes) -> tuple[Outcomes, Outcomes]:
    """Return the photos that both classifiers could read, with the groups of the first."""
    rows = np.intersect1d(first.rows, second.rows)
    if not len(rows):
        raise DataError(
            "both classifiers must be able to read a photo, got none that both could read; give at "
            "least one that can be read",
            code="no-common-photos",
        )
    first, second = (one.select(np.isin(one.rows, rows)) for one in (first, second))
    return first, second.with_groups(first.groups)


def group_numbers(groups: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Return the number of the group of every row, from 0, in sorted order."""
    return np.asarray(np.unique(groups, return_inverse=True)[1], dtype=np.int64).reshape(-1)


def _ranks(
    probabilities: npt.NDArray[np.float32], true: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    own = probabilities[np.arange(len(true)), true][:, None]
    # Ties are in the order of the classes, as for the predicted class.
    before = np.arange(probabilities.shape[1])[None, :] < true[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & before)
    return np.asarray(ahead.sum(axis=1), dtype=np.int64)


def require_labels(
    labels: npt.NDArray[np.integer] | list[int], *, n: int, n_classes: int
) -> npt.NDArray[np.int64]:
    """Return a column of class numbers, read-only, or raise `DataError`."""
    array = np.array(labels)
    if array.shape != (n,) or (n and array.dtype.kind not in "iu"):
        raise DataError(
            f"labels must be one class number for each of the {n} predictions, not {array.dtype} "
            f"of shape {array.shape}",
            code="wrong-shape",
            parameter="labels",
        )
    outside = np.flatnonzero((array < 0) | (array >= n_classes))
    if len(outside):
        raise DataError(
            f"label {array[outside[0]]} of row {outside[0]} is not the number of a class; with "
            f"{n_classes} classes, labels go from 0 to {n_classes - 1}",
            code="not-in-range",
            parameter="labels",
        )
    found = array.astype(np.int64)
    found.flags.writeable = False
    return found


def require_groups(
    groups: Sequence[str] | npt.NDArray[np.object_] | None, *, n: int
) -> npt.NDArray[np.object_] | None:
    """Return a column of group names, read-only, or raise `DataError`."""
    if groups is None:
        return None
    if len(groups) != n:
        raise DataError(
            f"groups has {len(groups)} entries for {n} predictions; give one for each",
            code="wrong-length",
            parameter="groups",
        )
    column = np.empty(n, dtype=object)
    column[:] = [str(group) for group in groups]
    column.flags.writeable = False
    return column
