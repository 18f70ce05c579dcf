"""`evaluate`: let a classifier predict a dataset and hold it against the truth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, SupportsFloat, SupportsIndex

import numpy as np

from shelfvision._validation import as_seed, listed
from shelfvision.data import Dataset
from shelfvision.data._dataset import require_dataset
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation._about import About, data_facts, model_facts
from shelfvision.evaluation._baselines import nearest_accuracy
from shelfvision.evaluation._leakage import leakage_between, leakage_warning
from shelfvision.evaluation._report import EvaluationReport
from shelfvision.evaluation._slices import Column
from shelfvision.inference import Classifier
from shelfvision.predictions import Predictions


class PredictsDataset(Protocol):
    """Anything that can be evaluated: a `Classifier`, or an object of your own.

    Its duties: `predict` gives one row for every row of the dataset, in the same order, over the
    classes of `class_names` in theirs.
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
    level: SupportsFloat = 0.95,
    resamples: SupportsIndex = 1000,
    seed: SupportsIndex = 42,
) -> EvaluationReport:
    """Judge a classifier on labelled photos.

    Parameters
    ----------
    classifier : Classifier
        What to judge, or anything with `class_names` and ``predict(dataset) -> Predictions``.
    dataset : Dataset
        Photos that the classifier was not trained on, of the same classes in the same order.
        Classes without photos are fine: they keep their row and count in no average. Its groups
        are drawn anew whole for the intervals.
    training : Dataset, optional
        The photos that the classifier was trained on. With them the report holds a nearest
        neighbour beside the classifier, and tells which photos stand on both sides.
    slices : mapping of str to column, optional
        What else to tell the scores for: ``{"store": stores}``, a name and a value for every row;
        or, for the value, a function from a photo's id to it.
    level : float, default=0.95
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
        The dataset is empty, its classes are not the classifier's, or no photo could be read.

    Warns
    -----
    LeakageWarning
        Photos of the dataset belong to groups of the training photos.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as sv
    >>> class SaysCan:
    ...     class_names = ("Can", "Jar")
    ...
    ...     def predict(self, photos):
    ...         return sv.Predictions(np.tile([0.9, 0.1], (len(photos), 1)),
    ...                               self.class_names, photos.ids)
    >>> report = sv.evaluate(SaysCan(), sv.samples.render_products({"Can": 3, "Jar": 1}))
    >>> report.accuracy, report.baseline
    (0.75, 0.75)
    """
    _require_kinds(classifier, dataset)
    _require_same_classes(tuple(classifier.class_names), dataset.class_names, "dataset")
    if len(dataset) == 0:
        raise DataError(
            "the dataset to evaluate on is empty; give at least one photo",
            code="empty",
            parameter="dataset",
        )
    if training is not None:
        _require_training(training, dataset)
    predictions = classifier.predict(dataset)
    _require_same_classes(tuple(predictions.class_names), dataset.class_names, "classifier")
    if list(predictions.ids) != list(dataset.ids):
        raise DataError(
            f"the classifier gave {len(predictions)} predictions whose ids are not those of the "
            f"{len(dataset)} photos; predict has to return one row for every photo, in order",
            code="inconsistent",
            parameter="classifier",
        )
    report = EvaluationReport(
        predictions, dataset.labels, groups=dataset.groups, slices=slices,
        level=level, resamples=resamples, seed=seed,
    )  # fmt: skip
    about = _about(classifier, dataset, training, report, seed=as_seed(seed))
    if about.leakage is not None and not about.leakage.ok:
        warnings.warn(leakage_warning(about.leakage), stacklevel=2)
    return report._with(about)


def _about(
    classifier: PredictsDataset,
    dataset: Dataset,
    training: Dataset | None,
    report: EvaluationReport,
    *,
    seed: int,
) -> About:
    about = About(
        data=data_facts(dataset),
        model=model_facts(classifier),
        photos=dataset,
        classifier=classifier if isinstance(classifier, Classifier) else None,
    )
    if training is None:
        return about
    readable = np.flatnonzero([reason is None for reason in report.predictions.errors])
    return replace(
        about,
        nearest_baseline=nearest_accuracy(training, dataset, readable, seed=seed),
        leakage=leakage_between(training, dataset),
    )


def _require_training(training: object, dataset: Dataset) -> None:
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
    if training.class_names != dataset.class_names:
        raise DataError(
            "the classes of training are not those of the dataset; bring them in line with "
            "training.relabel(...) or training.select(class_names=dataset.class_names)",
            code="classes-differ",
            parameter="training",
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


def _require_same_classes(known: tuple[str, ...], given: tuple[str, ...], parameter: str) -> None:
    if known == given:
        return
    missing = [name for name in known if name not in given]
    extra = [name for name in given if name not in known]
    if missing or extra:
        parts = [f"lacks {listed(missing)}"] if missing else []
        parts += [f"has {listed(extra)}, which the classifier does not know"] if extra else []
        difference = " and ".join(parts)
    else:
        place = next(i for i, name in enumerate(known) if name != given[i])
        difference = (
            f"has them in another order (class {place} is {given[place]!r}, not {known[place]!r})"
        )
    raise DataError(
        f"the dataset's classes are not the classifier's: it {difference}; bring them in line with "
        "dataset.relabel(...) or dataset.select(class_names=classifier.class_names)",
        code="classes-differ",
        parameter=parameter,
    )
