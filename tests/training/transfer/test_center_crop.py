"""A classifier looks at the center of a photo if its trainer says so, from the first epoch on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pictures

import shelfvision as shv
from shelfvision.data import Dataset, Preprocessing
from shelfvision.errors import InvalidParameterError
from support import refuses

if TYPE_CHECKING:
    import keras

HALF = Preprocessing(image_size=(20, 20), test_time_crop=0.5)


@pytest.fixture
def photos(make_photos: Callable[..., Dataset], tmp_path: Path) -> Dataset:
    """Return 24 photos in files, whose margins are black."""
    made = make_photos(24)
    for image, label in made:
        name = made.class_names[int(label)]
        (tmp_path / name).mkdir(exist_ok=True)
        framed = np.pad(image, ((10, 10), (10, 10), (0, 0)))
        number = len(list((tmp_path / name).iterdir()))
        Pictures.fromarray(framed).save(tmp_path / name / f"{number}.png")
    return Dataset.from_directory(tmp_path, image_size=(20, 20))


def likelihood(classifier: shv.Classifier, photos: Dataset) -> float:
    """Return the mean log loss."""
    rows = classifier.predict_proba(photos)[np.arange(len(photos)), photos.labels]
    return float(-np.log(rows).mean())


def trainer(crop: float, cache: Path, **settings: object) -> shv.Trainer:
    made = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "verbose": False} | settings
    return shv.Trainer(test_time_crop=crop, cache_dir=cache, **made)  # type: ignore[arg-type]


def confident(model: keras.Model) -> keras.Model:
    """Return the network with a head that tells black margins without any training."""
    head = model.get_layer("probabilities")
    head.kernel.assign(8 * np.asarray(head.kernel))
    return model


@pytest.mark.parametrize("fine_tune", ["partial", None])
def test_the_best_epoch_is_chosen_by_what_the_classifier_sees(
    photos: Dataset,
    make_frozen: Callable[..., keras.Model],
    tmp_path: Path,
    fine_tune: str | None,
) -> None:
    train, validation = photos[::2], photos[1::2]
    losses = {}
    for crop in (1.0, 0.5):
        how = trainer(crop, tmp_path / "cache", fine_tune=fine_tune, learning_rate=1e-4)
        result = how.fit(confident(make_frozen()), train, validation)
        assert result.classifier.preprocessing.test_time_crop == crop
        losses[crop] = result.history["val_loss"][result.best_epoch - 1]
        # Activations are kept in half precision.
        assert losses[crop] == pytest.approx(likelihood(result.classifier, validation), rel=2e-3)
        kept = result.classifier.validation_scores
        assert kept is not None
        assert np.array_equal(kept.probabilities, result.classifier.predict_proba(validation))
    assert losses[1.0] != pytest.approx(losses[0.5], rel=1e-2)


def test_a_crop_is_kept_in_the_bundle_and_in_the_settings(
    photos: Dataset, make_model: Callable[..., keras.Model], tmp_path: Path
) -> None:
    how = trainer(0.5, tmp_path / "cache", monitor="loss")
    assert how.to_dict()["test_time_crop"] == 0.5
    result = how.fit(make_model(), photos)
    path = tmp_path / "classifier.shelf"
    result.classifier.save(path)
    assert shv.inspect(path).preprocessing == HALF
    loaded = shv.Classifier.load(path, builder=lambda _: make_model())
    assert np.array_equal(loaded.predict_proba(photos), result.classifier.predict_proba(photos))


def test_a_trained_classifier_gets_a_crop_without_the_scores_of_other_pixels(
    photos: Dataset, make_model: Callable[..., keras.Model]
) -> None:
    names = photos.class_names
    whole = shv.Classifier.from_model(make_model(), class_names=names).with_validation(photos)
    closer = whole.with_test_time_crop(0.5)
    assert closer.preprocessing == HALF
    assert closer.validation_scores is None
    asked = shv.Classifier.from_model(make_model(), class_names=names, preprocessing=HALF)
    assert np.array_equal(closer.predict_proba(photos), asked.predict_proba(photos))
    assert not np.array_equal(closer.predict_proba(photos), whole.predict_proba(photos))
    assert whole.with_test_time_crop(1).validation_scores is not None


def test_a_crop_out_of_range_is_refused(make_model: Callable[..., keras.Model]) -> None:
    with refuses(InvalidParameterError, "not-in-range", "test_time_crop"):
        shv.Trainer(test_time_crop=0.3)
    classifier = shv.Classifier.from_model(make_model(), class_names=["a", "b", "c"])
    with refuses(InvalidParameterError, "not-in-range", "test_time_crop"):
        classifier.with_test_time_crop(1.2)
