"""Mixed precision for one model during training.

The global policy of Keras does not change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision.errors import ModelError

if TYPE_CHECKING:
    import keras

MixedPrecision: TypeAlias = Literal["float16", "bfloat16"]
"""Type of computations. Weights remain float32."""
MIXED_PRECISION = ("float16", "bfloat16")


@contextlib.contextmanager
def computing_in(mixed: MixedPrecision | None, model: keras.Model) -> Iterator[None]:
    """Set the type of computations of a model; weights and probabilities remain float32.

    At the end, all layers get their original policies back.
    """
    if mixed is None:
        yield
        return
    layers = [model, *_layers_of(model)]
    last = _last_of(model)
    before = [layer.dtype_policy for layer in layers]
    for layer in layers:
        if layer is not last and layer.dtype_policy.name == "float32":
            layer.dtype_policy = f"mixed_{mixed}"
    try:
        _require_whole_probabilities(mixed, model)
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy
        # The functions that Keras has compiled compute in the other type.
        model.train_function = model.test_function = model.predict_function = None


def _layers_of(model: keras.Model) -> list[keras.layers.Layer]:
    """Return all layers of a model, including those of nested models."""
    found = []
    for layer in model.layers:
        found += [layer, *(_layers_of(layer) if hasattr(layer, "layers") else ())]
    return found


def _last_of(model: keras.Model) -> keras.layers.Layer:
    last = model.layers[-1]
    return _last_of(last) if getattr(last, "layers", ()) else last


def _require_whole_probabilities(mixed: MixedPrecision, model: keras.Model) -> None:
    shape = [side or 32 for side in model.input_shape[1:]]
    rows = model(np.zeros((1, *shape), model.inputs[0].dtype), training=False)
    kind = load_keras().backend.standardize_dtype(rows.dtype)
    if kind != "float32":
        raise ModelError(
            f"with mixed_precision={mixed!r}, the model's probabilities would be {kind}, which is "
            "too coarse to learn from; make its last layer with dtype='float32'",
            code="wrong-type",
            parameter="model",
        )
