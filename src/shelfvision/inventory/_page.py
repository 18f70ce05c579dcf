"""An inventory as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping

from shelfvision._pages.html import photo_uri, render_template
from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.errors import PhotoError
from shelfvision.inventory._rows import CountedProducts
from shelfvision.inventory._writing import remarks

# The maximum number of photos to review on the page.
_MOST = 24


def inventory_page(inventory: CountedProducts, photos: Dataset | None) -> str:
    """Return the page."""
    rows = {} if photos is None else {name: row for row, name in enumerate(photos.ids)}
    return render_template(
        "inventory.html",
        title=f"Inventory of {counted(inventory.n_photos, inventory.unit)}",
        remarks=remarks(inventory),
        predicted="boxes" if inventory.unit == "box" else "photos",
        level=f"{inventory.confidence_level:.0%}",
        whole=_table(inventory, ""),
        parts=[_table(part, name) for name, part in inventory.parts.items()],
        review=[_thumbnail(name, photos, rows) for name in inventory.review[:_MOST]],
        twice=[str(one) for one in inventory.double_counts[:_MOST]],
        twice_left_out=max(len(inventory.double_counts) - _MOST, 0),
        review_left_out=max(len(inventory.review) - _MOST, 0),
    )


def _table(inventory: CountedProducts, name: str) -> dict[str, object]:
    rows = inventory.rows(order="count")
    return {
        "name": name,
        "counted": counted(inventory.n_photos, inventory.unit),
        "rows": rows,
        "most": max([1, *(max(row.high, row.naive) for row in rows)]),
    }


def _thumbnail(name: str, photos: Dataset | None, rows: Mapping[str, int]) -> dict[str, object]:
    if photos is None or name not in rows:
        return {"id": name, "known": False, "uri": None}
    try:
        uri = photo_uri(photos[rows[name]][0])
    except PhotoError:
        uri = None
    return {"id": name, "known": True, "uri": uri}
