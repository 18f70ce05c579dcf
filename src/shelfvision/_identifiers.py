"""Names, codes and ids from other tools: one spelling for each, or a typed error.

Two rules serve every reader. A *name* (a class, a product, a column, a store) compares after
Unicode NFC and without white space or invisible characters at its ends: macOS writes ``Käse`` in
five code points, Linux in four, and a spreadsheet adds a space. An *id* is a text, or a whole
number and its text: ``7``, ``"7"`` and ``7.0`` are one id, ``"007"`` is another. Floats hold whole
numbers exactly below 2**53 only; larger ones have lost digits and are refused.

A reader of class names calls `spellings` on all of them, passes the result to `warn_of_twins`, and
keeps the keys; a scan of folders finds the folders of each class in the values:

>>> spellings(["Milk ", "Juice", "Milk"])
{'Milk': ['Milk ', 'Milk'], 'Juice': ['Juice']}

A reader of ids calls `identifier` on each (COCO), a reader of labels `text_of` (frames, arrays).
"""

from __future__ import annotations

import difflib
import math
import operator
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Integral
from typing import TypeVar

import numpy as np

from shelfvision._warnings import warn_caller
from shelfvision.errors import DataError, ShelfVisionWarning

Name = TypeVar("Name", bound=object)
Value = TypeVar("Value")

# Zero-width characters, direction marks, the soft hyphen and the byte order mark. Inside a name,
# joiners shape emoji and letters; at its ends none of these shows.
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
# A code after a spreadsheet or a data frame converted it: 4,00638E+12, or 4006381333931.0.
_DAMAGED = re.compile(r"\d[.,]\d+[eE]\+?\d\d|\d{4,}[.,]0+")
_MOST_DIGITS = 1000
"""The maximum number of digits of an id; Python itself refuses to print more than 4300."""


def clean_name(text: str) -> str:
    """Return a name in Unicode NFC without white space or invisible characters at its ends.

    Examples
    --------
    >>> clean_name("Ka\u0308se\u00a0") == "K\u00e4se"
    True
    """
    plain = text if text.isascii() else unicodedata.normalize("NFC", text)
    before = None
    # White space may be inside zero-width characters, and vice versa.
    while plain != before:
        before = plain
        plain = plain.strip().strip(_INVISIBLE)
    return plain


def spellings(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the distinct spellings of each clean name, in the order of first occurrence."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(clean_name(name), []).append(name)
    return found


def in_spelling_of(names: Collection[Name], asked: Mapping[Name, Value]) -> dict[Name, Value]:
    """Return a mapping by name with the spellings of `names`.

    Examples
    --------
    >>> in_spelling_of(["K\u00e4se"], {"Ka\u0308se ": 2}) == {"K\u00e4se": 2}
    True
    """
    known: dict[object, Name] = {clean_name(name): name for name in names if isinstance(name, str)}
    return {
        known.get(clean_name(name), name)
        if isinstance(name, str) and name not in names
        else name: value
        for name, value in asked.items()
    }


def warn_of_twins(found: Mapping[str, Sequence[str]], *, what: str) -> None:
    """Warn of each name with several spellings, as `spellings` returns them.

    Parameters
    ----------
    found : mapping of str to sequence of str
        Spellings by clean name.
    what : str
        What has these names, in the plural: ``"folders"``, ``"labels"``.
    """
    for name, ways in found.items():
        if len(ways) > 1:
            shown = " and ".join(ascii(way) for way in ways)
            warn_caller(
                ShelfVisionWarning(
                    f"the {what} {shown} differ only in Unicode form or in invisible characters "
                    f"at their ends, and become one class, {name!r}; use one spelling",
                    code="twin-names",
                )
            )


def identifier(value: object, *, name: str = "id") -> str:
    """Return an id as text; a whole number and its text are the same id.

    Parameters
    ----------
    value : str, int or float
        The id: text, which is unchanged, or a whole number of Python, NumPy or decimal.
    name : str, default="id"
        The name of the value in messages.

    Returns
    -------
    str
        The text, in Unicode NFC, or the digits of the number.

    Raises
    ------
    DataError
        The value is empty, NaN, infinite, not whole, a float that has lost digits, or of another
        type.

    Examples
    --------
    >>> identifier(7), identifier("7"), identifier(7.0), identifier("007")
    ('7', '7', '7', '007')
    """
    text = str(value) if isinstance(value, str) else _digits(value, name)
    if text is None:
        raise DataError(
            f"{name} must be a text or a whole number, got {value!r}; correct it",
            code="wrong-type",
            parameter=name,
        )
    if not text:
        raise DataError(f"{name} must not be empty; give it a text", code="empty", parameter=name)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def text_of(value: object, *, name: str = "label") -> str:
    """Return a label, group or code as clean text; a missing value becomes an empty text.

    Numbers keep every digit: ``4006381333931.0``, as pandas stores codes beside a missing value,
    gives ``"4006381333931"``. Text keeps its leading zeros.

    Parameters
    ----------
    value : object
        One entry of a column.
    name : str, default="label"
        The name of the value in messages.

    Returns
    -------
    str
        The text; ``""`` for None, NaN, NaT and pandas' NA.

    Raises
    ------
    DataError
        The value is bytes, or a float so large that it has lost digits.

    Examples
    --------
    >>> text_of(4006381333931.0), text_of("007"), text_of(None)
    ('4006381333931', '007', '')
    """
    if isinstance(value, str):
        return clean_name(value)
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        raise DataError(
            f"{name} must be a text or a number, got {value!r}; decode it, as in "
            "value.decode('utf-8')",
            code="wrong-type",
            parameter=name,
        )
    digits = _digits(value, name)
    return clean_name(str(value)) if digits is None else digits


def is_missing(value: object) -> bool:
    """Return whether this is None, NaN, NaT or pandas' NA, which do not equal themselves."""
    same = value == value  # noqa: PLR0124  (this is the test)
    return value is None or not (isinstance(same, bool | np.bool_) and bool(same))


def is_damaged_code(text: str) -> bool:
    """Return whether a text is a code that a spreadsheet or a data frame converted to a number.

    Examples
    --------
    >>> is_damaged_code("4,00638E+12"), is_damaged_code("4006381333931.0")
    (True, True)
    >>> is_damaged_code("4006381333931"), is_damaged_code("1.5")
    (False, False)
    """
    return _DAMAGED.fullmatch(text) is not None


def lookalike(name: str, names: Iterable[str]) -> str | None:
    """Return the name that differs only in case, spaces, hyphens or underscores, or None.

    Examples
    --------
    >>> lookalike("oat milk", ["Milk", "Oat-Milk"])
    'Oat-Milk'
    """
    wanted = folded(name)
    return next((one for one in names if folded(one) == wanted), None)


def closest(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar name: equal except for case and spaces, or similar in spelling."""
    pool = list(names)
    same = lookalike(name, pool)
    if same is not None:
        return same
    # Comparing spellings is too slow for every name of a large dataset.
    near = difflib.get_close_matches(name, pool, n=1) if len(pool) <= 5000 else []
    return near[0] if near else None


def folded(name: str) -> str:
    """Return a name without case, spaces, hyphens and compatibility forms."""
    plain = unicodedata.normalize("NFKC", clean_name(name)).casefold()
    return "".join(plain.replace("-", " ").replace("_", " ").split())


def _digits(value: object, name: str) -> str | None:
    """Return the digits of a whole number, or None for other values."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, Integral | np.integer):
        return _of_int(operator.index(value), name)
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.adjusted() < _MOST_DIGITS and value == int(value)
        return _of_int(int(value), name) if whole else None
    if isinstance(value, float | np.floating):
        return _of_float(value, name)
    return None


def _of_int(number: int, name: str) -> str:
    if abs(number) >= 10**_MOST_DIGITS:
        raise DataError(
            f"{name} must have at most {_MOST_DIGITS} digits, got a whole number of about "
            f"{number.bit_length() * 3 // 10} digits; correct it",
            code="too-large",
            parameter=name,
        )
    return str(number)


def _of_float(value: float | np.floating, name: str) -> str | None:
    number = float(value)
    if not math.isfinite(number):
        return None
    # A float32 represents whole numbers exactly below 2**24 only, so it changes an EAN.
    bits = np.finfo(value.dtype).nmant + 1 if isinstance(value, np.floating) else 53
    if abs(number) >= 2.0 ** min(bits, 53):
        raise DataError(
            f"{name} must be a text or an integer where it is large, got the float {value!r}, "
            f"which holds whole numbers exactly below 2**{min(bits, 53)} only; read the column as "
            "text",
            code="lost-digits",
            parameter=name,
        )
    return str(int(number)) if number.is_integer() else None
