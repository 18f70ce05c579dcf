"""Class numbers, classes and class names of the labels that scikit-learn passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from shelfvision._class_names import as_class_names
from shelfvision._validation import counted, listed
from shelfvision.errors import DataError, InvalidParameterError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """Labels as class numbers."""

    numbers: npt.NDArray[np.int64]
    """The class number of each photo."""
    classes: npt.NDArray[Any]
    """The labels of the classes, sorted, in the type of the given labels."""
    class_names: tuple[str, ...]
    """The name of each class."""


def targets_of(y: object) -> Targets:
    """Return class numbers of labels: texts, integers, booleans or whole floats, without NaN."""
    if y is None:
        raise InvalidParameterError(
            "y must have the class of each photo: PhotoClassifier requires y to be passed, but the "
            "target y is None",
            code="missing",
            parameter="y",
        )
    given = check_array(y, ensure_2d=False, dtype=None, input_name="y", ensure_min_samples=0)
    labels = column_or_1d(given, warn=True)
    check_classification_targets(labels)
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"y must have at least two classes, got {counted(len(labels), 'photo')} of only one "
            f"class, {listed(map(str, classes.tolist()))}; add photos of another class",
            code="one-class",
            parameter="y",
        )
    names = as_class_names([str(label) for label in classes.tolist()])
    return Targets(
        numbers=np.asarray(numbers, dtype=np.int64).ravel(), classes=classes, class_names=names
    )


def numbers_among(classes: npt.NDArray[Any], y: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the class number of each label; an unknown label gets any number.

    The numbers only say which photos have the same class.
    """
    labels = np.asarray(y).ravel()
    places = np.searchsorted(classes, labels)
    return np.minimum(places, len(classes) - 1).astype(np.int64)
