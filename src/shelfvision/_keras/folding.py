"""Fold batch normalization into the convolution before it, which saves a pass over the pixels.

In inference, batch normalization multiplies each channel by a constant and adds another (Ioffe and
Szegedy 2015, algorithm 2). The kernel of the convolution takes the factor, and the normalization
gets values with which it only adds. The model and its weights stay as they are. Compilers do this
for ordinary convolutions, but not for depthwise ones.

With the mean m, the variance v, the scale g and the offset b of a channel, the normalization of the
output w x of a convolution is ``g (w x - m) / sqrt(v + e) + b``. With ``f = g / sqrt(v + e)`` this
equals ``(f w) x - f m + b``. So the kernel becomes f w and the mean f m, while the scale and
``v + e`` become 1. For example w = 2, m = 1, v + e = 4 and g = 6 have f = 3: 6 x - 3 + b.

S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
covariate shift", ICML 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import load_keras

if TYPE_CHECKING:
    import keras

Values: TypeAlias = dict[int, npt.NDArray[np.generic]]
"""The values of variables by their `id`."""
Pairs: TypeAlias = "Sequence[tuple[keras.Variable, npt.NDArray[np.generic]]]"
# Part of the configuration of a model: JSON values and objects of Keras.
Config: TypeAlias = Any


def with_folded_norms(model: keras.Model, pairs: Pairs) -> Pairs:
    """Return other values for a model's variables, which give the same outputs in fewer steps.

    Outputs differ in rounding only. Values stay the same where the output of a convolution is used
    in a second place, or the layers are not those of Keras itself.
    """
    values = {id(variable): value for variable, value in pairs}
    # Weights that are too large or no numbers keep their values.
    with np.errstate(all="ignore"):
        for convolution, normalization in _couples(model):
            values |= _together(convolution, normalization, values)
    return [(variable, values[id(variable)]) for variable, _ in pairs]


def _couples(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, keras.layers.Layer]]:
    """Yield each convolution whose only use is by a batch normalization, and that layer."""
    inputs, outputs = _links(model)
    # An operation of keras.ops has a place in the graph, but is no layer.
    layers = {layer.name: layer for layer in model.layers}
    uses = [name for taken in inputs.values() for name in taken] + outputs
    for name, taken in inputs.items():
        if len(taken) == 1 and uses.count(taken[0]) == 1 and len(inputs.get(taken[0], ())) == 1:
            convolution, normalization = layers.get(taken[0]), layers.get(name)
            if convolution and normalization and _fits(convolution, normalization):
                yield convolution, normalization


def _links(model: keras.Model) -> tuple[dict[str, list[str]], list[str]]:
    """Return the layers that each layer takes inputs from, and the layers of the outputs."""
    if isinstance(model, load_keras().Sequential):
        names = [layer.name for layer in model.layers]
        before = ["", *names]
        return {name: [taken] for name, taken in zip(names, before, strict=False)}, names[-1:]
    try:
        config = model.get_config()
        layers = {layer["name"]: layer["inbound_nodes"] for layer in config["layers"]}
        outputs = config["output_layers"]
    except (KeyError, TypeError, ValueError, NotImplementedError):
        return {}, []  # a subclass of keras.Model, or a layer without a configuration
    return {name: list(_sources(nodes)) for name, nodes in layers.items()}, list(_names(outputs))


def _sources(node: Config) -> Iterator[str]:
    """Yield the name of the layer behind each tensor in the arguments of a layer's calls."""
    if isinstance(node, dict):
        if "keras_history" in node:
            yield node["keras_history"][0]
        node = list(node.values())
    if isinstance(node, list | tuple):
        for part in node:
            yield from _sources(part)


def _names(outputs: Config) -> Iterator[str]:
    """Yield each text in nested lists; numbers are those of calls and tensors."""
    if isinstance(outputs, str):
        yield outputs
    elif isinstance(outputs, list | tuple):
        for part in outputs:
            yield from _names(part)


def _fits(convolution: keras.layers.Layer, normalization: keras.layers.Layer) -> bool:
    """Return whether two layers are a linear convolution and a normalization of its channels."""
    keras = load_keras()
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    if type(convolution) not in kinds or type(normalization) is not keras.layers.BatchNormalization:
        return False
    axis = 1 if convolution.data_format == "channels_first" else 3
    return (
        convolution.activation is keras.activations.linear
        and len(convolution.weights) == 1 + convolution.use_bias
        and normalization.axis % 4 == axis
    )


def _together(
    convolution: keras.layers.Layer, normalization: keras.layers.Layer, values: Values
) -> Values:
    """Return new values for the variables of both layers, or none if they cannot be folded."""
    mean, variance = normalization.moving_mean, normalization.moving_variance
    own = [*convolution.weights, *normalization.weights]
    if any(id(v) not in values or values[id(v)].dtype != np.float32 for v in own):
        return {}
    scale = 1 / np.sqrt(_wide(values[id(variance)]) + normalization.epsilon)
    if normalization.scale:
        scale = scale * _wide(values[id(normalization.gamma)])
    new: dict[int, npt.NDArray[np.float64]] = {
        # The order of channels of a depthwise convolution is that of the last two axes.
        id(v): _wide(values[id(v)]) * scale.reshape(_last_axes(convolution, v))
        for v in convolution.weights
    }
    new[id(mean)] = _wide(values[id(mean)]) * scale
    new[id(variance)] = np.full_like(scale, 1 - normalization.epsilon)
    if normalization.scale:
        new[id(normalization.gamma)] = np.ones_like(scale)
    narrow = {key: value.astype(np.float32) for key, value in new.items()}
    return narrow if all(np.isfinite(value).all() for value in narrow.values()) else {}  # type: ignore[return-value]  # float32 is a generic


def _last_axes(convolution: keras.layers.Layer, variable: keras.Variable) -> tuple[int, ...]:
    """Return the shape of the axes of a kernel or a bias that belong to output channels."""
    depthwise = isinstance(convolution, load_keras().layers.DepthwiseConv2D)
    return tuple(variable.shape[-2:] if depthwise and len(variable.shape) == 4 else (-1,))


def _wide(value: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    return np.asarray(value, dtype=np.float64)
