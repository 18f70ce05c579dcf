"""A run that is stopped and started again ends as if it had never stopped."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import ResumeError, TrainingWarning
from shelfvision.training import TrainingResult
from shelfvision.training.run._state import decode
from support import gives_warning, refuses
from support.augmenters import shade

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
ValuesOf = Callable[["keras.Model"], list[npt.NDArray[np.generic]]]

EPOCHS = 6


def trainer_for(directory: Path | None, **settings: object) -> shv.Trainer:
    values: dict[str, object] = {
        "epochs": EPOCHS,
        "batch_size": 8,
        "learning_rate": 0.01,
        "augmenter": shade,
        "checkpoint_dir": directory,
    }
    return shv.Trainer(**(values | settings))  # type: ignore[arg-type]  # a test's shorthand


def interrupted_before(epoch: int) -> keras.callbacks.Callback:
    class Stop(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_epoch_begin(self, number: int, logs: object = None) -> None:
            if number + 1 == epoch:
                raise KeyboardInterrupt

        def get_state(self) -> str:
            return "nothing to remember"

        def set_state(self, state: str) -> None:
            assert state == "nothing to remember"

    return Stop()


def newest_state(directory: Path) -> tuple[int, list[npt.NDArray[np.generic]]]:
    found = [decode((directory / f"state-{slot}.safetensors").read_bytes()) for slot in "ab"]
    state = max(found, key=lambda entry: entry[1])[0]
    return state.epoch, [*state.model, *state.optimizer, *state.best_model]


@pytest.fixture(scope="module")
def unbroken(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[TrainingResult, Path]:
    directory = tmp_path_factory.mktemp("unbroken")
    return trainer_for(directory).fit(make_model(), train, validation), directory


def test_an_interrupted_run_goes_on_to_the_same_end_to_the_byte(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    values_of: ValuesOf,
    tmp_path: Path,
) -> None:
    wanted, place = unbroken
    stopping = trainer_for(tmp_path, callbacks=[interrupted_before(4)])
    with gives_warning(TrainingWarning, "interrupted"):
        first = stopping.fit(make_model(), train, validation)
    assert (first.stopped_epoch, first.interrupted) == (3, True)
    result = trainer_for(tmp_path).fit(make_model(seed=1), train, validation, resume="must")
    assert result.history == wanted.history
    assert (result.best_epoch, result.stopped_epoch) == (wanted.best_epoch, wanted.stopped_epoch)
    for a, b in zip(values_of(result.model), values_of(wanted.model), strict=True):
        assert a.tobytes() == b.tobytes()
    (epoch, arrays), (also, others) = newest_state(tmp_path), newest_state(place)
    assert epoch == also == EPOCHS
    assert [a.tobytes() for a in arrays] == [b.tobytes() for b in others]
    assert (tmp_path / "history.csv").read_bytes() == (place / "history.csv").read_bytes()


def test_what_is_saved_is_needed(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
) -> None:
    """With dropout's seeds or the optimizer's moments left out, the end is another one."""
    run = "shelfvision.training.run._run.assign"
    for forget in ("seed_generator", "momentum"):
        place = tmp_path / forget
        trainer_for(place, epochs=3).fit(make_model(), train, validation)

        def forgetful(variables: list[keras.Variable], values: list[object]) -> None:
            for variable, value in zip(variables, values, strict=True):
                if forget not in variable.path:  # noqa: B023  (called within the same turn)
                    variable.assign(value)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, forgetful)
            result = trainer_for(place).fit(make_model(), train, validation)
        assert result.history["loss"] != unbroken[0].history["loss"]


def test_a_finished_run_gives_its_result_without_training(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    values_of: ValuesOf,
) -> None:
    wanted, place = unbroken
    failing = trainer_for(place, callbacks=[interrupted_before(EPOCHS + 1)])
    result = failing.fit(make_model(), train, validation)
    assert result.history == wanted.history
    assert result.best_epoch == wanted.best_epoch
    for a, b in zip(values_of(result.model), values_of(wanted.model), strict=True):
        assert a.tobytes() == b.tobytes()


def test_more_epochs_continue_a_finished_run(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    tmp_path: Path,
) -> None:
    trainer_for(tmp_path, epochs=2).fit(make_model(), train, validation)
    assert (tmp_path / "best.shelf").exists()
    result = trainer_for(tmp_path).fit(make_model(), train, validation)
    assert result.history == unbroken[0].history


def test_a_run_that_ran_out_of_patience_stays_stopped_and_keeps_its_count(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    settings = {"patience": 2, "min_delta": 100.0, "epochs": 2}
    trainer_for(tmp_path, **settings).fit(make_model(), train, validation)
    for epochs in (9, 10):
        result = trainer_for(tmp_path, **(settings | {"epochs": epochs})).fit(
            make_model(), train, validation
        )
        assert result.stopped_epoch == 3


CHANGES: dict[str, dict[str, object]] = {
    "batch_size from 8 to 9": {"batch_size": 9},
    "seed from 42 to 7": {"seed": 7},
    "learning_rate": {"learning_rate": 0.02},
    "name from": {"optimizer": "sgd"},
    "loss from": {"loss": "binary_crossentropy"},
    "augmenter": {"augmenter": None},
    "patience from 20 to 3": {"patience": 3},
    "monitor": {"monitor": "val_accuracy"},
    "min_delta": {"min_delta": 0.5},
    "epochs to 5": {"epochs": 5},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_setting_is_refused_by_name(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    name: str,
) -> None:
    with refuses(ResumeError, "run-changed") as caught:
        trainer_for(unbroken[1], **CHANGES[name]).fit(make_model(), train, validation)
    assert name in str(caught.value)


def test_changed_photos_and_models_are_refused_by_name(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
) -> None:
    trainer = trainer_for(unbroken[1])
    with refuses(ResumeError, "run-changed") as caught:
        trainer.fit(make_model(), train[:34], validation)
    assert "training photos" in str(caught.value)
    with refuses(ResumeError, "run-changed") as caught:
        trainer.fit(make_model(), train, validation[:9])
    assert "validation photos" in str(caught.value)
    with refuses(ResumeError, "run-changed") as caught:
        trainer.fit(make_model(seed=2), train, validation)
    assert "model (architecture" in str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "damaged", "of another run"])
def test_a_changed_run_whose_description_is_lost_is_refused_and_the_same_run_goes_on(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path, damage: str
) -> None:
    trainer_for(tmp_path, epochs=1).fit(make_model(), train, validation)
    described = tmp_path / "run.json"
    described.unlink()
    if damage != "missing":
        described.write_text("{" if damage == "damaged" else '{"seed": 9}')
    with refuses(ResumeError, "run-changed") as caught:
        trainer_for(tmp_path, epochs=1, seed=1).fit(make_model(), train, validation)
    assert "run.json" in str(caught.value)
    result = trainer_for(tmp_path, epochs=2).fit(make_model(), train, validation, resume="must")
    assert result.stopped_epoch == 2


def test_another_code_scheme_is_refused_by_name(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shelfvision.training.run._identity.SCHEME", 99)
    with refuses(ResumeError, "run-changed") as caught:
        trainer_for(unbroken[1]).fit(make_model(), train, validation)
    assert "code scheme from 1 to 99" in str(caught.value)


def test_other_surroundings_are_warned_of_by_name(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "abacus")
    with gives_warning(TrainingWarning, "environment-changed") as caught:
        trainer_for(unbroken[1]).fit(make_model(), train, validation)
    assert 'to "abacus"' in str(caught[0])


def test_a_history_that_a_crash_left_behind_is_written_anew(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
) -> None:
    path = unbroken[1] / "history.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:30])
    trainer_for(unbroken[1]).fit(make_model(), train, validation)
    assert path.read_bytes() == whole


def test_how_often_is_saved_may_change(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
) -> None:
    trainer_for(unbroken[1], save_every=1).fit(make_model(), train, validation, resume="must")


def test_another_backend_is_refused_by_name(
    unbroken: tuple[TrainingResult, Path],
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shelfvision.training.run._identity.backend_name", lambda: "abacus")
    with refuses(ResumeError, "run-changed") as caught:
        trainer_for(unbroken[1]).fit(make_model(), train, validation)
    assert 'to "abacus"' in str(caught.value)


def test_a_backend_that_cannot_train_is_refused(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shelfvision.training.loop._compile.backend_name", lambda: "numpy")
    with refuses(shv.errors.TrainingError, "backend-cannot-train"):
        trainer_for(None).fit(make_model(), train, validation)


def test_must_needs_a_run_to_go_on_with(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    with refuses(ResumeError, "not-found", "checkpoint_dir"):
        trainer_for(tmp_path).fit(make_model(), train, validation, resume="must")
    with refuses(ResumeError, "needs-folder", "checkpoint_dir"):
        trainer_for(None).fit(make_model(), train, validation, resume="must")


def test_never_starts_over_and_leaves_other_files_alone(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    trainer_for(tmp_path, epochs=3, seed=1).fit(make_model(), train, validation)
    trainer = trainer_for(tmp_path, epochs=1)
    assert trainer.fit(make_model(), train, validation, resume="never").stopped_epoch == 1
    assert trainer.fit(make_model(), train, validation, resume="must").stopped_epoch == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_callback_with_state_goes_on_and_one_without_is_named(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    class Counter(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_begin(self, logs: object = None) -> None:
            self.seen = 0

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            self.seen += 1

    class Lasting(Counter):
        def get_state(self) -> dict[str, int]:
            return {"seen": self.seen}

        def set_state(self, state: dict[str, int]) -> None:
            self.seen = state["seen"]

    trainer = trainer_for(tmp_path, epochs=2, callbacks=[Lasting(), Counter()])
    trainer.fit(make_model(), train, validation)
    lasting, forgetful = Lasting(), Counter()
    trainer = dataclasses.replace(trainer, epochs=3, callbacks=[lasting, forgetful])
    with gives_warning(TrainingWarning, "no-state", "callbacks") as caught:
        trainer.fit(make_model(), train, validation)
    assert str(caught[0]).count("Counter") == 1
    assert (lasting.seen, forgetful.seen) == (3, 1)


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "state",
    [object(), {1: math.nan, "a": {2}}, nested(100), nested(10**5), [10**5000]],
    ids=["object", "set", "deep", "deeper", "digits"],
)
def test_a_callback_whose_state_is_no_json_is_named(
    make_model: MakeModel, train: Dataset, tmp_path: Path, state: object
) -> None:
    class Odd(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def get_state(self) -> object:
            return state

    with refuses(shv.errors.TrainingError, "not-plain", "callbacks") as caught:
        trainer_for(tmp_path, callbacks=[Odd()], monitor="loss").fit(make_model(), train)
    assert "Odd" in str(caught.value)


def test_a_schedule_kept_by_a_callback_at_the_end_of_an_epoch_survives(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    class Halve(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate / 2)

        def get_state(self) -> int:
            return 0

        def set_state(self, state: int) -> None:
            assert state == 0

    trainer = trainer_for(None, epochs=3, callbacks=[Halve()])
    wanted = trainer.fit(make_model(), train, validation)
    for epochs in (2, 3):
        broken = dataclasses.replace(trainer, epochs=epochs, checkpoint_dir=tmp_path)
        result = broken.fit(make_model(), train, validation)
    assert result.history == wanted.history
