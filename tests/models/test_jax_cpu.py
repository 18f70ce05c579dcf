"""Convolutions on jax: the quick way gives what Keras's own gives, forwards and backwards."""

from __future__ import annotations

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._keras.jax_cpu import use_fast_convolutions


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2), ((3, 5), 1)])
@pytest.mark.parametrize("size", [(9, 12), (8, 7)])
def test_a_depthwise_convolution_is_the_same(
    padding: str, kernel: int, stride: int, size: tuple[int, int]
) -> None:
    layers = load_keras().layers
    layer = layers.DepthwiseConv2D(
        kernel, strides=stride, padding=padding, activation="relu", bias_initializer="ones"
    )
    _check_same(layer, (*size, 6))


def test_a_convolution_of_one_pixel_is_the_same() -> None:
    layers = load_keras().layers
    _check_same(layers.Conv2D(5, 1, bias_initializer="ones"), (7, 9, 6))
    _check_same(layers.Conv2D(5, 1, use_bias=False, activation="relu6"), (7, 9, 6))


def test_other_convolutions_stay_as_they_are() -> None:
    k = load_keras()
    image = k.Input((9, 9, 4))
    for layer in (
        k.layers.DepthwiseConv2D(3, dilation_rate=2),
        k.layers.DepthwiseConv2D(3, depth_multiplier=2),
        k.layers.Conv2D(4, 3),
        k.layers.Conv2D(4, 1, strides=2),
        k.layers.Conv2D(4, 1, groups=2),
    ):
        use_fast_convolutions(k.Model(image, layer(image)))
        assert "call" not in vars(layer)


@pytest.mark.skipif(backend_name() != "jax", reason="the quick way is jax's")
def test_our_networks_take_the_quick_way() -> None:
    model = shv.build_model(2, architecture="efficientnet_lite0", image_size=(32, 32))
    for name in ("block_1_depthwise_conv", "block_1_project_conv"):
        assert "call" in vars(model.get_layer(name))
    assert load_keras().Model.from_config(model.get_config()).name == model.name


def _check_same(layer: object, shape: tuple[int, int, int]) -> None:
    k = load_keras()
    image = k.Input(shape)
    model = k.Model(image, layer(image))  # type: ignore[operator]  # a layer of Keras
    pixels = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    before = np.asarray(k.ops.convert_to_numpy(model(pixels)))
    slopes = _slopes(model, pixels)
    use_fast_convolutions(model)
    after = np.asarray(k.ops.convert_to_numpy(model(pixels)))
    assert after == pytest.approx(before, abs=1e-5)
    for one, other in zip(slopes, _slopes(model, pixels), strict=True):
        assert other == pytest.approx(one, abs=1e-3)


def _slopes(model: object, pixels: np.ndarray) -> list[np.ndarray]:
    """Return the slopes of the outputs' squares by every weight, on jax; none elsewhere."""
    if backend_name() != "jax":
        return []
    import jax

    def loss(values: list[object]) -> object:
        outputs, _ = model.stateless_call(values, [], pixels)  # type: ignore[attr-defined]  # a keras.Model
        return (outputs**2).sum()

    values = [weight.value for weight in model.trainable_variables]  # type: ignore[attr-defined]  # the same
    return [np.asarray(slope) for slope in jax.grad(loss)(values)]
