"""Checks of photos and model before the first training step.

They find errors that would otherwise appear late in a run, or only when the model is used.
"""

from __future__ import annotations

import logging
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision._photos.sources import crop_rule_of
from shelfvision._validation import counted, listed
from shelfvision.data import Dataset, Splits
from shelfvision.data.aligning import aligned
from shelfvision.data.arguments import require_dataset
from shelfvision.data.splitting.leaks import Leak, OnLeak
from shelfvision.errors import DataError, ModelError, TrainingWarning
from shelfvision.models import spec_of
from shelfvision.models.registry import is_builtin

if TYPE_CHECKING:
    import keras

_logger = logging.getLogger(__name__)


def check_parts(train: Dataset, validation: Dataset | None, batch_size: int) -> Dataset | None:
    """Return validation with the class numbers of train; refuse sets that cannot be used."""
    _check_part("train", train)
    if np.count_nonzero(list(train.class_counts.values())) < 2:
        only = train.class_names[int(train.labels[0])]
        raise DataError(
            f"train must have photos of at least two classes, got {counted(len(train), 'photo')} "
            f"of {only!r} alone; add photos of another class",
            code="one-class",
            parameter="train",
        )
    if len(train) < batch_size:
        _logger.warning(
            "train has %d photos, fewer than one batch of %d, so an epoch is a single step; a "
            "smaller batch_size learns more in an epoch",
            len(train),
            batch_size,
        )
    _warn_of_empty_classes(train)
    if validation is None:
        return None
    _check_part("validation", validation)
    validation = aligned(validation, train.class_names, parameter="validation", of="train")
    _check_same(train, validation)
    return validation


def _warn_of_empty_classes(train: Dataset) -> None:
    empty = [name for name, count in train.class_counts.items() if count == 0]
    if empty:
        warnings.warn(
            TrainingWarning(
                f"train has no photo of {listed(empty)}, so the model cannot learn that class; add "
                "photos, or leave the class out with Dataset.select",
                code="missing-class",
                parameter="train",
            ),
            stacklevel=5,
        )


def _check_part(name: str, part: Dataset) -> None:
    if len(require_dataset(name, part)) == 0:
        raise DataError(f"{name} has no photos; give at least one", code="empty", parameter=name)


def _check_same(train: Dataset, validation: Dataset) -> None:
    for name in ("image_size", "resize"):
        first, second = getattr(train, name), getattr(validation, name)
        if first != second:
            raise DataError(
                f"validation must have the {name} of train, {first!r}, got {second!r}; pass "
                "validation.resized(train.image_size, resize=train.resize)",
                code="inconsistent",
                parameter="validation",
            )
    rules = [crop_rule_of(part.table.source) for part in (train, validation)]
    crops = [(rule.context, rule.shape) for rule in rules if rule is not None]
    if len(set(crops)) > 1:
        raise DataError(
            "validation must have the crop rule of train, context and shape "
            f"{crops[0]}, got {crops[1]}; pass the same to Dataset.from_boxes",
            code="inconsistent",
            parameter="validation",
        )
    if np.count_nonzero(list(validation.class_counts.values())) < 2:
        warnings.warn(
            TrainingWarning(
                f"all photos of validation are "
                f"{validation.class_names[int(validation.labels[0])]!r}, so its accuracy says "
                "little; validate on photos of every class",
                code="one-class",
                parameter="validation",
            ),
            stacklevel=5,
        )


def resolve_leaks(
    train: Dataset, validation: Dataset | None, on_leak: OnLeak
) -> tuple[Dataset, Dataset | None, tuple[Leak, ...]]:
    """Return both sets after data leakage is handled as `on_leak` specifies, and the leaks."""
    if validation is None:
        return train, None, ()
    splits = Splits(train=train, validation=validation, on_leak=on_leak)
    return splits.train, splits.validation, tuple(splits.leaks)


def check_model(model: keras.Model, train: Dataset) -> None:
    """Refuse a model whose input or output does not match the photos or their classes."""
    if not isinstance(model, load_keras().Model):
        _refuse_wrapped(model)
        raise ModelError(
            f"model must be a keras.Model, not {type(model).__name__}; build one with build_model",
            code="wrong-type",
            parameter="model",
        )
    height, width = train.image_size
    if not model.built:
        model.build((None, height, width, 3))
    _check_input(model, height, width)
    got = getattr(model, "output_shape", None)
    if not isinstance(got, tuple) or len(got) != 2 or got[1] != len(train.class_names):
        raise ModelError(
            f"the model gives outputs of shape {got} for {len(train.class_names)} classes "
            f"({listed(train.class_names)}); it must end in one probability a class, so build it "
            f"with num_classes={len(train.class_names)}",
            code="wrong-shape",
            parameter="model",
        )


def _refuse_wrapped(model: object) -> None:
    """Refuse a model in a wrapper of torch, which would train it on several devices."""
    kind = type(model).__name__
    if kind in ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel"):
        raise ModelError(
            f"model must be a keras.Model, got one in a {kind} of torch, but fit trains on one "
            "device with torch; pass the keras.Model, or set KERAS_BACKEND=jax or tensorflow to "
            "use several devices",
            code="not-supported",
            parameter="model",
        )


def check_probabilities(model: keras.Model, train: Dataset) -> None:
    """Refuse a custom model whose outputs are not probabilities.

    The outputs for one photo are enough to find out. Without this check, a long training would end
    with a model that no `Classifier` accepts.
    """
    spec = spec_of(model)
    if spec is not None and is_builtin(spec.architecture):
        return
    ops = load_keras().ops
    rows = model(train.read_batch(np.array([0])), training=False)
    scores = np.asarray(ops.convert_to_numpy(ops.cast(rows, "float32")))
    total = float(scores.sum())
    if math.isfinite(total) and (scores.min() < 0 or not math.isclose(total, 1, abs_tol=1e-2)):
        raise ModelError(
            "the model's outputs are not probabilities that sum to 1, for the first photo they are "
            f"{scores[0, :5].tolist()}; end it in a softmax, and compile it with a loss that takes "
            "probabilities (from_logits=False)",
            code="not-probabilities",
            parameter="model",
        )


def _check_input(model: keras.Model, height: int, width: int) -> None:
    shape = getattr(model, "input_shape", None)
    wanted = (height, width, 3)
    fits = (
        isinstance(shape, tuple)
        and len(shape) == 4
        and all(side in (None, want) for side, want in zip(shape[1:], wanted, strict=True))
    )
    if not fits:
        raise ModelError(
            f"the model takes {shape}, but the photos are {wanted}; give build_model and the "
            "dataset the same image_size",
            code="wrong-shape",
            parameter="model",
        )
