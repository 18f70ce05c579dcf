"""Check that labels match the loss and metrics of a model that the caller has compiled.

Labels are class numbers for a sparse loss, and one-hot rows for any other loss. Metrics of the
other kind would misinterpret the labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision._validation import listed
from shelfvision.data import Dataset
from shelfvision.errors import TrainingError, TrainingWarning
from shelfvision.training.loop._compile import uses_class_numbers

if TYPE_CHECKING:
    import keras

_OF_NUMBERS = frozenset(
    {"sparsecategoricalaccuracy", "sparsecategoricalcrossentropy", "sparsetopkcategoricalaccuracy"}
)
_OF_ROWS = frozenset(name.removeprefix("sparse") for name in _OF_NUMBERS)


def check_labels(model: keras.Model, train: Dataset) -> None:
    """Refuse a loss or metrics that do not match the labels."""
    sparse = uses_class_numbers(model)
    wrong = [
        name for name in _metrics(model) if _plain(name) in (_OF_ROWS if sparse else _OF_NUMBERS)
    ]
    if wrong:
        got, wanted = ("class numbers", "one-hot rows") if sparse else ("one-hot rows", "numbers")
        raise TrainingError(
            f"the model is compiled with a loss that takes {got} as labels, but {listed(wrong)} "
            f"would take the same labels for {wanted}; compile it with a metric of the loss's "
            "kind, or with metrics=['accuracy']",
            code="wrong-metrics",
            parameter="model",
        )
    _warn_of_logits(model)
    if model.loss is not None and _is_plain(model):
        _try_loss(model, train, sparse=sparse)


def _try_loss(model: keras.Model, train: Dataset, *, sparse: bool) -> None:
    ops = load_keras().ops
    row = np.array([0])
    images = ops.convert_to_tensor(train.read_batch(row))
    labels = train.labels[row] if sparse else train.one_hot()[row]
    scores = model(images, training=False)
    try:
        model.compute_loss(images, ops.convert_to_tensor(labels), scores)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        given = "class numbers" if sparse else "one-hot rows, because its name lacks 'sparse'"
        raise TrainingError(
            f"the loss that the model is compiled with gets {given}, of shape {labels.shape}, and "
            f"cannot take them ({reason}); compile the model with a loss of Keras's by name",
            code="wrong-loss",
            parameter="model",
        ) from error


def _is_plain(model: keras.Model) -> bool:
    """Return whether the model uses the training step and loss computation of Keras."""
    base = load_keras().Model
    return all(
        getattr(type(model), name) is getattr(base, name) for name in ("train_step", "compute_loss")
    )


def _warn_of_logits(model: keras.Model) -> None:
    config = model.loss.get_config() if hasattr(model.loss, "get_config") else {}
    if config.get("from_logits"):
        warnings.warn(
            TrainingWarning(
                "the model is compiled with a loss that has from_logits=True, but its outputs are "
                "probabilities, so it would learn poorly; compile it with from_logits=False",
                code="from-logits",
                parameter="model",
            ),
            stacklevel=4,
        )


def _metrics(model: keras.Model) -> list[str]:
    """Return the names of the compiled metrics, or an empty list if Keras cannot report them."""
    try:
        config = model.get_compile_config()
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return []
    return [*_names(config.get("metrics")), *_names(config.get("weighted_metrics"))]


def _names(config_part: object) -> Iterator[str]:
    if isinstance(config_part, str):
        yield config_part
    elif isinstance(config_part, Mapping) and isinstance(config_part.get("class_name"), str):
        config = config_part.get("config")
        yield config if isinstance(config, str) else config_part["class_name"]
    elif isinstance(config_part, Mapping | Sequence):
        for part in config_part.values() if isinstance(config_part, Mapping) else config_part:
            yield from _names(part)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
