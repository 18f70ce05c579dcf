"""How values show themselves in notebooks: a title, notes, thumbnails and a table, within 200 KB.

A notebook keeps the output of every cell in its file, and a photo that cannot be read must not
hide the value that contains it. So the number of photos and rows, the length of names and the bytes
of every picture are limited, and a photo that fails is shown with its reason.

>>> "2 photos" in notebook_view("Dataset: 2 photos", columns=["class"], rows=[["milk"]])
True
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from shelfvision._pages.html import jpeg_uri, render_template
from shelfvision._pages.thumbnails import thumbnail
from shelfvision._text import shortened
from shelfvision.protocols import Image

MOST_PHOTOS: Final = 12
"""The largest number of photos that are read."""
MOST_ROWS: Final = 20
"""The largest number of rows of a table."""

_LONGEST = 60
_WORKERS = 4
_NUMBER: Final = re.compile(r"[-+]?[\d.,]* ?%?")
_SIDE = 96
_THUMBNAIL_BYTES, _PICTURE_BYTES = 8_000, 90_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookPhoto:
    """A photo, or why it cannot be shown."""

    caption: str
    uri: str = ""
    fault: str = ""
    width: int = _SIDE


def notebook_view(
    title: str,
    *,
    notes: Sequence[str] = (),
    photos: Sequence[NotebookPhoto] = (),
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[object]] = (),
) -> str:
    """Return the HTML of a value; names are shortened, and further rows are counted.

    Parameters
    ----------
    title : str
        The kind of value and its size.
    notes : sequence of str, optional
        Sentences below the title.
    photos : sequence of NotebookPhoto, optional
        At most `MOST_PHOTOS` photos.
    columns, rows : sequence, optional
        A table. Columns of numbers are aligned to the right.
    """
    aligned = ["left" if _is_text(rows, place) else "right" for place in range(len(columns))]
    return render_template(
        "notebook.html",
        title=title,
        notes=[shortened(note, 4 * _LONGEST) for note in notes],
        photos=photos[:MOST_PHOTOS],
        aligned=aligned,
        columns=[shortened(name, _LONGEST) for name in columns],
        rows=[[_cell(value) for value in row] for row in rows[:MOST_ROWS]],
        left_out=max(len(rows) - MOST_ROWS, 0),
    )


def notebook_photos(read: Callable[[int], Image], captions: Sequence[str]) -> list[NotebookPhoto]:
    """Return the thumbnails of a few photos, read in a few threads; a failure is shown."""
    shown = captions[:MOST_PHOTOS]
    found = [NotebookPhoto(caption=shortened(name, _LONGEST)) for name in shown]

    def fill(place: int) -> None:
        found[place] = picture(
            lambda: read(place), shown[place], side=_SIDE, most_bytes=_THUMBNAIL_BYTES
        )

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(fill, range(len(shown))))
    return found


def picture(
    read: Callable[[], Image],
    caption: str = "",
    *,
    side: int = 640,
    most_bytes: int = _PICTURE_BYTES,
) -> NotebookPhoto:
    """Return one photo of at most `side` pixels and `most_bytes` bytes, or why there is none."""
    caption = shortened(caption, _LONGEST)
    try:
        pixels, file = thumbnail(read(), side=side, most_bytes=most_bytes)
    except Exception as error:  # noqa: BLE001  (a notebook shows the value in any case)
        return NotebookPhoto(caption=caption, fault=shortened(str(error), 2 * _LONGEST), width=side)
    return NotebookPhoto(caption=caption, uri=jpeg_uri(file), width=max(side // 2, pixels.shape[1]))


def _is_text(rows: Sequence[Sequence[object]], place: int) -> bool:
    """Return whether a column is the first one, or has a cell that is no number."""
    cells = [row[place] for row in rows if place < len(row)]
    return place == 0 or any(isinstance(one, str) and not _NUMBER.fullmatch(one) for one in cells)


def _cell(value: object) -> str:
    return shortened(value, _LONGEST) if isinstance(value, str) else f"{value:,}"
