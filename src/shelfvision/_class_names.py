"""Class names in the order of their numbers, from a list or from a mapping of another tool.

Keras and torchvision keep ``{name: number}``, YOLO keeps ``{number: name}``. JSON turns numbers
that are keys into text, and YAML turns product codes into numbers. `as_class_names` reads
all of these; every parameter called ``class_names`` passes through it.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, SupportsIndex, cast

import numpy as np

from shelfvision._identifiers import clean_name, identifier
from shelfvision._validation import require_texts
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import ClassNames

MAX_CLASSES = 65_536
"""The largest number of classes that a model may have."""


def as_class_names(value: ClassNames) -> tuple[str, ...]:
    """Return class names in the order of their numbers: distinct, non-empty, in Unicode NFC.

    Parameters
    ----------
    value : iterable of str, or mapping
        The names in order; or numbers by name, such as ``class_indices`` of Keras and
        ``class_to_idx`` of torchvision; or names by number, such as ``data.yaml`` of YOLO. Numbers
        may be text, like the keys of JSON. In a mapping, names that are whole numbers become text,
        because YAML converts codes to numbers.

    Raises
    ------
    InvalidParameterError
        A name is not a text, empty or repeated, or the numbers are not 0 to n - 1.

    Examples
    --------
    >>> as_class_names({"milk": 1, "juice": 0})
    ('juice', 'milk')
    >>> as_class_names({"0": "juice", "1": "milk"})
    ('juice', 'milk')
    >>> as_class_names({0: 4011, 1: 4006381333931})
    ('4011', '4006381333931')
    """
    if type(value) is tuple and all(type(name) is str for name in value):
        # The same names are passed with every prediction, so the result is kept.
        return _checked_texts(value)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _bad_names(f"must be a list of names, got {value!r}", "wrong-type", _example(value))
    if isinstance(value, set | frozenset):
        remedy = "pass sorted(names), or a list in the order of the classes"
        raise _bad_names("must have an order, got a set", "wrong-type", remedy)
    given = _in_order(value) if isinstance(value, Mapping) else tuple(value)
    return _checked(given)


def _checked(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in Unicode NFC; refuse names that are empty or not distinct."""
    require_texts("class_names", given)
    names = tuple(clean_name(str(name)) for name in given)
    require_texts("class_names", names)
    if not names:
        raise _bad_names("must not be empty, got no name", "empty", "name at least one class")
    _require_distinct(names, given)
    return names


_checked_texts = lru_cache(maxsize=32)(_checked)

_AS_LIST = "pass a list of the names in the order of their numbers"


def _example(value: object) -> str:
    return f"write [{value!r}]" if isinstance(value, str) else 'write ["Juice", "Milk"]'


def _in_order(names: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the names of a mapping by number; keys or values may be the numbers."""
    if not names:
        return ()
    # Text is preferred as a name: {"1": 0, "0": 1} has the names "1" and "0".
    for texts in (True, False):
        sides = _sides(names, texts=texts)
        fitting = [side for side in sides if sorted(side) == list(range(len(names)))]
        if len(fitting) == 1:
            return tuple(fitting[0][number] for number in range(len(names)))
        if fitting:
            break
    if not sides:
        raise _bad_names(
            f"must map names to whole numbers or whole numbers to names, got {_start(names)}",
            "wrong-type",
            _AS_LIST,
        )
    if len(sides) == 2:
        raise _bad_names(
            f"must map names to numbers or numbers to names, got {_start(names)}, where both "
            "sides are numbers",
            "ambiguous",
            _AS_LIST,
        )
    shown = ", ".join(str(number) for number in sorted(sides[0])[:8])
    raise _bad_names(
        f"must have the numbers 0 to {len(names) - 1}, each once, got {shown}",
        "inconsistent",
        _AS_LIST,
    )


def _sides(names: Mapping[Any, Any], *, texts: bool) -> list[dict[int, str]]:
    """Return names by number for each side that may contain the numbers."""
    sides = (
        _numbered(names.values(), names.keys(), texts=texts),
        _numbered(names.keys(), names.values(), texts=texts),
    )
    return [side for side in sides if side is not None]


def _numbered(
    numbers: Iterable[object], names: Iterable[object], *, texts: bool
) -> dict[int, str] | None:
    """Return names by number; None if a number or a name has another type."""
    found: dict[int, str] = {}
    for one, name in zip(numbers, names, strict=True):
        number, text = _number(one), name if texts else _as_name(name)
        if number is None or not isinstance(text, str):
            return None
        found[number] = text
    return found


def _as_name(value: object) -> object:
    """Return a whole number, such as a product code, as text; other values unchanged."""
    try:
        return value if isinstance(value, str) else identifier(value)
    except DataError:
        return value


def _number(value: object) -> int | None:
    """Return a class number from a number or its text; None for other values."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() else None
    try:
        return operator.index(cast("SupportsIndex", value))
    except TypeError:
        return None


def _start(names: Mapping[Any, Any]) -> str:
    shown = dict(islice(names.items(), 3))
    return f"{shown!r}" if len(names) <= 3 else f"{shown!r} and {len(names) - 3} more"


def _require_distinct(names: Sequence[str], given: Sequence[object]) -> None:
    if len(set(names)) == len(names):
        return
    (twice, _), *_ = Counter(names).most_common(1)
    ways = [ascii(old) for old, name in zip(given, names, strict=True) if name == twice]
    # Different spellings that are displayed identically are shown by their code points.
    shown = f"{twice!r} twice" if len(set(ways)) == 1 else " and ".join(ways) + ", the same name"
    raise _bad_names(f"must be distinct, got {shown}", "duplicate", "name each class once")


def _bad_names(fault: str, code: str, remedy: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"class_names {fault}; {remedy}", code=code, parameter="class_names"
    )
