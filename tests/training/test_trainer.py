"""`Trainer` as a value."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import shelfvision as sv
from shelfvision.errors import InvalidParameterError
from shelfvision.models._backend import load_keras
from shelfvision.protocols import Image


def flip(image: Image, rng: np.random.Generator) -> Image:
    return image[:, ::-1].copy()


def test_equal_settings_are_equal_trainers() -> None:
    assert sv.Trainer(epochs=3, augmenter=flip) == sv.Trainer(epochs=3, augmenter=flip)
    assert sv.Trainer(epochs=3) != sv.Trainer(epochs=4)


def test_a_trainer_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        sv.Trainer().epochs = 3  # type: ignore[misc]  # this is what the test is about


def test_it_prints_its_settings() -> None:
    assert "epochs=7" in repr(sv.Trainer(epochs=7))


def test_its_settings_are_plain_json(tmp_path: Path) -> None:
    keras = load_keras()
    trainer = sv.Trainer(
        optimizer=keras.optimizers.SGD(0.5),
        augmenter=flip,
        checkpoint_dir=tmp_path,
        callbacks=[keras.callbacks.TerminateOnNaN()],
    )
    told = json.loads(json.dumps(trainer.to_dict()))
    assert told["optimizer"]["settings"]["learning_rate"] == 0.5
    assert told["augmenter"].endswith("flip")
    assert told["checkpoint_dir"] == str(tmp_path)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("epochs", 2.5),
        ("batch_size", 0),
        ("batch_size", True),
        ("optimizer", 3),
        ("optimizer", ""),
        ("learning_rate", 0),
        ("learning_rate", -0.1),
        ("learning_rate", "fast"),
        ("loss", None),
        ("patience", 0),
        ("augmenter", "flip"),
        ("checkpoint_dir", 3),
        ("checkpoint_dir", ""),
        ("callbacks", "history"),
        ("callbacks", [print]),
        ("seed", -1),
        ("verbose", 2),
        ("monitor", ""),
        ("mode", "best"),
        ("min_delta", -1),
        ("on_leak", "ignore"),
    ],
)
def test_an_impossible_setting_is_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(InvalidParameterError, match=setting):
        sv.Trainer(**{setting: value})  # type: ignore[arg-type]  # wrong on purpose
