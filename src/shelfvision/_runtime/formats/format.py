"""What one kind of exported file needs: to be recognized, read, run and written.

Each module of this package describes one kind in a `Format`; ``shelfvision._runtime.formats`` lists
them. Reading and running need no Keras. Writing takes a `Network`, which the room ``export`` makes
from a classifier, so that nothing here imports Keras either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple, NoReturn, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.card import INPUT, OUTPUT, Card
from shelfvision.errors import BundleError
from shelfvision.protocols import Images

Scores: TypeAlias = npt.NDArray[np.float32]
"""Rows of probabilities, shape (n, k)."""
# Objects of packages that have no types.
Foreign: TypeAlias = Any
Port: TypeAlias = tuple[str, str, tuple[int | None, ...]]
"""An input or output of a graph: name, type of its numbers, sizes; None is any size."""

PURPOSE = "predicting with an exported file"
"""What a runtime is needed for, in messages."""


class Files(NamedTuple):
    """The bytes of an exported file."""

    data: bytes
    """The file itself."""
    beside: bytes = b""
    """The second file of a format that has two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An exported file that was read and checked, not yet loaded into a runtime."""

    where: str
    """The file, for messages."""
    format: Format
    """Which kind it is."""
    card: Card
    """What it says about itself."""
    graph: bytes
    """What the runtime takes."""
    beside: bytes = b""
    """The second file of a format that has two."""
    sha256: str = ""
    """Of the file."""
    size: int = 0
    """Of the file, or of both."""


class Runner(Protocol):
    """Runs a graph; may be called from any number of threads."""

    @property
    def name(self) -> str:
        """The runtime and its version."""
        ...

    def __call__(self, images: Images) -> Scores:
        """Return a row of numbers for every image, at least one, of the graph's own size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traced:
    """A network as one function of TensorFlow."""

    function: Foreign
    """A ``tf.function`` from pixels to ``{"probabilities": rows}``, its weights constants."""
    signature: Foreign
    """What it takes, as ``tf.TensorSpec``."""
    tensorflow: ModuleType
    """The package, for converters that are part of it."""


class Network(Protocol):
    """The network that is written, as a format's `write` gets it."""

    @property
    def card(self) -> Card:
        """What the file will say about itself."""
        ...

    def traced(self) -> Traced:
        """Return the network as a function of TensorFlow, with the calibration of the card."""
        ...

    def keras_model(self) -> Foreign:
        """Return a copy of the network as a ``keras.Model``, with the classifier's weights."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Format:
    """One kind of exported file."""

    name: str
    """What ``Classifier.export(format=)`` calls it."""
    title: str
    """What messages call it."""
    suffix: str
    """How its file names end."""
    recognizes: Callable[[bytes], bool]
    """Whether the bytes of a file are of this kind; looks at the first ones only."""
    read: Callable[[bytes, str], tuple[bytes, bytes]]
    """From a file's bytes and its name in messages to the graph and the text of its card."""
    runtimes: Mapping[str, Callable[[Export, int | None], Runner]]
    """What runs it, the default first; each takes a file and a number of threads."""
    write: Callable[[Network, Images], Files]
    """From a network and sample photos to a file."""
    write_packages: tuple[str, ...]
    """Packages that writing a file and verifying it needs."""
    extra: str = "export"
    """The extras of shelfvision that bring these packages."""
    beside: str | None = None
    """How the name of its second file ends; None without one."""
    quantize: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """Its quantizations; True: activations become whole numbers too, with ranges from photos."""
    calibrated: bool = True
    """Whether a calibration by one temperature goes into the graph."""


def error_line(error: Exception) -> str:
    """Return the message of a runtime's error in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def loaded(
    load: Callable[[], Foreign],
    export: Export,
    reason: Callable[[Exception], str] = error_line,
) -> Foreign:
    """Return what a runtime makes of a file; whatever it raises becomes one sentence."""
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
    """Refuse a graph whose input or output differs from what the card says.

    `types` are the runtime's names for ``uint8`` and ``float32``.
    """
    card = export.card
    wanted = [(INPUT, types[0], (None, *card.image_size, 3))]
    output_fits = [(name, kind) for name, kind, _ in gives] == [(OUTPUT, types[1])]
    width = gives[0][2][1:] if gives else ()
    if takes != wanted or not output_fits or width not in ((len(card.class_names),), (None,)):
        raise BundleError(
            f"{export.where} does not fit its own description: its graph goes from {takes} "
            f"to {gives}; export the classifier again",
            code="inconsistent",
        )


def sizes_of(shape: Foreign) -> tuple[int | None, ...]:
    """Return sizes as numbers; those that may vary have names, or are -1."""
    return tuple(side if isinstance(side, int) and side >= 0 else None for side in shape)


def export_refusal(where: str, fault: str, code: str = "damaged") -> BundleError:
    """Return the error for a file that is no export."""
    return BundleError(
        f"{where} is no export that can be used: {fault}; give a file that Classifier.export wrote",
        code=code,
    )


def refuse_export(where: str, fault: str, code: str = "damaged") -> NoReturn:
    """Raise the error for a file that is no export."""
    raise export_refusal(where, fault, code)
