"""What a trainer is set to, and what a run knows of it."""

from __future__ import annotations

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import InvalidParameterError
from shelfvision.training.run._best_epoch import mode_of
from shelfvision.training.settings._settings import UNSET
from support import refuses


def test_the_settings_of_a_compiled_model_count_as_unset_by_default() -> None:
    trainer = shv.Trainer()
    assert {name: getattr(trainer, name) for name in UNSET} == dict(UNSET)


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
