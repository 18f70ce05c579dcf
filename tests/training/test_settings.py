"""What a trainer is set to, and what a run knows of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import InvalidParameterError
from shelfvision.training import CosineSchedule, GradientClipping, PlateauSchedule
from shelfvision.training.loop._compile import refuse_ignored_settings
from shelfvision.training.run._best_epoch import mode_of
from shelfvision.training.settings import _checks as checks
from shelfvision.training.settings._encoding import decoded_settings, encoded_settings, refuse_value
from shelfvision.training.settings._setting import (
    changed_settings,
    check_settings,
    names_of,
    setting,
)
from support import refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A class with one setting more than any `Trainer`: this is all that it takes."""

    depth: int = setting(3, checks.count, compiled=True)
    pace: float = setting(0.5, checks.number(maximum=1.0), resumable=True)

    def __post_init__(self) -> None:
        check_settings(self)


def test_a_setting_is_checked_encoded_and_described_by_its_field_alone() -> None:
    plan = Plan(depth=np.int64(4), pace=1)  # type: ignore[arg-type]  # checks make it an int
    assert changed_settings(plan) == {"depth": 4, "pace": 1.0}
    assert type(plan.depth) is int
    plain = encoded_settings(plan, refuse_value)
    assert plain == {"depth": 4, "pace": 1.0}
    assert Plan(**decoded_settings(Plan, plain)) == plan  # type: ignore[arg-type]  # it checks
    assert encoded_settings(plan, refuse_value, names_of(Plan, "resumable")) == {"depth": 4}
    assert names_of(Plan, "compiled") == ("depth",)
    with refuses(InvalidParameterError, "not-in-range", "pace"):
        Plan(pace=2)


def test_every_default_of_a_trainer_passes_its_own_check_and_comes_back() -> None:
    plain = shv.Trainer().to_dict()
    assert [*plain] == [field.name for field in dataclasses.fields(shv.Trainer)]
    assert shv.Trainer.from_dict(plain) == shv.Trainer()


@pytest.mark.parametrize("name", names_of(shv.Trainer, "compiled"))
def test_a_setting_that_compiling_needs_is_refused_for_a_compiled_model(name: str) -> None:
    values: dict[str, object] = {
        **dict.fromkeys(names_of(shv.Trainer, "compiled"), 0.5),
        "optimizer": "sgd",
        "loss": "mse",
        "mixed_precision": "bfloat16",
        "fine_tune": "head",
        "steps_per_execution": 2,
        "schedule": CosineSchedule(),
        "clipping": GradientClipping(norm=1.0),
    }
    trainer = shv.Trainer(**{name: values[name]})  # type: ignore[arg-type]  # parametrized
    with refuses(InvalidParameterError, "already-compiled", name):
        refuse_ignored_settings(trainer)


def test_a_plateau_schedule_works_with_a_compiled_model() -> None:
    refuse_ignored_settings(shv.Trainer(schedule=PlateauSchedule()))


def test_a_callback_that_would_take_the_run_elsewhere_is_refused(tmp_path: object) -> None:
    backup = load_keras().callbacks.BackupAndRestore(str(tmp_path))
    with refuses(InvalidParameterError, "not-supported", "callbacks"):
        shv.Trainer(callbacks=[backup])


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [("val_loss", "min"), ("accept_loss", "min"), ("val_kappa", "max"), ("val_mae", "min")],
)
def test_the_direction_is_told_by_the_name(monitor: str, mode: str) -> None:
    assert mode_of(monitor) == mode


def test_a_name_that_does_not_tell_the_direction_asks_for_it() -> None:
    with refuses(InvalidParameterError, "ambiguous", "monitor"):
        mode_of("val_utility")
