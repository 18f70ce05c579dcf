"""Classifiers that travel to other processes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras

Pixels = npt.NDArray[np.uint8]


def test_a_pickled_classifier_comes_back_as_it_was(
    classifier: shv.Classifier, pixels: Pixels
) -> None:
    back = pickle.loads(pickle.dumps(classifier))
    assert (back.class_names, back.resize) == (classifier.class_names, classifier.resize)
    assert dict(back.provenance) == dict(classifier.provenance)
    same = back.predict_proba(pixels[:3]) == classifier.predict_proba(pixels[:3])
    assert same.all()


def test_copies_are_the_classifier_itself(classifier: shv.Classifier) -> None:
    assert copy.copy(classifier) is classifier
    assert copy.deepcopy(classifier) is classifier


def test_a_model_of_ones_own_says_why_it_cannot_be_pickled() -> None:
    layers = load_keras().layers
    model = load_keras().Sequential(
        [load_keras().Input((4, 4, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )
    own = shv.Classifier.from_model(model, class_names=["a", "b"])
    with pytest.raises(TypeError, match="only your code can build its model; save it"):
        pickle.dumps(own)
