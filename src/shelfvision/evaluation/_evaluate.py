"""`evaluate`: predict a dataset and compare the predictions with the ground truth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import SupportsFloat, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import lookalike
from shelfvision._validation import as_seed, one_of
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
from shelfvision.evaluation.scores._resampling import Bootstrap, bootstrap_of
from shelfvision.evaluation.scores._slices import Column, columns_of
from shelfvision.evaluation.scores._unknown import (
    UNKNOWN,
    Unknown,
    UnknownScores,
    unknown_scores,
)
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
    unknown: Unknown = "raise",
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
    unknown : {"raise", "reject"}, default="raise"
        What to do with photos of classes that the classifier does not know. ``"reject"`` scores
        them apart, in `EvaluationReport.unknown`: they are treated correctly if they are sent to
        review. All other scores, and `slices`, are then those of the photos of known classes.

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
        The dataset is empty, or no photo could be read. It has a class that the classifier lacks,
        and `unknown` is ``"raise"``; or it has no other class (code ``"unknown-class"``). With
        ``"reject"``, such a class differs from a known one in case or separators only
        (``"unknown-name"``).

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
    one_of("unknown", unknown, UNKNOWN)
    names = tuple(classifier.class_names)
    require_photos(dataset)
    settings = bootstrap_of(confidence_level, resamples, seed)
    columns = columns_of(slices or {}, dataset.ids)
    is_known = _known_rows(dataset, names, unknown)
    named = _named(dataset, is_known, names, unknown)
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
        unknown=_unknown(classifier, _of_unknown(dataset, is_known), predictions, settings),
    )
    if training is not None:
        context = _compared_with(training, context, photos, predictions, seed=as_seed(seed))
    report = EvaluationReport(
        predictions,
        photos.labels,
        groups=photos.groups,
        slices={name: column[is_known] for name, column in columns.items()},
        confidence_level=confidence_level,
        resamples=resamples,
        seed=seed,
        context=context,
    )
    if report.leakage is not None and not report.leakage.ok:
        warnings.warn(leakage_warning(report.leakage), stacklevel=2)
    return report


def _known_rows(
    dataset: Dataset, class_names: tuple[str, ...], unknown: Unknown
) -> npt.NDArray[np.bool_]:
    """Return which rows are scored as photos of known classes; all if they may not be unknown."""
    if unknown == "raise":
        return np.ones(len(dataset), np.bool_)
    _refuse_lookalikes(dataset, class_names)
    return np.isin(np.array(dataset.class_names, dtype=object), class_names)[dataset.labels]


def _refuse_lookalikes(dataset: Dataset, class_names: tuple[str, ...]) -> None:
    """Refuse a class that is a known one in another spelling."""
    for name in sorted(set(dataset.class_names) - set(class_names)):
        near = lookalike(name, class_names)
        if near is not None:
            renamed = {name: near}
            raise DataError(
                f"dataset has the class {name!r}, which differs from the class {near!r} of "
                "classifier only in case or separators; rename it with "
                f"dataset.relabel({renamed!r})",
                code="unknown-name",
                parameter="dataset",
            )


def _named(
    dataset: Dataset,
    is_known: npt.NDArray[np.bool_],
    class_names: tuple[str, ...],
    unknown: Unknown,
) -> Dataset:
    """Return the photos of known classes, with the class numbers of the classifier."""
    remedy = "score them apart with shelfvision.evaluate(..., unknown='reject')"
    known = [name for name in dataset.class_names if name in class_names]
    if unknown == "reject":
        remedy = ""
        if is_known.any() and len(known) < len(dataset.class_names):
            dataset = dataset.select(known)
    return aligned(dataset, class_names, parameter="dataset", of="classifier", remedy=remedy)


def _of_unknown(dataset: Dataset, is_known: npt.NDArray[np.bool_]) -> Dataset:
    """Return the photos of unknown classes with their classes alone."""
    part = dataset[np.flatnonzero(~is_known)]
    numbers = np.unique(part.labels)
    return part.select([part.class_names[number] for number in numbers]) if len(part) else part


def _unknown(
    classifier: PredictsDataset, photos: Dataset, known: Predictions, settings: Bootstrap
) -> UnknownScores | None:
    """Return the scores of photos of unknown classes, or None if there are none."""
    if not len(photos):
        return None
    sized = sized_for(photos, classifier).dataset
    return unknown_scores(
        known, sized, predicted(classifier, sized, parameter="classifier"), settings
    )


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
