"""Keras's own callbacks work as they are; those that forget are named when a run goes on."""

from __future__ import annotations

import csv
import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import TrainingError, TrainingWarning
from support import gives_warning
from support.training_runs import crash_before

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]


def test_csv_logger_and_checkpoints_are_written_as_by_keras(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    callbacks = load_keras().callbacks
    trainer = shv.Trainer(
        epochs=2,
        batch_size=16,
        callbacks=[
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
            callbacks.TerminateOnNaN(),
        ],
    )
    result = trainer.fit(make_model(), train, validation)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [float(row["val_loss"]) for row in rows] == result.history["val_loss"]
    assert {path.name for path in tmp_path.glob("*.h5")} == {"1.weights.h5", "2.weights.h5"}


def test_tensorboard_writes_its_events(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", exc_type=ImportError)
    pytest.importorskip("tensorflow", exc_type=ImportError)
    board = load_keras().callbacks.TensorBoard(tmp_path)
    shv.Trainer(epochs=1, batch_size=16, callbacks=[board]).fit(make_model(), train, validation)
    parts = {path.parent.name for path in tmp_path.rglob("events.out.*")}
    assert {"train", "validation"} <= parts


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint"])
def test_one_that_forgets_is_named_when_the_run_goes_on(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path, name: str
) -> None:
    def made() -> keras.callbacks.Callback:
        kind = getattr(load_keras().callbacks, name)
        return (
            kind(str(tmp_path / "k.weights.h5"), save_weights_only=True)
            if (name == "ModelCheckpoint")
            else kind()
        )

    trainer = shv.Trainer(epochs=2, batch_size=16, checkpoint_dir=tmp_path / "run")
    first = dataclasses.replace(trainer, callbacks=[made(), crash_before(2)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        with pytest.raises(TrainingError, match="the power went"):
            first.fit(make_model(), train, validation)
    again = dataclasses.replace(trainer, callbacks=[made()])
    with gives_warning(TrainingWarning, "no-state", "callbacks") as caught:
        again.fit(make_model(), train, validation)
    assert repr(name) in str(caught[0])
