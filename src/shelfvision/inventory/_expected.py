"""An inventory held against what should be there."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, as_number, listed
from shelfvision.errors import DataError, DatasetNotFoundError, InvalidParameterError

StockStatus: TypeAlias = Literal["missing", "short", "over", "unknown", "as expected"]
"""What an inventory says of an expected product."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StockCheck:
    """What an inventory says of one product that should or should not be there."""

    product: str
    """Its name."""
    status: StockStatus
    """Missing, short, over; unknown where the classifier has no such class; or as expected."""
    expected: int
    """How many should be there."""
    count: float | None
    """How many are there, corrected for confusion; None where it is unknown."""
    interval: tuple[int, int] | None
    """What that lies between; None where it is unknown."""
    confidence: float
    """How probable the status is, 0 to 1; for ``as expected``, how probable it is that no product
    is lacking or that none is too many, whichever is less."""

    def __str__(self) -> str:
        """Return it as a line of text."""
        if self.count is None or self.interval is None:
            return f"{self.product}: unknown to the classifier, {self.expected} expected"
        low, high = self.interval
        return (
            f"{self.product}: {self.status} ({self.confidence:.0%}), {self.count:.1f} counted "
            f"({low} to {high}), {self.expected} expected"
        )


def checked_against(
    class_names: Sequence[str],
    draws: npt.NDArray[np.int64],
    intervals: Mapping[str, tuple[int, int]],
    expected: Mapping[str, int] | str | os.PathLike[str],
    *,
    confidence: float,
    columns: tuple[str, str],
) -> tuple[StockCheck, ...]:
    """Return a check of every product, differences first, the surest first."""
    sure = as_number("confidence", confidence, minimum=0.5, maximum=1, exclusive=True)
    wanted = _checked(expected if isinstance(expected, Mapping) else _read(expected, columns))
    checks = [
        StockCheck(
            product=name, status="unknown", expected=number, count=None, interval=None,
            confidence=1.0,
        )
        for name, number in wanted.items()
        if name not in class_names
    ]  # fmt: skip
    for place, name in enumerate(class_names):
        number = wanted.get(name, 0)
        status, probable = _status(draws[:, place], number, sure)
        checks.append(
            StockCheck(
                product=name, status=status, expected=number,
                count=float(draws[:, place].mean()), interval=intervals[name],
                confidence=probable,
            )
        )  # fmt: skip
    return tuple(sorted(checks, key=lambda one: (one.status == "as expected", -one.confidence)))


def _status(draws: npt.NDArray[np.int64], number: int, sure: float) -> tuple[StockStatus, float]:
    none, less, more = (
        float(np.mean(part)) for part in (draws == 0, draws < number, draws > number)
    )
    if number > 0 and none >= sure:
        return "missing", none
    if less >= sure:
        return "short", less
    if more >= sure:
        return "over", more
    return "as expected", 1 - max(less, more)


def _checked(expected: Mapping[str, int]) -> dict[str, int]:
    return {
        name: as_integer(f"the expected count of {name!r}", number, minimum=0)
        for name, number in expected.items()
    }


def _read(path: str | os.PathLike[str], columns: tuple[str, str]) -> dict[str, int]:
    given = os.fspath(path)
    try:
        # A pipe would be waited for, perhaps for ever.
        if not stat.S_ISREG(os.stat(given).st_mode):
            raise DataError(f"the stock list {given!r} is no regular file; give a CSV file's path")
        with open(given, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(
                file, strict=True, skipinitialspace=True, delimiter=_delimiter(file.readline())
            )
            file.seek(0)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                found = listed(reader.fieldnames) if reader.fieldnames else "nothing at all"
                raise DataError(
                    f"{given!r} has no column {missing[0]!r}, only {found}; name its columns with "
                    "product_column and count_column"
                )
            twice = [name for name in columns if (reader.fieldnames or ()).count(name) > 1]
            if twice:
                raise DataError(
                    f"{given!r} has the column {twice[0]!r} more than once; name each column once"
                )
            return _counts([(reader.line_num, dict(row)) for row in reader], given, columns)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetNotFoundError(f"there is no stock list {given!r}; check the path") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DataError(
            f"the stock list {given!r} is not a CSV file in UTF-8 that can be read: {error}; "
            "save it as CSV UTF-8"
        ) from error


def _delimiter(header: str) -> str:
    """Return what parts the cells of a line; spreadsheets of many countries write semicolons."""
    return max(",;\t", key=header.count)


def _counts(
    rows: Sequence[tuple[int, Mapping[str | None, str | None]]],
    given: str,
    columns: tuple[str, str],
) -> dict[str, int]:
    product, count = columns
    found: dict[str, int] = {}
    for line, row in rows:
        if None in row:
            raise DataError(
                f"line {line} of {given!r} has more cells than there are columns; put a name or "
                "number with a comma in quotes"
            )
        name, text = (row[product] or "").strip(), (row[count] or "").strip()
        if not name or not (text.isascii() and text.isdigit() and len(text) < 16):
            raise InvalidParameterError(
                f"line {line} of {given!r} must have a product and a whole number from 0, not "
                f"{name!r} and {text!r}; correct the line"
            )
        if name in found:
            raise DataError(f"line {line} of {given!r} lists {name!r} again; list each once")
        found[name] = int(text)
    if not found:
        raise DataError(f"{given!r} lists no product; give each a line")
    return found
