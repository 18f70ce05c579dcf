"""Checks of arguments: one sentence each, naming the parameter, the value and the remedy."""

from __future__ import annotations

import importlib
import importlib.util
import math
import operator
import os
from collections.abc import Collection, Iterable, Sequence
from types import ModuleType
from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._urls import LOCAL_COPY, is_url, refuse_url
from shelfvision.errors import InvalidParameterError, MissingDependencyError

Rows: TypeAlias = (
    slice | Sequence[int] | Sequence[bool] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]
)
"""A selection of rows: a slice, a mask or indices."""

Positions: TypeAlias = slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]
"""A checked selection of rows."""


def as_integer(
    name: str,
    value: SupportsIndex,
    *,
    minimum: int,
    maximum: int | None = None,
    parameter: str | None = None,
) -> int:
    """Return `value` as an int within bounds; booleans and floats are refused.

    `name` is used in the message; `parameter` is the argument's name if it differs.
    """
    limit = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < minimum or (maximum is not None and number > maximum):
        raise InvalidParameterError(
            f"{name} must be a whole number, {limit}, not {received(value)}",
            code="not-in-range",
            parameter=parameter or name,
        )
    return number


def received(value: object, *, limit: int = 200) -> str:
    """Return a short representation of a refused value for a message.

    Examples
    --------
    >>> received("12"), received(10**5000)
    ("'12'", 'int that is too large to show')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Integers with more digits than Python prints, and recursive lists.
        return f"{type(value).__name__} that is too large to show"
    return text if len(text) <= limit else f"{text[:limit]}…"


def as_path(
    value: str | os.PathLike[str], parameter: str = "path", *, remedy: str = LOCAL_COPY
) -> str:
    """Return a path as text; refuse numbers, which Python treats as open files, and URLs.

    `remedy` is what to do instead of passing a URL.

    Examples
    --------
    >>> as_path(5)
    Traceback (most recent call last):
        ...
    shelfvision.errors.InvalidParameterError: path must be a path, got 5; give text or pathlib.Path
    """
    if is_url(value):
        refuse_url(value, parameter, remedy)
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    raise InvalidParameterError(
        f"{parameter} must be a path, got {received(value)}; give text or pathlib.Path",
        code="wrong-type",
        parameter=parameter,
    )


def as_seed(value: SupportsIndex) -> int:
    """Return a seed as an int from 0 to 2**32 - 1, the range that all libraries accept."""
    return as_integer("seed", value, minimum=0, maximum=2**32 - 1)


def as_number(
    name: str,
    value: SupportsFloat,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    exclusive: bool = False,
    parameter: str | None = None,
) -> float:
    """Return `value` as a finite float within bounds (excluding them if `exclusive`)."""
    try:
        # float() also takes text and booleans.
        number = math.nan if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    inside = minimum < number < maximum if exclusive else minimum <= number <= maximum
    if not math.isfinite(number) or not inside:
        kind = "strictly between" if exclusive else "from"
        joint = "and" if exclusive else "to"
        raise InvalidParameterError(
            f"{name} must be a number {kind} {minimum} {joint} {maximum}, not {received(value)}",
            code="not-in-range",
            parameter=parameter or name,
        )
    return number


def as_image_size(value: Iterable[SupportsIndex]) -> tuple[int, int]:
    """Return (height, width) as two ints of at least 1 pixel."""
    try:
        given = tuple(value)
        sides = tuple(operator.index(side) for side in given if not isinstance(side, bool))
    except TypeError:
        given, sides = (), ()
    if len(given) != 2 or len(sides) != 2 or not all(1 <= side <= 16384 for side in sides):
        raise InvalidParameterError(
            "image_size must be (height, width), two whole numbers of pixels from 1 to 16384, "
            f"not {value!r}",
            code="not-in-range",
            parameter="image_size",
        )
    return sides[0], sides[1]


def one_of(name: str, value: str, options: Collection[str], *, parameter: str | None = None) -> str:
    """Return `value` if it is one of the `options`."""
    if not isinstance(value, str) or value not in options:
        choices = ", ".join(repr(option) for option in options)
        raise InvalidParameterError(
            f"{name} must be one of {choices}, not {received(value)}",
            code="not-an-option",
            parameter=parameter or name,
        )
    return value


def require_texts(name: str, values: Iterable[object]) -> None:
    """Refuse values that are not text, and empty text."""
    for value in values:
        if not isinstance(value, str) or not value:
            raise InvalidParameterError(
                f"{name} must be non-empty strings, got {value!r} among them; write each as text",
                code="wrong-type",
                parameter=name,
            )


def as_array(value: object) -> npt.NDArray[Any]:
    """Return a value as an array; a value that cannot be converted becomes one object."""
    try:
        return np.asarray(value)
    except (ValueError, OverflowError):
        array = np.empty((), dtype=object)
        array[()] = value
        return array


def as_rows(index: Rows, length: int, *, of: str) -> Positions:
    """Return a selection of rows: a slice, or an array of indices within `length`."""
    if isinstance(index, slice):
        return index
    chosen = as_array(index)
    if chosen.size == 0 and chosen.dtype != np.bool_:
        return np.empty(0, dtype=np.int64)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
        raise InvalidParameterError(
            f"rows of {of} are chosen by an integer, a slice, a mask or a list of integers, not "
            f"by {index!r}",
            code="wrong-type",
            parameter="index",
        )
    if chosen.dtype == np.bool_ and len(chosen) != length:
        raise InvalidParameterError(
            f"the mask has {len(chosen)} entries for {length} photos; give one for each",
            code="wrong-length",
            parameter="index",
        )
    return chosen


def import_extra(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a package of one of our extras, or raise an error with the pip command."""
    return import_package(module, purpose=purpose, pip=f'"shelfvision[{extra}]"')


def import_package(module: str, *, purpose: str, pip: str) -> ModuleType:
    """Import an optional package, or raise an error with the pip command."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        # If an installed package fails to import, its own error is more helpful.
        if importlib.util.find_spec(package) is not None:
            raise
        raise MissingDependencyError(
            f"{purpose} needs the package {package!r}, which is not installed; "
            f"run: pip install {pip}",
            code="missing-dependency",
        ) from error


def counted(number: int, noun: str) -> str:
    """Return "1 photo", "2 photos", "3 classes", "4 boxes"."""
    ending = "" if number == 1 else "es" if noun.endswith(("s", "x")) else "s"
    return f"{number} {noun}{ending}"


def listed(names: Iterable[str], *, limit: int = 5) -> str:
    """Return names as a quoted list for a sentence, cut after `limit` of them."""
    names = list(names)
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
