"""`Trainer.recommended` suits the kind of model and the amount of photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import shelfvision as shv
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.training import CosineSchedule
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
MakePhotos = Callable[..., Dataset]


def freeze(model: keras.Model) -> None:
    for layer in model.layers[:-1]:
        layer.trainable = False


def test_a_frozen_model_learns_with_its_upper_part(
    make_model: MakeModel, make_photos: MakePhotos
) -> None:
    model = make_model()
    freeze(model)
    trainer = shv.Trainer.recommended(model, make_photos(12))
    assert trainer.fine_tune == "partial"
    assert trainer.augmenter is not None
    assert trainer.views > 1


def test_the_part_that_learns_decides_how_fast(
    make_model: MakeModel, make_photos: MakePhotos
) -> None:
    model = make_model()
    freeze(model)
    rates = [
        shv.Trainer.recommended(model, make_photos(12), fine_tune=part).learning_rate
        for part in ("full", "partial", "head")
    ]
    assert rates == sorted(rates, key=lambda rate: float(str(rate)))
    assert len(set(rates)) == 3


def test_the_center_is_shown_where_the_augmentation_enlarges(
    make_model: MakeModel, make_photos: MakePhotos, tmp_path: Path
) -> None:
    own, frozen = shv.augment.Rotate(10), make_model()
    freeze(frozen)
    for name in ("juice", "milk"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (24, 24)).save(tmp_path / name / "1.png")
    photos = Dataset.from_directory(tmp_path, image_size=(20, 20))
    recommended = shv.Trainer.recommended
    assert recommended(frozen, photos).test_time_crop == 0.8
    assert recommended(frozen, photos, augmenter=own).test_time_crop == 1.0
    both = recommended(frozen, photos, augmenter=own, test_time_crop=0.8)
    assert both.test_time_crop == 0.8
    assert recommended(make_model(), photos).test_time_crop == 1.0
    assert recommended(frozen, make_photos(9)).test_time_crop == 1.0, "arrays have no other size"


def test_any_other_model_is_trained_whole(make_model: MakeModel, make_photos: MakePhotos) -> None:
    trainer = shv.Trainer.recommended(make_model(), make_photos(12))
    assert trainer.fine_tune is None
    assert trainer.augmenter is not None
    assert trainer.weight_decay


@pytest.mark.parametrize("frozen", [True, False])
def test_fewer_photos_are_seen_more_often(
    make_model: MakeModel, make_photos: MakePhotos, *, frozen: bool
) -> None:
    model = make_model()
    if frozen:
        freeze(model)
    few, many = (shv.Trainer.recommended(model, make_photos(n)).epochs for n in (400, 600))
    assert few > many


def test_the_cosine_fits_the_epochs_that_the_caller_wants(
    make_model: MakeModel, make_photos: MakePhotos
) -> None:
    trainer = shv.Trainer.recommended(make_model(), make_photos(12), epochs=2, seed=7)
    assert (trainer.epochs, trainer.seed) == (2, 7)
    assert trainer.schedule == CosineSchedule(warmup_epochs=0.1)


def test_an_override_that_no_run_can_have_is_refused(
    make_model: MakeModel, make_photos: MakePhotos
) -> None:
    with refuses(InvalidParameterError, "not-in-range", "epochs"):
        shv.Trainer.recommended(make_model(), make_photos(12), epochs=0)
    with refuses(InvalidParameterError, "unknown-name", "epoch"):
        shv.Trainer.recommended(make_model(), make_photos(12), epoch=5)


def test_what_is_recommended_trains(make_model: MakeModel, make_photos: MakePhotos) -> None:
    trainer = shv.Trainer.recommended(make_model(), make_photos(12), epochs=1)
    result = trainer.fit(make_model(), make_photos(12), make_photos(6, start=100))
    assert result.stopped_epoch == 1


def test_the_recipe_of_the_article_is_the_trainer_as_it_is() -> None:
    trainer = shv.Trainer()
    assert (trainer.epochs, trainer.optimizer, trainer.loss) == (200, "adam", "auto")
    assert (trainer.label_smoothing, trainer.schedule, trainer.augmenter) == (0.0, None, None)


def test_the_fast_tier_halves_epochs_and_views(
    make_model: MakeModel, make_photos: MakePhotos
) -> None:
    model, photos = make_model(), make_photos(12)
    freeze(model)
    balanced = shv.Trainer.recommended(model, photos)
    fast = shv.Trainer.recommended(model, photos, tier="fast")
    assert (2 * fast.epochs, 2 * fast.views) == (balanced.epochs, balanced.views)
    assert shv.Trainer.recommended(model, photos, tier="accurate") == balanced


def test_an_unknown_tier_is_refused(make_model: MakeModel, make_photos: MakePhotos) -> None:
    with refuses(InvalidParameterError, "not-an-option", "tier"):
        shv.Trainer.recommended(make_model(), make_photos(12), tier="quick")  # type: ignore[arg-type]
