"""Predict a dataset with any object that has `class_names` and `predict`."""

from __future__ import annotations

from typing import Protocol

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._validation import listed
from shelfvision.data import Dataset
from shelfvision.data.aligning import Sized, sized
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import Predictions


class PredictsDataset(Protocol):
    """The interface of objects that can be evaluated: a `Classifier`, or your own class.

    `predict` returns one row of probabilities for each row of the dataset, in the same order. The
    columns are the classes of `class_names`. If the object also has `preprocessing`, as a
    `Classifier` has, the photos are read with it first.
    """

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        ...

    def predict(self, photos: Dataset, /) -> Predictions:
        """Return a prediction for every photo."""
        ...


def sized_for(dataset: Dataset, classifier: PredictsDataset) -> Sized:
    """Return the dataset with the classifier's preprocessing, if the classifier has one.

    This happens before `predict`, so that the report shows the pixels that were classified.
    """
    network = getattr(classifier, "classifier", classifier)
    preprocessing = getattr(network, "preprocessing", None)
    if not isinstance(preprocessing, Preprocessing):
        return Sized(dataset=dataset, brought="as given")
    return sized(dataset, preprocessing, parameter="dataset")


def predicted(classifier: PredictsDataset, photos: Dataset, *, parameter: str) -> Predictions:
    """Return the predictions; refuse those whose classes or photos are not those of the call."""
    class_names = tuple(classifier.class_names)
    predictions = classifier.predict(photos)
    if tuple(predictions.class_names) != class_names:
        raise DataError(
            f"predict must return predictions of the classifier's classes {listed(class_names)}, "
            f"got {listed(predictions.class_names)}; return them in the order of its class_names",
            code="inconsistent",
            parameter=parameter,
        )
    if list(predictions.ids) != list(photos.ids):
        raise DataError(
            f"predict must return the ids of the {len(photos)} photos, got {len(predictions)} "
            "predictions with other ids; return one row for every photo, in order",
            code="inconsistent",
            parameter=parameter,
        )
    return predictions


def require_predicting(classifier: object, *, parameter: str) -> None:
    """Refuse objects without `class_names` and `predict`."""
    if not (hasattr(classifier, "class_names") and hasattr(classifier, "predict")):
        raise InvalidParameterError(
            f"{parameter} must have class_names and predict, as a Classifier has, got "
            f"{type(classifier).__name__}; wrap a Keras model in Classifier.from_model(...)",
            code="wrong-type",
            parameter=parameter,
        )


def require_photos(dataset: Dataset) -> None:
    """Refuse an empty dataset."""
    if len(dataset) == 0:
        raise DataError(
            "dataset must have photos to evaluate on, got none; give at least one photo",
            code="empty",
            parameter="dataset",
        )
