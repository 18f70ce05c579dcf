"""Models that the caller has compiled, in ordinary ways and in odd ones."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import ModelError, StorageError, TrainingError, TrainingWarning
from support import gives_warning, refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]


def no_number() -> keras.metrics.Metric:
    class NoNumber(load_keras().metrics.Metric):  # type: ignore[misc]  # keras has no types
        def update_state(self, *_: object, **__: object) -> None:
            """Learn nothing."""

        def result(self) -> object:
            return load_keras().ops.convert_to_tensor(math.nan)

    return NoNumber(name="odd")


def test_a_metric_that_is_no_number_costs_nothing_at_the_end(
    make_model: MakeModel, train: shv.Dataset, validation: shv.Dataset, tmp_path: Path
) -> None:
    model = make_model()
    model.compile("sgd", "categorical_crossentropy", metrics=[no_number()])
    result = shv.Trainer(epochs=1, checkpoint_dir=tmp_path).fit(model, train, validation)
    assert math.isnan(result.history["odd"][0])
    assert json.loads((tmp_path / "history.json").read_text())["odd"] == [None]
    metrics = result.classifier.provenance["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["odd"] is None


def test_a_metric_of_several_numbers_is_named_in_the_first_step(
    make_model: MakeModel, train: shv.Dataset, validation: shv.Dataset
) -> None:
    model = make_model()
    each = load_keras().metrics.F1Score(average=None, name="f1_each")
    model.compile("sgd", "categorical_crossentropy", metrics=[each])
    with refuses(TrainingError, "wrong-metrics", "model") as caught:
        shv.Trainer(epochs=1).fit(model, train, validation)
    assert "'f1_each'" in str(caught.value)


def test_a_sparse_loss_in_a_list_gets_class_numbers(
    make_model: MakeModel, train: shv.Dataset, validation: shv.Dataset
) -> None:
    model = make_model()
    model.compile("sgd", ["sparse_categorical_crossentropy"])
    assert len(shv.Trainer(epochs=1).fit(model, train, validation).history["loss"]) == 1


def test_a_model_compiled_without_a_loss_is_refused(
    make_model: MakeModel, train: shv.Dataset, validation: shv.Dataset
) -> None:
    model = make_model()
    model.compile("sgd")
    with refuses(TrainingError, "no-loss", "model"):
        shv.Trainer(epochs=1).fit(model, train, validation)


@pytest.mark.parametrize("ending", ["linear", "sigmoid"])
def test_outputs_that_no_classifier_could_serve_are_refused_before_training(
    train: shv.Dataset, validation: shv.Dataset, ending: str
) -> None:
    keras = load_keras()
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.GlobalAveragePooling2D()]
    dense = keras.layers.Dense(3, activation=ending, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((20, 20, 3)), *layers, dense])
    with refuses(ModelError, "not-probabilities", "model"):
        shv.Trainer(epochs=1).fit(model, train, validation)


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_a_folder_that_is_a_file_is_told_before_training(
    make_model: MakeModel, train: shv.Dataset, validation: shv.Dataset, tmp_path: Path, resume: str
) -> None:
    place = tmp_path / "runs"
    place.write_text("a note")
    started: list[object] = []
    note = load_keras().callbacks.LambdaCallback(on_train_begin=started.append)
    for directory in (place, place / "within"):
        trainer = shv.Trainer(epochs=1, checkpoint_dir=directory, callbacks=[note])
        with refuses(StorageError, "not-writable", "checkpoint_dir"):
            trainer.fit(make_model(), train, validation, resume=resume)  # type: ignore[arg-type]  # both are allowed
    assert not started
    assert place.read_text() == "a note"


def test_a_callback_that_interrupts_at_an_epochs_end_keeps_that_epoch(
    make_model: MakeModel, train: shv.Dataset, validation: shv.Dataset
) -> None:
    def interrupt(epoch: int, logs: object) -> None:
        raise KeyboardInterrupt

    stop = load_keras().callbacks.LambdaCallback(on_epoch_end=interrupt)
    with gives_warning(TrainingWarning, "interrupted"):
        result = shv.Trainer(epochs=3, callbacks=[stop]).fit(make_model(), train, validation)
    assert (result.best_epoch, result.stopped_epoch, result.interrupted) == (1, 1, True)
    assert len(result.history["loss"]) == 1
