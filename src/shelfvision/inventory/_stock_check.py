"""Comparison of an inventory with the expected stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.inventory._rows import CountedProducts

StockStatus: TypeAlias = Literal["missing", "short", "over", "unknown", "as expected"]
"""The result for one product."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StockCheck:
    """The comparison of counted and expected stock of one product."""

    product: str
    """The name of the product."""
    status: StockStatus
    """Missing, short, over, as expected, or unknown: the classifier has no such class, or a partial
    list does not have the product."""
    expected: int | None
    """The expected count; None if a partial list does not have the product."""
    count: float | None
    """The adjusted count; None if the classifier has no such class."""
    interval: tuple[int, int] | None
    """The confidence interval of the count; None if the classifier has no such class."""
    confidence: float
    """The probability of the status, 0 to 1. For ``as expected``, the smaller of the probabilities
    that there are not too few and that there are not too many."""
    part: str = ""
    """The store, or another value of `by`; empty for the whole inventory."""
    code: str = ""
    """The product code of the class; empty without one."""

    def __str__(self) -> str:
        """Return the check as a line of text."""
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
    """Return a check of each product, in the order of the list and then of the classes."""
    checks = [
        StockCheck(
            product=name,
            status="unknown",
            expected=number,
            count=None,
            interval=None,
            confidence=1.0,
            part=part,
        )
        for name, number in wanted.items()
        if name not in stock.class_names
    ]
    intervals = stock.intervals
    for place, name in enumerate(stock.class_names):
        column = stock.draws[:, place]
        number = None if partial and name not in wanted else wanted.get(name, 0)
        status, probable = _status(column, number, confidence_level)
        checks.append(
            StockCheck(
                product=name,
                status=status,
                expected=number,
                count=float(stock.counts[name]),
                interval=intervals[name],
                confidence=probable,
                part=part,
                code="" if stock.codes is None else stock.codes.get(name, ""),
            )
        )
    return checks


def in_order(checks: Sequence[StockCheck]) -> tuple[StockCheck, ...]:
    """Return the checks: differences by descending confidence, unexpected products last."""
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
