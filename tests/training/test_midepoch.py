"""A run that breaks off within an epoch goes on from its last step on disk, to the byte."""

from __future__ import annotations

import dataclasses
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._keras.weights import assign
from shelfvision.data import Dataset
from shelfvision.errors import ResumeError, TrainingWarning
from shelfvision.training import TrainingResult
from shelfvision.training.loop._batches import Batches
from shelfvision.training.run._best_epoch import BestEpoch
from shelfvision.training.run._run import Run
from shelfvision.training.run._state import Arrays, RunState
from support import gives_warning, refuses
from support.augmenters import shade
from support.run_states import newest_state
from support.training_runs import PowerCutError

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
Ending = tuple[object, ...]


def witness(cut: tuple[int, int] = (0, 0), seen: list[str] | None = None) -> object:
    """Return a callback that notes all steps and cuts the power after one of them."""

    class Witness(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        epoch = 0
        halved = 0

        def on_train_begin(self, logs: object = None) -> None:
            self.note("begin")

        def on_epoch_begin(self, number: int, logs: object = None) -> None:
            self.epoch = number + 1

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.note(f"{self.epoch}.{batch + 1}")
            if (self.epoch, batch + 1) == cut:
                raise PowerCutError

        def on_train_end(self, logs: object = None) -> None:
            self.note("end")

        def note(self, what: str) -> None:
            if seen is not None:
                seen.append(what)

        def get_state(self) -> int:
            return 0

        def set_state(self, state: int) -> None:
            assert state == 0

    return Witness()


def trainer_for(directory: Path, *callbacks: object, **settings: object) -> shv.Trainer:
    values: dict[str, object] = {
        "epochs": 4,
        "batch_size": 8,
        "learning_rate": 0.01,
        "augmenter": shade,
        "patience": 9,
        "min_delta": 100.0,
        "checkpoint_dir": directory,
        "save_every": 2,
        "callbacks": callbacks,
    }
    return shv.Trainer(**(values | settings))  # type: ignore[arg-type]  # a test's shorthand


def ending_of(directory: Path) -> Ending:
    """Return everything that a run leaves behind and that may not differ."""
    state = newest_state(directory)
    arrays = (*state.model, *state.optimizer, *state.metrics, *state.best_model)
    history = tuple((directory / name).read_bytes() for name in ("history.csv", "history.json"))
    position = (state.epoch, state.step, state.stopped, dict(state.best))
    return (position, history, (directory / "best.shelf").exists(), [a.tobytes() for a in arrays])


@pytest.fixture(scope="module")
def unbroken(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> Ending:
    directory = tmp_path_factory.mktemp("unbroken")
    trainer_for(directory, save_every=None).fit(make_model(), train, validation)
    return ending_of(directory)


@pytest.fixture(scope="module")
def cut_off(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return the folder of a run that broke off after the third step of its third epoch."""
    directory = tmp_path_factory.mktemp("cut")
    trainer = trainer_for(directory, witness((3, 3)))
    with pytest.raises(PowerCutError):
        trainer.fit(make_model(), train, validation)
    return directory


def test_the_last_step_on_disk_is_told(cut_off: Path) -> None:
    state = newest_state(cut_off)
    assert (state.epoch, state.step, state.best["waited"]) == (2, 2, 1)
    assert len(state.history["loss"]) == 2
    assert state.seconds > 0
    assert len(state.metrics) > 2


def test_a_run_cut_off_in_mid_epoch_ends_as_the_unbroken_one(
    unbroken: Ending,
    cut_off: Path,
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
) -> None:
    place = shutil.copytree(cut_off, tmp_path / "run")
    steps: list[str] = []
    trainer = trainer_for(place, witness(seen=steps))
    result = trainer.fit(make_model(), train, validation, resume="must")
    assert ending_of(place) == unbroken
    assert steps == ["begin", "3.3", "3.4", "3.5", *(f"4.{step}" for step in range(1, 6)), "end"]
    assert [len(column) for column in result.timings.values()] == [4, 4]


def test_cut_off_in_every_epoch_it_still_ends_the_same(
    unbroken: Ending,
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
) -> None:
    model = make_model()
    for cut in ((1, 3), (2, 4), (3, 1), (4, 5)):
        with pytest.raises(PowerCutError):
            trainer_for(tmp_path, witness(cut)).fit(model, train, validation)
    trainer_for(tmp_path, witness()).fit(make_model(), train, validation)
    assert ending_of(tmp_path) == unbroken


def without_seeds(variables: Sequence[keras.Variable], values: Arrays) -> None:
    kept = [
        (variable, value)
        for variable, value in zip(variables, values, strict=True)
        if "seed_generator" not in variable.path
    ]
    assign([variable for variable, _ in kept], tuple(value for _, value in kept))


def without_moments(variables: Sequence[keras.Variable], values: Arrays) -> None:
    if not any("momentum" in variable.path for variable in variables):
        assign(variables, values)


def without_metrics(variables: Sequence[keras.Variable], values: Arrays) -> None:
    if not any("total" in variable.path for variable in variables):
        assign(variables, values)


def from_the_first_step(self: Batches, epoch: int, *, skip: int = 0) -> None:
    begin_epoch(self, epoch, skip=1 if skip else 0)


def in_the_order_of_another_epoch(self: Batches, epoch: int, *, skip: int = 0) -> None:
    begin_epoch(self, epoch + (skip > 0), skip=skip)


def without_patience(self: BestEpoch, progress: dict[str, float]) -> BestEpoch:
    return continued(self, {**progress, "waited": 0})


def without_the_best_weights(self: Run, state: RunState) -> None:
    restore(self, dataclasses.replace(state, best_model=state.model))


begin_epoch, continued, restore = Batches.begin_epoch, BestEpoch.continued, Run.restore

FORGETFUL: dict[str, tuple[str, object]] = {
    "seed generators": ("shelfvision.training.run._run.assign", without_seeds),
    "optimizer": ("shelfvision.training.run._run.assign", without_moments),
    "metrics": ("shelfvision.training.run._run.assign", without_metrics),
    "step": ("shelfvision.training.loop._batches.Batches.begin_epoch", from_the_first_step),
    "order": (
        "shelfvision.training.loop._batches.Batches.begin_epoch",
        in_the_order_of_another_epoch,
    ),
    "patience": ("shelfvision.training.run._best_epoch.BestEpoch.continued", without_patience),
    "best weights": ("shelfvision.training.run._run.Run.restore", without_the_best_weights),
}


@pytest.mark.parametrize("forgotten", FORGETFUL)
def test_whatever_is_left_out_shows_in_the_end(
    unbroken: Ending,
    cut_off: Path,
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forgotten: str,
) -> None:
    place = shutil.copytree(cut_off, tmp_path / "run")
    monkeypatch.setattr(*FORGETFUL[forgotten])
    trainer_for(place, witness()).fit(make_model(), train, validation)
    assert ending_of(place) != unbroken


def test_other_metrics_than_the_states_are_told(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    def compiled(*metrics: str) -> keras.Model:
        model = make_model()
        model.compile("sgd", "categorical_crossentropy", metrics=list(metrics))
        return model

    trainer = trainer_for(tmp_path, witness((1, 3)), learning_rate=None)
    with pytest.raises(PowerCutError):
        trainer.fit(compiled("accuracy"), train, validation)
    with refuses(ResumeError, "run-changed", "model"):
        trainer.fit(compiled("accuracy", "auc"), train, validation)


def test_averaged_weights_are_not_taken_for_the_models_own(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    """Keras writes them over the model's weights whenever a fit ends."""
    optimizer = load_keras().optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)

    def run(place: Path, *callbacks: object) -> shv.Trainer:
        return trainer_for(
            tmp_path / place, *callbacks, optimizer=optimizer, learning_rate=None, epochs=3
        )

    run(Path("whole")).fit(make_model(), train, validation)
    with pytest.raises(PowerCutError):
        run(Path("cut"), witness((2, 3))).fit(make_model(), train, validation)
    run(Path("cut"), witness()).fit(make_model(), train, validation)
    assert ending_of(tmp_path / "cut") == ending_of(tmp_path / "whole")


def test_ctrl_c_saves_the_step(
    unbroken: Ending,
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
) -> None:
    class Press(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            if batch == 2 and self.model.optimizer.iterations.numpy() > 5:
                # Not os.kill: another thread may take that signal, and hear it after the run.
                signal.raise_signal(signal.SIGINT)

        def get_state(self) -> int:
            return 0

    def finish() -> TrainingResult:
        return trainer_for(tmp_path, save_every=None).fit(make_model(), train, validation)

    trainer = trainer_for(tmp_path, Press(), save_every=None)
    with gives_warning(TrainingWarning, "interrupted"):
        trainer.fit(make_model(), train, validation)
    assert (newest_state(tmp_path).epoch, newest_state(tmp_path).step) == (1, 3)
    finish()
    assert ending_of(tmp_path) == unbroken


def test_ctrl_c_while_validating_loses_no_epoch(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    press = load_keras().callbacks.LambdaCallback()
    press.on_test_begin = lambda logs=None: signal.raise_signal(signal.SIGINT)
    with gives_warning(TrainingWarning, "interrupted"):
        result = trainer_for(tmp_path, press).fit(make_model(), train, validation)
    assert result.stopped_epoch == newest_state(tmp_path).epoch == 1
