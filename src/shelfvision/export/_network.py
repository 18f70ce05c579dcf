"""Convert the network of a classifier to the forms that the formats write.

A format takes the network either as a TensorFlow function whose weights are constants (`Traced`) or
as a copy of the Keras model. A calibration by one temperature becomes part of the function.
"""

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
    """A network with fixed weights, and the card of the exported file."""

    source: Source
    """The classifier."""
    card: Card
    """The description that the exported file contains."""
    temperature_in_weights: bool
    """Whether the weights of the last layer are divided by the calibration's temperature."""

    def traced(self) -> Traced:
        """Return the network as a TensorFlow function, with the calibration of `card`."""
        return _traced(self)

    def keras_model(self) -> keras.Model:
        """Return a copy of the network as a Keras model, without calibration."""
        return _copied(self.source)


def fixed_network(source: Source, kind: Format, quantize: str | None) -> FixedNetwork:
    """Return the network to write, and decide where its calibration is applied.

    A calibration by one temperature becomes part of the graph: the graph divides the logarithms of
    the probabilities by it. If activations are quantized to 8 bits, probabilities have only 256
    levels, and this division would not restore the lost resolution. The weights of the last layer
    are then divided by the temperature instead.
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
    """Inline the functions that layers call into the traced graph.

    Keras compiles grouped convolutions as separate functions, which the converters do not support.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(run_eagerly=True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(run_eagerly=before)


def _without_captures(tf: ModuleType, function: Foreign, signature: Foreign) -> Foreign:
    """Return a function whose only input is the images.

    TensorFlow also lists tensors that layers created outside the graph as inputs, such as the means
    of a Normalization layer. Importing the graph again turns them into constants.
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
    """Return the weights, with those of the last layer divided by the temperature.

    The last layer is linear before its softmax, so this divides its logits by the temperature.
    """
    model, keras = source.model, load_keras()
    last = model.layers[-1] if getattr(model, "layers", None) else None
    softmax = isinstance(last, keras.layers.Dense) and last.activation is keras.activations.softmax
    if last is None or not softmax:
        raise ExportError(
            "the last layer of a calibrated classifier must be Dense with softmax to export it "
            f"with quantize='int8', that of {model.name!r} is not; export it with "
            "quantize='dynamic'",
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
            f"Keras cannot copy the model {source.model.name!r}: {error}; implement get_config "
            "in its layers",
            code="not-supported",
        ) from error
    assign(model.weights, source.values)
    return model
