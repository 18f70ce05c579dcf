"""An inventory held against what should be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.inventory._rows import CountedProducts

StockStatus: TypeAlias = Literal["missing", "short", "over", "unknown", "as expected"]
"""What an inventory says of an expected product."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StockCheck:
    """What an inventory says of one product that should or should not be there."""

    product: str
    """Its name."""
    status: StockStatus
    """Missing, short, over; unknown where the classifier has no such class, or where a partial
    list does not have the product; or as expected."""
    expected: int | None
    """How many should be there; None where a partial list does not tell."""
    count: float | None
    """How many are there, corrected for confusion; None where it is unknown."""
    interval: tuple[int, int] | None
    """What that lies between; None where it is unknown."""
    confidence: float
    """How probable the status is, 0 to 1; for ``as expected``, how probable it is that no product
    is lacking or that none is too many, whichever is less."""
    part: str = ""
    """The store, or another value of `by`, that it is about; empty for the whole."""

    def __str__(self) -> str:
        """Return it as a line of text."""
        name = printable(f"{self.part}, {self.product}" if self.part else self.product)
        if self.count is None or self.interval is None:
            return f"{name}: unknown to the classifier, {self.expected} expected"
        low, high = self.interval
        counted = f"{self.count:.1f} counted ({low} to {high})"
        if self.expected is None:
            return f"{name}: {counted}, not on the list"
        return f"{name}: {self.status} ({self.confidence:.0%}), {counted}, {self.expected} expected"


def checked_against(
    stock: CountedProducts,
    wanted: Mapping[str, int],
    *,
    confidence_level: float,
    partial: bool,
    part: str,
) -> list[StockCheck]:
    """Return a check of every product, in the order of the list and then of the classes."""
    checks = [
        StockCheck(
            product=name, status="unknown", expected=number, count=None, interval=None,
            confidence=1.0, part=part,
        )
        for name, number in wanted.items()
        if name not in stock.class_names
    ]  # fmt: skip
    intervals = stock.intervals
    for place, name in enumerate(stock.class_names):
        column = stock.draws[:, place]
        number = None if partial and name not in wanted else wanted.get(name, 0)
        status, probable = _status(column, number, confidence_level)
        checks.append(
            StockCheck(
                product=name, status=status, expected=number, count=float(column.mean()),
                interval=intervals[name], confidence=probable, part=part,
            )
        )  # fmt: skip
    return checks


def in_order(checks: Sequence[StockCheck]) -> tuple[StockCheck, ...]:
    """Return the checks, differences first, the surest first; what nobody expects comes last."""
    return tuple(
        sorted(
            checks,
            key=lambda one: (one.expected is None, one.status == "as expected", -one.confidence),
        )
    )


def _status(
    draws: npt.NDArray[np.int64], number: int | None, sure: float
) -> tuple[StockStatus, float]:
    if number is None:
        return "unknown", 1.0
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
