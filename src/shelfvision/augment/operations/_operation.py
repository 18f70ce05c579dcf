"""`Operation`: the base class of all augmenters of this package, and the checks of settings."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias, cast

import numpy as np

from shelfvision._validation import as_number
from shelfvision.augment.operations._stages import Stage, render
from shelfvision.augment.operations._warp import Fill
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image

Spread: TypeAlias = float | tuple[float, float]
"""The range of a random setting: a number ``a`` means from ``-a`` to ``a`` (or from 0 to ``a`` if
negative values make no sense); a pair means from its first to its second number."""


class Operation(ABC):
    """An augmenter: a frozen dataclass that is called with an image and a random generator.

    A call keeps the contract of `shelfvision.protocols.Augmenter`: it returns a new ``uint8`` array
    of the same shape, depends on (image, rng) only and does not change its input. An operation can
    be pickled and is thread-safe. Its repr is the code that makes it.
    """

    __slots__ = ()

    @abstractmethod
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the stages for an image of this (height, width), with random numbers from `rng`."""

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Return an augmented copy of the image.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            RGB pixels, 0 to 255; they are not changed.
        rng : numpy.random.Generator
            The source of all random numbers.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            A new array.
        """
        return render(self.stages(rng, (image.shape[0], image.shape[1])), image)

    def __repr__(self) -> str:
        """Return the code that makes this operation, without default settings."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]  # every operation is one
        settings = [
            f"{'' if place == 0 else field.name + '='}{getattr(self, field.name)!r}"
            for place, field in enumerate(fields)
            if getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(settings)})"


def set_spread(
    operation: Operation, name: str, *, low: float, high: float, one_sided: bool = False
) -> None:
    """Check a setting that is a `Spread` and store it as floats."""
    value = getattr(operation, name)
    label = f"{type(operation).__name__}: {name}"
    pair = isinstance(value, tuple | list)
    parts = list(value) if pair else [value]
    if (pair and len(parts) != 2) or any(isinstance(part, bool) for part in parts):
        raise InvalidParameterError(
            f"{label} must be a number or a pair (low, high), got {value!r}",
            code="not-a-pair",
            parameter=name,
        )
    checked: Spread
    if not pair:
        limit = high if one_sided else min(-low, high)
        checked = as_number(label, value, minimum=0, maximum=limit, parameter=name)
    else:
        first, second = (
            as_number(label, part, minimum=low, maximum=high, parameter=name) for part in parts
        )
        if first > second:
            raise InvalidParameterError(
                f"{label} must be a pair (low, high) in rising order, got {value!r}",
                code="not-a-pair",
                parameter=name,
            )
        checked = (first, second)
    object.__setattr__(operation, name, checked)


def set_fill(operation: Operation, name: str = "fill", *, word: str = "reflect") -> None:
    """Check a setting that is one word or a colour and store a colour as a tuple of ints."""
    value = getattr(operation, name)
    if isinstance(value, str) and value == word:
        return
    try:
        colour = tuple(int(part) for part in value if float(part) == int(part))
        good = len(colour) == len(value) == 3 and all(0 <= part <= 255 for part in colour)
    except (TypeError, ValueError):
        good = False
    if isinstance(value, str) or not good:
        raise InvalidParameterError(
            f"{type(operation).__name__}: {name} must be {word!r} or a colour (red, green, blue) "
            f"of integers from 0 to 255, got {value!r}",
            code="not-an-option",
            parameter=name,
        )
    object.__setattr__(operation, name, cast("Fill", colour))


def draw(rng: np.random.Generator, spread: Spread, *, one_sided: bool = False) -> float:
    """Return a uniform random number of the spread, from one call of ``rng.random``.

    `Generator.random` only shifts and scales the raw words of the bit generator. Other methods of a
    generator may change between versions of NumPy.
    """
    low, high = spread if isinstance(spread, tuple) else (0.0 if one_sided else -spread, spread)
    return low + (high - low) * float(rng.random())
