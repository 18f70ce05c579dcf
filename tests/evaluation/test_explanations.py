"""Heat maps: Grad-CAM against hand calculation, on every kind of model, and their pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure
from PIL import Image as PillowImage

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import DataError, InvalidParameterError, ModelError
from shelfvision.evaluation._explanations import Explanations
from support import refuses

if TYPE_CHECKING:
    import keras
else:
    keras = load_keras()  # picks the backend that is installed

NAMES = ("can", "jar", "tub")
SIZE = (12, 10)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)


def small(ending: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    """Return a convolution, and what is made of its features."""
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(4, 3, data_format="channels_last", name="conv")(x)
    return keras.Model(image, ending(x))


def pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    return keras.layers.Dense(3, activation="softmax", name="scores")(x)


def classifier_of(model: keras.Model) -> shv.Classifier:
    return shv.Classifier.from_model(model, class_names=NAMES)


def enlarged(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return maps of the photos' size, the largest value of each 1."""
    height, width = SIZE
    large = np.stack(
        [
            np.asarray(
                PillowImage.fromarray(one).resize((width, height), PillowImage.Resampling.BILINEAR)
            )
            for one in np.maximum(maps, 0).astype(np.float32)
        ]
    )
    return np.asarray(large / np.maximum(large.max(axis=(1, 2), keepdims=True), 1e-12))


def features_of(model: keras.Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    body = keras.Model(model.inputs[0], model.get_layer("conv").output)
    return np.asarray(keras.ops.convert_to_numpy(body(images.astype(np.float32))))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return small(pooled)


@pytest.fixture(scope="module")
def classifier(model: keras.Model) -> shv.Classifier:
    return classifier_of(model)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_behind_average_pooling_a_dense_layer_weighs_the_channels(
    model: keras.Model, classifier: shv.Classifier, number: int
) -> None:
    # There Grad-CAM is the class activation map: channels weighed by the dense layer's kernel.
    kernel = keras.ops.convert_to_numpy(model.get_layer("scores").kernel)
    by_hand = enlarged(features_of(model, IMAGES) @ kernel[:, number])
    found = shv.explain(classifier, IMAGES, labels=NAMES[number])

    assert found.layer == "conv"
    assert found.labels == (NAMES[number],) * 3
    assert found.heat_maps == pytest.approx(by_hand, abs=1e-4)


def test_a_channel_weighs_as_much_as_its_slopes_on_average() -> None:
    model = small(
        lambda x: keras.layers.Dense(3, activation="softmax", name="scores")(
            keras.layers.Flatten(data_format="channels_last")(x)
        )
    )
    kernel = keras.ops.convert_to_numpy(model.get_layer("scores").kernel)
    features = features_of(model, IMAGES)
    slopes = kernel[:, 1].reshape(features.shape[1:]).mean(axis=(0, 1))

    found = shv.explain(classifier_of(model), IMAGES, labels="jar")
    assert found.heat_maps == pytest.approx(enlarged(features @ slopes), abs=1e-4)


def test_the_predicted_class_is_explained_unless_another_is_named(
    classifier: shv.Classifier,
) -> None:
    found = shv.explain(classifier, IMAGES)
    named = shv.explain(classifier, IMAGES, labels=["tub", "can", "jar"])

    assert found.labels == tuple(classifier.predict(IMAGES).labels)
    assert named.labels == ("tub", "can", "jar")
    alone = shv.explain(classifier, IMAGES[1], labels="can")
    assert named.heat_maps[1] == pytest.approx(alone.heat_maps[0], abs=1e-5)


def test_maps_are_float32_from_0_to_1_of_the_photos_size(classifier: shv.Classifier) -> None:
    found = shv.explain(classifier, IMAGES)

    assert found.heat_maps.dtype == np.float32
    assert found.heat_maps.shape == (3, *SIZE)
    assert found.heat_maps.min() >= 0
    assert {float(one.max()) for one in found.heat_maps} <= {0.0, 1.0}
    assert found.ids == ("0", "1", "2")
    assert np.array_equal(found.images, IMAGES)
    assert shv.explain(classifier, IMAGES[:0]).heat_maps.shape == (0, *SIZE)


def test_the_map_lights_up_where_the_product_is() -> None:
    # Channel 0 of the convolution is brightness, and only the first class looks at it.
    image = keras.Input((20, 20, 3))
    x = keras.layers.Conv2D(
        2, 1, use_bias=False, data_format="channels_last",
        kernel_initializer=keras.initializers.Constant(1 / 765),
    )(image)  # fmt: skip
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    head = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, head(x))
    head.set_weights([np.array([[1.0, -1.0], [0.0, 0.0]]), np.zeros(2)])
    photo = np.zeros((20, 20, 3), np.uint8)
    photo[2:6, 12:18] = 255
    found = shv.explain(
        shv.Classifier.from_model(model, class_names=["can", "jar"]), [photo, photo],
        labels=["can", "jar"],
    )  # fmt: skip

    assert found.heat_maps[0, 2:6, 12:18].min() == 1
    assert found.heat_maps[0].sum() == pytest.approx(24)
    # Against the other class everything speaks.
    assert found.heat_maps[1].max() == 0


def test_the_snapshot_is_explained_and_not_the_model_trained_further() -> None:
    model = small(pooled)
    classifier = classifier_of(model)
    before = shv.explain(classifier, IMAGES, labels="jar").heat_maps
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(size=array.shape) for array in model.get_weights()])
    assert not np.allclose(
        shv.explain(classifier_of(model), IMAGES, labels="jar").heat_maps, before, atol=0.05
    )

    assert np.array_equal(shv.explain(classifier, IMAGES, labels="jar").heat_maps, before)


def test_our_network_is_explained_by_its_last_map_that_is_not_too_coarse() -> None:
    classifier = shv.Classifier.from_model(
        shv.build_model(3, image_size=(88, 90)), class_names=NAMES
    )
    photos = np.random.default_rng(1).integers(0, 256, (2, 88, 90, 3), dtype=np.uint8)
    found = shv.explain(classifier, photos)

    assert found.layer == "dropout_4"
    assert found.heat_maps.shape == (2, 88, 90)
    named = shv.explain(classifier, photos, layer="conv_3")
    assert named.layer == "conv_3"
    assert not np.array_equal(named.heat_maps, found.heat_maps)


ENDINGS: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "a softmax layer": lambda x: keras.layers.Softmax()(
        keras.layers.Dense(3, name="scores")(
            keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
        )
    ),
    "an activation": lambda x: keras.layers.Activation("softmax")(
        keras.layers.Dense(3, name="scores")(
            keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
        )
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_softmax_of_its_own_is_left_out_as_well(ending: str) -> None:
    model = small(ENDINGS[ending])
    kernel = keras.ops.convert_to_numpy(model.get_layer("scores").kernel)
    by_hand = enlarged(features_of(model, IMAGES) @ kernel[:, 2])

    found = shv.explain(classifier_of(model), IMAGES, labels="tub")
    assert found.heat_maps == pytest.approx(by_hand, abs=1e-4)


def test_sequential_models_and_backbones_inside_a_model_are_explained() -> None:
    backbone = keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.Conv2D(4, 3, data_format="channels_last")],
        name="backbone",
    )
    model = keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            backbone,
            keras.layers.GlobalAveragePooling2D(data_format="channels_last"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    found = shv.explain(classifier_of(model), IMAGES)

    assert found.layer == "backbone"
    assert found.heat_maps.shape == (3, *SIZE)


def test_a_layer_without_a_map_is_refused_by_name(classifier: shv.Classifier) -> None:
    with refuses(ModelError, "unknown-name", "layer"):
        shv.explain(classifier, IMAGES, layer="scores")


@pytest.mark.remedy("branch")
def test_a_layer_that_a_branch_goes_past_is_refused() -> None:
    image = keras.Input((*SIZE, 3))
    first = keras.layers.Conv2D(3, 1, name="first", data_format="channels_last")(image)
    second = keras.layers.Conv2D(3, 1, name="second", data_format="channels_last")(first)
    joined = keras.layers.Add(name="joined")([first, second])
    classifier = classifier_of(keras.Model(image, pooled(joined)))

    assert shv.explain(classifier, IMAGES).layer == "joined"
    with refuses(ModelError, "branch", "layer"):
        shv.explain(classifier, IMAGES, layer="second")
    assert shv.explain(classifier, IMAGES, layer="joined").heat_maps.shape == (3, *SIZE)


def test_a_model_without_maps_is_refused() -> None:
    image = keras.Input((*SIZE, 3))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(flat))

    with refuses(ModelError, "no-map", "classifier"):
        shv.explain(classifier_of(model), IMAGES)


@pytest.mark.remedy("missing-photos", "needs-classifier")
def test_a_report_of_a_classifier_and_a_dataset_draws_its_mistakes_with_heat_maps(
    classifier: shv.Classifier,
) -> None:
    wrong = (np.array([NAMES.index(name) for name in classifier.predict(IMAGES).labels]) + 1) % 3
    photos = shv.Dataset.from_arrays(IMAGES, wrong, class_names=NAMES)
    made = shv.EvaluationReport(classifier.predict(photos), wrong)
    for heat_maps in (False, True):
        with refuses(DataError, "missing-photos"):
            shv.plot.mistakes(made, heat_maps=heat_maps)

    class Wrapped:
        class_names = classifier.class_names

        def predict(self, photos: shv.Dataset, /) -> shv.Predictions:
            return classifier.predict(photos)

    with refuses(DataError, "needs-classifier", "heat_maps"):
        shv.plot.mistakes(shv.evaluate(Wrapped(), photos), heat_maps=True)
    assert len(shv.plot.mistakes(shv.evaluate(classifier, photos), heat_maps=True)) == 3


def test_labels_may_be_written_in_the_other_unicode_form() -> None:
    names = ["K\u00e4se", "Milk", "Rice"]
    classifier = shv.Classifier.from_model(small(pooled), class_names=names)
    assert shv.explain(classifier, IMAGES[:1], labels="Ka\u0308se ").labels == (names[0],)


def test_labels_that_do_not_fit_are_refused(classifier: shv.Classifier) -> None:
    with refuses(InvalidParameterError, "unknown-name", "labels"):
        shv.explain(classifier, IMAGES, labels="box")
    with refuses(InvalidParameterError, "wrong-length", "labels"):
        shv.explain(classifier, IMAGES, labels=["can", "jar"])
    with refuses(InvalidParameterError, "wrong-type", "classifier"):
        shv.explain("milk.shelf", IMAGES)  # type: ignore[arg-type]  # wrong on purpose


# -- pictures --------------------------------------------------------------------------------


def test_a_photo_stays_dark_where_there_is_no_heat_and_lightens_where_there_is_most() -> None:
    grey = np.full((4, 4, 3), 128, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = 1
    mixed = shv.plot.heat_overlay(grey, heat)

    assert mixed.dtype == np.uint8
    assert mixed[0, 0].sum() > grey[0, 0].sum() > mixed[3, 3].sum()
    ramp = shv.plot.heat_overlay(np.zeros((1, 50, 3), np.uint8), np.linspace(0, 1, 50)[None])
    light = ramp[0] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) >= -0.5).all()


def test_photos_are_drawn_beside_their_maps(classifier: shv.Classifier) -> None:
    found = shv.explain(classifier, IMAGES)
    axes = shv.plot.heat_maps(found, n_columns=2)

    assert axes.shape == (3, 2)
    assert np.array_equal(axes[1, 0].get_images()[0].get_array(), IMAGES[1])
    assert axes[1, 1].get_title() == found.labels[1]
    figure = axes[0, 0].figure
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO())
    assert repr(found) == "<Explanations: 3 heat maps of layer 'conv'>"
    assert isinstance(found, Explanations)


def test_maps_that_do_not_fit_their_photos_are_refused() -> None:
    with pytest.raises(InvalidParameterError):
        shv.plot.heat_maps(IMAGES)
    with pytest.raises(InvalidParameterError):
        shv.plot.heat_maps(IMAGES, np.zeros((3, 12, 9)))
