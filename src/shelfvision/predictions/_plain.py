"""Read values from untrusted JSON, with checks of entries, types and ranges."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NoReturn

from shelfvision._validation import listed
from shelfvision.errors import InvalidParameterError

MAX_COUNT = 2**40
"""The largest accepted count."""


def exact_entries(values: object, keys: Collection[str], what: str) -> Mapping[str, object]:
    """Return a mapping after checking that it has exactly the given keys."""
    if not isinstance(values, Mapping):
        raise InvalidParameterError(
            f"{what} must be a mapping, got {type(values).__name__}; pass what its to_dict returns",
            code="wrong-type",
            parameter="values",
        )
    if set(values) != set(keys):
        raise InvalidParameterError(
            f"{what} must have exactly the entries {listed(sorted(keys), limit=20)}, got "
            f"{listed(sorted(map(str, values)))}; pass what its to_dict returns",
            code="foreign-format",
            parameter="values",
        )
    return values


def number_of(value: object, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number in a range; booleans and strings are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(what, value, "a number")
    if not low <= value <= high or abs(value) > 1e300:
        _refuse(what, value, f"a finite number from {low} to {high}", "not-in-range")
    return float(value)


def count_of(value: object, what: str) -> int:
    """Return a count, 0 or more."""
    if type(value) is not int:
        _refuse(what, value, "a count")
    if not 0 <= value <= MAX_COUNT:
        _refuse(what, value, f"a count from 0 to {MAX_COUNT}", "not-in-range")
    return value


def list_of(value: object, what: str) -> list[object]:
    """Return a list, or a tuple as a list."""
    if not isinstance(value, list | tuple):
        _refuse(what, value, "a list")
    return list(value)


def pair_of(value: object, what: str) -> tuple[object, object]:
    """Return the two entries of a list."""
    pair = list_of(value, what)
    if len(pair) != 2:
        raise InvalidParameterError(
            f"{what} must have 2 entries, got {len(pair)}",
            code="wrong-length",
            parameter="values",
        )
    return pair[0], pair[1]


def optional_number(value: object, what: str, low: float, high: float) -> float | None:
    """Return a number in a range, or None."""
    return None if value is None else number_of(value, what, low, high)


def _refuse(what: str, value: object, wanted: str, code: str = "wrong-type") -> NoReturn:
    raise InvalidParameterError(
        f"{what} must be {wanted}, got {repr(value)[:100]}", code=code, parameter="values"
    )
