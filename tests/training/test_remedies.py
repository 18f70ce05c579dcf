"""Each remedy that an error or a warning of training names is followed, and works."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import (
    InvalidParameterError,
    ModelError,
    ResumeError,
    ShelfVisionWarning,
    TrainingError,
    TrainingWarning,
)
from shelfvision.training.run._checkpoints import SLOTS
from support import gives_warning, refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
QUICK = shv.Trainer(epochs=1, batch_size=16)


@pytest.fixture
def in_peace() -> Iterator[None]:
    """Let every warning of ours be an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ShelfVisionWarning)
        yield


@pytest.mark.remedy("no-validation", "needs-validation")
def test_without_validation_photos(
    make_model: MakeModel, train: Dataset, validation: Dataset, in_peace: None
) -> None:
    with gives_warning(TrainingWarning, "no-validation", "validation"):
        QUICK.fit(make_model(), train)
    of_validation = dataclasses.replace(QUICK, monitor="val_accuracy")
    with refuses(InvalidParameterError, "needs-validation", "monitor"):
        of_validation.fit(make_model(), train)
    assert of_validation.fit(make_model(), train, validation).stopped_epoch == 1
    by_loss = dataclasses.replace(QUICK, monitor="loss")
    assert by_loss.fit(make_model(), train).stopped_epoch == 1


@pytest.mark.remedy("wrong-metrics", "from-logits")
def test_a_model_compiled_for_other_labels(
    make_model: MakeModel, train: Dataset, validation: Dataset, in_peace: None
) -> None:
    model, losses, metrics = make_model(), load_keras().losses, load_keras().metrics
    sparse = metrics.SparseCategoricalAccuracy()
    model.compile("sgd", "categorical_crossentropy", metrics=[sparse])
    with refuses(TrainingError, "wrong-metrics", "model"):
        QUICK.fit(model, train, validation)
    for metric in ("accuracy", metrics.CategoricalAccuracy(name="accuracy")):
        model.compile("sgd", "categorical_crossentropy", metrics=[metric])
        assert "accuracy" in QUICK.fit(model, train, validation).history
    model.compile("sgd", losses.CategoricalCrossentropy(from_logits=True))
    with gives_warning(TrainingWarning, "from-logits", "model"):
        QUICK.fit(model, train, validation)
    model.compile("sgd", losses.CategoricalCrossentropy(from_logits=False))
    assert QUICK.fit(model, train, validation).stopped_epoch == 1


@pytest.mark.remedy("not-probabilities")
def test_outputs_that_are_no_probabilities(
    train: Dataset, validation: Dataset, in_peace: None
) -> None:
    layers = load_keras().layers

    def model(ending: str) -> keras.Model:
        dense = layers.Dense(3, activation=ending, kernel_initializer="ones")
        body = [layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D()]
        return load_keras().Sequential([load_keras().Input((20, 20, 3)), *body, dense])

    with refuses(ModelError, "not-probabilities", "model"):
        QUICK.fit(model("linear"), train, validation)
    ended = model("softmax")
    ended.compile("sgd", load_keras().losses.CategoricalCrossentropy(from_logits=False))
    assert QUICK.fit(ended, train, validation).stopped_epoch == 1


@pytest.mark.remedy("conflict", "already-compiled")
def test_settings_that_do_not_go_together(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    smoothed = dataclasses.replace(QUICK, loss="mean_squared_error", label_smoothing=0.1)
    with refuses(InvalidParameterError, "conflict", "label_smoothing"):
        smoothed.fit(make_model(), train, validation)
    crossed = dataclasses.replace(smoothed, loss="categorical_crossentropy")
    assert crossed.fit(make_model(), train, validation).stopped_epoch == 1
    model = make_model()
    model.compile("sgd", "categorical_crossentropy")
    with refuses(InvalidParameterError, "already-compiled", "label_smoothing"):
        dataclasses.replace(QUICK, label_smoothing=0.1).fit(model, train, validation)
    result = dataclasses.replace(QUICK, label_smoothing=0.1).fit(make_model(), train, validation)
    assert result.stopped_epoch == 1


@pytest.mark.remedy("not-in-range")
def test_a_decay_that_leaves_the_last_layer_alone_is_told_by_its_name() -> None:
    with refuses(InvalidParameterError, "not-in-range", "layer_decay"):
        shv.Trainer(layer_decay=0.0)
    assert shv.Trainer(fine_tune="head").fine_tune == "head"


@pytest.mark.remedy("wrong-type")
def test_probabilities_that_are_too_coarse(
    train: Dataset, validation: Dataset, in_peace: None
) -> None:
    layers = load_keras().layers

    def model(dtype: str) -> keras.Model:
        last = layers.Dense(3, activation="softmax", dtype=dtype)
        body = [layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D()]
        return load_keras().Sequential([load_keras().Input((20, 20, 3)), *body, last])

    mixed = dataclasses.replace(QUICK, mixed_precision="bfloat16")
    with refuses(ModelError, "wrong-type", "model"):
        mixed.fit(model("mixed_bfloat16"), train, validation)
    assert mixed.fit(model("float32"), train, validation).stopped_epoch == 1


@pytest.mark.remedy("needs-folder", "not-found", "run-changed")
def test_resuming_a_run_that_is_not_there_or_another(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    with refuses(ResumeError, "needs-folder", "checkpoint_dir"):
        QUICK.fit(make_model(), train, validation, resume="must")
    kept = dataclasses.replace(QUICK, checkpoint_dir=tmp_path / "run")
    with refuses(ResumeError, "not-found", "checkpoint_dir"):
        kept.fit(make_model(), train, validation, resume="must")
    kept.fit(make_model(), train, validation, resume="auto")
    assert kept.fit(make_model(), train, validation, resume="must").stopped_epoch == 1
    other = dataclasses.replace(kept, seed=1)
    with refuses(ResumeError, "run-changed"):
        other.fit(make_model(), train, validation)
    elsewhere = dataclasses.replace(other, checkpoint_dir=tmp_path / "new")
    assert elsewhere.fit(make_model(), train, validation).stopped_epoch == 1
    assert other.fit(make_model(), train, validation, resume="never").stopped_epoch == 1


@pytest.mark.remedy("damaged", "foreign-format")
def test_states_that_cannot_be_read(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = dataclasses.replace(QUICK, checkpoint_dir=tmp_path / "run")
    kept.fit(make_model(), train, validation)
    shutil.copytree(tmp_path / "run", tmp_path / "backup")
    for slot in SLOTS:
        (tmp_path / "run" / slot).write_bytes(b"rubbish")
    with refuses(ResumeError, "damaged", "checkpoint_dir"):
        kept.fit(make_model(), train, validation)
    shutil.copytree(tmp_path / "backup", tmp_path / "run", dirs_exist_ok=True)
    (tmp_path / "run" / SLOTS[1]).unlink()
    assert kept.fit(make_model(), train, validation, resume="must").stopped_epoch == 1
    with monkeypatch.context() as patch:
        patch.setattr("shelfvision.training.run._state.FORMAT", 99)
        with refuses(ResumeError, "foreign-format", "checkpoint_dir"):
            kept.fit(make_model(), train, validation)
    assert kept.fit(make_model(), train, validation, resume="must").stopped_epoch == 1
    assert kept.fit(make_model(), train, validation, resume="never").stopped_epoch == 1
