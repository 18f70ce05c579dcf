"""Checks of arguments: one sentence each, naming the parameter, the value and the remedy."""

from __future__ import annotations

import importlib
import importlib.util
import math
import operator
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from types import ModuleType
from typing import Any, SupportsFloat, SupportsIndex, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name, identifier
from shelfvision.errors import DataError, InvalidParameterError, MissingDependencyError
from shelfvision.protocols import ClassNames

Rows: TypeAlias = (
    slice | Sequence[int] | Sequence[bool] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]
)
"""What chooses several rows: a slice, a mask or indices."""

Positions: TypeAlias = slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]
"""The same, checked."""


def as_integer(
    name: str,
    value: SupportsIndex,
    *,
    minimum: int,
    maximum: int | None = None,
    parameter: str | None = None,
) -> int:
    """Return `value` as an int within bounds; booleans and floats are refused.

    `name` is how the message calls it; `parameter` is the argument's own name where that differs.
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
    """Return how a message shows a value that it refuses, whatever its size or depth.

    Examples
    --------
    >>> received("12"), received(10**5000)
    ("'12'", 'int that is too large to show')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # An integer of more digits than Python writes; lists nested without end.
        return f"{type(value).__name__} that is too large to show"
    return text if len(text) <= limit else f"{text[:limit]}…"


def as_path(value: str | os.PathLike[str], parameter: str = "path") -> str:
    """Return a path as text; numbers, which Python takes for open files, are refused.

    Examples
    --------
    >>> as_path(5)
    Traceback (most recent call last):
        ...
    shelfvision.errors.InvalidParameterError: path must be a path, got 5; give text or pathlib.Path
    """
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
    """Return a seed as an int from 0 to 2**32 - 1, the range that every library takes."""
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
        number = math.nan if isinstance(value, str | bytes) else float(value)
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
        sides = tuple(operator.index(side) for side in value)
    except TypeError:
        sides = ()
    if len(sides) != 2 or not all(1 <= side <= 16384 for side in sides):
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


def as_class_names(value: ClassNames) -> tuple[str, ...]:
    """Return class names in the order of their numbers: distinct, non-empty, in Unicode NFC.

    Parameters
    ----------
    value : iterable of str, or mapping
        The names in order; or numbers by name, as Keras's ``class_indices`` and torchvision's
        ``class_to_idx`` have them; or names by number, as YOLO's ``data.yaml`` has them. Numbers
        may be text, as JSON makes of keys. In a mapping, names that are whole numbers become
        text, for YAML makes numbers of codes.

    Raises
    ------
    InvalidParameterError
        A name is no text, empty or repeated, or the numbers are not 0 to n - 1.

    Examples
    --------
    >>> as_class_names({"milk": 1, "juice": 0})
    ('juice', 'milk')
    >>> as_class_names({"0": "juice", "1": "milk"})
    ('juice', 'milk')
    >>> as_class_names({0: 4011, 1: 4006381333931})
    ('4011', '4006381333931')
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _bad_names(f"must be a list of names, got {value!r}", "wrong-type", _example(value))
    if isinstance(value, set | frozenset):
        remedy = "pass sorted(names), or a list in the order of the classes"
        raise _bad_names("must have an order, got a set", "wrong-type", remedy)
    given = _in_order(value) if isinstance(value, Mapping) else tuple(value)
    require_texts("class_names", given)
    names = tuple(clean_name(str(name)) for name in given)
    require_texts("class_names", names)
    if not names:
        raise _bad_names("must not be empty, got no name", "empty", "name at least one class")
    _require_distinct(names, given)
    return names


_AS_LIST = "pass a list of the names in the order of their numbers"


def _example(value: object) -> str:
    return f"write [{value!r}]" if isinstance(value, str) else 'write ["Juice", "Milk"]'


def _in_order(names: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the names of a mapping by number, whichever side has the numbers."""
    if not names:
        return ()
    # Text is sooner a name than a number is: {"1": 0, "0": 1} has the names "1" and "0".
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
    """Return names by number for each side that may have the numbers."""
    sides = (
        _numbered(names.values(), names.keys(), texts=texts),
        _numbered(names.keys(), names.values(), texts=texts),
    )
    return [side for side in sides if side is not None]


def _numbered(
    numbers: Iterable[object], names: Iterable[object], *, texts: bool
) -> dict[int, str] | None:
    """Return names by number; None where a number is none, or a name no text (nor a code)."""
    found: dict[int, str] = {}
    for one, name in zip(numbers, names, strict=True):
        number, text = _number(one), name if texts else _as_name(name)
        if number is None or not isinstance(text, str):
            return None
        found[number] = text
    return found


def _as_name(value: object) -> object:
    """Return a whole number, such as the code of a product, as text; others as they are."""
    try:
        return value if isinstance(value, str) else identifier(value)
    except DataError:
        return value


def _number(value: object) -> int | None:
    """Return the class number that a value is, be it a number or its text; None of others."""
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
    # Names that only look alike are shown by their code points.
    shown = f"{twice!r} twice" if len(set(ways)) == 1 else " and ".join(ways) + ", the same name"
    raise _bad_names(f"must be distinct, got {shown}", "duplicate", "name each class once")


def _bad_names(fault: str, code: str, remedy: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"class_names {fault}; {remedy}", code=code, parameter="class_names"
    )


def require_texts(name: str, values: Iterable[object]) -> None:
    """Refuse what is no text, or an empty one."""
    for value in values:
        if not isinstance(value, str) or not value:
            raise InvalidParameterError(
                f"{name} must be non-empty strings, got {value!r} among them; write each as text",
                code="wrong-type",
                parameter=name,
            )


def as_array(value: object) -> npt.NDArray[Any]:
    """Return a value as an array; where its entries make none, it is one object in an array."""
    try:
        return np.asarray(value)
    except (ValueError, OverflowError):
        array = np.empty((), dtype=object)
        array[()] = value
        return array


def as_rows(index: Rows, length: int, *, of: str) -> Positions:
    """Return what chooses rows of a thing of this length: a slice, or an array that fits."""
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
    """Import an optional package of ours, or say which pip line brings it."""
    return import_package(module, purpose=purpose, pip=f'"shelfvision[{extra}]"')


def import_package(module: str, *, purpose: str, pip: str) -> ModuleType:
    """Import an optional package, or say what to give to pip."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        # An installed package that fails to import has a fault of its own to tell.
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
