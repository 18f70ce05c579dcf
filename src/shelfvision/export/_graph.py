"""The network with frozen weights and its calibration, as one function of tensorflow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import float32_policy, load_keras
from shelfvision._validation import import_extra
from shelfvision.errors import ExportError
from shelfvision.export._card import INPUT, OUTPUT, Card
from shelfvision.export._source import Pairs, Source

if TYPE_CHECKING:
    import keras

# Tensorflow's own objects, which have no types here.
Foreign: TypeAlias = Any

_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """A function of tensorflow, ready to be written in another format."""

    function: Foreign
    """From pixels to ``{"probabilities": rows}``."""
    signature: Foreign
    """What it takes."""
    card: Card
    """What the file will say, the calibration's place included."""


def traced(source: Source, *, quantize: str | None) -> Graph:
    """Return the graph of a classifier; one temperature for all classes goes into it.

    Where activations become whole numbers, probabilities have 256 steps, and dividing their
    logarithms would only spread the steps; the temperature then goes into the last layer's weights.
    """
    keras, tf = load_keras(), import_extra("tensorflow", extra="export", purpose="export")
    calibration, pairs = source.card.calibration, source.pairs
    temperature = None if calibration is None else calibration.temperature
    if temperature is not None and quantize == "int8":
        pairs, temperature = _cooled_weights(source.model, pairs, temperature), None

    def program(image: Foreign) -> dict[str, Foreign]:
        state = [(variable, tf.constant(value)) for variable, value in pairs]
        with float32_policy(), keras.StatelessScope(state_mapping=state):
            rows = keras.ops.cast(source.model(image, training=False), "float32")
        if temperature is not None:
            rows = tf.nn.softmax(tf.math.log(tf.maximum(rows, _SMALLEST)) / temperature)
        return {OUTPUT: rows}

    shape = [None, *source.card.image_size, 3]
    signature = [tf.TensorSpec(shape, tf.uint8, name=INPUT)]
    function = tf.function(program, input_signature=signature, autograph=False)
    inside = calibration is not None and calibration.temperature is not None
    card = replace(source.card, calibration_in_graph=inside, quantize=quantize)
    return Graph(function=function, signature=signature, card=card)


def _cooled_weights(model: keras.Model, pairs: Pairs, temperature: float) -> Pairs:
    """Return weights under which the last layer's logits are divided by the temperature."""
    last = model.layers[-1] if getattr(model, "layers", None) else None
    keras = load_keras()
    softmax = isinstance(last, keras.layers.Dense) and last.activation is keras.activations.softmax
    if last is None or not softmax:
        raise ExportError(
            "a calibrated classifier is exported to int8 where its last layer is a Dense layer "
            f"with softmax, which that of {model.name!r} is not; export it with quantize='dynamic'",
            code="not-supported",
            parameter="quantize",
        )
    own = {id(variable) for variable in last.weights}
    return [
        (variable, _divided(value, temperature) if id(variable) in own else value)
        for variable, value in pairs
    ]


def _divided(value: npt.NDArray[np.generic], by: float) -> npt.NDArray[np.generic]:
    return np.asarray(np.divide(value, by), dtype=value.dtype)
