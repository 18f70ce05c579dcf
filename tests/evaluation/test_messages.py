"""A few sentences of the room, word for word."""

from __future__ import annotations

import numpy as np

import shelfvision as shv
from shelfvision.errors import DataError, ShelfVisionError
from support import refuses
from support.answers import Says

NAMES = ("Juice", "Milk")


def photos(*labels: str) -> shv.Dataset:
    return shv.Dataset.from_arrays(np.zeros((len(labels), 4, 4, 3), np.uint8), list(labels))


def test_classes_that_the_classifier_lacks_are_told() -> None:
    with refuses(DataError, "unknown-class", "dataset") as caught:
        shv.evaluate(Says([0, 1], NAMES), photos("Juice", "Tea"))
    assert str(caught.value) == (
        "dataset must have the classes of classifier, got 'Tea', which classifier does not have; "
        "leave them out with dataset.select(class_names=classifier.class_names), or score them "
        "apart with shelfvision.evaluate(..., unknown='reject')"
    )


def test_a_set_without_a_known_class_is_told_which_are_known() -> None:
    with refuses(ShelfVisionError, "unknown-class", "training") as caught:
        shv.evaluate(Says([0], NAMES), photos("Juice"), training=photos("Tea"))
    assert str(caught.value) == (
        "training must have the classes of classifier, got 'Tea', which classifier does not have; "
        "give photos of its classes, 'Juice', 'Milk'"
    )
