"""Class weights in the training loss: an alternative to oversampling against class imbalance.

``"balanced"`` gives a class with n of N photos, of k classes, the weight ``N / (k n)`` (G. King,
L. Zeng, "Logistic regression in rare events data", Political Analysis 9 (2001) 137-163). Then all
classes have the same total weight, and the mean weight of a photo is 1: 30 cans and 10 jars have
the weights 2/3 and 2, and each class sums to 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from shelfvision._identifiers import in_spelling_of
from shelfvision._validation import as_number, listed, received
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError

ClassWeight: TypeAlias = Literal["balanced"] | Mapping[str, float]
"""``"balanced"``, or weights by class name; classes without a weight have 1."""


def check_class_weight(setting: str, value: object) -> object:
    """Return "balanced", or a copy of the mapping with checked weights."""
    if isinstance(value, str) and value == "balanced":
        return value
    if not isinstance(value, Mapping) or not value:
        raise InvalidParameterError(
            f"{setting} must be 'balanced' or a weight for each class name, got {received(value)}",
            code="wrong-type",
            parameter=setting,
        )
    weights = {}
    for name, weight in value.items():
        if not isinstance(name, str):
            raise InvalidParameterError(
                f"{setting} goes by class names, but one of its keys is {received(name)}",
                code="wrong-type",
                parameter=setting,
            )
        weights[name] = as_number(f"{setting} of {name!r}", weight, minimum=0.0, parameter=setting)
    return weights


def class_weights(setting: ClassWeight | None, train: Dataset) -> dict[int, float] | None:
    """Return the weight of each class number, or None without class weights."""
    if setting is None:
        return None
    if isinstance(setting, str):
        from sklearn.utils.class_weight import compute_class_weight

        present = np.unique(train.labels)
        weights = compute_class_weight(setting, classes=present, y=train.labels)
        return dict(zip(present.tolist(), weights.tolist(), strict=True))
    setting = in_spelling_of(train.class_names, setting)
    unknown = [name for name in setting if name not in train.class_names]
    if unknown:
        raise InvalidParameterError(
            f"class_weight names {listed(unknown)}, but the classes are "
            f"{listed(train.class_names)}; weigh only these",
            code="unknown-name",
            parameter="class_weight",
        )
    weighed = {number: setting.get(name, 1.0) for number, name in enumerate(train.class_names)}
    if not any(weighed.values()):
        raise InvalidParameterError(
            "class_weight is 0 for every class, which learns nothing; give one of them more",
            code="not-in-range",
            parameter="class_weight",
        )
    return weighed
