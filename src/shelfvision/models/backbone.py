"""Cut a model in two, and freeze or save its backbone, the layers below the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision._keras.layers import backbone_weights, head_of
from shelfvision._keras.weights import named_weights
from shelfvision._storage import atomic_writer
from shelfvision._storage.safetensors import DIGESTS, tensor_digests, write
from shelfvision.errors import ModelError
from shelfvision.models.registry import architecture_for
from shelfvision.models.spec import spec_of
from shelfvision.protocols import Location

if TYPE_CHECKING:
    import keras


def cut_points(model: keras.Model) -> tuple[str, ...]:
    """Return the names of the layers after which a model can be cut in two, in order.

    At a cut point all layers above depend on a single tensor of the layers below. If the layers
    below are frozen, this tensor can be computed once for each photo and reused.

    Parameters
    ----------
    model : keras.Model
        A functional model with one input and one output, as ``build_model`` returns it.

    Returns
    -------
    tuple of str
        The names of layers, without the first and the last. For an EfficientNet-Lite these are the
        stem, the end of each block, the top and the pooled features; for other networks, all
        layers after which the graph is one tensor wide.

    Raises
    ------
    ModelError
        The model is not functional.

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
            f"model must be functional to be cut, {model.name!r} is not; build it with "
            "keras.Model(inputs, outputs)",
            code="not-functional",
            parameter="model",
        )
    layers = {layer.name for layer in model.layers[1:-1]}
    return tuple(name for name in single_tensor_layers(model) if name in layers)


def freeze_backbone(model: keras.Model) -> None:
    """Freeze all layers but the last dense one, for linear probing.

    Frozen batch normalization layers do not update their statistics.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model.

    Raises
    ------
    ModelError
        The model has no dense layer.
    """
    head = _require_head(model)
    for layer in model.layers:
        layer.trainable = layer is head


def save_backbone(model: keras.Model, path: Location) -> None:
    """Write all weights except those of the last dense layer to a safetensors file.

    ``build_model(…, weights=path)`` loads the file for any number of classes and any image size.
    Use it to copy pretrained weights to a computer without internet access, or to fine-tune a
    network that was trained on other products.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model.
    path : path-like
        The path of the file. An existing file is replaced atomically.

    Raises
    ------
    ModelError
        The model has no dense layer.
    StorageError
        The file cannot be written; an existing file is unchanged.
    """
    _require_head(model)
    body = {id(weight) for weight in backbone_weights(model)}
    convert = load_keras().ops.convert_to_numpy
    tensors = {
        name: np.array(convert(weight.value))
        for name, weight in named_weights(model).items()
        if id(weight) in body
    }
    with atomic_writer(path) as file:
        write(file, tensors, {DIGESTS: tensor_digests(tensors)})


def _require_head(model: keras.Model) -> keras.layers.Dense:
    head = head_of(model)
    if head is None:
        raise ModelError(
            f"model must end in a Dense layer, {model.name!r} has none; build it with "
            "keras.Model(inputs, outputs) and a Dense layer at the end",
            code="no-dense-layer",
            parameter="model",
        )
    return head


def single_tensor_layers(model: keras.Model) -> list[str]:
    """Return the operations after which only their own output is needed by later ones."""
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
