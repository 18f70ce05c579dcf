"""Architectures of the user's own: built, trained, saved, loaded and resumed like ours."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import BundleError, InvalidParameterError, ModelError
from shelfvision.models import ModelSpec, cut_points, registry, save_backbone
from support import refuses

if TYPE_CHECKING:
    import keras

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _forget_registrations() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_registered", {})
        yield


def tiny(spec: ModelSpec) -> keras.Model:
    """Build a network whose layers have no names of their own."""
    k = load_keras()
    image = k.Input((*spec.image_size, 3), dtype="uint8")
    x = k.layers.Rescaling(1 / 255)(image)
    kernel = k.initializers.GlorotUniform(seed=spec.seed)
    x = k.layers.Conv2D(4, 3, strides=2, activation="relu", kernel_initializer=kernel)(x)
    x = k.layers.GlobalAveragePooling2D()(x)
    head = k.initializers.GlorotUniform(seed=spec.seed + 1)
    return k.Model(image, k.layers.Dense(spec.num_classes, "softmax", kernel_initializer=head)(x))


def tiny_tensors(_: ModelSpec) -> dict[str, tuple[int, ...]]:
    return {"conv/kernel": (3, 3, 3, 4)}


def classifier_of(seed: int = 42) -> shv.Classifier:
    model = shv.build_model(2, architecture="tiny", image_size=(16, 16), seed=seed)
    return shv.Classifier.from_model(model, class_names=["juice", "milk"])


def test_a_registered_architecture_is_built_by_name() -> None:
    shv.register_architecture("tiny", tiny, image_size=(24, 32))
    model = shv.build_model(5, architecture="tiny")
    assert model.input_shape == (None, 24, 32, 3)
    assert model.output_shape == (None, 5)


def test_a_classifier_of_it_is_saved_and_loaded() -> None:
    shv.register_architecture("tiny", tiny)
    classifier = classifier_of()
    file = io.BytesIO()
    classifier.save(file)
    file.seek(0)
    loaded = shv.Classifier.load(file)
    assert np.array_equal(loaded.predict_proba(IMAGE), classifier.predict_proba(IMAGE))
    again = pickle.loads(pickle.dumps(loaded))
    assert np.array_equal(again.predict_proba(IMAGE), classifier.predict_proba(IMAGE))


def test_a_bundle_of_it_loads_only_where_it_is_registered_or_a_builder_is_given() -> None:
    shv.register_architecture("tiny", tiny)
    file = io.BytesIO()
    classifier = classifier_of()
    classifier.save(file)
    registry._registered.clear()
    file.seek(0)
    with refuses(BundleError, "needs-builder", "builder"):
        shv.Classifier.load(file)
    file.seek(0)
    loaded = shv.Classifier.load(file, builder=tiny)
    assert np.array_equal(loaded.predict_proba(IMAGE), classifier.predict_proba(IMAGE))


def test_tensors_that_it_does_not_have_are_refused_before_it_is_built() -> None:
    shv.register_architecture("tiny", tiny)
    file = io.BytesIO()
    classifier_of().save(file)
    registry._registered.clear()

    def never(_: ModelSpec) -> keras.Model:
        raise AssertionError("built before its tensors were checked")

    shv.register_architecture("tiny", never, tensors=tiny_tensors)
    file.seek(0)
    with refuses(BundleError, "does-not-fit"):
        shv.Classifier.load(file)


def test_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    shv.register_architecture("tiny", tiny)
    photos = shv.samples.render_products(4, image_size=(16, 16))

    def train(epochs: int) -> shv.TrainingResult:
        model = shv.build_model(len(photos.class_names), architecture="tiny", image_size=(16, 16))
        trainer = shv.Trainer(
            epochs=epochs, checkpoint_dir=tmp_path / "run", monitor="loss", verbose=False
        )
        return trainer.fit(model, photos)

    train(1)
    assert len(train(2).history["loss"]) == 2


def test_backbones_of_it_go_from_one_number_of_classes_to_another(tmp_path: Path) -> None:
    shv.register_architecture("tiny", tiny)
    source = shv.build_model(2, architecture="tiny", image_size=(16, 16), seed=1)
    save_backbone(source, tmp_path / "tiny.safetensors")
    model = shv.build_model(
        9, architecture="tiny", seed=2, weights=tmp_path / "tiny.safetensors", image_size=(16, 16)
    )
    assert np.array_equal(source.get_weights()[0], model.get_weights()[0])
    assert [weight.shape[-1] for weight in model.trainable_weights] == [9, 9]


def test_a_function_may_be_defined_anew_as_in_a_notebook() -> None:
    shv.register_architecture("tiny", tiny, smallest=8)
    shv.register_architecture("tiny", tiny, smallest=16)
    with refuses(ModelError, "too-small", "image_size"):
        shv.build_model(2, architecture="tiny", image_size=(15, 15))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("grocery_cnn", "duplicate"),
        ("keras:Mine", "duplicate"),
        ("taken", "duplicate"),
        ("", "wrong-type"),
        (5, "wrong-type"),
    ],
)
def test_names_that_are_taken_or_none_are_refused(name: str, code: str) -> None:
    shv.register_architecture("taken", tiny)
    with refuses(InvalidParameterError, code, "name"):
        shv.register_architecture(name, wrong_classes)


@pytest.mark.parametrize(
    ("settings", "code", "parameter"),
    [
        ({"builder": "tiny"}, "wrong-type", "builder"),
        ({"builder": tiny, "tensors": 5}, "wrong-type", "tensors"),
        ({"builder": tiny, "smallest": 0}, "not-in-range", "smallest"),
    ],
)
def test_what_cannot_be_registered_is_refused(
    settings: dict[str, object], code: str, parameter: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        shv.register_architecture("mine", **settings)  # type: ignore[arg-type]  # wrong on purpose


def wrong_classes(spec: ModelSpec) -> keras.Model:
    return tiny(ModelSpec(architecture="tiny", num_classes=7, image_size=spec.image_size))


def wrong_size(spec: ModelSpec) -> keras.Model:
    return tiny(ModelSpec(architecture="tiny", num_classes=spec.num_classes, image_size=(9, 9)))


@pytest.mark.parametrize(
    ("builder", "code"),
    [
        (wrong_classes, "does-not-fit"),
        (wrong_size, "does-not-fit"),
        (lambda _: "a model", "wrong-type"),
    ],
)
def test_a_builder_that_does_not_follow_the_spec_is_told(builder: object, code: str) -> None:
    shv.register_architecture("wrong", builder)  # type: ignore[arg-type]  # wrong on purpose
    with refuses(ModelError, code, "builder"):
        shv.build_model(2, architecture="wrong", image_size=(16, 16))


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    shv.register_architecture("tiny", tiny)
    with refuses(ModelError, "not-an-option", "architecture"):
        shv.build_model(2, architecture="tiny2")


def test_cuts_of_a_chain_are_all_its_layers_but_the_first_and_the_last() -> None:
    model = shv.build_model(2, image_size=(88, 88))
    assert cut_points(model) == tuple(layer.name for layer in model.layers[1:-1])
