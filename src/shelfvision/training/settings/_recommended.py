"""Recommended hyperparameters of a `Trainer` for a model and a dataset.

There are two recipes: transfer learning for a pretrained model, and training from scratch for any
other model. Within limits, a run uses the same number of photos for any size of the dataset: small
datasets get more epochs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from shelfvision._photos.sources import crop_rule_of, has_files
from shelfvision.augment import (
    Brightness,
    ColorTemperature,
    Compose,
    Contrast,
    Erase,
    Hue,
    Maybe,
    Perspective,
    Rotate,
    Saturation,
    Shear,
    Shift,
    Zoom,
)
from shelfvision.data import Dataset
from shelfvision.models.tiers import TierName, tier_named
from shelfvision.protocols import Augmenter
from shelfvision.training.settings._schedules import CosineSchedule

if TYPE_CHECKING:
    import keras

WARM_UP = 0.05
"""Share of the epochs that are warm-up."""
_SEEN_BY_TRANSFER, _SEEN_FROM_SCRATCH = 8_000, 78_600
"""Photos in all epochs of a run together. Few photos therefore get more epochs."""
_CENTER = 0.8
"""Share of the width and height that a pretrained network sees of a new photo.

`crops` enlarges products, by 1.4 on average, so that they are larger in training than in new
photos. The center crop removes part of this difference (Touvron et al., "Fixing the train-test
resolution discrepancy", 2019).
"""
_COMMON = MappingProxyType(
    {"patience": None, "label_smoothing": 0.1, "loss": "categorical_crossentropy"}
)


def recommended_settings(
    model: keras.Model, photos: Dataset, tier: TierName, overrides: Mapping[str, object]
) -> dict[str, object]:
    """Return recommended settings for a model, photos and a tier, with `overrides`."""
    effort = tier_named(tier).effort
    part = overrides.get("fine_tune") or ("partial" if is_pretrained(model) else None)
    recipe = _from_scratch(len(photos)) if part is None else _transfer(len(photos), part, effort)
    settings = {**_COMMON, **recipe, **overrides}
    if "test_time_crop" not in overrides and not _centered(photos, overrides):
        settings["test_time_crop"] = 1.0
    epochs = settings["epochs"]
    scheduled = "schedule" in overrides or hasattr(settings["learning_rate"], "get_config")
    # The trainer refuses an invalid number of epochs.
    if isinstance(epochs, int) and epochs > 0 and not scheduled:
        settings["schedule"] = CosineSchedule(warmup_epochs=round(WARM_UP * epochs, 2))
    return settings


def _centered(photos: Dataset, overrides: Mapping[str, object]) -> bool:
    """Return whether a center crop suits the photos and their augmentation.

    Another augmenter may not enlarge products. Boxes of shelf photos have no margin to lose, and
    arrays cannot be read again at the larger size that is cropped.
    """
    source = photos.table.source
    return "augmenter" not in overrides and has_files(source) and crop_rule_of(source) is None


def is_pretrained(model: keras.Model) -> bool:
    """Return whether a model has frozen layers with kernels, as pretrained models have."""
    return any(
        not layer.trainable and any(len(weight.shape) > 1 for weight in layer.weights)
        for layer in model.layers
    )


def _transfer(n_photos: int, part: object, effort: float) -> dict[str, object]:
    epochs = _epochs(n_photos, seen=_SEEN_BY_TRANSFER, fewest=10, most=40)
    epochs = math.ceil(effort * epochs)
    settings: dict[str, object] = {
        "fine_tune": part,
        "views": round(6 * effort),
        "augmenter": crops(),
        "test_time_crop": _CENTER,
        "epochs": epochs,
        "batch_size": 32,
        "learning_rate": 1e-3,
    }
    if part == "head":
        # A single layer can use a larger learning rate, and its epochs are short.
        return settings | {"epochs": 4 * epochs, "learning_rate": 1e-2}
    if part == "full":
        return settings | {"learning_rate": 3e-4, "layer_decay": 0.9}
    return settings


def _from_scratch(n_photos: int) -> dict[str, object]:
    return {
        "augmenter": tilted(),
        "epochs": _epochs(n_photos, seen=_SEEN_FROM_SCRATCH, fewest=30, most=200),
        "batch_size": 16,
        "learning_rate": 1.5e-3,
        "weight_decay": 0.05,
    }


def _epochs(n_photos: int, *, seen: int, fewest: int, most: int) -> int:
    return min(most, max(fewest, math.ceil(seen / n_photos)))


def crops() -> Augmenter:
    """Return the data augmentation for pretrained networks: slightly rotated, enlarged photos."""
    return Compose(
        [
            Rotate(10),
            Zoom((0.0, 0.8)),
            Shift(0.15),
            Shear(5),
            Perspective(0.15),
            Brightness(0.25),
            Contrast(0.25),
            Saturation(0.3),
            ColorTemperature(0.1),
        ]
    )


def tilted() -> Augmenter:
    """Return the data augmentation for training from scratch.

    It is strong, because people hold products at any angle and distance, in any light.
    """
    return Compose(
        [
            Rotate(45),
            Zoom((-0.25, 0.5)),
            Shift(0.12),
            Shear(8),
            Perspective(0.25),
            Brightness(0.35),
            Contrast(0.35),
            Saturation(0.4),
            ColorTemperature(0.15),
            Hue(6),
            Maybe(Erase((0.05, 0.25))),
        ]
    )
