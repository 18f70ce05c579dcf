"""`shelf_cnn`: what fits an edge box, and what a few photos teach it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import BundleError
from shelfvision.models import spec_of
from shelfvision.models.architectures._shelf_cnn import PLAN, Plan, build_by_plan, shelf_cnn_tensors
from shelfvision.protocols import Images

TINY = Plan(stem=4, widths=(4, 8), blocks=(1, 0))


def pixels(n: int, side: int = 32) -> Images:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def multiplications(architecture: str) -> int:
    """Return how many multiplications the convolutions and dense layers of a network take."""
    total = 0
    for layer in shv.build_model(5, architecture=architecture).layers:
        if type(layer).__name__ in ("Conv2D", "Dense"):
            places = np.prod(layer.output.shape[1:-1], dtype=np.int64)
            total += int(places) * int(np.prod(layer.kernel.shape))
    return total


def test_it_keeps_to_300_000_parameters_up_to_200_products() -> None:
    assert shv.build_model(5, architecture="shelf_cnn").count_params() == 283_197
    assert shv.build_model(200, architecture="shelf_cnn").count_params() <= 300_000


def test_it_takes_hardly_more_multiplications_than_the_articles_network() -> None:
    assert multiplications("shelf_cnn") < 1.25 * multiplications("grocery_cnn")


@pytest.mark.parametrize(("side", "classes"), [((100, 100), 5), ((64, 90), 2)])
def test_weight_shapes_without_keras_are_those_of_the_model(
    side: tuple[int, int], classes: int
) -> None:
    model = shv.build_model(classes, image_size=side, architecture="shelf_cnn")
    spec = spec_of(model)
    assert spec is not None
    found = [(weight.path, tuple(weight.shape)) for weight in model.weights]
    assert found == list(shelf_cnn_tensors(spec).items())


@pytest.mark.parametrize("size", [(1, 1), (16, 33), (100, 100)])
def test_photos_of_any_size_become_probabilities(size: tuple[int, int]) -> None:
    model = shv.build_model(3, image_size=size, architecture="shelf_cnn")
    images = np.random.default_rng(1).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    scores = np.asarray(model.predict_on_batch(images))
    assert scores.shape == (2, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_the_seed_decides_the_initial_weights_and_no_two_layers_share_theirs() -> None:
    one, same, other = (
        shv.build_model(2, image_size=(16, 16), architecture="shelf_cnn", seed=seed)
        for seed in (1, 1, 2)
    )
    for name in ("stem", "stage_1_1_a", "probabilities"):
        kernels = [model.get_layer(name).get_weights()[0] for model in (one, same, other)]
        assert np.array_equal(kernels[0], kernels[1])
        assert not np.array_equal(kernels[0], kernels[2])
    twins = [one.get_layer(f"stage_1_1_{part}").get_weights()[0] for part in "ab"]
    assert not np.array_equal(*twins)


def test_a_dropout_rate_replaces_its_own() -> None:
    own, none = (
        shv.build_model(2, image_size=(16, 16), architecture="shelf_cnn", dropout=rate)
        for rate in (None, 0.0)
    )
    assert own.get_layer("dropout").rate == PLAN.rate
    assert none.get_layer("dropout").rate == 0.0


def test_after_a_few_steps_it_names_what_it_was_shown() -> None:
    photos = shv.samples.render_products(8, class_names=["Can", "Jar"], image_size=(32, 32))
    model = shv.build_model(2, image_size=(32, 32), architecture="shelf_cnn", dropout=0.0)
    trainer = shv.Trainer(
        epochs=12, batch_size=4, learning_rate=2e-3, monitor="loss", patience=None, verbose=False
    )
    result = trainer.fit(model, photos)
    # Batch norms that had not yet caught up with so few steps would spoil this.
    assert shv.evaluate(result.classifier, photos).accuracy == 1.0


def test_a_saved_classifier_says_the_same(tmp_path: Path) -> None:
    model = shv.build_model(2, image_size=(32, 32), architecture="shelf_cnn")
    classifier = shv.Classifier.from_model(model, class_names=["milk", "oats"])
    classifier.save(tmp_path / "small.shelf")
    loaded = shv.Classifier.load(tmp_path / "small.shelf")
    expected = classifier.predict_proba(pixels(4))
    np.testing.assert_array_equal(loaded.predict_proba(pixels(4)), expected)
    damaged = bytearray((tmp_path / "small.shelf").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "small.shelf").write_bytes(damaged)
    with pytest.raises(BundleError):
        shv.Classifier.load(tmp_path / "small.shelf")


@pytest.mark.parametrize("plan", [TINY, Plan(momentum=None), Plan(pooled=False)])
def test_a_plan_can_leave_parts_out(plan: Plan) -> None:
    spec = spec_of(shv.build_model(2, image_size=(16, 16), architecture="shelf_cnn"))
    assert spec is not None
    kinds = [type(layer).__name__ for layer in build_by_plan(spec, plan).layers]
    assert ("BatchNormalization" in kinds) == (plan.momentum is not None)
    assert ("Flatten" in kinds) == (not plan.pooled)
