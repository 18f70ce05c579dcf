"""A network is cut where a single tensor carries everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision.errors import ModelError
from shelfvision.models import build_model
from shelfvision.training.transfer._cut import parts_of
from support import refuses

if TYPE_CHECKING:
    import keras

MakeFrozen = Callable[..., "keras.Model"]


def test_the_head_begins_before_the_noise_that_training_adds(make_frozen: MakeFrozen) -> None:
    below, above = parts_of(make_frozen(), "head")
    assert below.layers[-1].name == "pool"
    assert [layer.name for layer in above.layers[1:]] == ["dropout", "probabilities"]


def test_the_top_of_a_network_of_ours_is_its_upper_part() -> None:
    model = build_model(3, architecture="efficientnet_lite0", image_size=(32, 32))
    below, above = parts_of(model, "partial")
    assert below.layers[-1].name == "block_10_add"
    assert {weight.path for weight in above.weights} & {w.path for w in below.weights} == set()
    assert len(above.weights) + len(below.weights) == len(model.weights)


def test_the_top_of_any_other_network_is_found(make_frozen: MakeFrozen) -> None:
    below, _ = parts_of(make_frozen(), "partial")
    assert below.layers[-1].name in {"stem_norm", "low", "joined"}


def test_a_network_without_a_dense_layer_has_no_head() -> None:
    keras = load_keras()
    image = keras.Input((8, 8, 3), dtype="uint8")
    rows = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    with refuses(ModelError, "cannot-be-cut", "fine_tune"):
        parts_of(keras.Model(image, keras.layers.Softmax()(rows)), "head")
