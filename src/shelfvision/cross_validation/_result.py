r"""`CrossValidation`: the scores of all folds, and what they say about the next one.

Two intervals answer two questions.

- The report of all photos together resamples groups of photos. Its intervals say how far the
  accuracy *of these models* would change with other photos.
- `CrossValidation.interval` asks how far the mean would change with another training set as well.
  Folds share most of their training photos, so their scores are not independent, and the usual
  :math:`s^2 / k` is too small. Nadeau and Bengio (2003) replace it with
  :math:`(1/k + n_\mathrm{test} / n_\mathrm{train})\, s^2`, which is
  :math:`(1/k + 1/(k-1))\, s^2` for :math:`k` folds, and use the quantiles of Student's t with
  :math:`k - 1` degrees of freedom.

>>> import numpy as np
>>> [round(end, 3) for end in corrected_interval(np.array([0.8, 0.82, 0.84]), 0.95)]
[0.741, 0.899]

References
----------
C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003) 239-281.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, import_package
from shelfvision.evaluation import EvaluationReport
from shelfvision.inference import Classifier
from shelfvision.predictions import ValidationScores

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldScores:
    """The scores of one fold, and its classifier."""

    report: EvaluationReport
    """The scores on the test set of the fold."""
    classifier: Classifier
    """The classifier that was trained on the training set of the fold."""
    best_epoch: int
    """The epoch whose weights were kept."""
    n_train: int
    """The number of photos that it was trained on, without augmented copies."""
    n_validation: int
    """The number of photos of its validation set."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidation:
    """The result of `cross_validate`; prints as a short table."""

    folds: tuple[FoldScores, ...]
    """The scores and the classifier of each fold."""
    report: EvaluationReport
    """The scores of all photos together, each predicted by the classifier of its fold. Pass the
    reports of two cross-validations with the same folds to `compare`."""
    validation_scores: ValidationScores
    """The uncalibrated probabilities of all photos, each from the classifier of its fold. Pass them
    to `Classifier.with_validation` of a classifier that was trained on all photos, to calibrate it
    without holding out photos."""
    fold_of: npt.NDArray[np.int64]
    """The fold, from 0, whose test set has each photo, shape (n,), read-only."""

    @property
    def reports(self) -> tuple[EvaluationReport, ...]:
        """The report of each fold's test set."""
        return tuple(fold.report for fold in self.folds)

    @property
    def classifiers(self) -> tuple[Classifier, ...]:
        """The classifier of each fold."""
        return tuple(fold.classifier for fold in self.folds)

    @property
    def n_folds(self) -> int:
        """The number of folds."""
        return len(self.folds)

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """The accuracy of each fold, 0 to 1, shape (n_folds,)."""
        return np.array([fold.report.accuracy for fold in self.folds])

    @property
    def confidence_level(self) -> float:
        """The level of `interval`."""
        return self.report.bootstrap.confidence_level

    @property
    def interval(self) -> tuple[float, float]:
        """The confidence interval of the mean accuracy, by the corrected t-test for folds.

        It contains the interval of `report`, because scores that are equal by chance in a few folds
        would otherwise give an interval without width.
        """
        low, high = corrected_interval(self.scores, self.confidence_level)
        least, most = self.report.intervals.accuracy
        return min(low, least), max(high, most)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per fold.

        Returns
        -------
        pandas.DataFrame
            The columns are ``accuracy``, ``macro_f1``, ``n_train``, ``n_validation``, ``n_test``
            and ``best_epoch``; the index is ``fold``, from 1.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pandas = import_package("pandas", purpose="to_frame", pip="pandas")
        rows = [
            {
                "accuracy": fold.report.accuracy,
                "macro_f1": fold.report.macro_f1,
                "n_train": fold.n_train,
                "n_validation": fold.n_validation,
                "n_test": fold.report.n,
                "best_epoch": fold.best_epoch,
            }
            for fold in self.folds
        ]
        index = pandas.RangeIndex(1, self.n_folds + 1, name="fold")
        frame: pd.DataFrame = pandas.DataFrame(rows, index=index)
        return frame

    def __str__(self) -> str:
        """Return a line per fold, and the mean with its interval."""
        lines = [
            f"fold {number}  accuracy {fold.report.accuracy:.3f}  macro F1 "
            f"{fold.report.macro_f1:.3f}  {counted(fold.report.n, 'photo')}"
            for number, fold in enumerate(self.folds, 1)
        ]
        low, high = self.interval
        level = f"{100 * self.confidence_level:g} %"
        mean = f"mean    accuracy {self.scores.mean():.3f}  ({level}: {low:.3f} to {high:.3f})"
        return "\n".join([*lines, mean])

    def __repr__(self) -> str:
        """Return the number of folds, the mean accuracy and its range."""
        scores = self.scores
        return (
            f"<CrossValidation: {self.n_folds} folds, accuracy {scores.mean():.3f}, from "
            f"{scores.min():.3f} to {scores.max():.3f}>"
        )


def corrected_interval(
    scores: npt.NDArray[np.float64], confidence_level: float
) -> tuple[float, float]:
    """Return the confidence interval of the mean score of k folds (Nadeau and Bengio 2003).

    Parameters
    ----------
    scores : ndarray of float64, shape (k,)
        The score of each fold, 0 to 1.
    confidence_level : float
        The level of the interval.

    Returns
    -------
    tuple of float
        The ends, within 0 and 1.
    """
    from scipy.stats import t

    k = len(scores)
    spread = np.sqrt((1 / k + 1 / (k - 1)) * scores.var(ddof=1))
    half = float(t.ppf((1 + confidence_level) / 2, k - 1) * spread)
    mean = float(scores.mean())
    return max(0.0, mean - half), min(1.0, mean + half)
