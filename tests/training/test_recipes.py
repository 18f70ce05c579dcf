"""What a recipe may hold beside its rate: clipping, decay, smoothing, weights of classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError, ModelError, TrainingError
from shelfvision.training import CosineSchedule, GradientClipping
from shelfvision.training.settings._class_weight import class_weights
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
ValuesOf = Callable[["keras.Model"], list[npt.NDArray[np.generic]]]


def moved(model: keras.Model, before: list[npt.NDArray[np.generic]]) -> list[float]:
    """Return how far each trainable variable went."""
    now = [np.asarray(variable.numpy()) for variable in model.trainable_variables]
    return [float(np.abs(a - b).max()) for a, b in zip(now, before, strict=True)]


def one_step(trainer: shv.Trainer, model: keras.Model, train: Dataset) -> list[float]:
    before = [np.array(variable.numpy()) for variable in model.trainable_variables]
    return moved(trainer.fit(model, train[:8]).model, before)


@pytest.mark.parametrize(
    "clipping",
    [
        GradientClipping(value=1e-3),
        GradientClipping(norm=1e-3),
        GradientClipping(global_norm=1e-3),
    ],
)
def test_no_step_is_larger_than_the_clipped_gradient(
    make_model: MakeModel, train: Dataset, clipping: GradientClipping
) -> None:
    trainer = shv.Trainer(
        epochs=1,
        batch_size=8,
        optimizer="sgd",
        learning_rate=1.0,
        clipping=clipping,
        monitor="loss",
    )
    assert 0 < max(one_step(trainer, make_model(), train)) <= 1.01e-3


@pytest.mark.parametrize("given", [{}, {"norm": 1.0, "value": 1.0}])
def test_clipping_takes_exactly_one_limit(given: dict[str, float]) -> None:
    with refuses(InvalidParameterError, "conflict"):
        GradientClipping(**given)


def test_weight_decay_spares_biases_and_normalization(
    make_model: MakeModel, train: Dataset
) -> None:
    frozen = shv.Trainer(
        epochs=1,
        batch_size=8,
        optimizer="sgd",
        learning_rate=0.5,
        weight_decay=0.5,
        clipping=GradientClipping(value=1e-9),
        monitor="loss",
    )
    model = make_model()
    distances = one_step(frozen, model, train)
    for variable, distance in zip(model.trainable_variables, distances, strict=True):
        assert (distance > 1e-4) == (len(variable.shape) > 1), variable.path


@pytest.mark.parametrize(
    "loss",
    ["categorical_crossentropy", "binary_crossentropy", "categorical_focal_crossentropy"],
)
def test_labels_are_smoothed_in_the_loss(make_model: MakeModel, train: Dataset, loss: str) -> None:
    def first_loss(share: float) -> float:
        trainer = shv.Trainer(
            epochs=1, batch_size=64, loss=loss, label_smoothing=share, monitor="loss"
        )
        model = make_model()
        found = trainer.fit(model, train).history["loss"][0]
        if share:
            assert model.loss.get_config()["label_smoothing"] == share
        return found

    assert first_loss(0.2) != pytest.approx(first_loss(0.0), rel=1e-4)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mean_squared_error"])
def test_a_loss_without_rows_to_smooth_is_refused(
    make_model: MakeModel, train: Dataset, loss: str
) -> None:
    trainer = shv.Trainer(loss=loss, label_smoothing=0.1, monitor="loss")
    with refuses(InvalidParameterError, "conflict", "label_smoothing"):
        trainer.fit(make_model(), train)


def test_balanced_weights_let_every_class_count_the_same(train: Dataset) -> None:
    few = train[(train.labels != 1) | (np.arange(len(train)) < 9)]
    weights = class_weights("balanced", few)
    assert weights is not None
    counts = np.bincount(few.labels)
    total = [weights[number] * count for number, count in enumerate(counts)]
    assert total == pytest.approx([len(few) / 3] * 3)


def test_weights_go_by_class_name_and_others_count_one(train: Dataset) -> None:
    assert class_weights({"milk": 3}, train) == {0: 1.0, 1: 3.0, 2: 1.0}
    assert class_weights({"milk\u00a0": 3}, train) == {0: 1.0, 1: 3.0, 2: 1.0}


def test_a_class_that_weighs_nothing_is_not_learned(train: Dataset, validation: Dataset) -> None:
    layers = load_keras().layers
    # Without batch normalization, whose statistics lag behind in so few steps.
    model = load_keras().Sequential(
        [
            load_keras().Input((*train.image_size, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    weights = {"milk": 0.0, "yoghurt": 0.0}
    trainer = shv.Trainer(
        epochs=5, batch_size=8, learning_rate=0.1, class_weight=weights, monitor="loss"
    )
    result = trainer.fit(model, train, validation)
    assert set(result.classifier.predict(validation).labels) == {"juice"}
    assert result.history["loss"][-1] < result.history["loss"][0]


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_weights_count_for_every_kind_of_label(
    make_model: MakeModel, train: Dataset, loss: str
) -> None:
    def first_loss(weight: Mapping[str, float] | None) -> float:
        trainer = shv.Trainer(
            epochs=1, batch_size=64, loss=loss, class_weight=weight, monitor="loss"
        )
        return trainer.fit(make_model(), train).history["loss"][0]

    every = first_loss({"juice": 2, "milk": 2, "yoghurt": 2})
    assert every == pytest.approx(2 * first_loss(None), rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ({"milk": -1}, "not-in-range"),
        ({}, "wrong-type"),
        ("equal", "wrong-type"),
        ({1: 2.0}, "wrong-type"),
    ],
)
def test_impossible_weights_are_refused(weights: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "class_weight"):
        shv.Trainer(class_weight=weights)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ({"oats": 2.0}, "unknown-name"),
        ({"juice": 0, "milk": 0, "yoghurt": 0}, "not-in-range"),
    ],
)
def test_weights_that_do_not_fit_the_classes_are_refused(
    make_model: MakeModel, train: Dataset, weights: dict[str, float], code: str
) -> None:
    trainer = shv.Trainer(class_weight=weights, monitor="loss")
    with refuses(InvalidParameterError, code, "class_weight"):
        trainer.fit(make_model(), train)


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_mixed_precision_is_for_the_run_only_and_probabilities_stay_whole(
    make_model: MakeModel, train: Dataset, validation: Dataset, kind: str, tmp_path: object
) -> None:
    keras = load_keras()
    seen: list[str] = []
    model = make_model()

    def look(epoch: int, logs: object) -> None:
        seen.extend(layer.compute_dtype for layer in (model.layers[1], model.layers[-1]))

    trainer = shv.Trainer(
        epochs=2,
        batch_size=16,
        learning_rate=0.01,
        mixed_precision=kind,  # type: ignore[arg-type]  # parametrized
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=look)],
    )
    result = trainer.fit(model, train, validation)
    assert seen == [kind, "float32"] * 2
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {str(variable.dtype) for variable in model.weights} <= {
        "float32",
        "uint32",
        "int32",
        "int64",
    }
    assert keras.config.dtype_policy().name == "float32"
    images = validation.to_arrays()[0]
    np.testing.assert_allclose(
        result.classifier.predict_proba(images), model.predict(images, verbose=0), atol=1e-5
    )
    assert np.isfinite(result.history["loss"]).all()


def test_probabilities_that_would_be_coarse_are_refused(train: Dataset) -> None:
    keras = load_keras()
    layers = keras.layers
    coarse = layers.Dense(3, activation="softmax", dtype="mixed_bfloat16")
    model = keras.Sequential(
        [
            keras.Input((20, 20, 3)),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            coarse,
        ]
    )
    trainer = shv.Trainer(epochs=1, mixed_precision="bfloat16", monitor="loss")
    with refuses(ModelError, "wrong-type", "model"):
        trainer.fit(model, train)


def test_several_steps_at_a_time_learn_the_same(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    def losses(steps: int) -> list[float]:
        trainer = shv.Trainer(epochs=1, batch_size=8, steps_per_execution=steps)
        return trainer.fit(make_model(), train, validation).history["val_loss"]

    if load_keras().config.backend() == "torch":
        with refuses(InvalidParameterError, "not-supported", "steps_per_execution"):
            losses(2)
        return
    assert losses(3) == pytest.approx(losses(1), rel=1e-4)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("schedule", CosineSchedule()),
        ("clipping", GradientClipping(norm=1.0)),
        ("weight_decay", 0.1),
        ("label_smoothing", 0.1),
        ("mixed_precision", "bfloat16"),
        ("steps_per_execution", 2),
    ],
)
def test_what_a_compiled_model_would_ignore_is_refused_by_name(
    make_model: MakeModel, train: Dataset, setting: str, value: object
) -> None:
    model = make_model()
    model.compile("sgd", "categorical_crossentropy")
    trainer = shv.Trainer(monitor="loss", **{setting: value})  # type: ignore[arg-type]  # parametrized
    with refuses(InvalidParameterError, "already-compiled", setting):
        trainer.fit(model, train)


def test_a_model_that_is_frozen_throughout_is_refused(
    make_model: MakeModel, train: Dataset
) -> None:
    model = make_model()
    model.trainable = False
    with refuses(TrainingError, "nothing-to-train", "model"):
        shv.Trainer(monitor="loss").fit(model, train)
