"""`RejectionRule`: which predictions are not counted under a class, because they are unsure.

A detector also finds price tags and products that the classifier does not know. A classifier gives
each of them one of its classes, often with a low confidence. The rule rejects predictions with a
confidence below a threshold. It also rejects some known products, but the validation photos
measure how many of each class. So rejection is one more column of the confusion matrix, and
unknown products are one more row: they are assumed to be rejected always.

>>> rule = RejectionRule(min_confidence=0.7)
>>> rule.rejected(np.array([[0.9, 0.1], [0.4, 0.6]]))
array([False,  True])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, SupportsFloat, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_number, one_of
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Predictions, Thresholds

RejectUnknown: TypeAlias = Literal["count", "reject"]
"""Whether predictions that are not accepted count under their nearest class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionRule:
    """The lowest confidence of predictions that are counted under a class."""

    thresholds: Thresholds | None = None
    """The thresholds of the classifier, if `min_confidence` is None."""
    min_confidence: float | None = None
    """The lowest confidence."""

    def rejected(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return which rows of probabilities are rejected; rows of NaN are."""
        rule = self.thresholds
        if self.min_confidence is not None:
            rule = Thresholds(values=(self.min_confidence,))
        if rule is None:
            return np.zeros(len(probabilities), dtype=np.bool_)
        return np.asarray(rule.decide(probabilities) == "review")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCount:
    """The estimated number of photos or boxes that show no product of the classifier."""

    count: float
    """The mean estimate."""
    low: int
    """The lower end of the confidence interval."""
    high: int
    """The upper end of the confidence interval."""
    rejected: int
    """The number of rejected predictions, of known and unknown products."""


def rejection_rule(
    thresholds: Thresholds | None,
    predictions: Predictions,
    *,
    unknown: RejectUnknown | None,
    min_confidence: SupportsFloat | None,
    of_regions: bool,
) -> RejectionRule | None:
    """Return the rule, or None to count each prediction under its class."""
    if unknown is not None:
        one_of("unknown", unknown, ("count", "reject"))
    if min_confidence is not None:
        if unknown == "count":
            raise InvalidParameterError(
                f"min_confidence must be left out with unknown='count', got {min_confidence!r}; "
                "leave one of them out",
                code="conflict",
                parameter="min_confidence",
            )
        least = as_number("min_confidence", min_confidence, minimum=0, maximum=1)
        return RejectionRule(min_confidence=least)
    if unknown == "count" or (unknown is None and not of_regions):
        return None
    if thresholds is not None:
        return RejectionRule(thresholds=thresholds)
    decided = any(one is not None for one in predictions.decisions)
    if unknown == "reject" or decided:
        fault = (
            "the regions have decisions, but the classifier has no thresholds to apply to its "
            "validation photos"
            if decided
            else "unknown='reject' needs thresholds, but the classifier has none"
        )
        raise InvalidParameterError(
            f"{fault}; pass min_confidence=0.6, the value that predict_regions got",
            code="conflict",
            parameter="min_confidence",
        )
    return None
