"""A trainer as names and numbers, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.augment import Compose, Flip, Rotate
from shelfvision.errors import AugmenterError, InvalidParameterError
from shelfvision.training import CosineSchedule, GradientClipping, PlateauSchedule
from support import refuses
from support.augmenters import flip


def through_json(trainer: shv.Trainer) -> shv.Trainer:
    return shv.Trainer.from_dict(json.loads(json.dumps(trainer.to_dict())))


@pytest.mark.parametrize(
    "trainer",
    [
        shv.Trainer(),
        shv.Trainer(epochs=3, learning_rate=0.5, patience=None, verbose=False),
        shv.Trainer(schedule=CosineSchedule(warmup_epochs=2, final=0.1)),
        shv.Trainer(schedule=PlateauSchedule(), clipping=GradientClipping(value=0.5)),
        shv.Trainer(augmenter=Compose([Flip(), Rotate(5)]), class_weight="balanced"),
        shv.Trainer(class_weight={"Milk": 2.0}, weight_decay=0.1, mixed_precision="bfloat16"),
        shv.Trainer(checkpoint_dir=Path("runs") / "one", steps_per_execution=4),
    ],
    ids=lambda trainer: repr(trainer)[:60],
)
def test_plain_values_make_the_same_trainer(trainer: shv.Trainer) -> None:
    assert through_json(trainer) == trainer


def test_objects_of_keras_go_by_name_and_numbers() -> None:
    keras = load_keras()
    falling = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    trainer = shv.Trainer(
        optimizer=keras.optimizers.SGD(falling, momentum=0.25),
        learning_rate=keras.optimizers.schedules.CosineDecay(0.5, 10),
        loss=keras.losses.CategoricalFocalCrossentropy(gamma=3.0),
    )
    told = json.loads(json.dumps(trainer.to_dict()))
    assert told["optimizer"]["name"] == "SGD"
    assert told["optimizer"]["learning_rate"]["name"] == "ExponentialDecay"
    assert "keras" not in json.dumps(told)
    again = shv.Trainer.from_dict(told)
    assert again.to_dict() == told
    assert again.optimizer.momentum == 0.25  # type: ignore[union-attr]  # it is an instance


def nested(depth: int) -> dict[str, object]:
    """Return a dict of dicts."""
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"name": value}
    return value


def unknown_optimizer() -> object:
    class Own(load_keras().optimizers.SGD):  # type: ignore[misc]  # keras has no types
        pass

    return Own()


@pytest.mark.parametrize(
    ("setting", "make"),
    [
        ("augmenter", lambda: flip),
        ("callbacks", lambda: [load_keras().callbacks.TerminateOnNaN()]),
        ("loss", lambda: load_keras().losses.mean_squared_error),
        ("optimizer", unknown_optimizer),
        ("optimizer", lambda: load_keras().optimizers.LossScaleOptimizer("sgd")),
    ],
)
def test_what_plain_values_cannot_tell_is_refused_by_name(
    setting: str, make: Callable[[], object]
) -> None:
    if setting == "optimizer" and make is not unknown_optimizer:
        optimizers = load_keras().optimizers
        value: object = optimizers.LossScaleOptimizer(optimizers.SGD())
    else:
        value = make()
    trainer = shv.Trainer(**{setting: value})  # type: ignore[arg-type]  # parametrized
    with refuses(InvalidParameterError, "not-plain", setting):
        trainer.to_dict()


@pytest.mark.parametrize(
    ("settings", "code", "parameter"),
    [
        ({"epoch": 3}, "unknown-name", "epoch"),
        ({"epochs": "3"}, "not-in-range", "epochs"),
        ({"optimizer": {"name": "os.system"}}, "unknown-name", "optimizer"),
        ({"optimizer": {"name": "get"}}, "unknown-name", "optimizer"),
        ({"optimizer": {"name": "SGD", "speed": 3}}, "unusable-settings", "optimizer"),
        ({"optimizer": {"learning_rate": 1}}, "unknown-name", "optimizer"),
        ({"loss": {"name": "deserialize"}}, "unknown-name", "loss"),
        ({"learning_rate": {"name": "CosineDecay"}}, "unusable-settings", "learning_rate"),
        ({"schedule": {"name": "GradientClipping", "norm": 1}}, "wrong-type", "schedule"),
        ({"schedule": {"name": "CosineSchedule", "speed": 1}}, "unknown-name", "schedule"),
        ({"clipping": {"name": "GradientClipping"}}, "conflict", None),
        ({"epochs": {"name": "Trainer"}}, "wrong-type", "epochs"),
        ({"epochs": 10**5000}, "not-in-range", "epochs"),
        ({"learning_rate": 10**400}, "not-in-range", "learning_rate"),
        ({"optimizer": {"name": "SGD", "momentum": 10**5000}}, "unusable-settings", "optimizer"),
        ({"seed": "9" * 10**6}, "not-in-range", "seed"),
        ({"schedule": nested(100)}, "too-deep", "settings"),
        ({"augmenter": nested(10**5)}, "too-deep", "settings"),
        ({"class_weight": {"milk": nested(10**5)}}, "too-deep", "settings"),
        ({"callbacks": ["TerminateOnNaN"]}, "wrong-type", "callbacks"),
        (["epochs", 3], "wrong-type", "settings"),
    ],
)
def test_other_values_are_refused_by_name(
    settings: Mapping[str, object], code: str, parameter: str | None
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        shv.Trainer.from_dict(settings)  # type: ignore[arg-type]  # wrong on purpose


def test_an_unknown_augmenter_is_refused() -> None:
    with refuses(AugmenterError, "unknown-name", "recipe"):
        shv.Trainer.from_dict({"augmenter": {"name": "Explode"}})
