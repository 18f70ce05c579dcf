"""How a classifier treats photos of classes that it does not know (open-set recognition).

The confidence of a good classifier is lower for unknown classes, so a threshold can reject them
(D. Hendrycks, K. Gimpel, "A baseline for detecting misclassified and out-of-distribution examples
in neural networks", ICLR 2017). The area under the ROC curve measures this for all thresholds
together. It is the share of pairs of a known and an unknown photo in which the known one is more
confident. Known photos with 0.9 and 0.6 and unknown ones with 0.7 and 0.5 are right in three of the
four pairs, so it is 0.75.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.data import Dataset
from shelfvision.errors import DataError
from shelfvision.evaluation.scores._intervals import Interval, accuracy_interval
from shelfvision.evaluation.scores._outcomes import outcomes_of
from shelfvision.evaluation.scores._resampling import Bootstrap
from shelfvision.predictions import Predictions

Unknown: TypeAlias = Literal["raise", "reject"]
"""What to do with photos or boxes of classes that the classifier does not know."""
UNKNOWN: tuple[Unknown, ...] = ("raise", "reject")
_DECISIONS = ("review", "accept")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownScores:
    """How often photos of classes that the classifier does not know are sent to review.

    Such a photo is treated correctly if its decision is ``"review"``. A classifier without
    thresholds makes no decisions, so it rejects nothing.
    """

    n: int
    """The number of photos of unknown classes that could be read."""
    n_review: int
    """The number of them that were sent to review."""
    rejected: float
    """The share of them that was sent to review, 0 to 1."""
    rejected_interval: Interval
    """The confidence interval of that share, from a cluster bootstrap over groups."""
    known_rejected: float
    """The share of photos of known classes that was sent to review, 0 to 1."""
    auroc: float
    """The area under the ROC curve of the confidence: the probability that a photo of a known class
    has a larger confidence than one of an unknown class. 0.5 is chance."""
    per_class: dict[str, float]
    """The share that was sent to review, for every unknown class that has photos here."""
    failed: tuple[tuple[str, str], ...]
    """The id of every photo of an unknown class that could not be read, with the reason."""


def unknown_scores(
    known: Predictions, photos: Dataset, predictions: Predictions, settings: Bootstrap
) -> UnknownScores:
    """Return the scores of predictions for photos of unknown classes, and for known ones."""
    rows = _readable(predictions)
    if not len(rows):
        raise DataError(
            f"dataset must have a photo of an unknown class that could be read, got none of "
            f"{len(predictions)}; give at least one that can be read, or omit unknown=",
            code="empty",
            parameter="dataset",
        )
    rejected = _rejected(predictions)[rows]
    names = np.array(photos.class_names, dtype=object)[photos.labels[rows]]
    reasons = zip(predictions.ids.tolist(), predictions.errors, strict=True)
    return UnknownScores(
        n=len(rows),
        n_review=int(rejected.sum()),
        rejected=float(rejected.mean()),
        rejected_interval=_interval(rejected, photos.groups[rows], settings),
        known_rejected=float(_rejected(known)[_readable(known)].mean()),
        auroc=_auroc(known.confidences[_readable(known)], predictions.confidences[rows]),
        per_class={
            str(name): float(rejected[names == name].mean())
            for name in photos.class_names
            if (names == name).any()
        },
        failed=tuple((str(name), reason) for name, reason in reasons if reason is not None),
    )


def _readable(predictions: Predictions) -> npt.NDArray[np.int64]:
    return np.flatnonzero([reason is None for reason in predictions.errors]).astype(np.int64)


def _rejected(predictions: Predictions) -> npt.NDArray[np.bool_]:
    return np.array([decision == "review" for decision in predictions.decisions], dtype=np.bool_)


def _interval(
    rejected: npt.NDArray[np.bool_], groups: npt.NDArray[np.object_], settings: Bootstrap
) -> Interval:
    """Return the interval of the share that is rejected: the accuracy of two classes."""
    shares = np.stack([rejected, ~rejected], axis=1).astype(np.float64)
    decided = Predictions(shares, list(_DECISIONS), [str(row) for row in range(len(rejected))])
    right = np.zeros(len(rejected), np.int64)
    return accuracy_interval(outcomes_of(decided, right, groups), settings)


def _auroc(known: npt.NDArray[np.floating], unknown: npt.NDArray[np.floating]) -> float:
    from sklearn.metrics import roc_auc_score

    truth = np.concatenate([np.ones(len(known)), np.zeros(len(unknown))])
    return float(roc_auc_score(truth, np.concatenate([known, unknown])))
