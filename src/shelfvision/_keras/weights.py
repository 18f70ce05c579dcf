"""Load weights from files or arrays into a model whose weights have the same names and shapes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from shelfvision._keras.layers import backbone_weights
from shelfvision._storage.safetensors import (
    KEPT,
    Tensor,
    brief,
    open_weights,
    read_tensor_header,
    read_tensors,
)
from shelfvision._validation import as_path
from shelfvision.errors import BundleError, ModelError

if TYPE_CHECKING:
    import keras

_Value = TypeVar("_Value")


def weight_names(paths: Iterable[str]) -> list[str]:
    """Return a unique name for each weight: its path, with a number if the path repeats.

    Parameters
    ----------
    paths : iterable of str
        The paths of the weights in the model's order.
    """
    names: dict[str, None] = {}
    for path in paths:
        name, number = path, 2
        while name in names:
            name, number = f"{path}#{number}", number + 1
        names[name] = None
    return list(names)


def load_weights(
    model: keras.Model, path: str | os.PathLike[str], *, renumber: bool = False
) -> bool:
    """Set a model's weights from a bundle or safetensors file whose tensors match it exactly.

    Parameters
    ----------
    model : keras.Model
        The model whose weights are set.
    path : path-like
        The bundle or safetensors file.
    renumber : bool, default=False
        Whether to compare the numbers at the end of layer names by their order only.

    Returns
    -------
    bool
        True if the file lacks the tensors of the last layer, which then keeps its weights.
    """
    where = repr(as_path(path, "weights"))
    _require_safetensors(where)
    with open_weights(path, parameter="weights") as file:
        header = read_tensor_header(file, where)
        tensors = read_tensors(file, header, where)
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(KEPT)}
    expected, body = named_weights(model), {id(weight) for weight in backbone_weights(model)}
    if renumber:
        expected, tensors = renumbered_layers(expected), renumbered_layers(tensors)
    backbone = {name: weight for name, weight in expected.items() if id(weight) in body}
    whole = len(backbone) == len(expected) or bool(set(tensors) & (set(expected) - set(backbone)))
    chosen = expected if whole else backbone
    require_same(
        {name: tuple(variable.shape) for name, variable in chosen.items()},
        {name: tensor.shape for name, tensor in tensors.items()},
        where,
    )
    _require_kinds(chosen, tensors, where)
    assign(list(chosen.values()), [tensors[name] for name in chosen])
    return not whole


def renumbered_layers(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return values under names whose layer numbers count from 1 for each kind of layer.

    Keras numbers unnamed layers over the whole life of a process, so the same model gets other
    numbers when it is built a second time.
    """
    kinds: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in values:
        layer, slash, rest = name.rpartition("/")
        kind, number = _NUMBER.fullmatch(layer).groups(default="0")  # type: ignore[union-attr]  # it matches any text
        kinds.setdefault((kind, slash + rest), []).append((int(number), name))
    return {
        f"{kind}#{rank}{rest}": values[name]
        for (kind, rest), numbered in kinds.items()
        for rank, (_, name) in enumerate(sorted(numbered), start=1)
    }


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Return a model's weights by their unique names, in the model's order."""
    names = weight_names(weight.path for weight in model.weights)
    return dict(zip(names, model.weights, strict=True))


def _require_safetensors(where: str) -> None:
    """Refuse HDF5, Keras and torch files, and say how to convert their weights."""
    if where.rstrip("'\"").lower().endswith((".h5", ".hdf5", ".keras", ".pt", ".pth", ".ckpt")):
        raise BundleError(
            f"weights must be a safetensors file or a bundle, got {where}, which can run code or "
            "exhaust memory when it is opened; load it with its own library if you trust it, put "
            "the weights into a model of build_model, and save them with "
            "shelfvision.models.save_backbone",
            code="foreign-format",
            parameter="weights",
        )


def _require_kinds(
    variables: Mapping[str, keras.Variable], tensors: Mapping[str, Tensor], where: str
) -> None:
    """Refuse integer tensors for float weights, and float tensors for integer weights."""
    for name, variable in variables.items():
        whole = "int" in str(variable.dtype) or str(variable.dtype) == "bool"
        if whole != (tensors[name].dtype.kind != "f"):
            raise ModelError(
                f"{where} does not fit the model: its {name!r} is of type {tensors[name].dtype}, "
                f"but the model needs {variable.dtype}; pass weights that are not quantized",
                code="wrong-dtype",
                parameter="weights",
            )


def require_same(
    expected: Mapping[str, Sequence[int]],
    found: Mapping[str, Sequence[int]],
    where: str,
    *,
    error: type[ModelError | BundleError] = ModelError,
) -> None:
    """Refuse tensors whose names and shapes are not those of the model's weights."""
    for name, shape in expected.items():
        if name not in found:
            raise error(
                f"{where} does not fit the model: it has no tensor {brief(name)}, which the model "
                f"needs with shape {tuple(shape)}; build the model with the file's settings",
                code="does-not-fit",
            )
        if tuple(found[name]) != tuple(shape):
            raise error(
                f"{where} does not fit the model: its {brief(name)} has shape "
                f"{tuple(found[name])}, but the model needs {tuple(shape)}; build the model with "
                f"the file's settings",
                code="does-not-fit",
            )
    extra = next((name for name in found if name not in expected), None)
    if extra is not None:
        raise error(
            f"{where} does not fit the model: it has a tensor {brief(extra)} that the model lacks; "
            "build the model with the file's settings",
            code="does-not-fit",
        )


def assign(variables: Sequence[keras.Variable], values: Sequence[Tensor]) -> None:
    """Assign each value to its variable."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value.copy())


def assign_named(model: keras.Model, tensors: Mapping[str, Tensor]) -> None:
    """Assign tensors to the weights of the same name; other weights keep their values."""
    chosen = {name: v for name, v in named_weights(model).items() if name in tensors}
    assign(list(chosen.values()), [tensors[name] for name in chosen])


_NUMBER = re.compile(r"(.*?)(?:_(\d{1,9}))?", re.DOTALL)
