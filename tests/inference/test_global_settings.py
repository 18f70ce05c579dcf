"""What a classifier answers does not depend on the global settings of Keras."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import ModelError
from shelfvision.models import ModelSpec
from support import refuses

POLICIES = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64")
NAMES = ("juice", "milk", "tea")
SPEC: dict[str, Any] = {"num_classes": 3, "image_size": (16, 16)}
Rows = npt.NDArray[np.float32]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    epsilon, data_format = keras.config.epsilon(), keras.config.image_data_format()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(data_format)
    keras.config.set_dtype_policy(policy)


def plain_network(spec: ModelSpec) -> Any:
    """Build a network as users do: no dtype, default data formats."""
    image = keras.Input((*spec.image_size, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    seed = spec.seed
    for _ in range(2):
        start = keras.initializers.GlorotUniform(seed=seed)
        x = keras.layers.Conv2D(8, 3, activation="relu", kernel_initializer=start)(x)
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    start = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.Dense(spec.num_classes, "softmax", kernel_initializer=start)(x)
    return keras.Model(image, x, name="plain_network")


def photos() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)


def answers(model: Any) -> tuple[Rows, shv.Classifier, io.BytesIO]:
    classifier = shv.Classifier.from_model(model, class_names=NAMES)
    file = io.BytesIO()
    classifier.save(file)
    return classifier.predict_proba(photos()), classifier, file


def loaded(file: io.BytesIO, **load: Any) -> Rows:
    file.seek(0)
    return shv.Classifier.load(file, **load).predict_proba(photos())


@pytest.mark.parametrize(
    ("architecture", "policy"),
    [("grocery_cnn", "mixed_float16"), ("efficientnet_lite0", "mixed_bfloat16")]
    + [("shelf_cnn", policy) for policy in POLICIES],
)
def test_networks_of_ours_compute_in_float32_under_any_policy(
    architecture: str, policy: str
) -> None:
    keras.config.set_dtype_policy(policy)
    side = 88 if architecture == "grocery_cnn" else 32
    model = shv.build_model(3, architecture=architecture, image_size=(side, side))
    assert {layer.dtype_policy.name for layer in model.layers[1:]} == {"float32"}
    assert keras.config.dtype_policy().name == policy


def test_a_bundle_of_ours_answers_the_same_under_any_policy() -> None:
    model = shv.build_model(3, architecture="shelf_cnn", image_size=(16, 16), seed=3)
    before, classifier, file = answers(model)
    for policy in ("mixed_float16", "bfloat16"):
        keras.config.set_dtype_policy(policy)
        np.testing.assert_array_equal(loaded(file), before)
        # What was loaded before answers as before; a batch of another size is traced now.
        np.testing.assert_allclose(classifier.predict_proba(photos()[:2]), before[:2], atol=1e-6)


def test_a_registered_network_and_a_builder_answer_the_same_under_any_policy() -> None:
    shv.register_architecture("plain_network", plain_network)
    before, _, file = answers(shv.build_model(3, architecture="plain_network", image_size=(16, 16)))
    other, _, own = answers(plain_network(ModelSpec(architecture="x", **SPEC)))
    for policy in ("mixed_float16",):
        keras.config.set_dtype_policy(policy)
        np.testing.assert_array_equal(loaded(file), before)
        np.testing.assert_array_equal(loaded(own, builder=plain_network), other)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_a_model_made_in_mixed_precision_answers_the_same_saved_and_loaded(policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    model = plain_network(ModelSpec(architecture="x", **SPEC))
    before, classifier, file = answers(model)
    embedded = classifier.embed(photos())
    assert model.layers[-1].compute_dtype != "float32"
    keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(loaded(file, builder=plain_network), before)
    file.seek(0)
    other = shv.Classifier.load(file, builder=plain_network)
    np.testing.assert_array_equal(other.embed(photos()), embedded)


def test_a_model_in_a_model_made_in_mixed_precision_is_copied_whole() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    image = keras.Input((16, 16, 3), dtype="uint8")
    body = plain_network(ModelSpec(architecture="x", **SPEC))
    model = keras.Model(image, body(image))
    before, _, _ = answers(model)
    keras.config.set_dtype_policy("float32")
    again = plain_network(ModelSpec(architecture="x", **SPEC))
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(answers(again)[0], before, atol=1e-6)


def test_a_layer_that_asks_for_the_policy_when_it_is_called_is_answered_float32() -> None:
    class Asks(keras.layers.Layer):  # type: ignore[misc]  # Keras brings no types
        def call(self, x: Any) -> Any:
            name = keras.config.dtype_policy().compute_dtype
            return keras.ops.cast(keras.ops.cast(x, name), "float32")

    image = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Flatten()(Asks()(x))
    classifier = shv.Classifier.from_model(
        keras.Model(image, keras.layers.Dense(3, "softmax")(x)), class_names=NAMES
    )
    before = classifier.predict_proba(photos())
    keras.config.set_dtype_policy("bfloat16")
    np.testing.assert_allclose(classifier.predict_proba(photos()[:3]), before[:3], atol=1e-6)


def test_another_thread_never_sees_the_policy_of_one_that_loads() -> None:
    shv.register_architecture("slow_network", slow_network)
    keras.config.set_dtype_policy("mixed_bfloat16")
    seen: list[str] = []
    inside.clear()
    done.clear()
    maker = threading.Thread(
        target=lambda: shv.build_model(3, architecture="slow_network", image_size=(16, 16))
    )
    maker.start()
    assert inside.wait(60)
    seen.append(keras.config.dtype_policy().name)
    done.set()
    maker.join()
    assert seen == ["mixed_bfloat16"]


inside, done = threading.Event(), threading.Event()


def slow_network(spec: ModelSpec) -> Any:
    inside.set()
    done.wait(60)
    return plain_network(spec)


def test_floatx_and_epsilon_change_nothing() -> None:
    before, _, file = answers(shv.build_model(3, architecture="shelf_cnn", image_size=(16, 16)))
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(0.1)
    np.testing.assert_array_equal(loaded(file), before)
    made: list[Rows] = []
    # A thread without a policy of its own takes it from floatx.
    thread = threading.Thread(target=lambda: made.append(loaded(file)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(made[0], before)


def test_the_data_format_changes_nothing_for_networks_of_ours() -> None:
    before, _, file = answers(shv.build_model(3, architecture="shelf_cnn", image_size=(16, 16)))
    keras.config.set_image_data_format("channels_first")
    np.testing.assert_array_equal(loaded(file), before)


@pytest.mark.remedy("channels-first")
@pytest.mark.parametrize("architecture", ["plain_network", "keras:MobileNetV3Small"])
def test_a_network_that_depends_on_the_data_format_is_refused_until_it_is_set(
    architecture: str,
) -> None:
    shv.register_architecture("plain_network", plain_network)
    keras.config.set_image_data_format("channels_first")
    size = {"plain_network": (16, 16), "keras:MobileNetV3Small": (32, 32)}[architecture]
    with refuses(ModelError, "channels-first"):
        shv.build_model(3, architecture=architecture, image_size=size)
    keras.config.set_image_data_format("channels_last")
    assert shv.build_model(3, architecture=architecture, image_size=size).output_shape == (None, 3)
