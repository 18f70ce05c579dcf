"""`Row`, one product of an inventory, and the interface that tables and checks read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Protocol, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._product_codes import ProductCodes
from shelfvision.inventory._double_counts import DoubleCount
from shelfvision.inventory._rejection import UnknownCount
from shelfvision.inventory.correcting._correction import CountCorrection

CountedUnit: TypeAlias = Literal["photo", "box"]
"""What an inventory counts: photos of one product each, or boxes of shelf photos."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One product of an inventory, or of a part of it."""

    part: str
    """The value of `by`; empty for the whole."""
    product: str
    """The name of the product."""
    count: float
    """The adjusted count."""
    low: int
    """The lower end of the interval."""
    high: int
    """The upper end of the interval."""
    naive: int
    """The number of photos or boxes predicted as the product."""
    code: str = ""
    """The product code; empty without one."""
    correction: str = ""
    """How the counts were corrected: ``"adjusted"``, ``"partly adjusted"`` or ``"plain"``."""


COLUMNS = tuple(field.name for field in fields(Row))
"""The names of the columns."""


class CountedProducts(Protocol):
    """The interface of an `Inventory`, or of a part, that this module reads."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the products."""
        ...

    @property
    def draws(self) -> npt.NDArray[np.int64]:
        """The samples of the counts, shape (draws, k)."""
        ...

    @property
    def naive(self) -> Mapping[str, int]:
        """The number of photos or boxes predicted as each product."""
        ...

    @property
    def counts(self) -> dict[str, float]:
        """The adjusted counts."""
        ...

    @property
    def intervals(self) -> dict[str, tuple[int, int]]:
        """The interval of each count."""
        ...

    @property
    def confidence_level(self) -> float:
        """The confidence level of the intervals."""
        ...

    @property
    def n_photos(self) -> int:
        """The number of photos or boxes that are counted."""
        ...

    @property
    def unit(self) -> CountedUnit:
        """What is counted."""
        ...

    @property
    def review(self) -> tuple[str, ...]:
        """The ids of photos or boxes to review."""
        ...

    @property
    def failed(self) -> Mapping[str, str]:
        """The reasons why photos could not be read, by id."""
        ...

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The products without a validation photo."""
        ...

    @property
    def parts(self) -> Mapping[str, CountedProducts]:
        """The inventory of each value of `by`."""
        ...

    @property
    def unknown(self) -> UnknownCount | None:
        """The estimated number of photos without a known product."""
        ...

    @property
    def double_counts(self) -> tuple[DoubleCount, ...]:
        """The boxes and photos that may be counted twice."""
        ...

    @property
    def correction(self) -> CountCorrection | None:
        """The correction that was applied to the counts."""
        ...

    @property
    def codes(self) -> ProductCodes | None:
        """The product code of each class."""
        ...

    def rows(self, *, order: str = "class") -> tuple[Row, ...]:
        """Return a row for every product."""
        ...


def inventory_rows(inventory: CountedProducts, part: str = "") -> tuple[Row, ...]:
    """Return a row for every product, in the order of the classes."""
    ends = inventory.intervals
    return tuple(
        Row(
            part=part,
            product=name,
            count=round(count, 2),
            low=ends[name][0],
            high=ends[name][1],
            naive=inventory.naive[name],
            code="" if inventory.codes is None else inventory.codes.get(name, ""),
            correction="" if inventory.correction is None else inventory.correction.method,
        )
        for name, count in inventory.counts.items()
    )


def inventory_rows_with_parts(inventory: CountedProducts) -> list[Row]:
    """Return the rows of an inventory, then those of each of its parts."""
    parts = inventory.parts.items()
    return [
        *inventory_rows(inventory),
        *(row for name, part in parts for row in inventory_rows(part, name)),
    ]
