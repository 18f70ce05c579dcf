"""The network of a classifier with its weights fixed, as formats write it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import load_keras
from shelfvision._keras.dtype_policy import float32_policy
from shelfvision._keras.weights import assign
from shelfvision._runtime.card import INPUT, OUTPUT, Card
from shelfvision._runtime.formats.format import Foreign, Format, Traced
from shelfvision._validation import import_extra
from shelfvision.errors import ExportError
from shelfvision.export._source import Source

if TYPE_CHECKING:
    import keras

_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedNetwork:
    """A network whose weights no longer change, with the card of the file that it becomes."""

    source: Source
    """The classifier."""
    card: Card
    """What the file will say about itself."""
    temperature_in_weights: bool
    """Whether the calibration's temperature goes into the last layer's weights."""

    def traced(self) -> Traced:
        """Return the network as a function of TensorFlow, calibrated where the card says so."""
        return _traced(self)

    def keras_model(self) -> keras.Model:
        """Return a copy of the network as a model of Keras, without calibration."""
        return _copied(self.source)


def fixed_network(source: Source, kind: Format, quantize: str | None) -> FixedNetwork:
    """Return what is written; a calibration by one temperature goes into the graph.

    Where activations become whole numbers, probabilities have 256 steps, and dividing their
    logarithms would only spread the steps; the temperature then goes into the last layer's weights.
    """
    calibration = source.card.calibration
    single = calibration is not None and calibration.temperature is not None
    in_graph = kind.calibrated and single
    return FixedNetwork(
        source=source,
        card=replace(source.card, calibration_in_graph=in_graph, quantize=quantize),
        temperature_in_weights=in_graph and quantize is not None and kind.quantize[quantize],
    )


def _traced(network: FixedNetwork) -> Traced:
    keras, tf = load_keras(), import_extra("tensorflow", extra="export", purpose="export")
    source, calibration = network.source, network.card.calibration
    values, temperature = source.values, None
    if calibration is not None and network.card.calibration_in_graph:
        temperature = calibration.temperature
    if network.temperature_in_weights and temperature is not None:
        values, temperature = _with_temperature(source, temperature), None
    pairs = list(zip(source.model.weights, values, strict=True))

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
    with _functions_inlined(tf):
        function = _without_captures(tf, function, signature)
    return Traced(function=function, signature=signature, tensorflow=tf)


@contextlib.contextmanager
def _functions_inlined(tf: ModuleType) -> Iterator[None]:
    """Let functions that layers call become part of the graph that is traced.

    Keras compiles convolutions in groups as functions of their own, which converters do not know.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(run_eagerly=True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(run_eagerly=before)


def _without_captures(tf: ModuleType, function: Foreign, signature: Foreign) -> Foreign:
    """Return a function that takes images only.

    Tensors that layers made outside of the graph, such as the means of a Normalization layer, are
    constants of the graph, but TensorFlow lists them as inputs, too.
    """
    traced = function.get_concrete_function()
    if all(tensor.dtype == tf.resource for tensor in traced.captured_inputs):
        return function
    graph = traced.graph.as_graph_def()
    taken, given = traced.inputs[0].name, traced.outputs[0].name

    def program(image: Foreign) -> dict[str, Foreign]:
        (rows,) = tf.graph_util.import_graph_def(graph, {taken: image}, [given], name="")
        return {OUTPUT: rows}

    return tf.function(program, input_signature=signature, autograph=False)


def _with_temperature(source: Source, temperature: float) -> Sequence[npt.NDArray[np.generic]]:
    """Return weights under which the last layer's logits are divided by the temperature."""
    model, keras = source.model, load_keras()
    last = model.layers[-1] if getattr(model, "layers", None) else None
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
        np.asarray(np.divide(value, temperature), dtype=value.dtype)
        if id(variable) in own
        else value
        for variable, value in zip(model.weights, source.values, strict=True)
    ]


def _copied(source: Source) -> keras.Model:
    try:
        with float32_policy():
            model = load_keras().models.clone_model(source.model)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ExportError(
            f"Keras cannot copy the model {source.model.name!r}: {error}; give its layers a "
            "get_config",
            code="not-supported",
        ) from error
    assign(model.weights, source.values)
    return model
