"""An inventory as text: a table, or CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

from shelfvision._csv import csv_text
from shelfvision._pages.notebook import notebook_view
from shelfvision._text import printable, shortened
from shelfvision._validation import counted
from shelfvision.inventory._rows import COLUMNS, CountedProducts, Row

_WIDTH = 40


def csv_of(rows: Iterable[Row]) -> str:
    """Return the rows as CSV; formulas are escaped, so that spreadsheets do not run them."""
    return csv_text([COLUMNS, *map(astuple, rows)])


def table_of(inventory: CountedProducts) -> str:
    """Return an aligned table, the product with the largest count first."""
    titles = ("product", "count", f"{inventory.confidence_level:.0%} interval", "predicted")
    rows = [titles, *(_cells(row) for row in inventory.rows(order="count"))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join([*(_line(row, widths) for row in rows), "", *remarks(inventory)])


def inventory_view(inventory: CountedProducts) -> str:
    """Return the HTML of an inventory for a notebook, the product with the largest count first."""
    rows = inventory.rows(order="count")
    number = counted(inventory.n_photos, inventory.unit)
    return notebook_view(
        f"Inventory: {number} of {counted(len(rows), 'product')}",
        notes=remarks(inventory),
        columns=["product", "count", f"{inventory.confidence_level:.0%} interval", "predicted"],
        rows=[
            [row.product, f"{row.count:.1f}", f"{row.low} to {row.high}", row.naive] for row in rows
        ],
    )


def remarks(inventory: CountedProducts) -> list[str]:
    """Return notes about the inventory, one sentence each."""
    sentences = [
        f"{counted(inventory.n_photos, inventory.unit)} counted, {len(inventory.review)} to review."
    ]
    if inventory.correction is not None:
        sentences.append(str(inventory.correction))
    if inventory.unknown is not None:
        one = inventory.unknown
        sentences.append(
            f"{one.rejected} rejected; {one.count:.1f} ({one.low} to {one.high}) without a known "
            "product."
        )
    if inventory.double_counts:
        sentences.append(
            f"{counted(len(inventory.double_counts), 'pair')} of boxes or photos may be counted "
            "twice."
        )
    if inventory.failed:
        sentences.append(f"{counted(len(inventory.failed), inventory.unit)} could not be read.")
    if inventory.unmeasured:
        names = ", ".join(printable(name) for name in inventory.unmeasured)
        sentences.append(f"Imprecise, because validation photos are missing: {names}.")
    return sentences


def _cells(row: Row) -> tuple[str, str, str, str]:
    name = shortened(row.product, _WIDTH)
    return name, f"{row.count:.1f}", f"{row.low} to {row.high}", str(row.naive)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([name, *numbers])
