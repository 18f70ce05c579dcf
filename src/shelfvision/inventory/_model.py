"""`CountingModel`: the part of a classifier, predictor or gallery that an inventory needs."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from shelfvision.data.reading import Photos
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inventory._rejection import RejectionRule, RejectUnknown
from shelfvision.predictions import MeasuredPhotos, Predictions
from shelfvision.protocols import OnError


class CountingModel(Protocol):
    """A `Classifier`, `Predictor` or `Gallery`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names in the order of the probability columns."""
        ...

    @property
    def measured(self) -> MeasuredPhotos | None:
        """The predictions for photos with known classes; None if there are none."""
        ...

    def predict(self, photos: Photos, *, on_error: OnError = "raise") -> Predictions:
        """Predict the class of each photo."""
        ...


def require_model(model: CountingModel) -> None:
    """Raise unless this is a classifier, predictor or gallery."""
    if not hasattr(model, "measured"):
        raise InvalidParameterError(
            f"classifier must be a Classifier, Predictor or Gallery, got {type(model).__name__}; "
            "make one with Classifier.from_model(...) or Classifier.load(path)",
            code="wrong-type",
            parameter="classifier",
        )


def measured_by(model: CountingModel) -> MeasuredPhotos:
    """Return the measured photos of a model, or raise if it has none."""
    require_model(model)
    found = model.measured
    if found is None:
        raise DataError(
            "classifier must have validation scores to correct counts for confusions, got none; "
            "call with_validation(dataset) first, or train with a validation set (export it again "
            "for a Predictor; enroll photos of two groups for a Gallery)",
            code="no-validation-scores",
            parameter="classifier",
        )
    return found


def rejects_by_itself(
    measured: MeasuredPhotos,
    *,
    unknown: RejectUnknown | None,
    min_confidence: object,
    of_regions: bool,
) -> bool:
    """Return whether the decisions of a gallery reject predictions, instead of a confidence."""
    if measured.rejected is None or min_confidence is not None:
        return False
    return unknown == "reject" or (unknown is None and of_regions)


def rejected_photos(
    measured: MeasuredPhotos, rule: RejectionRule | None, *, own: bool
) -> npt.NDArray[np.bool_] | None:
    """Return which measured photos are rejected; None if all count."""
    if own:
        return measured.rejected
    return None if rule is None else rule.rejected(measured.probabilities)
