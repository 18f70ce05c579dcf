"""Runs that go wrong are told, and those that go well are left in peace."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import TrainingError, TrainingWarning
from shelfvision.training.loop import _learning_check
from shelfvision.training.loop._learning_check import Losses
from support import gives_warning, refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
MakePhotos = Callable[..., Dataset]


def after(losses: Sequence[float], accuracies: Sequence[float]) -> Losses:
    found = Losses()
    for loss, accuracy in zip(losses, accuracies, strict=True):
        found = found.after(loss, accuracy)
    return found


@pytest.mark.parametrize(
    ("losses", "accuracies", "stuck"),
    [
        ([1.6, 1.61, 1.6], [0.2, 0.21, 0.2], True),
        ([1.6, 1.61, 1.5], [0.2, 0.21, 0.2], False),
        ([1.6, 1.61, 1.6], [0.2, 0.21, 0.5], False),
        ([0.01, 0.012, 0.01], [1.0, 1.0, 1.0], False),
        ([1.6, 1.61, 1.6], [float("nan")] * 3, False),
    ],
)
def test_only_a_loss_that_stays_beside_answers_like_guesses_counts_as_stuck(
    losses: list[float], accuracies: list[float], stuck: bool
) -> None:
    assert after(losses, accuracies).stuck(0.25) == stuck


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look after two epochs already."""
    monkeypatch.setattr(_learning_check, "EPOCHS", 2)
    monkeypatch.setattr(_learning_check, "STEPS", 1)


def test_a_run_that_learns_nothing_is_told_once(
    train: Dataset, validation: Dataset, impatient: None
) -> None:
    layers = load_keras().layers
    dense = layers.Dense(3, activation="softmax", kernel_initializer="zeros")
    stack = [layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D(), dense]
    # Without dropout, whose luck moves the loss a little.
    model = load_keras().Sequential([load_keras().Input((20, 20, 3)), *stack])
    trainer = shv.Trainer(epochs=4, batch_size=8, optimizer="sgd", learning_rate=1e-9)
    with gives_warning(TrainingWarning, "not-learning") as caught:
        trainer.fit(model, train, validation)
    assert len(caught) == 1


def test_a_run_that_learns_is_left_in_peace(
    make_model: MakeModel, train: Dataset, validation: Dataset, impatient: None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        shv.Trainer(epochs=3, batch_size=8, learning_rate=0.01).fit(make_model(), train, validation)


def test_a_class_without_photos_is_told(make_model: MakeModel, train: Dataset) -> None:
    photos = train[train.labels != 1]
    with gives_warning(TrainingWarning, "missing-class", "train") as told:
        shv.Trainer(epochs=1, monitor="loss").fit(make_model(), photos)
    assert "'milk'" in str(told[0])


def test_fewer_photos_than_a_batch_are_told_in_the_log(
    make_model: MakeModel, make_photos: MakePhotos, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="shelfvision"):
        shv.Trainer(epochs=1, monitor="loss").fit(make_model(), make_photos(5))
    assert "5 photos, fewer than one batch of 32" in caplog.text


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        ("categorical_crossentropy", "sparse_categorical_accuracy"),
        ("categorical_crossentropy", "SparseCategoricalAccuracy()"),
        ("sparse_categorical_crossentropy", "categorical_accuracy"),
        ("sparse_categorical_crossentropy", "TopKCategoricalAccuracy()"),
    ],
)
def test_a_metric_of_the_other_kind_of_labels_is_refused(
    make_model: MakeModel, train: Dataset, loss: str, metric: str
) -> None:
    kind = metric.removesuffix("()")
    found = getattr(load_keras().metrics, kind)() if kind != metric else metric
    model = make_model()
    model.compile("sgd", loss, metrics=[found])
    with refuses(TrainingError, "wrong-metrics", "model") as caught:
        shv.Trainer(epochs=1, monitor="loss").fit(model, train)
    assert repr(kind) in str(caught.value)


def test_a_loss_that_cannot_take_the_labels_is_told_before_training(
    make_model: MakeModel, train: Dataset
) -> None:
    def of_numbers(labels: object, scores: object) -> object:
        return load_keras().losses.sparse_categorical_crossentropy(labels, scores)

    model = make_model()
    model.compile("sgd", of_numbers)
    with refuses(TrainingError, "wrong-loss", "model"):
        shv.Trainer(epochs=1, monitor="loss").fit(model, train)


def test_a_loss_over_logits_is_told(make_model: MakeModel, train: Dataset) -> None:
    model = make_model()
    model.compile("sgd", load_keras().losses.CategoricalCrossentropy(from_logits=True))
    with gives_warning(TrainingWarning, "from-logits", "model"):
        shv.Trainer(epochs=1, monitor="loss").fit(model, train)


@pytest.mark.parametrize("loss", ["mean_squared_error", "sparse_categorical_crossentropy"])
def test_losses_that_suit_the_labels_pass(make_model: MakeModel, train: Dataset, loss: str) -> None:
    model = make_model()
    model.compile("sgd", loss, metrics=["accuracy"])
    result = shv.Trainer(epochs=1, monitor="loss").fit(model, train)
    assert np.isfinite(result.history["loss"]).all()
