"""What messages of classifiers and bundles say to do works when it is done."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import BundleError, DataError, ModelError
from shelfvision.models import ModelSpec, register_architecture, registry
from support import refuses

if TYPE_CHECKING:
    import keras

NAMES = ("juice", "milk")
PHOTOS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)


def own(spec: ModelSpec | None = None) -> keras.Model:
    """Return a network that only this file can build."""
    k = load_keras()
    layers = [k.Input((8, 8, 3), dtype="uint8"), k.layers.Rescaling(1 / 255), k.layers.Flatten()]
    classes = 2 if spec is None else spec.num_classes
    return k.Sequential([*layers, k.layers.Dense(classes, activation="softmax")], name="mine")


def photos() -> shv.Dataset:
    return shv.Dataset.from_arrays(PHOTOS, np.arange(12) % 2, class_names=NAMES)


@pytest.mark.remedy("needs-builder")
def test_a_bundle_of_a_network_of_ones_own_loads_by_either_way_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    classifier = shv.Classifier.from_model(own(), class_names=NAMES)
    file = io.BytesIO()
    classifier.save(file)
    with refuses(BundleError, "needs-builder", "builder"):
        shv.Classifier.load(io.BytesIO(file.getvalue()))
    wanted = classifier.predict_proba(PHOTOS)
    built = shv.Classifier.load(io.BytesIO(file.getvalue()), builder=own)
    np.testing.assert_array_equal(built.predict_proba(PHOTOS), wanted)
    register_architecture("mine", own)
    known = shv.Classifier.load(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(known.predict_proba(PHOTOS), wanted)


@pytest.mark.remedy("needs-labels")
def test_a_classifier_without_scores_is_calibrated_on_a_dataset_or_after_training() -> None:
    classifier = shv.Classifier.from_model(own(), class_names=NAMES)
    with refuses(DataError, "needs-labels", "dataset"):
        classifier.with_calibration()
    assert classifier.with_calibration(dataset=photos()).calibration is not None
    # The other way that is told: training with a validation part.
    trainer = shv.Trainer(epochs=1, batch_size=4, verbose=False)
    trained = trainer.fit(own(), photos()[:8], photos()[8:]).classifier
    assert trained.with_calibration().calibration is not None


@pytest.mark.remedy("unknown-class-prior")
def test_counts_given_as_provenance_tell_the_mix_of_classes() -> None:
    even = dict.fromkeys(NAMES, 1)
    plain = shv.Classifier.from_model(own(), class_names=NAMES)
    with refuses(ModelError, "unknown-class-prior", "class_prior"):
        plain.predict(PHOTOS, class_prior=even)
    known = shv.Classifier.from_model(
        own(), class_names=NAMES, provenance={"class_counts": {"juice": 90, "milk": 10}}
    )
    assert known.predict(PHOTOS, class_prior=even).class_prior == {
        "juice": 0.5,
        "milk": 0.5,
    }
