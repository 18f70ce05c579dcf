"""Ctrl-C stops after the step and keeps what was reached."""

from __future__ import annotations

import dataclasses
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import TrainingWarning
from shelfvision.training import TrainingResult
from shelfvision.training.run._interrupt import deferred_interrupt
from support import gives_warning

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]


def ctrl_c(epoch: int, steps: list[str]) -> keras.callbacks.Callback:
    """Return a callback that presses Ctrl-C in the third step of an epoch and notes all steps."""

    class Press(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        epoch = 0

        def on_epoch_begin(self, number: int, logs: object = None) -> None:
            self.epoch = number + 1

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            steps.append(f"{self.epoch}.{batch}")
            if steps[-1] == f"{epoch}.2":
                signal.raise_signal(signal.SIGINT)

    return Press()


def test_ctrl_c_stops_after_the_step_and_returns_the_best_so_far(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    steps: list[str] = []
    trainer = shv.Trainer(epochs=5, batch_size=8, callbacks=[ctrl_c(2, steps)])
    with gives_warning(TrainingWarning, "interrupted"):
        result = trainer.fit(make_model(), train, validation)
    assert steps[-1] == "2.2"
    assert (result.best_epoch, result.stopped_epoch, result.interrupted) == (1, 1, True)
    assert "by Ctrl-C" in repr(result)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_first_epoch_raises(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    trainer = shv.Trainer(epochs=5, batch_size=8, callbacks=[ctrl_c(1, [])])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(make_model(), train, validation)


def test_a_second_ctrl_c_does_not_wait_for_the_step() -> None:
    with deferred_interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_program_that_handles_signals_itself_keeps_its_way() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred_interrupt():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_works_in_a_thread(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    results: list[TrainingResult] = []
    trainer = dataclasses.replace(shv.Trainer(), epochs=1, batch_size=8)
    model = make_model()
    thread = threading.Thread(target=lambda: results.append(trainer.fit(model, train, validation)))
    thread.start()
    thread.join()
    assert results[0].stopped_epoch == 1
