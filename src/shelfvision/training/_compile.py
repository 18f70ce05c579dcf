"""Giving a model its optimizer, loss and metrics, unless the caller already has."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shelfvision.errors import InvalidParameterError, TrainingError
from shelfvision.models import spec_of
from shelfvision.models._backend import TRAINABLE, backend_name, load_keras
from shelfvision.training._settings import UNSET, Settings

if TYPE_CHECKING:
    import keras

# A model compiled here is compiled anew by the next Trainer, whose settings may differ.
_OURS: weakref.WeakSet[keras.optimizers.Optimizer] = weakref.WeakSet()


def require_backend() -> str:
    """Return the backend's name if it can train."""
    name = backend_name()
    if name not in TRAINABLE:
        raise TrainingError(
            f"the {name} backend of Keras cannot train; set KERAS_BACKEND to tensorflow, jax or "
            "torch before Python starts"
        )
    return name


def compile_for(settings: Settings, model: keras.Model) -> None:
    """Compile the model with the trainer's settings unless the caller compiled it."""
    keras = load_keras()
    if model.compiled and model.optimizer not in _OURS:
        _refuse_ignored_settings(settings)
        _require_loss(model)
    else:
        model.compile(
            optimizer=_optimizer(settings),
            loss=_loss(settings, model),
            metrics=[_accuracy(_loss(settings, model))],
        )
        _OURS.add(model.optimizer)
    if not isinstance(model.optimizer, keras.optimizers.Optimizer):
        raise TrainingError(
            "the model is compiled without an optimizer, so there is nothing to train it with; "
            "pass it uncompiled"
        )
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def uses_class_numbers(model: keras.Model) -> bool:
    """Return whether the compiled loss takes class numbers instead of one-hot rows."""
    return _is_sparse(model.loss)


def _is_sparse(loss: object) -> bool:
    if isinstance(loss, Mapping):
        loss = list(loss.values())
    if isinstance(loss, Sequence) and not isinstance(loss, str):
        return any(_is_sparse(part) for part in loss)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return "sparse" in name.lower()


def _accuracy(loss: object) -> keras.metrics.Metric:
    metrics = load_keras().metrics
    if _is_sparse(loss):
        return metrics.SparseCategoricalAccuracy(name="accuracy")
    return metrics.CategoricalAccuracy(name="accuracy")


def _refuse_ignored_settings(settings: Settings) -> None:
    for name, unset in UNSET.items():
        if getattr(settings, name) != unset:
            raise InvalidParameterError(
                f"the model is already compiled, so {name}={getattr(settings, name)!r} would have "
                f"no effect; pass the model uncompiled, or leave {name} out"
            )


def _require_loss(model: keras.Model) -> None:
    """Refuse a model that the caller compiled without anything to minimize."""
    computes_its_own = type(model).compute_loss is not load_keras().Model.compute_loss
    if model.loss is None and not model.losses and not computes_its_own:
        raise TrainingError(
            "the model is compiled without a loss, so there is nothing to minimize; pass it "
            "uncompiled, or compile it with a loss"
        )


def _optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    optimizers = load_keras().optimizers
    try:
        found = optimizers.get(settings.optimizer)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"optimizer {settings.optimizer!r} is none that Keras has; give a name such as 'adam' "
            "or 'sgd', or an instance of keras.optimizers.Optimizer"
        ) from error
    # A fresh one every time: an optimizer belongs to one model for good.
    config = found.get_config()
    if settings.learning_rate is not None:
        config["learning_rate"] = settings.learning_rate
    return type(found).from_config(config)


def _loss(settings: Settings, model: keras.Model) -> object:
    if settings.loss == "auto":
        spec = spec_of(model)
        of_article = spec is not None and spec.architecture == "grocery_cnn"
        return "binary_crossentropy" if of_article else "categorical_crossentropy"
    try:
        load_keras().losses.get(settings.loss)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"loss {settings.loss!r} is none that Keras has; give a name such as "
            "'categorical_crossentropy', or an instance of keras.losses.Loss"
        ) from error
    return settings.loss
