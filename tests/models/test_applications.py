"""Networks of `keras.applications` by name: raw pixels go in, seeds decide, files come back."""

from __future__ import annotations

import importlib
import io
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._keras.layers import backbone_weights
from shelfvision.errors import BundleError, ModelError
from shelfvision.models import ModelSpec, cut_points, save_backbone, spec_of
from shelfvision.models.architectures import _applications as applications
from support import refuses

if TYPE_CHECKING:
    import keras

SMALL, NUMBERED = "keras:MobileNetV3Small", "keras:EfficientNetB0"
# A quick one of each way of scaling, and the module with Keras's own function for it.
SCALED = [
    ("MobileNetV2", "mobilenet_v2"),
    ("VGG16", "vgg16"),
    ("DenseNet121", "densenet"),
    ("MobileNetV3Small", "mobilenet_v3"),
]


def build(name: str = SMALL, side: int = 32, seed: int = 42) -> keras.Model:
    return shv.build_model(3, architecture=name, image_size=(side, side), seed=seed)


@pytest.mark.parametrize(("name", "module"), SCALED)
def test_pixels_are_scaled_as_keras_scales_them(name: str, module: str) -> None:
    k = load_keras()
    image = k.Input((4, 5, 3), dtype="uint8")
    scaled = applications._scaled(image, applications.APPLICATIONS[name])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    found = np.asarray(k.Model(image, scaled).predict_on_batch(pixels))
    own = getattr(k.applications, module).preprocess_input
    assert found == pytest.approx(own(pixels.astype("float32")), abs=1e-4)


@pytest.fixture(scope="module")
def small() -> keras.Model:
    return build()


@pytest.fixture(scope="module")
def numbered() -> keras.Model:
    """Return a network that has weights in layers without a name of their own."""
    return build(NUMBERED)


def test_a_network_takes_raw_pixels_and_gives_probabilities(small: keras.Model) -> None:
    assert small.inputs[0].dtype == "uint8"
    scores = np.asarray(small.predict_on_batch(np.full((2, 32, 32, 3), 255, np.uint8)))
    assert scores.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_what_is_known_of_networks_without_keras_is_so(
    small: keras.Model, numbered: keras.Model
) -> None:
    k = load_keras()
    for name in applications.APPLICATIONS:
        assert hasattr(k.applications, name), name
    for name, model in ((SMALL, small), (NUMBERED, numbered)):
        numbers = sum(int(np.prod(weight.shape)) for weight in backbone_weights(model))
        known = applications.APPLICATIONS[name.removeprefix("keras:")].parameters
        assert known * 0.9 < numbers < known * 1.1


def _values(variables: list[keras.Variable]) -> list[npt.NDArray[np.generic]]:
    convert = load_keras().ops.convert_to_numpy
    return [np.asarray(convert(variable.value)) for variable in variables]


def test_the_seed_decides_the_initial_weights_and_dropout(small: keras.Model) -> None:
    values, same, other = (_values(m.variables) for m in (small, build(), build(seed=2)))
    assert all(np.array_equal(a, b) for a, b in zip(values, same, strict=True))
    drawn = [
        not np.array_equal(a, b)
        for a, b, variable in zip(values, other, small.variables, strict=True)
        if "kernel" in variable.path or variable.path.endswith("seed_generator_state")
    ]
    assert len(drawn) > 40
    assert all(drawn)


def test_building_touches_no_global_generator(small: keras.Model) -> None:
    del small  # loads all there is to load
    before = random.getstate(), repr(np.random.get_state())
    build()
    assert (random.getstate(), repr(np.random.get_state())) == before


def test_a_classifier_is_saved_and_loaded_though_its_layers_are_numbered_anew(
    numbered: keras.Model,
) -> None:
    classifier = shv.Classifier.from_model(numbered, class_names=["a", "b", "c"])
    file = io.BytesIO()
    classifier.save(file)
    file.seek(0)
    loaded = shv.Classifier.load(file).served.network.weights
    saved = classifier.served.network.weights
    assert list(loaded) != list(saved)
    pairs = zip(loaded.values(), saved.values(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_a_small_file_that_names_a_large_network_is_refused(tmp_path: Path) -> None:
    bundle = importlib.import_module("shelfvision.inference._bundle")
    manifest = importlib.import_module("shelfvision.inference._manifest")
    spec = ModelSpec(architecture="keras:VGG19", num_classes=2, image_size=(4096, 4096))
    tensors = {"a/kernel": np.zeros(4, np.float32)}
    made = manifest.BundleManifest(
        spec=spec,
        own_architecture=False,
        class_names=("a", "b"),
        preprocessing=shv.data.Preprocessing(image_size=spec.image_size),
        provenance={},
        created_with={},
        weights=("a/kernel",),
    )
    bundle.save_bundle(made, tensors, tmp_path / "evil.shelf")
    with refuses(BundleError, "inconsistent"):
        shv.Classifier.load(tmp_path / "evil.shelf")


def test_a_backbone_saved_in_one_session_fits_in_another(
    numbered: keras.Model, tmp_path: Path
) -> None:
    # Layers without a name of their own are numbered on, as they would be in another session.
    save_backbone(numbered, tmp_path / "backbone.safetensors")
    model = shv.build_model(
        7,
        architecture=NUMBERED,
        image_size=(48, 32),
        weights=tmp_path / "backbone.safetensors",
        seed=2,
    )
    pairs = zip(*(_values(backbone_weights(m)) for m in (numbered, model)), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert len(model.trainable_weights) == 2


def test_cuts_are_found_where_the_graph_is_one_tensor_wide(small: keras.Model) -> None:
    k, model = load_keras(), small
    cuts = cut_points(model)
    assert "rescale" in cuts
    assert cuts[-2:] == ("pool", "dropout")
    # Inside a residual block there are two tensors.
    assert "expanded_conv_2_expand" not in cuts
    middle = cuts[len(cuts) // 2]
    below = k.Model(model.inputs, model.get_layer(middle).output)
    above = k.Model(model.get_layer(middle).output, model.outputs)
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    halves = above.predict_on_batch(below.predict_on_batch(image))
    assert halves == pytest.approx(model.predict_on_batch(image), abs=1e-6)


def test_the_spec_is_remembered(small: keras.Model) -> None:
    spec = spec_of(small)
    assert spec is not None
    assert spec.architecture == SMALL


def test_an_unknown_network_is_refused_with_those_that_are_known() -> None:
    with refuses(ModelError, "not-an-option", "architecture"):
        shv.build_model(2, architecture="keras:MobileNetV9")


def test_images_below_the_smallest_size_are_refused_before_keras_is_asked() -> None:
    with refuses(ModelError, "too-small", "image_size"):
        shv.build_model(2, architecture="keras:InceptionV3", image_size=(74, 100))


@pytest.mark.usefixtures("no_network")
def test_weights_that_cannot_be_downloaded_are_told_with_the_way_out() -> None:
    with refuses(ModelError, "no-weights", "weights"):
        shv.build_model(2, architecture=SMALL, image_size=(32, 32), weights="imagenet")


def test_downloaded_weights_come_into_a_frozen_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    k = load_keras()
    genuine = k.applications.MobileNetV3Small

    def downloaded(*, weights: str | None, **settings: object) -> object:
        model = genuine(weights=None, **settings)
        if weights == "imagenet":
            for weight in model.weights:
                weight.assign(k.ops.full(weight.shape, 0.5))
        return model

    monkeypatch.setattr(k.applications, "MobileNetV3Small", downloaded)
    model = shv.build_model(2, architecture=SMALL, image_size=(32, 32), weights="imagenet")
    assert all((np.asarray(w.numpy()) == 0.5).all() for w in backbone_weights(model))
    assert not (np.asarray(model.get_layer("probabilities").kernel.numpy()) == 0.5).any()
    assert [weight.path for weight in model.trainable_weights] == [
        "probabilities/kernel",
        "probabilities/bias",
    ]
