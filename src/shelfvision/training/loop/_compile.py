"""Compile a model with the optimizer, loss and metrics of a `Trainer`.

A model that the caller has compiled keeps its own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from shelfvision._keras.backend import TRAINABLE, backend_name, load_keras
from shelfvision._validation import listed
from shelfvision.errors import InvalidParameterError, TrainingError
from shelfvision.models import spec_of
from shelfvision.models.registry import loss_for
from shelfvision.training.loop._learning_rates import cosine, with_layer_decay
from shelfvision.training.settings._schedules import CosineSchedule, PlateauSchedule, Schedule
from shelfvision.training.settings._setting import changed_settings, names_of

if TYPE_CHECKING:
    import keras

    from shelfvision.training._trainer import Trainer

# Optimizers created here. The next Trainer compiles their models again, with its own settings.
_OURS: weakref.WeakSet[keras.optimizers.Optimizer] = weakref.WeakSet()


def require_backend() -> str:
    """Return the name of the Keras backend; refuse a backend that cannot train."""
    name = backend_name()
    if name not in TRAINABLE:
        raise TrainingError(
            f"the {name} backend of Keras cannot train; set KERAS_BACKEND to tensorflow, jax or "
            "torch before Python starts",
            code="backend-cannot-train",
        )
    return name


def compiled_by_caller(model: keras.Model) -> bool:
    """Return whether the caller, not a trainer, has compiled the model."""
    return bool(model.compiled) and model.optimizer not in _OURS


def compile_model(trainer: Trainer, model: keras.Model, *, steps: int) -> None:
    """Compile a model that is not compiled by the caller; refuse one without trainable weights.

    `steps` is the number of training steps in an epoch.
    """
    if not compiled_by_caller(model):
        optimizer = _optimizer(trainer, model, steps)
        loss = _loss(trainer.loss, model, label_smoothing=trainer.label_smoothing)
        model.compile(
            optimizer=optimizer,
            loss=loss,
            metrics=[_accuracy(loss)],
            steps_per_execution=_steps_per_execution(trainer.steps_per_execution),
        )
        _OURS.add(model.optimizer)
    _require_optimizer(model.optimizer, trainer.schedule)
    if not model.trainable_variables:
        raise TrainingError(
            "the model has nothing to train, because all its layers are frozen; set trainable on "
            "those that should learn",
            code="nothing-to-train",
            parameter="model",
        )
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _steps_per_execution(steps: int) -> int:
    if steps > 1 and backend_name() == "torch":
        raise InvalidParameterError(
            f"steps_per_execution is {steps}, but Keras runs one step at a time on torch; leave it "
            "out",
            code="not-supported",
            parameter="steps_per_execution",
        )
    return steps


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


def refuse_ignored_settings(trainer: Trainer) -> None:
    """Refuse settings that have no effect on a model that the caller has compiled."""
    chosen = changed_settings(trainer)
    for name in names_of(type(trainer), "compiled"):
        # A plateau schedule works with any optimizer.
        if name in chosen and not isinstance(chosen[name], PlateauSchedule):
            raise InvalidParameterError(
                f"the model is already compiled, so {name}={chosen[name]!r} would have no effect; "
                f"pass the model uncompiled, or leave {name} out",
                code="already-compiled",
                parameter=name,
            )


def _require_optimizer(optimizer: keras.optimizers.Optimizer, schedule: Schedule | None) -> None:
    """Refuse a model without an optimizer, or one with two learning-rate schedules."""
    if not isinstance(optimizer, load_keras().optimizers.Optimizer):
        raise TrainingError(
            "the model is compiled without an optimizer, so there is nothing to train it with; "
            "pass it uncompiled",
            code="no-optimizer",
            parameter="model",
        )
    rate = getattr(optimizer, "inner_optimizer", optimizer).get_config().get("learning_rate")
    if isinstance(schedule, PlateauSchedule) and not isinstance(rate, float | int):
        raise InvalidParameterError(
            "schedule is a PlateauSchedule, but the optimizer already has a learning-rate "
            "schedule, and the two conflict; leave one of them out",
            code="conflict",
            parameter="schedule",
        )


def require_loss(model: keras.Model) -> None:
    """Refuse a model that the caller has compiled without a loss."""
    computes_its_own = type(model).compute_loss is not load_keras().Model.compute_loss
    if model.loss is None and not model.losses and not computes_its_own:
        raise TrainingError(
            "the model is compiled without a loss, so there is nothing to minimize; pass it "
            "uncompiled, or compile it with a loss",
            code="no-loss",
            parameter="model",
        )


def _optimizer(trainer: Trainer, model: keras.Model, steps: int) -> keras.optimizers.Optimizer:
    """Return a new optimizer with the trainer's settings; Keras binds it to one model."""
    found = _optimizer_named(trainer.optimizer)
    config = found.get_config()
    changed: dict[str, object] = {}
    if trainer.learning_rate is not None:
        changed["learning_rate"] = trainer.learning_rate
    if isinstance(trainer.schedule, CosineSchedule):
        top = _top_of_cosine(changed.get("learning_rate", config.get("learning_rate")))
        schedule = cosine(trainer.schedule, top=top, epochs=trainer.epochs, steps=steps)
        changed["learning_rate"] = schedule
    if trainer.clipping is not None:
        changed |= trainer.clipping.to_keras()
    if trainer.weight_decay is not None:
        changed["weight_decay"] = trainer.weight_decay
    try:
        fresh = type(found).from_config(config | changed)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"the optimizer {type(found).__name__} cannot take {listed(changed)} ({error}); set "
            "that on the optimizer itself, or leave it out",
            code="not-supported",
            parameter="optimizer",
        ) from error
    optimizer = with_layer_decay(fresh, model, trainer.layer_decay)
    if trainer.weight_decay:
        # Weight decay applies to kernels only, not to biases and scales.
        spared = [variable for variable in model.trainable_variables if len(variable.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=spared)
    if trainer.mixed_precision == "float16":
        return load_keras().optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _optimizer_named(value: object) -> keras.optimizers.Optimizer:
    try:
        return load_keras().optimizers.get(value)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"optimizer {value!r} is none that Keras has; give a name such as 'adam' or 'sgd', or "
            "an instance of keras.optimizers.Optimizer",
            code="unknown-name",
            parameter="optimizer",
        ) from error


def _top_of_cosine(rate: object) -> float:
    if not isinstance(rate, float | int):
        raise InvalidParameterError(
            "schedule is a CosineSchedule, but the optimizer already has a learning-rate "
            "schedule; give learning_rate, the highest rate, or leave schedule out",
            code="conflict",
            parameter="schedule",
        )
    return float(rate)


def _loss(chosen: object, model: keras.Model, *, label_smoothing: float) -> object:
    if chosen == "auto":
        chosen = loss_for(spec_of(model))
    try:
        found = load_keras().losses.get(chosen)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"loss {chosen!r} is none that Keras has; give a name such as "
            "'categorical_crossentropy', or an instance of keras.losses.Loss",
            code="unknown-name",
            parameter="loss",
        ) from error
    return _smoothed(found, label_smoothing) if label_smoothing else chosen


def _smoothed(loss: object, share: float) -> keras.losses.Loss:
    """Return the same loss with label smoothing."""
    name = getattr(loss, "__name__", type(loss).__name__)
    if not hasattr(loss, "get_config"):
        # Keras names the function in snake case and the class of the same loss in camel case.
        kind = getattr(load_keras().losses, "".join(map(str.capitalize, name.split("_"))), None)
        loss = kind() if callable(kind) and "sparse" not in name else loss
    configure: Callable[[], dict[str, object]] = getattr(loss, "get_config", dict)
    config: Mapping[str, object] = configure()
    if "label_smoothing" not in config:
        raise InvalidParameterError(
            f"label_smoothing needs a crossentropy over one-hot rows, but the loss is {name}; give "
            "loss='categorical_crossentropy', or leave label_smoothing out",
            code="conflict",
            parameter="label_smoothing",
        )
    smoothed: type[keras.losses.Loss] = type(loss)
    return smoothed.from_config({**config, "label_smoothing": share})
