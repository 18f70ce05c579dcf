"""`evaluate`: predict a dataset and compare the predictions with the ground truth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import SupportsFloat, SupportsIndex

import numpy as np

from shelfvision._validation import as_seed
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.arguments import require_dataset
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation._predicting import (
    PredictsDataset,
    predicted,
    require_photos,
    require_predicting,
    sized_for,
)
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
    """Evaluate a classifier on labelled photos.

    Parameters
    ----------
    classifier : Classifier
        The classifier, or any object with `class_names` and ``predict(dataset) -> Predictions``.
    dataset : Dataset
        Photos that the classifier was not trained on, such as the test set. Classes are matched by
        name: the dataset may lack some and list them in any order. A class without photos keeps its
        row in the report and is left out of averages. Photos are read at the classifier's image
        size and resize rule. Arrays of another size are resized, with a warning. Confidence
        intervals come from a cluster bootstrap over the dataset's groups.
    training : Dataset, optional
        The training set of the classifier. With it the report also has a nearest-neighbour
        baseline, and lists data leakage: photos that are in both sets.
    slices : mapping of str to column, optional
        Columns to compute scores for, value by value: ``{"store": stores}`` has one value for each
        row. A column may also be a function that maps a photo's id to its value.
    confidence_level : float, default=0.95
        The level of the confidence intervals, strictly between 0 and 1.
    resamples : int, default=1000
        The number of bootstrap resamples of the groups.
    seed : int, default=42
        The seed of the bootstrap; the same seed gives the same report.

    Returns
    -------
    EvaluationReport
        The scores. Photos that could not be read are not scored; `failed` lists them.

    Raises
    ------
    InvalidParameterError
        `classifier` or `dataset` has the wrong type, a slice does not have one value for each
        photo, or a number is out of range.
    DataError
        The dataset is empty, has a class that the classifier lacks (code ``"unknown-class"``), or
        no photo could be read.

    Warns
    -----
    LeakageWarning
        Some photos of the dataset are in groups of the training set.
    ShelfVisionWarning
        Arrays were resized to the classifier's image size (code ``"resized-arrays"``).

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> class AlwaysCan:
    ...     class_names = ("Can", "Jar")
    ...
    ...     def predict(self, photos):
    ...         return shv.Predictions(np.tile([0.9, 0.1], (len(photos), 1)),
    ...                               self.class_names, photos.ids)
    >>> report = shv.evaluate(AlwaysCan(), shv.samples.render_products({"Can": 3, "Jar": 1}))
    >>> report.accuracy, report.baseline
    (0.75, 0.75)
    """
    require_predicting(classifier, parameter="classifier")
    require_dataset("dataset", dataset)
    names = tuple(classifier.class_names)
    require_photos(dataset)
    named = aligned(dataset, names, parameter="dataset", of="classifier")
    if training is not None:
        training = _checked_training(training, names)
    brought = sized_for(named, classifier)
    photos = brought.dataset
    predictions = predicted(classifier, photos, parameter="classifier")
    context = EvaluationContext(
        data=described_data(dataset, brought),
        model=described_model(classifier),
        photos=photos,
        classifier=classifier if isinstance(classifier, Classifier) else None,
    )
    if training is not None:
        context = _compared_with(training, context, photos, predictions, seed=as_seed(seed))
    report = EvaluationReport(
        predictions,
        photos.labels,
        groups=photos.groups,
        slices=slices,
        confidence_level=confidence_level,
        resamples=resamples,
        seed=seed,
        context=context,
    )
    if report.leakage is not None and not report.leakage.ok:
        warnings.warn(leakage_warning(report.leakage), stacklevel=2)
    return report


def _compared_with(
    training: Dataset,
    context: EvaluationContext,
    photos: Dataset,
    predictions: Predictions,
    *,
    seed: int,
) -> EvaluationContext:
    """Return the context with the nearest-neighbour baseline and the check for data leakage."""
    readable = np.flatnonzero([reason is None for reason in predictions.errors])
    if not len(readable):
        # Without any readable photo, the report raises the error.
        return context
    return replace(
        context,
        nearest_baseline=nearest_accuracy(training, photos, readable, seed=seed),
        leakage=leakage_between((training,), photos),
    )


def _checked_training(training: object, class_names: tuple[str, ...]) -> Dataset:
    """Return the training photos with the classifier's class numbers."""
    if not isinstance(training, Dataset):
        raise InvalidParameterError(
            f"training must be the shelfvision.Dataset that the classifier was trained on, got "
            f"{type(training).__name__}; leave it out if you do not have it",
            code="wrong-type",
            parameter="training",
        )
    if not len(training):
        raise DataError(
            "training must have photos, got none; give the training set, or leave it out",
            code="empty",
            parameter="training",
        )
    return aligned(training, class_names, parameter="training", of="classifier")
