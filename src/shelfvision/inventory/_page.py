"""An inventory as one page of HTML that stands alone."""

from __future__ import annotations

from shelfvision._pages.html import escaped, image, page
from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.errors import PhotoError
from shelfvision.inventory._rows import CountedProducts, Row
from shelfvision.inventory._writing import remarks

_MOST = 24
_STYLE = """
:root { --blue: #0969da; }
@media (prefers-color-scheme: dark) { :root { --blue: #58a6ff; } }
table { width: auto; min-width: min(100%, 40rem); } td { font-variant-numeric: tabular-nums; }
tbody th { font-weight: normal; } td.number, th.number { padding-left: .6rem; }
svg { display: block; } .bar { fill: var(--blue); fill-opacity: .45; }
.span { stroke: var(--text); stroke-width: 2; }
.tick { stroke: var(--soft); stroke-width: 2; stroke-dasharray: 2 2; }
@media (max-width: 40rem) { .picture { display: none; } }
"""


def as_page(inventory: CountedProducts, photos: Dataset | None) -> str:
    """Return the whole page."""
    said = "".join(f"<p>{escaped(sentence)}</p>" for sentence in remarks(inventory))
    parts = "".join(
        f"<section><h2>{escaped(name)}</h2><p>{counted(part.n_photos, 'photo')}</p>"
        f"{_table(part)}</section>"
        for name, part in inventory.parts.items()
    )
    title = f"Inventory of {counted(inventory.n_photos, 'photo')}"
    body = f"<h1>{title}</h1>{said}{_table(inventory)}{parts}{_review(inventory, photos)}"
    return page(title, body, style=_STYLE)


def _table(inventory: CountedProducts) -> str:
    rows = inventory.rows(order="count")
    most = max([1, *(max(row.high, row.naive) for row in rows)])
    body = "".join(_row(row, most) for row in rows)
    return (
        '<p class="soft picture">Bar: the corrected count. Solid line: its interval. Dashed: how '
        "many photos were taken for it.</p>"
        '<div class="wide" role="region" aria-label="Counts" tabindex="0"><table><thead><tr>'
        '<th scope="col">product</th><th scope="col" class="number">count</th>'
        f'<th scope="col" class="number">{inventory.confidence_level:.0%} interval</th>'
        '<th scope="col" class="number">taken for it</th><td class="picture"></td>'
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Row, most: int) -> str:
    return (
        f'<tr><th scope="row">{escaped(row.product)}</th><td class="number">{row.count:.1f}</td>'
        f'<td class="number">{row.low} to {row.high}</td><td class="number">{row.naive}</td>'
        f'<td class="picture">{_bar(row, most)}</td></tr>'
    )


def _bar(row: Row, most: int) -> str:
    count, low, high, naive = (
        4 + 192 * value / most for value in (row.count, row.low, row.high, row.naive)
    )
    return (
        '<svg aria-hidden="true" viewBox="0 0 200 18" width="200" height="18">'
        f'<rect class="bar" x="4" y="3" width="{count - 4:.1f}" height="12"/>'
        f'<line class="span" x1="{low:.1f}" y1="9" x2="{high:.1f}" y2="9"/>'
        f'<line class="tick" x1="{naive:.1f}" y1="1" x2="{naive:.1f}" y2="17"/></svg>'
    )


def _review(inventory: CountedProducts, photos: Dataset | None) -> str:
    if not inventory.review:
        return ""
    rows = {} if photos is None else {name: row for row, name in enumerate(photos.ids)}
    shown = "".join(_thumbnail(name, photos, rows.get(name)) for name in inventory.review[:_MOST])
    rest = len(inventory.review) - _MOST
    more = f"<p>{rest} more are not shown.</p>" if rest > 0 else ""
    return f"<section><h2>To review</h2><ul>{shown}</ul>{more}</section>"


def _thumbnail(name: str, photos: Dataset | None, row: int | None) -> str:
    picture = ""
    if photos is not None and row is not None:
        try:
            picture = image(photos[row][0], alt=name)
        except PhotoError:
            picture = '<span class="gone">cannot be read</span>'
    return f"<li><figure>{picture}<figcaption>{escaped(name)}</figcaption></figure></li>"
