"""Numbers that are none stop a run, are named with epoch and step, and are never kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import TrainingError
from shelfvision.training.run._finite_checks import WeightsWatch
from shelfvision.training.run._state import RunState, decode
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]


def poisoned_at(
    epoch: int, step: int, act: Callable[[keras.Model], None]
) -> keras.callbacks.Callback:
    """Return a callback that does something after a step, both counted from 1."""

    class Poison(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        now = 0

        def on_epoch_begin(self, number: int, logs: object = None) -> None:
            self.now = number + 1

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            if (self.now, batch + 1) == (epoch, step):
                getattr(self.model, "jax_state_sync", lambda: None)()
                act(self.model)

    return Poison()


def weights_become(value: float) -> Callable[[keras.Model], None]:
    def act(model: keras.Model) -> None:
        kernel = model.trainable_variables[-2]
        kernel.assign(np.full(kernel.shape, value, np.float32))

    return act


def variance_becomes_infinite(model: keras.Model) -> None:
    """Spoil what normalization has learned: its outputs, and so the losses, stay finite."""
    variance = next(v for v in model.non_trainable_variables if "moving_variance" in v.path)
    variance.assign(np.full(variance.shape, np.inf, np.float32))


def states_in(directory: Path) -> list[RunState]:
    return [decode(path.read_bytes())[0] for path in directory.glob("state-?.safetensors")]


def assert_nothing_bad_is_kept(model: keras.Model, directory: Path) -> None:
    for state in states_in(directory):
        assert all(np.isfinite(value).all() for value in (*state.model, *state.best_model))
        assert all(math.isfinite(v) for values in state.history.values() for v in values)
    assert all(np.isfinite(variable.numpy()).all() for variable in model.variables)
    assert not (directory / "best.shelf").exists()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_spoiled_in_a_step_are_named_in_the_next(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path, value: float
) -> None:
    model, callback = make_model(), poisoned_at(2, 3, weights_become(value))
    trainer = shv.Trainer(epochs=4, batch_size=8, checkpoint_dir=tmp_path, callbacks=[callback])
    with refuses(TrainingError, "diverged") as caught:
        trainer.fit(model, train, validation)
    assert "step 4 of epoch 2" in str(caught.value)
    assert [state.epoch for state in states_in(tmp_path)] == [1]
    assert_nothing_bad_is_kept(model, tmp_path)


def test_spoiled_weights_are_not_saved_in_mid_epoch(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    model, callback = make_model(), poisoned_at(2, 4, weights_become(math.nan))
    trainer = shv.Trainer(
        epochs=4, batch_size=8, checkpoint_dir=tmp_path, callbacks=[callback], save_every=2
    )
    with refuses(TrainingError, "diverged") as caught:
        trainer.fit(model, train, validation)
    assert "step 4 of epoch 2" in str(caught.value)
    assert sorted((state.epoch, state.step) for state in states_in(tmp_path)) == [(1, 0), (1, 2)]
    assert_nothing_bad_is_kept(model, tmp_path)


def test_a_loss_that_is_no_number_in_validation_only_is_named(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    model, callback = make_model(), poisoned_at(2, 5, weights_become(math.nan))
    trainer = shv.Trainer(epochs=4, batch_size=8, checkpoint_dir=tmp_path, callbacks=[callback])
    with refuses(TrainingError, "diverged") as caught:
        trainer.fit(model, train, validation)
    assert "val_loss" in str(caught.value)
    assert_nothing_bad_is_kept(model, tmp_path)


@pytest.mark.parametrize("spoil", [weights_become(math.nan), variance_becomes_infinite])
@pytest.mark.parametrize("saving", [True, False])
def test_weights_that_are_spoiled_while_every_loss_is_fine_are_never_best(
    make_model: MakeModel,
    train: Dataset,
    tmp_path: Path,
    spoil: Callable[[keras.Model], None],
    saving: bool,
) -> None:
    model, callback = make_model(), poisoned_at(2, 5, spoil)
    trainer = shv.Trainer(
        epochs=2,
        batch_size=8,
        learning_rate=0.01,
        monitor="loss",
        checkpoint_dir=tmp_path if saving else None,
        callbacks=[callback],
    )
    with refuses(TrainingError, "diverged") as caught:
        trainer.fit(model, train)
    assert "step 5 of epoch 2" in str(caught.value)
    assert_nothing_bad_is_kept(model, tmp_path)


def test_infinities_that_a_model_is_born_with_are_its_own_affair() -> None:
    mask = load_keras().Variable(np.array([0.0, -np.inf], np.float32), trainable=False)
    counter = load_keras().Variable(np.array([1, 2]), dtype="int64", trainable=False)
    watch = WeightsWatch([mask, counter])
    values = (np.array([0.0, -np.inf], np.float32), np.array([3, 4]))
    watch.require_finite(values, epoch=1, step=1, kept="")
