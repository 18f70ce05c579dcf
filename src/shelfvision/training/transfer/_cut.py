"""Cut a model in two: frozen layers below the cut, trainable layers above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._keras.layers import head_of, require_one_input
from shelfvision._validation import listed
from shelfvision.errors import ModelError
from shelfvision.models import cut_points

if TYPE_CHECKING:
    import keras

LOWER_SHARE = 0.6
"""Largest share of the layers with kernels below the cut of ``"partial"``."""
_NOISE = ("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise")
_NOISE_IN_SPACE = ("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")


def cut_for(model: keras.Model, place: str) -> keras.KerasTensor:
    """Return the tensor at the cut for ``"head"``, ``"partial"`` or the name of a layer."""
    if place == "head":
        return _below_head(model)
    if place == "partial":
        return model.get_layer(_top(model)).output
    names = [layer.name for layer in model.layers]
    if place not in names:
        raise ModelError(
            f"fine_tune is {place!r}, but the model {model.name!r} has no such layer; give 'head', "
            f"'partial', 'full' or one of {listed(cut_points(model), limit=30)}",
            code="unknown-name",
            parameter="fine_tune",
        )
    return model.get_layer(place).output


def parts_of(model: keras.Model, place: str) -> tuple[keras.Model, keras.Model]:
    """Return the models below and above the cut. They share the layers of the original model."""
    keras = load_keras()
    cut = cut_for(model, place)
    if any(cut is output for output in model.outputs):
        raise ModelError(
            f"fine_tune is {place!r}, above which the model {model.name!r} has nothing that could "
            "learn; give 'head', 'partial', 'full' or one of "
            f"{listed(cut_points(model), limit=30)}",
            code="nothing-to-train",
            parameter="fine_tune",
        )
    try:
        below = keras.Model(model.inputs[0], cut)
        above = keras.Model(cut, model.outputs[0], name=f"{model.name}_above")
        require_one_input(above)
    except ValueError as error:
        raise ModelError(
            f"fine_tune is {place!r}, where the model {model.name!r} cannot be cut in two, because "
            f"something leads past it; give 'full' or one of {listed(cut_points(model), limit=30)}",
            code="cannot-be-cut",
            parameter="fine_tune",
        ) from error
    _require_plain(below, place)
    return below, above


def _require_plain(below: keras.Model, place: str) -> None:
    shape = below.output_shape
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise ModelError(
            f"fine_tune is {place!r}, where the model gives {shape}, and only arrays of one fixed "
            "shape can be kept; cut it at another layer",
            code="cannot-be-cut",
            parameter="fine_tune",
        )


def _below_head(model: keras.Model) -> keras.KerasTensor:
    """Return the input of the last dense layer, before dropout and noise layers."""
    layers = load_keras().layers
    noise = tuple(getattr(layers, name) for name in (*_NOISE, *_NOISE_IN_SPACE))
    head = head_of(model)
    if head is None:
        raise ModelError(
            f"fine_tune is 'head', but the model {model.name!r} has no dense layer that can be "
            "seen; build it with keras.Model(inputs, outputs) and a Dense layer at the end",
            code="cannot-be-cut",
            parameter="fine_tune",
        )
    tensor = head.input
    makers = {id(layer.output): layer for layer in model.layers if isinstance(layer, noise)}
    while id(tensor) in makers:
        tensor = makers[id(tensor)].input
    return tensor


def _top(model: keras.Model) -> str:
    """Return the last cut point with at most `LOWER_SHARE` of the layers with kernels below it."""
    names = [layer.name for layer in model.layers]
    weighty = [_is_weighty(layer) for layer in model.layers]
    limit = LOWER_SHARE * sum(weighty)
    found = [p for p in cut_points(model) if 0 < sum(weighty[: names.index(p) + 1]) <= limit]
    if not found:
        raise ModelError(
            f"fine_tune is 'partial', but the model {model.name!r} has no place in its lower part "
            "where a single tensor carries everything; give 'head' or 'full'",
            code="cannot-be-cut",
            parameter="fine_tune",
        )
    return found[-1]


def _is_weighty(layer: keras.layers.Layer) -> bool:
    """Return whether a layer has kernels, in contrast to scales and biases only."""
    return any(len(weight.shape) > 1 for weight in layer.weights)
