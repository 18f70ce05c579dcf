"""`build_model`: the article's network, row by row, and what it refuses."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    ModelError,
    ShelfVisionError,
)
from shelfvision.models import freeze_backbone, save_backbone, spec_of
from shelfvision.models.architectures._grocery_cnn import grocery_cnn_tensors
from support import refuses

# The article's table: kind of layer, output shape, parameters. Rescaling is the one addition.
TABLE = [
    ("InputLayer", (100, 100, 3), 0),
    ("Rescaling", (100, 100, 3), 0),
    ("ZeroPadding2D", (106, 106, 3), 0),
    ("Conv2D", (104, 104, 32), 896),
    ("BatchNormalization", (104, 104, 32), 128),
    ("MaxPooling2D", (52, 52, 32), 0),
    ("Dropout", (52, 52, 32), 0),
    ("Conv2D", (50, 50, 32), 9_248),
    ("MaxPooling2D", (25, 25, 32), 0),
    ("Dropout", (25, 25, 32), 0),
    ("Conv2D", (23, 23, 32), 9_248),
    ("MaxPooling2D", (11, 11, 32), 0),
    ("Dropout", (11, 11, 32), 0),
    ("Conv2D", (9, 9, 32), 9_248),
    ("MaxPooling2D", (4, 4, 32), 0),
    ("Dropout", (4, 4, 32), 0),
    ("Conv2D", (2, 2, 32), 9_248),
    ("MaxPooling2D", (1, 1, 32), 0),
    ("Dropout", (1, 1, 32), 0),
    ("Flatten", (32,), 0),
    ("Dense", (64,), 2_112),
    ("Dropout", (64,), 0),
    ("Dense", (5,), 325),
]


def test_grocery_cnn_is_the_articles_network_row_by_row() -> None:
    model = shv.build_model(5)
    rows = []
    for layer in model.layers:
        shape = tuple(layer.output.shape)
        assert shape[0] is None
        rows.append((type(layer).__name__, shape[1:], layer.count_params()))
    assert rows == TABLE


def test_grocery_cnn_has_the_articles_numbers_of_parameters() -> None:
    model = shv.build_model(5)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert model.count_params() == 40_453
    assert trainable == 40_389
    assert model.count_params() - trainable == 64


def test_kernels_activations_and_pools_are_the_articles() -> None:
    model = shv.build_model(5)
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            assert layer.kernel_size == (3, 3)
            assert layer.activation.__name__ == "relu"
        if kind == "MaxPooling2D":
            assert tuple(layer.pool_size) == (2, 2)
    assert model.get_layer("dense").activation.__name__ == "relu"
    assert model.get_layer("probabilities").activation.__name__ == "softmax"
    assert model.get_layer("rescale").scale == pytest.approx(1 / 255)
    assert not model.compiled


def test_a_model_takes_uint8_pixels_named_image() -> None:
    model = shv.build_model(2)
    (image,) = model.inputs
    assert (image.name, image.dtype, tuple(image.shape)) == ("image", "uint8", (None, 100, 100, 3))


def test_weight_shapes_without_keras_are_those_of_the_model() -> None:
    for size, classes in [((100, 100), 5), ((88, 150), 2), ((224, 224), 43)]:
        model = shv.build_model(classes, image_size=size)
        spec = spec_of(model)
        assert spec is not None
        found = [(weight.path, tuple(weight.shape)) for weight in model.weights]
        assert found == list(grocery_cnn_tensors(spec).items())


def _weights(*, seed: int) -> list[np.ndarray]:
    return [np.array(weight) for weight in shv.build_model(3, seed=seed).get_weights()]


def test_the_seed_decides_the_initial_weights() -> None:
    one, same, other = _weights(seed=1), _weights(seed=1), _weights(seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_no_two_layers_start_with_the_same_weights() -> None:
    model = shv.build_model(3)
    kernels = [model.get_layer(f"conv_{number}").get_weights()[0] for number in range(2, 6)]
    assert len({kernel.tobytes() for kernel in kernels}) == 4


def test_no_two_dropout_layers_share_a_seed() -> None:
    layers = [layer for layer in shv.build_model(3).layers if type(layer).__name__ == "Dropout"]
    assert len({layer.seed for layer in layers}) == 6


def test_building_touches_no_global_generator() -> None:
    shv.build_model(2)
    before = random.getstate(), repr(np.random.get_state())
    shv.build_model(2)
    assert (random.getstate(), repr(np.random.get_state())) == before


def test_one_dropout_rate_goes_to_every_dropout_layer() -> None:
    for wanted, rates in [(None, [0.1] * 5 + [0.25]), (0.4, [0.4] * 6), (0, [0.0] * 6)]:
        model = shv.build_model(2, dropout=wanted)
        found = [layer.rate for layer in model.layers if type(layer).__name__ == "Dropout"]
        assert found == rates


def test_the_smallest_image_is_named_and_can_be_taken() -> None:
    with refuses(ModelError, "too-small", "image_size"):
        shv.build_model(2, image_size=(87, 100))
    model = shv.build_model(2, image_size=(88, 88))
    assert model.predict_on_batch(np.zeros((1, 88, 88, 3), np.uint8)).shape == (1, 2)


@pytest.mark.parametrize(
    ("settings", "code", "parameter"),
    [
        ({"num_classes": 1}, "not-in-range", "num_classes"),
        ({"num_classes": 0}, "not-in-range", "num_classes"),
        ({"num_classes": 2.0}, "not-in-range", "num_classes"),
        ({"num_classes": 2, "image_size": 0}, "not-in-range", "image_size"),
        ({"num_classes": 2, "image_size": (5000, 100)}, "too-large", "image_size"),
        ({"num_classes": 2, "dropout": 1.0}, "not-in-range", "dropout"),
        ({"num_classes": 2, "dropout": -0.1}, "not-in-range", "dropout"),
        ({"num_classes": 2, "architecture": "resnet9000"}, "not-an-option", "architecture"),
        ({"num_classes": 2, "seed": -1}, "not-in-range", "seed"),
    ],
)
def test_settings_that_no_model_can_have_are_refused(
    settings: dict[str, object], code: str, parameter: str
) -> None:
    with refuses(ShelfVisionError, code, parameter):
        shv.build_model(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_weights_come_from_a_safetensors_file(tmp_path: Path) -> None:
    source = shv.build_model(3, seed=1)
    tensors = {
        w.path: np.array(v) for w, v in zip(source.weights, source.get_weights(), strict=True)
    }
    safetensors.numpy.save_file(tensors, tmp_path / "weights.safetensors")
    model = shv.build_model(3, seed=2, weights=tmp_path / "weights.safetensors")
    for value, wanted in zip(model.get_weights(), source.get_weights(), strict=True):
        assert np.array_equal(value, wanted)


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    source = shv.build_model(3)
    tensors = {
        w.path: np.array(v) for w, v in zip(source.weights, source.get_weights(), strict=True)
    }
    safetensors.numpy.save_file(tensors, tmp_path / "weights.safetensors")
    with refuses(ModelError, "does-not-fit"):
        shv.build_model(4, weights=tmp_path / "weights.safetensors")


def test_weights_from_a_missing_file_are_a_missing_file(tmp_path: Path) -> None:
    with refuses(BundleNotFoundError, "not-found", "weights"):
        shv.build_model(4, weights=tmp_path / "nothing.safetensors")


def test_weights_from_a_text_file_are_refused(tmp_path: Path) -> None:
    tmp_path.joinpath("notes.txt").write_text("milk, juice, bread")
    with refuses(BundleError, "foreign-format"):
        shv.build_model(4, weights=tmp_path / "notes.txt")


def test_weights_without_the_last_layer_leave_the_last_layer_seeded_and_freeze_the_rest(
    tmp_path: Path,
) -> None:
    source = shv.build_model(3, seed=1)
    save_backbone(source, tmp_path / "backbone.safetensors")
    model = shv.build_model(7, seed=2, weights=tmp_path / "backbone.safetensors")
    plain = shv.build_model(7, seed=2)
    pairs = list(zip(source.get_weights(), model.get_weights(), plain.get_weights(), strict=True))
    assert all(np.array_equal(given, found) for given, found, _ in pairs[:-2])
    assert all(np.array_equal(seeded, found) for _, found, seeded in pairs[-2:])
    assert [w.path for w in model.trainable_weights] == [
        "probabilities/kernel",
        "probabilities/bias",
    ]


def test_a_flipped_bit_in_a_saved_backbone_is_found(tmp_path: Path) -> None:
    path = tmp_path / "backbone.safetensors"
    save_backbone(shv.build_model(3), path)
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)
    with refuses(BundleError, "damaged"):
        shv.build_model(3, weights=path)


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    source = shv.build_model(3)
    tensors = {
        w.path: np.array(v) for w, v in zip(source.weights, source.get_weights(), strict=True)
    }
    tensors["dense/kernel"] = tensors["dense/kernel"].astype(np.int8)
    safetensors.numpy.save_file(tensors, tmp_path / "weights.safetensors")
    with refuses(ModelError, "wrong-dtype", "weights"):
        shv.build_model(3, weights=tmp_path / "weights.safetensors")


@pytest.mark.parametrize("name", ["model.weights.h5", "MODEL.KERAS", "lite.pth"])
def test_files_that_can_run_code_or_take_any_memory_are_not_opened(
    tmp_path: Path, name: str
) -> None:
    with refuses(BundleError, "foreign-format", "weights"):
        shv.build_model(3, weights=tmp_path / name)


def test_a_model_without_a_dense_layer_has_no_backbone(tmp_path: Path) -> None:
    keras = load_keras()
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    for use in (freeze_backbone, lambda model: save_backbone(model, tmp_path / "x.safetensors")):
        with refuses(ModelError, "no-dense-layer", "model"):
            use(model)
