"""`Scored`: predictions held against the truth, and every number that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, as_number, as_seed
from shelfvision.errors import DataError
from shelfvision.evaluation.report._about import About
from shelfvision.evaluation.scores._intervals import Intervals, intervals_of
from shelfvision.evaluation.scores._judged import judged_of
from shelfvision.evaluation.scores._leakage import LeakageCheck
from shelfvision.evaluation.scores._metrics import (
    ClassScores,
    ConfusedPair,
    class_scores_of,
    confused_pairs,
    confusion_of,
)
from shelfvision.evaluation.scores._mistakes import Mistake, mistakes_at, wrong_rows
from shelfvision.evaluation.scores._reliability import ReliabilityBin, reliability_of
from shelfvision.evaluation.scores._resampling import BootstrapSettings
from shelfvision.evaluation.scores._review import ReviewScores, review_of
from shelfvision.evaluation.scores._slices import Column, SliceScores, columns_of, slices_of
from shelfvision.predictions import Predictions, expected_calibration_error

if TYPE_CHECKING:
    from typing import Self


class Scored:
    """What every `EvaluationReport` is underneath."""

    __slots__ = (
        "_about",
        "_columns",
        "_confusion",
        "_failed",
        "_groups",
        "_intervals",
        "_judged",
        "_labels",
        "_per_class",
        "_predictions",
        "_settings",
    )

    def __init__(
        self,
        predictions: Predictions,
        labels: npt.NDArray[np.integer] | list[int],
        *,
        groups: Sequence[str] | npt.NDArray[np.object_] | None = None,
        slices: Mapping[str, Column] | None = None,
        confidence_level: SupportsFloat = 0.95,
        resamples: SupportsIndex = 1000,
        seed: SupportsIndex = 42,
    ) -> None:
        names = predictions.class_names
        self._settings = BootstrapSettings(
            confidence_level=as_number(
                "confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True
            ),
            resamples=as_integer("resamples", resamples, minimum=1),
            seed=as_seed(seed),
        )
        self._labels = _checked(labels, n=len(predictions), n_classes=len(names))
        self._groups = _checked_groups(groups, n=len(predictions))
        self._predictions = predictions
        self._columns = columns_of(slices or {}, predictions.ids)
        self._about = About()
        self._intervals: Intervals | None = None
        self._failed = tuple(
            (str(name), reason)
            for name, reason in zip(predictions.ids, predictions.errors, strict=True)
            if reason is not None
        )
        self._judged = judged_of(predictions, self._labels, self._groups)
        true, predicted = self._judged.true, self._judged.predicted
        if not len(true):
            raise DataError(
                f"none of the {len(predictions)} photos could be judged; give at least one that "
                "can be read",
                code="empty",
                parameter="predictions",
            )
        self._confusion = _frozen(confusion_of(true, predicted, len(names)))
        scores = class_scores_of(true, predicted, len(names))
        self._per_class = dict(zip(names, scores, strict=True))

    def _with(self, about: About) -> Self:
        """Return the same report, knowing what it is about."""
        other = object.__new__(type(self))
        for name in Scored.__slots__:
            setattr(other, name, getattr(self, name))
        other._about = about
        return other

    @property
    def predictions(self) -> Predictions:
        """What was predicted for every photo, failed ones included."""
        return self._predictions

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The true class number of every row of `predictions`, shape (n,), read-only."""
        return self._labels

    @property
    def true_names(self) -> npt.NDArray[np.object_]:
        """The true class name of every row of `predictions`, ``str``, shape (n,)."""
        return np.array(self.class_names, dtype=object)[self._labels]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        return self._predictions.class_names

    @property
    def n(self) -> int:
        """How many photos the scores are about; failed ones are not among them."""
        return int(self._confusion.sum())

    @property
    def n_groups(self) -> int:
        """How many groups these photos form; without groups, as many as photos."""
        return self._judged.n_groups

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """The id of every photo that could not be judged, with the reason."""
        return self._failed

    @property
    def accuracy(self) -> float:
        """The share of photos whose class was predicted, 0 to 1."""
        return float(np.trace(self._confusion)) / self.n

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have photos here, 0 to 1."""
        return self._judged.macro_f1

    @property
    def intervals(self) -> Intervals:
        """How sure the scores are, groups drawn anew whole; computed on first use."""
        if self._intervals is None:
            self._intervals = intervals_of(self._judged, self.class_names, self._settings)
        return self._intervals

    @property
    def per_class(self) -> dict[str, ClassScores]:
        """Precision, recall, F1 and support of every class, by name, in the order of classes."""
        return dict(self._per_class)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Counts, shape (k, k), read-only: a row for every true class, a column for predicted."""
        return self._confusion

    @property
    def majority_class(self) -> str:
        """The class with the most photos here; of several, the first."""
        return self.class_names[int(self._confusion.sum(axis=1).argmax())]

    @property
    def baseline(self) -> float:
        """The accuracy of always answering `majority_class`: what a classifier has to beat."""
        return int(self._confusion.sum(axis=1).max()) / self.n

    @property
    def nearest_baseline(self) -> float | None:
        """The accuracy of answering with the class of the training photo that looks most alike.

        One nearest neighbour on thumbnails of 16 x 16 pixels; None where `evaluate` was not given
        the training photos.
        """
        return self._about.nearest_baseline

    @property
    def leakage(self) -> LeakageCheck | None:
        """What these photos share with the training photos; None where these were not given."""
        return self._about.leakage

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """How often photos of each confidence are right: the reliability diagram's numbers."""
        return reliability_of(self._judged)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error: how far confidences are from the truth on average."""
        rows = self._predictions.probabilities[self._judged.rows]
        return expected_calibration_error(rows, self._judged.true)

    @property
    def review(self) -> ReviewScores | None:
        """What accepting and reviewing comes to; None where every photo was accepted."""
        return review_of(self._judged, self._settings)

    @property
    def slices(self) -> dict[str, dict[str, SliceScores]]:
        """The scores for every value of every column that was given, by name and value."""
        return slices_of(self._judged, self._columns, self._settings)

    def top_k(self, k: SupportsIndex) -> float:
        """Return the share of photos whose class is among the `k` most probable.

        Parameters
        ----------
        k : int
            How many, at least 1.

        Returns
        -------
        float
            The share, 0 to 1.
        """
        return float((self._judged.ranks < as_integer("k", k, minimum=1)).mean())

    def most_confused(self, n: SupportsIndex = 10) -> tuple[ConfusedPair, ...]:
        """Return the classes that were taken for others most often.

        Parameters
        ----------
        n : int, default=10
            How many pairs at most.

        Returns
        -------
        tuple of ConfusedPair
            Pairs of true and predicted class, the most frequent first.
        """
        return confused_pairs(self._confusion, self.class_names, as_integer("n", n, minimum=1))

    def mistakes(self) -> npt.NDArray[np.int64]:
        """Return the rows that were predicted wrong, the most confident first.

        Returns
        -------
        ndarray of int64
            Row numbers in `predictions`, and in the dataset that was evaluated. Failed photos
            are not among them.
        """
        return wrong_rows(self._judged)

    def top_mistakes(self, k: SupportsIndex = 20) -> tuple[Mistake, ...]:
        """Return the most confident mistakes: among them are the photos with wrong labels.

        Parameters
        ----------
        k : int, default=20
            How many at most.

        Returns
        -------
        tuple of Mistake
            The most confident first.
        """
        rows = self.mistakes()[: as_integer("k", k, minimum=1)].tolist()
        return mistakes_at(rows, self._predictions, self._labels)


def _frozen(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    array.flags.writeable = False
    return array


def _checked(
    labels: npt.NDArray[np.integer] | list[int], *, n: int, n_classes: int
) -> npt.NDArray[np.int64]:
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
    return _frozen(array.astype(np.int64))


def _checked_groups(
    groups: Sequence[str] | npt.NDArray[np.object_] | None, *, n: int
) -> npt.NDArray[np.object_] | None:
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
