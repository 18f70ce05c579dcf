"""Learning rates that change, and runs that go on with the very rate they had."""

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
from shelfvision.errors import InvalidParameterError, TrainingError
from shelfvision.training import CosineSchedule, PlateauSchedule
from shelfvision.training.loop._learning_rates import Plateau, cosine
from support import refuses
from support.training_runs import crash_before

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
ValuesOf = Callable[["keras.Model"], list[npt.NDArray[np.generic]]]


def rate_of(model: keras.Model) -> float:
    return float(load_keras().ops.convert_to_numpy(model.optimizer.learning_rate))


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.1 / 21), (20, 0.1), (60, 0.055), (100, 0.01), (500, 0.01)]
)
def test_a_cosine_climbs_then_falls_and_stays(step: int, rate: float) -> None:
    schedule = CosineSchedule(warmup_epochs=2, final=0.1)
    found = cosine(schedule, top=0.1, epochs=10, steps=10)(step)
    assert float(load_keras().ops.convert_to_numpy(found)) == pytest.approx(rate, rel=1e-4)


def test_a_cosine_of_its_own_length_stays_the_same_when_the_run_is_made_longer() -> None:
    schedule = CosineSchedule(epochs=4)
    short, long = (cosine(schedule, top=0.1, epochs=n, steps=5) for n in (4, 40))
    assert short.get_config() == long.get_config()


def test_a_run_ends_at_the_end_of_its_cosine(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    trainer = shv.Trainer(
        epochs=2, batch_size=8, learning_rate=0.1, schedule=CosineSchedule(warmup_epochs=0.4)
    )
    model = trainer.fit(make_model(), train, validation).model
    assert rate_of(model) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(
    ("waited", "values", "rates"),
    [
        (1, [5, 4, 4, 4], [1, 1, 0.5, 0.25]),
        (2, [5, 5, 5, 4, 4, 4], [1, 1, 0.5, 0.5, 0.5, 0.25]),
        (1, [5, 4.99, 4.98], [1, 0.5, 0.25]),
    ],
)
def test_a_plateau_shrinks_the_rate(waited: int, values: list[float], rates: list[float]) -> None:
    plateau = Plateau(schedule=PlateauSchedule(patience=waited, min_delta=0.1), mode="min")
    rate, found = 1.0, []
    for value in values:
        plateau = plateau.after(value)
        if plateau.reached:
            rate, plateau = rate / 2, plateau.left()
        found.append(rate)
    assert found == rates


def test_a_cooldown_gives_the_new_rate_time() -> None:
    schedule = PlateauSchedule(patience=1, cooldown=2)
    plateau = Plateau(schedule=schedule, mode="max").after(0.5).after(0.5)
    assert plateau.reached
    plateau = plateau.left().after(0.5).after(0.5)
    assert not plateau.reached
    assert plateau.after(0.5).reached


def halving() -> keras.optimizers.schedules.LearningRateSchedule:
    """Return a schedule of the caller's own."""
    ops = load_keras().ops

    class Halving(load_keras().optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # keras has no types
        def __call__(self, step: object) -> object:
            return 0.02 * ops.power(0.5, ops.cast(step, "float32") / 5)

        def get_config(self) -> dict[str, object]:
            return {}

    return Halving()


@pytest.mark.parametrize(
    "rates",
    [
        lambda: {"schedule": CosineSchedule(warmup_epochs=1)},
        lambda: {
            "schedule": PlateauSchedule(factor=0.5, patience=1, min_delta=10.0, minimum=0.004)
        },
        lambda: {"learning_rate": halving()},
    ],
    ids=["cosine", "plateau", "own"],
)
def test_a_run_that_is_cut_off_goes_on_with_its_rate_to_the_same_end(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    values_of: ValuesOf,
    tmp_path: Path,
    rates: Callable[[], dict[str, object]],
) -> None:
    settings: dict[str, object] = {"epochs": 4, "batch_size": 16, "learning_rate": 0.02, **rates()}
    trainer = shv.Trainer(**settings)  # type: ignore[arg-type]  # parametrized
    whole = trainer.fit(make_model(), train, validation)
    trainer = dataclasses.replace(trainer, checkpoint_dir=tmp_path)
    with pytest.raises(TrainingError, match="the power went"):
        dataclasses.replace(trainer, callbacks=[crash_before(3)]).fit(
            make_model(), train, validation
        )
    again = trainer.fit(make_model(), train, validation, resume="must")
    assert again.history == whole.history
    assert rate_of(again.model) == rate_of(whole.model)
    if isinstance(trainer.schedule, PlateauSchedule):
        assert rate_of(again.model) == pytest.approx(0.004)
    for one, two in zip(values_of(whole.model), values_of(again.model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_plateau_works_with_a_model_that_the_caller_compiled(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    model = make_model()
    model.compile(load_keras().optimizers.SGD(0.5), "categorical_crossentropy")
    schedule = PlateauSchedule(factor=0.1, patience=1, min_delta=100.0)
    shv.Trainer(epochs=2, batch_size=16, schedule=schedule).fit(model, train, validation)
    assert rate_of(model) == pytest.approx(0.05)


@pytest.mark.parametrize("schedule", [CosineSchedule(), PlateauSchedule()])
def test_two_schedules_are_one_too_many(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    schedule: CosineSchedule | PlateauSchedule,
) -> None:
    own = load_keras().optimizers.schedules.CosineDecay(0.1, 10)
    with refuses(InvalidParameterError, "conflict", "learning_rate"):
        shv.Trainer(learning_rate=own, schedule=schedule)
    trainer = shv.Trainer(optimizer=load_keras().optimizers.SGD(own), schedule=schedule)
    with refuses(InvalidParameterError, "conflict", "schedule"):
        trainer.fit(make_model(), train, validation)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (CosineSchedule, {"warmup_epochs": -1}),
        (CosineSchedule, {"final": 1.5}),
        (CosineSchedule, {"epochs": 0}),
        (CosineSchedule, {"warmup_epochs": 5, "epochs": 5}),
        (PlateauSchedule, {"factor": 1}),
        (PlateauSchedule, {"patience": 0}),
        (PlateauSchedule, {"cooldown": -1}),
        (PlateauSchedule, {"minimum": math.nan}),
    ],
)
def test_an_impossible_schedule_is_refused_by_name(
    kind: Callable[..., object], settings: dict[str, float]
) -> None:
    with refuses(InvalidParameterError, "not-in-range", next(iter(settings))):
        kind(**settings)


def test_a_warm_up_as_long_as_the_run_is_refused() -> None:
    with refuses(InvalidParameterError, "not-in-range", "warmup_epochs"):
        shv.Trainer(epochs=3, schedule=CosineSchedule(warmup_epochs=3))
