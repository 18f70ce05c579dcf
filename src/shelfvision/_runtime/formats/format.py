"""`Format`: the functions that recognize, read, run and write one format of exported files.

Each module of this package defines one `Format`, and ``shelfvision._runtime.formats`` lists them.
Reading and running need no Keras. Writing takes a `Network`, which ``shelfvision.export`` creates
from a classifier, so no module here imports Keras.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple, NoReturn, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.card import INPUT, OUTPUT, Card
from shelfvision._storage import RemoteFile
from shelfvision.errors import BundleError
from shelfvision.protocols import Images

Scores: TypeAlias = npt.NDArray[np.float32]
"""Rows of probabilities, shape (n, k)."""
# Objects of packages without type annotations.
Foreign: TypeAlias = Any
Port: TypeAlias = tuple[str, str, tuple[int | None, ...]]
"""An input or output of a graph: name, dtype and shape; None is a variable size."""

PURPOSE = "predicting with an exported file"
"""The purpose of a runtime in messages about a missing one."""


class Files(NamedTuple):
    """The bytes of an exported file."""

    data: bytes
    """The file itself."""
    beside: bytes = b""
    """The second file of a format that has two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An exported file that was read and checked, before it is loaded into a runtime."""

    where: str
    """The name of the file in messages."""
    format: Format
    """The format of the file."""
    card: Card
    """The description that the file contains."""
    graph: bytes
    """The bytes that the runtime loads."""
    beside: bytes = b""
    """The second file of a format that has two."""
    sha256: str = ""
    """The SHA-256 of the file."""
    size: int = 0
    """The size of the file in bytes, or of both files together."""


class Runner(Protocol):
    """Runs a graph; thread-safe."""

    @property
    def name(self) -> str:
        """The name of the runtime, with its version."""
        ...

    def __call__(self, images: Images) -> Scores:
        """Return one row of probabilities for each of one or more images of the input size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traced:
    """A network as one TensorFlow function."""

    function: Foreign
    """A ``tf.function`` from pixels to ``{"probabilities": rows}`` with constant weights."""
    signature: Foreign
    """The input signature, a list of ``tf.TensorSpec``."""
    tensorflow: ModuleType
    """The package tensorflow, for converters that are part of it."""


class Network(Protocol):
    """The network that `Format.write` receives."""

    @property
    def card(self) -> Card:
        """The description that the exported file contains."""
        ...

    def traced(self) -> Traced:
        """Return the network as a TensorFlow function, with the calibration of the card."""
        ...

    def keras_model(self) -> Foreign:
        """Return a copy of the network as a ``keras.Model``, with the classifier's weights."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Format:
    """One format of exported files."""

    name: str
    """The name in ``Classifier.export(format=)``."""
    title: str
    """The name in messages."""
    suffix: str
    """The suffix of its file names."""
    recognizes: Callable[[bytes], bool]
    """Returns whether the first bytes of a file are those of this format."""
    read: Callable[[bytes, str], tuple[bytes, bytes]]
    """Returns graph and card text of a file, from its bytes and its name in messages."""
    runtimes: Mapping[str, Callable[[Export, int | None], Runner]]
    """The runtimes by name, the default first; each takes an export and a number of threads."""
    write: Callable[[Network, Images], Files]
    """Returns the files for a network and sample images."""
    write_packages: tuple[str, ...]
    """The packages that are needed to write and verify a file."""
    extra: str = "export"
    """The extras of shelfvision that install these packages."""
    beside: str | None = None
    """The suffix of the second file; None if the format has one file."""
    quantize: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """The supported quantizations; True if activations are quantized too, which needs photos."""
    calibrated: bool = True
    """Whether the graph includes a calibration by one temperature."""


def path_beside(path: str | RemoteFile, suffix: str) -> str | RemoteFile:
    """Return the path of the second file of a format that has two."""
    if isinstance(path, RemoteFile):
        return path.with_suffix(suffix)
    return os.path.splitext(path)[0] + suffix


def error_line(error: Exception) -> str:
    """Return the message of a runtime's error as one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def loaded(
    load: Callable[[], Foreign],
    export: Export,
    reason: Callable[[Exception], str] = error_line,
) -> Foreign:
    """Return what `load` returns; turn any exception into BundleError with one sentence."""
    try:
        return load()
    except Exception as error:
        raise BundleError(
            f"{export.where} cannot be loaded by its runtime: {reason(error)}; export the "
            "classifier again",
            code="cannot-load",
        ) from error


def require_fit(
    export: Export, takes: list[Port], gives: list[Port], types: tuple[str, str]
) -> None:
    """Raise if the graph's input or output does not fit the card.

    `types` are the runtime's names of ``uint8`` and ``float32``.
    """
    card = export.card
    wanted = [(INPUT, types[0], (None, *card.image_size, 3))]
    output_fits = [(name, kind) for name, kind, _ in gives] == [(OUTPUT, types[1])]
    width = gives[0][2][1:] if gives else ()
    if takes != wanted or not output_fits or width not in ((len(card.class_names),), (None,)):
        raise BundleError(
            f"the graph of {export.where} does not fit the description in the file: its inputs "
            f"are {takes}, its outputs {gives}; export the classifier again",
            code="inconsistent",
        )


def sizes_of(shape: Foreign) -> tuple[int | None, ...]:
    """Return a shape with None for variable sizes, which runtimes give as names or as -1."""
    return tuple(side if isinstance(side, int) and side >= 0 else None for side in shape)


def export_refusal(where: str, fault: str, code: str = "damaged") -> BundleError:
    """Return the error for a file that cannot be used as an export."""
    return BundleError(
        f"{where} cannot be used as an export: {fault}; pass a file that Classifier.export wrote",
        code=code,
    )


def refuse_export(where: str, fault: str, code: str = "damaged") -> NoReturn:
    """Raise the error for a file that cannot be used as an export."""
    raise export_refusal(where, fault, code)
