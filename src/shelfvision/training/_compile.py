"""Giving a model its optimizer, loss and metrics, unless the caller already has."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from shelfvision.errors import InvalidParameterError, TrainingError
from shelfvision.models import spec_of
from shelfvision.models._backend import TRAINABLE, backend_name, load_keras

if TYPE_CHECKING:
    import keras

    from shelfvision.training._trainer import Trainer

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


def compile_for(trainer: Trainer, model: keras.Model) -> None:
    """Compile the model with the trainer's settings unless the caller compiled it."""
    keras = load_keras()
    if model.compiled and model.optimizer not in _OURS:
        _refuse_ignored_settings(trainer)
    else:
        model.compile(
            optimizer=_optimizer(trainer),
            loss=_loss(trainer, model),
            metrics=[_accuracy(_loss(trainer, model))],
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
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return "sparse" in name.lower()


def _accuracy(loss: object) -> keras.metrics.Metric:
    metrics = load_keras().metrics
    if _is_sparse(loss):
        return metrics.SparseCategoricalAccuracy(name="accuracy")
    return metrics.CategoricalAccuracy(name="accuracy")


def _refuse_ignored_settings(trainer: Trainer) -> None:
    plain = type(trainer)()
    for name in ("optimizer", "learning_rate", "loss"):
        if getattr(trainer, name) != getattr(plain, name):
            raise InvalidParameterError(
                f"the model is already compiled, so {name}={getattr(trainer, name)!r} would have "
                f"no effect; pass the model uncompiled, or leave {name} out"
            )


def _optimizer(trainer: Trainer) -> keras.optimizers.Optimizer:
    optimizers = load_keras().optimizers
    try:
        found = optimizers.get(trainer.optimizer)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"optimizer {trainer.optimizer!r} is none that Keras has; give a name such as 'adam' "
            "or 'sgd', or an instance of keras.optimizers.Optimizer"
        ) from error
    # A fresh one every time: an optimizer belongs to one model for good.
    config = found.get_config()
    if trainer.learning_rate is not None:
        config["learning_rate"] = trainer.learning_rate
    return type(found).from_config(config)


def _loss(trainer: Trainer, model: keras.Model) -> object:
    if trainer.loss == "auto":
        spec = spec_of(model)
        of_article = spec is not None and spec.architecture == "grocery_cnn"
        return "binary_crossentropy" if of_article else "categorical_crossentropy"
    try:
        load_keras().losses.get(trainer.loss)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"loss {trainer.loss!r} is none that Keras has; give a name such as "
            "'categorical_crossentropy', or an instance of keras.losses.Loss"
        ) from error
    return trainer.loss
