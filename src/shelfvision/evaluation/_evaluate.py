"""`evaluate`: let a classifier predict a dataset and hold it against the truth."""

from __future__ import annotations

from typing import Protocol

from shelfvision._validation import listed
from shelfvision.data import Dataset
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation._report import EvaluationReport
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


def evaluate(classifier: PredictsDataset, dataset: Dataset) -> EvaluationReport:
    """Judge a classifier on labelled photos.

    Parameters
    ----------
    classifier : Classifier
        What to judge, or anything with `class_names` and ``predict(dataset) -> Predictions``.
    dataset : Dataset
        Photos that the classifier was not trained on, of the same classes in the same order.
        Classes without photos are fine: they keep their row and count in no average.

    Returns
    -------
    EvaluationReport
        The scores. Photos for which the predictions hold an error are left out of the scores
        and listed in its `failed`.

    Raises
    ------
    InvalidParameterError
        One of the two is something else.
    DataError
        The dataset is empty, its classes are not the classifier's, or no photo could be read.

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
    _require_same_classes(tuple(classifier.class_names), dataset.class_names)
    if len(dataset) == 0:
        raise DataError("the dataset to evaluate on is empty; give at least one photo")
    predictions = classifier.predict(dataset)
    _require_same_classes(tuple(predictions.class_names), dataset.class_names)
    if list(predictions.ids) != list(dataset.ids):
        raise DataError(
            f"the classifier gave {len(predictions)} predictions whose ids are not those of the "
            f"{len(dataset)} photos; predict has to return one row for every photo, in order"
        )
    return EvaluationReport(predictions, dataset.labels)


def _require_kinds(classifier: object, dataset: object) -> None:
    if not (hasattr(classifier, "class_names") and hasattr(classifier, "predict")):
        raise InvalidParameterError(
            f"classifier must have class_names and predict, as a Classifier has, but it is a "
            f"{type(classifier).__name__}; wrap a keras model in Classifier.from_model(...)"
        )
    if not isinstance(dataset, Dataset):
        raise InvalidParameterError(
            f"dataset must be a shelfvision.Dataset, not {type(dataset).__name__}; make one of "
            "arrays with Dataset.from_arrays(images, labels)"
        )


def _require_same_classes(known: tuple[str, ...], given: tuple[str, ...]) -> None:
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
        "dataset.relabel(...) or dataset.select(class_names=classifier.class_names)"
    )
