"""Brings weights from a file, or from arrays, into a model that they fit."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from shelfvision.errors import BundleError, BundleNotFoundError, ModelError
from shelfvision.models._safetensors import MAX_FILE, Tensor, read_header, read_tensors

if TYPE_CHECKING:
    import keras


def weight_names(paths: Iterable[str]) -> list[str]:
    """Return a unique name for every weight of a model: its path; a path that repeats is numbered.

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


def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Set a model's weights from a bundle or safetensors file whose tensors match it exactly."""
    where = repr(os.fspath(path))
    with open_weights(path) as file:
        header = read_header(file, where)
        tensors = read_tensors(file, header, where)
    expected = dict(zip(weight_names(w.path for w in model.weights), model.weights, strict=True))
    require_same(
        {name: tuple(variable.shape) for name, variable in expected.items()},
        {entry.name: entry.shape for entry in header.entries},
        where,
    )
    assign(list(expected.values()), [tensors[name] for name in expected])


def require_same(
    expected: Mapping[str, Sequence[int]],
    found: Mapping[str, Sequence[int]],
    where: str,
    *,
    error: type[ModelError | BundleError] = ModelError,
) -> None:
    """Refuse tensors that are not, by name and shape, the weights that a model has."""
    for name, shape in expected.items():
        if name not in found:
            raise error(
                f"{where} does not fit the model: it has no tensor {name!r}, which the model needs "
                f"with shape {tuple(shape)}; build the model with the file's settings"
            )
        if tuple(found[name]) != tuple(shape):
            raise error(
                f"{where} does not fit the model: its {name!r} has shape {tuple(found[name])}, but "
                f"the model needs {tuple(shape)}; build the model with the file's settings"
            )
    extra = next((name for name in found if name not in expected), None)
    if extra is not None:
        raise error(
            f"{where} does not fit the model: it has a tensor {extra!r} that the model lacks; "
            "build the model with the file's settings"
        )


def assign(variables: Sequence[keras.Variable], values: Sequence[Tensor]) -> None:
    """Set variables, each to its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value.copy())


def open_weights(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file of at most 1 GiB for reading."""
    where = repr(os.fspath(path))
    try:
        # Opening a FIFO that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    except FileNotFoundError as error:
        raise BundleNotFoundError(f"there is no file {where}; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BundleError(f"{where} cannot be read: {reason}; check the path") from error
    status = os.fstat(descriptor)
    fault = ""
    if not stat.S_ISREG(status.st_mode):
        fault = "is not a file that can be read; give the path of a saved classifier"
    elif status.st_size > MAX_FILE:
        fault = f"has {status.st_size} bytes, over the limit of {MAX_FILE}; check the path"
    if fault:
        os.close(descriptor)
        raise BundleError(f"{where} {fault}")
    return os.fdopen(descriptor, "rb")


_BINARY = getattr(os, "O_BINARY", 0)
