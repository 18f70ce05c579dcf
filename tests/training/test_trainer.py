"""`Trainer` as a value."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image
from support import refuses
from support.augmenters import flip

DEEP: list[object] = []
for _ in range(10**5):
    DEEP = [DEEP]


def test_equal_settings_are_equal_trainers() -> None:
    assert shv.Trainer(epochs=3, augmenter=flip) == shv.Trainer(epochs=3, augmenter=flip)
    assert shv.Trainer(epochs=3) != shv.Trainer(epochs=4)


def test_a_trainer_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        shv.Trainer().epochs = 3  # type: ignore[misc]  # this is what the test is about


def test_it_prints_what_somebody_has_chosen() -> None:
    assert repr(shv.Trainer()) == "Trainer()"
    assert repr(shv.Trainer(epochs=7, seed=42)) == "Trainer(epochs=7)"


class Unprintable:
    """An augmenter whose ``repr`` fails."""

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return image

    def __repr__(self) -> str:
        raise RuntimeError


def test_it_prints_an_augmenter_that_cannot_be_printed_by_its_type() -> None:
    trainer = shv.Trainer(augmenter=Unprintable())
    assert repr(trainer) == "Trainer(augmenter=<Unprintable>)"
    assert "&lt;Unprintable&gt;" in trainer._repr_html_()


def test_it_prints_objects_of_keras_without_their_address() -> None:
    trainer = shv.Trainer(optimizer=load_keras().optimizers.SGD(0.5))
    assert repr(trainer) == "Trainer(optimizer=<SGD>)"


def test_what_it_prints_makes_it_again() -> None:
    from shelfvision.augment import Compose, Flip, Rotate  # for eval
    from shelfvision.training import CosineSchedule, GradientClipping

    trainer = shv.Trainer(
        epochs=7,
        augmenter=Compose([Flip(), Rotate(5)]),
        schedule=CosineSchedule(warmup_epochs=1),
        clipping=GradientClipping(global_norm=1.0),
        class_weight={"milk": 2.0},
    )
    names = {"Trainer": shv.Trainer, **globals(), **locals()}
    assert eval(repr(trainer), names) == trainer


@pytest.mark.parametrize("path", ["C:/runs/a", "s3/run", "a:b", "run s3://x"])
def test_a_path_that_only_resembles_an_address_is_a_folder(path: str) -> None:
    assert shv.Trainer(checkpoint_dir=path).checkpoint_dir == Path(path)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("auto", "auto"), (0, False), (1, True), (2, 2), (True, True), (np.int64(2), 2)],
)
def test_verbose_takes_the_numbers_of_keras(given: object, kept: object) -> None:
    trainer = shv.Trainer(verbose=given)  # type: ignore[arg-type]  # parametrized
    assert (trainer.verbose, type(trainer.verbose)) == (kept, type(kept))
    assert shv.Trainer.from_dict(trainer.to_dict()) == trainer


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("epochs", 0, "not-in-range"),
        ("epochs", 2.5, "not-in-range"),
        ("batch_size", 0, "not-in-range"),
        ("batch_size", True, "not-in-range"),
        ("optimizer", 3, "wrong-type"),
        ("optimizer", "", "wrong-type"),
        ("learning_rate", 0, "not-in-range"),
        ("learning_rate", -0.1, "not-in-range"),
        ("learning_rate", "fast", "not-in-range"),
        ("loss", None, "wrong-type"),
        ("patience", 0, "not-in-range"),
        ("augmenter", "flip", "wrong-type"),
        ("checkpoint_dir", 3, "wrong-type"),
        ("checkpoint_dir", "", "wrong-type"),
        ("checkpoint_dir", "a\0b", "wrong-type"),
        ("checkpoint_dir", "s3://bucket/run", "not-a-folder"),
        ("checkpoint_dir", Path("gs://bucket/run"), "not-a-folder"),
        ("checkpoint_dir", "file:///tmp/run", "not-a-folder"),
        ("checkpoint_dir", "HTTPS://shop.example/run", "not-a-folder"),
        ("checkpoint_dir", "memory://run", "not-a-folder"),
        ("cache_dir", "dbfs:/mnt/run", "not-a-folder"),
        ("cache_dir", "abfss://lake@shop.example/run", "not-a-folder"),
        pytest.param("epochs", 10**5000, "not-in-range", id="digits"),
        ("callbacks", [DEEP], "wrong-type"),
        ("class_weight", {"milk": DEEP}, "not-in-range"),
        ("optimizer", DEEP, "wrong-type"),
        ("callbacks", "history", "wrong-type"),
        ("callbacks", [print], "wrong-type"),
        ("seed", -1, "not-in-range"),
        ("verbose", 3, "not-an-option"),
        ("verbose", "yes", "not-an-option"),
        ("verbose", 2.0, "not-an-option"),
        ("verbose", -1, "not-an-option"),
        ("verbose", None, "not-an-option"),
        ("monitor", "", "wrong-type"),
        ("mode", "best", "not-an-option"),
        ("min_delta", -1, "not-in-range"),
        ("on_leak", "ignore", "not-an-option"),
    ],
)
def test_an_impossible_setting_is_refused_by_name(setting: str, value: object, code: str) -> None:
    with refuses(InvalidParameterError, code, setting):
        shv.Trainer(**{setting: value})  # type: ignore[arg-type]  # wrong on purpose
