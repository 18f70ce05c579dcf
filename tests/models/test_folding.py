"""Batch normalization is folded into convolutions where this changes nothing but rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision._keras.backend import load_keras
from shelfvision._keras.compiled import compiled
from shelfvision._keras.folding import with_folded_norms

if TYPE_CHECKING:
    import keras

Tensor: TypeAlias = "keras.KerasTensor"
Layers: TypeAlias = Callable[[Tensor], Tensor]
Values: TypeAlias = list[npt.NDArray[np.float32]]


def conv(name: str = "conv", **settings: object) -> keras.layers.Layer:
    return load_keras().layers.Conv2D(4, 3, padding="same", name=name, **settings)


def depthwise(**settings: object) -> keras.layers.Layer:
    layers = load_keras().layers
    return layers.DepthwiseConv2D(3, padding="same", name="conv", **settings)


def norm(name: str = "norm", **settings: object) -> keras.layers.Layer:
    return load_keras().layers.BatchNormalization(name=name, **settings)


def model_of(layers: Layers) -> keras.Model:
    keras = load_keras()
    image = keras.Input((6, 6, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    return keras.Model(image, keras.layers.Flatten()(layers(x)))


def values_for(model: keras.Model) -> Values:
    """Return random values for all weights; variances are positive."""
    rng = np.random.default_rng(3)
    return [rng.uniform(0.2, 2.0, tuple(w.shape)).astype(np.float32) for w in model.weights]


def moved(model: keras.Model, values: Values) -> set[str]:
    """Return the names of the layers whose values change."""
    pairs = list(zip(model.weights, values, strict=True))
    return {
        variable.path.split("/")[-2]
        for (variable, after), before in zip(with_folded_norms(model, pairs), values, strict=True)
        if after is not before
    }


def assert_same_outputs(model: keras.Model, values: Values) -> None:
    for variable, value in zip(model.weights, values, strict=True):
        variable.assign(value)
    images = np.random.default_rng(4).integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    wanted = load_keras().ops.convert_to_numpy(model(images, training=False))
    found = compiled(model, list(zip(model.weights, values, strict=True)))(images)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


FOLDED: dict[str, Layers] = {
    "convolution": lambda x: norm()(conv()(x)),
    "no bias": lambda x: norm()(conv(use_bias=False)(x)),
    "depthwise": lambda x: norm()(depthwise(use_bias=False)(x)),
    "two filters per channel": lambda x: norm()(depthwise(depth_multiplier=2)(x)),
    "no scale": lambda x: norm(scale=False)(conv()(x)),
    "no center": lambda x: norm(center=False)(conv()(x)),
    "large epsilon": lambda x: norm(epsilon=1.5)(conv()(x)),
}

KEPT: dict[str, Layers] = {
    "an activation between": lambda x: norm()(conv(activation="relu")(x)),
    "a second use": lambda x: load_keras().layers.Add()([(y := conv()(x)), norm()(y)]),
    "a second normalization": lambda x: load_keras().layers.Add()(
        [norm()(y := conv()(x)), norm("norm_2")(y)]
    ),
    "another axis": lambda x: norm(axis=1)(conv()(x)),
    "a subclass": lambda x: norm()(type("Own", (type(conv()),), {})(4, 3, name="conv")(x)),
}


@pytest.mark.backend
@pytest.mark.parametrize("layers", FOLDED.values(), ids=FOLDED)
def test_a_folded_normalization_only_adds_and_outputs_stay(layers: Layers) -> None:
    model = model_of(layers)
    values = values_for(model)
    assert moved(model, values) == {"conv", "norm"}
    assert_same_outputs(model, values)


@pytest.mark.backend
@pytest.mark.parametrize("layers", KEPT.values(), ids=KEPT)
def test_what_cannot_be_folded_keeps_its_values(layers: Layers) -> None:
    model = model_of(layers)
    values = values_for(model)
    assert not moved(model, values)
    assert_same_outputs(model, values)


@pytest.mark.backend
def test_a_convolution_that_is_used_twice_keeps_its_values() -> None:
    shared = conv(use_bias=False)
    add = load_keras().layers.Add()
    model = model_of(lambda x: add([norm()(shared(x)), shared(load_keras().ops.flip(x, axis=1))]))
    values = values_for(model)
    assert not moved(model, values)
    assert_same_outputs(model, values)


@pytest.mark.backend
def test_a_convolution_that_is_an_output_keeps_its_values() -> None:
    keras = load_keras()
    image = keras.Input((6, 6, 3))
    inner = conv()(image)
    model = keras.Model(image, [inner, norm()(inner)])
    assert not moved(model, values_for(model))


@pytest.mark.backend
def test_an_operation_without_a_layer_is_passed_over() -> None:
    def layers(x: Tensor) -> Tensor:
        y = norm()(conv()(x))
        return norm("last")(load_keras().ops.add(y, 1.0))

    model = model_of(layers)
    values = values_for(model)
    assert moved(model, values) == {"conv", "norm"}
    assert_same_outputs(model, values)


def test_a_sequential_model_is_folded() -> None:
    keras = load_keras()
    layers = [keras.layers.Rescaling(1 / 255), conv(), norm()]
    model = keras.Sequential([keras.Input((6, 6, 3), dtype="uint8"), *layers])
    values = values_for(model)
    assert moved(model, values) == {"conv", "norm"}
    assert_same_outputs(model, values)


@pytest.mark.backend
def test_weights_that_would_overflow_keep_their_values() -> None:
    model = model_of(FOLDED["no bias"])
    values = [np.full_like(value, 3e38) for value in values_for(model)]
    assert not moved(model, values)


@pytest.mark.backend
def test_the_model_keeps_its_weights() -> None:
    model = model_of(FOLDED["convolution"])
    values = values_for(model)
    before = [value.copy() for value in values]
    assert_same_outputs(model, values)
    to_numpy = load_keras().ops.convert_to_numpy
    for variable, value, old in zip(model.weights, values, before, strict=True):
        assert np.array_equal(value, old)
        assert np.array_equal(to_numpy(variable.value), old)
