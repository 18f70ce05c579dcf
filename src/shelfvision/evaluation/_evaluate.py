"""`evaluate`: let a classifier predict a dataset and hold it against the truth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, SupportsFloat, SupportsIndex

import numpy as np

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._validation import as_seed, listed
from shelfvision.data import Dataset
from shelfvision.data.aligning import Sized, aligned, sized
from shelfvision.data.arguments import require_dataset
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation.report._context import (
    EvaluationContext,
    described_data,
    described_model,
)
from shelfvision.evaluation.report._report import EvaluationReport
from shelfvision.evaluation.scores._baselines import nearest_accuracy
from shelfvision.evaluation.scores._leakage import leakage_between, leakage_warning
from shelfvision.evaluation.scores._slices import Column
from shelfvision.inference import Classifier
from shelfvision.predictions import Predictions


class PredictsDataset(Protocol):
    """Anything that can be evaluated: a `Classifier`, or an object of your own.

    Its duties: `predict` gives one row for every row of the dataset, in the same order, over the
    classes of `class_names` in theirs. If it also has `preprocessing`, as a `Classifier` has, the
    photos are read by it first.
    """

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        ...

    def predict(self, photos: Dataset, /) -> Predictions:
        """Return what is predicted for every photo."""
        ...


def evaluate(
    classifier: PredictsDataset,
    dataset: Dataset,
    *,
    training: Dataset | None = None,
    slices: Mapping[str, Column] | None = None,
    confidence_level: SupportsFloat = 0.95,
    resamples: SupportsIndex = 1000,
    seed: SupportsIndex = 42,
) -> EvaluationReport:
    """Judge a classifier on labelled photos.

    Parameters
    ----------
    classifier : Classifier
        What to judge, or anything with `class_names` and ``predict(dataset) -> Predictions``.
    dataset : Dataset
        Photos that the classifier was not trained on. Classes are matched by name: the dataset may
        lack some and list them in any order. A class without photos keeps its row in the report
        and counts in no average. Photos are read at the classifier's image size and resize rule;
        arrays of another size are resized, with a warning. Its groups are drawn anew whole for
        the intervals.
    training : Dataset, optional
        The photos that the classifier was trained on, of its classes. With them the report holds a
        nearest neighbour beside the classifier, and tells which photos stand on both sides.
    slices : mapping of str to column, optional
        What else to tell the scores for: ``{"store": stores}``, a name and a value for every row;
        or, for the value, a function from a photo's id to it.
    confidence_level : float, default=0.95
        How sure the intervals shall be, strictly between 0 and 1.
    resamples : int, default=1000
        How often the groups are drawn anew.
    seed : int, default=42
        What they are drawn with; the same gives the same report.

    Returns
    -------
    EvaluationReport
        The scores. Photos for which the predictions hold an error are left out of the scores
        and listed in its `failed`.

    Raises
    ------
    InvalidParameterError
        One of the two is something else, a slice does not fit, or a setting is out of its range.
    DataError
        The dataset is empty, has a class that the classifier lacks (code ``"unknown-class"``), or
        no photo could be read.

    Warns
    -----
    LeakageWarning
        Photos of the dataset belong to groups of the training photos.
    ShelfVisionWarning
        Arrays were resized to the classifier's image size (code ``"resized-arrays"``).

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> class SaysCan:
    ...     class_names = ("Can", "Jar")
    ...
    ...     def predict(self, photos):
    ...         return shv.Predictions(np.tile([0.9, 0.1], (len(photos), 1)),
    ...                               self.class_names, photos.ids)
    >>> report = shv.evaluate(SaysCan(), shv.samples.render_products({"Can": 3, "Jar": 1}))
    >>> report.accuracy, report.baseline
    (0.75, 0.75)
    """
    _require_kinds(classifier, dataset)
    names = tuple(classifier.class_names)
    if len(dataset) == 0:
        raise DataError(
            "the dataset to evaluate on is empty; give at least one photo",
            code="empty",
            parameter="dataset",
        )
    named = aligned(dataset, names, parameter="dataset", of="classifier")
    if training is not None:
        training = _checked_training(training, names)
    brought = _sized(named, classifier)
    photos = brought.dataset
    predictions = classifier.predict(photos)
    _require_fitting(predictions, photos, names)
    context = EvaluationContext(
        data=described_data(dataset, brought),
        model=described_model(classifier),
        photos=photos,
        classifier=classifier if isinstance(classifier, Classifier) else None,
    )
    if training is not None:
        context = _compared_with(training, context, photos, predictions, seed=as_seed(seed))
    report = EvaluationReport(
        predictions, photos.labels, groups=photos.groups, slices=slices,
        confidence_level=confidence_level, resamples=resamples, seed=seed, context=context,
    )  # fmt: skip
    if report.leakage is not None and not report.leakage.ok:
        warnings.warn(leakage_warning(report.leakage), stacklevel=2)
    return report


def _sized(dataset: Dataset, classifier: PredictsDataset) -> Sized:
    """Return the dataset as the classifier wants it, if it tells how; a gallery's classifier does.

    It is settled here, not in `predict`, so that the report shows the same pixels.
    """
    network = getattr(classifier, "classifier", classifier)
    preprocessing = getattr(network, "preprocessing", None)
    if not isinstance(preprocessing, Preprocessing):
        return Sized(dataset=dataset, brought="as given")
    return sized(dataset, preprocessing, parameter="dataset")


def _compared_with(
    training: Dataset,
    context: EvaluationContext,
    photos: Dataset,
    predictions: Predictions,
    *,
    seed: int,
) -> EvaluationContext:
    """Return the context with the nearest neighbour's accuracy and what both datasets share."""
    readable = np.flatnonzero([reason is None for reason in predictions.errors])
    if not len(readable):
        # The report refuses these predictions.
        return context
    return replace(
        context,
        nearest_baseline=nearest_accuracy(training, photos, readable, seed=seed),
        leakage=leakage_between(training, photos),
    )


def _checked_training(training: object, class_names: tuple[str, ...]) -> Dataset:
    """Return the training photos with the classifier's class numbers."""
    if not isinstance(training, Dataset):
        raise InvalidParameterError(
            f"training must be the shelfvision.Dataset that the classifier was trained on, not "
            f"{type(training).__name__}; leave it out if you do not have it",
            code="wrong-type",
            parameter="training",
        )
    if not len(training):
        raise DataError(
            "training is empty; give the photos trained on, or leave it out",
            code="empty",
            parameter="training",
        )
    return aligned(training, class_names, parameter="training", of="classifier")


def _require_fitting(
    predictions: Predictions, photos: Dataset, class_names: tuple[str, ...]
) -> None:
    """Refuse predictions of other classes or other photos than were asked for."""
    if tuple(predictions.class_names) != class_names:
        raise DataError(
            f"predict must return predictions of the classifier's classes {listed(class_names)}, "
            f"got {listed(predictions.class_names)}; return them in the order of its class_names",
            code="inconsistent",
            parameter="classifier",
        )
    if list(predictions.ids) != list(photos.ids):
        raise DataError(
            f"the classifier gave {len(predictions)} predictions whose ids are not those of the "
            f"{len(photos)} photos; predict has to return one row for every photo, in order",
            code="inconsistent",
            parameter="classifier",
        )


def _require_kinds(classifier: object, dataset: object) -> None:
    if not (hasattr(classifier, "class_names") and hasattr(classifier, "predict")):
        raise InvalidParameterError(
            f"classifier must have class_names and predict, as a Classifier has, but it is a "
            f"{type(classifier).__name__}; wrap a keras model in Classifier.from_model(...)",
            code="wrong-type",
            parameter="classifier",
        )
    require_dataset("dataset", dataset)
