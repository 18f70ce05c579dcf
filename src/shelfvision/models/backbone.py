"""The parts of a model: where it can be cut in two, and the backbone before its last layer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision._keras.layers import backbone_weights, head_of
from shelfvision._keras.weights import named_weights
from shelfvision._storage import atomic_writer
from shelfvision._storage.safetensors import DIGESTS, tensor_digests, write
from shelfvision._validation import as_path
from shelfvision.errors import ModelError
from shelfvision.models.registry import architecture_for
from shelfvision.models.spec import spec_of

if TYPE_CHECKING:
    import keras


def cut_points(model: keras.Model) -> tuple[str, ...]:
    """Return the names of the layers behind which a model can be cut in two, in order.

    At each of them a single tensor carries everything from what comes before to what comes
    after: it can be computed once and kept, and what comes before be left as it is.

    Parameters
    ----------
    model : keras.Model
        A functional model with one input and one output, such as ``build_model`` gives.

    Returns
    -------
    tuple of str
        The names of layers, without the first and the last. Of an EfficientNet-Lite only the
        stem, the end of each block, the top and the pooled features; of other networks every
        layer at which the graph is one tensor wide.

    Raises
    ------
    ModelError
        The model is not made of layers that can be seen.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.models import cut_points
    >>> cut_points(shv.build_model(5, architecture="efficientnet_lite0"))[:4]
    ('stem_relu', 'block_1_project_norm', 'block_2_project_norm', 'block_3_add')
    """
    spec = spec_of(model)
    cuts = None if spec is None else architecture_for(spec).cuts
    if spec is not None and cuts is not None:
        return cuts(spec)
    if not hasattr(model, "operations"):
        raise ModelError(
            f"the model {model.name!r} cannot be cut, for its layers cannot be seen; build it with "
            "keras.Model(inputs, outputs)",
            code="not-functional",
            parameter="model",
        )
    layers = {layer.name for layer in model.layers[1:-1]}
    return tuple(name for name in single_tensor_layers(model) if name in layers)


def freeze_backbone(model: keras.Model) -> None:
    """Freeze every layer but the last dense one; batch norms then keep their statistics.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model.

    Raises
    ------
    ModelError
        The model has no dense layer that can be seen.
    """
    head = _require_head(model)
    for layer in model.layers:
        layer.trainable = layer is head


def save_backbone(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write all weights but the last dense layer's to a safetensors file.

    ``build_model(…, weights=path)`` takes the file for any number of classes and any size of
    images: to carry pretrained weights to a machine without a network, or to start from what
    was learned on other products.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model.
    path : path-like
        Where to. A file that stands there is replaced at once when all is written.

    Raises
    ------
    ModelError
        The model has no dense layer that can be seen.
    StorageError
        The file cannot be written; whatever stood there is unchanged.
    """
    _require_head(model)
    body = {id(weight) for weight in backbone_weights(model)}
    convert = load_keras().ops.convert_to_numpy
    tensors = {
        name: np.array(convert(weight.value))
        for name, weight in named_weights(model).items()
        if id(weight) in body
    }
    with atomic_writer(as_path(path)) as file:
        write(file, tensors, {DIGESTS: tensor_digests(tensors)})


def _require_head(model: keras.Model) -> keras.layers.Dense:
    head = head_of(model)
    if head is None:
        raise ModelError(
            f"the model {model.name!r} has no dense layer that can be seen; build it with "
            "keras.Model(inputs, outputs) and a Dense layer at the end",
            code="no-dense-layer",
            parameter="model",
        )
    return head


def single_tensor_layers(model: keras.Model) -> list[str]:
    """Return the operations of a graph after which only their own output is still needed."""
    flatten = load_keras().tree.flatten
    needed_by: dict[int, int] = {}
    for number, operation in enumerate(model.operations):
        needed_by |= {id(tensor): number for tensor in flatten(operation.input)}
    live: set[int] = set()
    found = []
    for number, operation in enumerate(model.operations):
        outputs = {id(tensor) for tensor in flatten(operation.output)}
        live = {tensor for tensor in live | outputs if needed_by.get(tensor, -1) > number}
        if live == outputs and len(outputs) == 1:
            found.append(operation.name)
    return found
