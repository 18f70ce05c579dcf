"""EfficientNet-Lite as published: its layers, its sizes, and where it can be cut."""

from __future__ import annotations

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import ModelError
from shelfvision.models import cut_points, spec_of
from shelfvision.models.architectures._efficientnet_lite_layout import (
    blocks,
    efficientnet_lite_tensors,
)
from support import refuses

# Parameters with a thousand classes, batch norms' statistics aside, as published with the weights.
PARAMETERS = {
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
}
# Lite0 by block: side of the kernel, stride, channels inside, channels out.
LITE0 = [
    (3, 1, 32, 16),
    (3, 2, 96, 24),
    (3, 1, 144, 24),
    (5, 2, 144, 40),
    (5, 1, 240, 40),
    (3, 2, 240, 80),
    (3, 1, 480, 80),
    (3, 1, 480, 80),
    (5, 1, 480, 112),
    (5, 1, 672, 112),
    (5, 1, 672, 112),
    (5, 2, 672, 192),
    (5, 1, 1152, 192),
    (5, 1, 1152, 192),
    (5, 1, 1152, 192),
    (3, 1, 1152, 320),
]


def test_lite0_has_the_published_blocks() -> None:
    found = [(b.kernel, b.stride, b.works_on, b.gives) for b in blocks("efficientnet_lite0")]
    assert found == LITE0


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_number_of_parameters_is_the_published_one(name: str) -> None:
    spec = shv.models.ModelSpec(architecture=name, num_classes=1000)
    shapes = efficientnet_lite_tensors(spec)
    counted = {k: v for k, v in shapes.items() if "/moving_" not in k}
    assert sum(int(np.prod(shape)) for shape in counted.values()) == PARAMETERS[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_weight_shapes_without_keras_are_those_of_the_model(name: str) -> None:
    model = shv.build_model(3, architecture=name, image_size=(32, 47))
    spec = spec_of(model)
    assert spec is not None
    found = [(weight.path, tuple(weight.shape)) for weight in model.weights]
    assert found == list(efficientnet_lite_tensors(spec).items())


def test_without_a_size_images_are_of_the_size_that_the_weights_were_trained_on() -> None:
    assert shv.build_model(2, architecture="efficientnet_lite0").input_shape == (None, 224, 224, 3)
    assert shv.build_model(2).input_shape == (None, 100, 100, 3)


def test_activations_strides_and_batch_norms_are_the_published_ones() -> None:
    model = shv.build_model(2, architecture="efficientnet_lite0", image_size=(64, 64))
    kinds = {type(layer).__name__ for layer in model.layers}
    assert "Multiply" not in kinds, "squeeze-and-excite is left out"
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "ReLU":
            assert layer.max_value == 6
        if kind == "BatchNormalization":
            assert layer.epsilon == pytest.approx(1e-3)
        if kind in {"Conv2D", "DepthwiseConv2D"}:
            assert layer.padding == "same"
            assert not layer.use_bias
    assert tuple(model.get_layer("block_16_project_norm").output.shape) == (None, 2, 2, 320)
    assert tuple(model.get_layer("pool").output.shape) == (None, 1280)


def test_pixels_are_scaled_as_published() -> None:
    rescale = shv.build_model(2, architecture="efficientnet_lite0").get_layer("rescale")
    for pixel, wanted in [(0, -127 / 128), (127, 0.0), (255, 1.0)]:
        assert rescale.scale * pixel + rescale.offset == pytest.approx(wanted)


def test_a_cut_comes_after_the_stem_each_block_the_top_and_the_pooling() -> None:
    model = shv.build_model(2, architecture="efficientnet_lite0", image_size=(32, 32))
    cuts = cut_points(model)
    assert len(cuts) == 1 + 16 + 1 + 1
    assert cuts[0] == "stem_relu"
    assert cuts[10] == "block_10_add"
    assert cuts[-2:] == ("top_relu", "pool")
    places = [model.layers.index(model.get_layer(name)) for name in cuts]
    assert places == sorted(places)


def test_images_below_the_smallest_size_are_refused_by_name() -> None:
    with refuses(ModelError, "too-small", "image_size"):
        shv.build_model(2, architecture="efficientnet_lite0", image_size=(31, 64))


def test_the_seed_decides_every_kernel() -> None:
    settings = {"architecture": "efficientnet_lite0", "image_size": (32, 32)}
    one, same, other = (
        shv.build_model(2, seed=seed, **settings).trainable_weights  # type: ignore[arg-type]  # a dict of settings
        for seed in (1, 1, 2)
    )
    for a, b, c in zip(one, same, other, strict=True):
        assert np.array_equal(np.array(a), np.array(b)), a.path
        if a.path.endswith("/kernel"):
            assert not np.array_equal(np.array(a), np.array(c)), a.path


def test_one_dropout_rate_can_be_chosen() -> None:
    for wanted, rate in [(None, 0.2), (0.5, 0.5)]:
        model = shv.build_model(
            2, architecture="efficientnet_lite0", image_size=(32, 32), dropout=wanted
        )
        assert model.get_layer("dropout").rate == rate
