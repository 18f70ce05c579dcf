"""An inventory as text: a table, CSV, JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, final

from shelfvision._text import csv_cell, json_text, printable, shortened
from shelfvision._validation import counted

if TYPE_CHECKING:
    from shelfvision.inventory._inventory import Inventory

_WIDTH = 40


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One product of an inventory, or of a part of it."""

    part: str
    """The value of `by`; empty for the whole."""
    product: str
    """The name of the product."""
    count: float
    """How many photos show it, corrected for confusion."""
    low: int
    """The lower end of the interval."""
    high: int
    """The upper end of the interval."""
    naive: int
    """How many photos were taken for it."""


COLUMNS = tuple(field.name for field in fields(Row))
"""The names of its columns."""


def as_csv(rows: Iterable[Row]) -> str:
    """Return the rows as CSV; no cell is a formula for a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(csv_cell(cell) if isinstance(cell, str) else cell for cell in astuple(row))
    return file.getvalue()


def as_json(values: object) -> str:
    """Return plain values as JSON, readable."""
    return json_text(values, indent=2) + "\n"


def as_text(inventory: Inventory) -> str:
    """Return an aligned table, the most frequent product first."""
    titles = ("product", "count", f"{inventory.confidence_level:.0%} interval", "taken for it")
    rows = [titles, *(_cells(row) for row in inventory.rows(order="count"))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join([*(_line(row, widths) for row in rows), "", *remarks(inventory)])


def remarks(inventory: Inventory) -> list[str]:
    """Return what else there is to say, one sentence each."""
    said = [f"{counted(inventory.n_photos, 'photo')} counted, {len(inventory.review)} to review."]
    if inventory.failed:
        said.append(f"{counted(len(inventory.failed), 'photo')} could not be read.")
    if inventory.unmeasured:
        names = ", ".join(printable(name) for name in inventory.unmeasured)
        said.append(f"Without validation photos, so guessed: {names}.")
    return said


def _cells(row: Row) -> tuple[str, str, str, str]:
    name = shortened(row.product, _WIDTH)
    return name, f"{row.count:.1f}", f"{row.low} to {row.high}", str(row.naive)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([name, *numbers])
