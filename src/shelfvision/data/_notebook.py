"""How a dataset shows itself in a notebook."""

from __future__ import annotations

import numpy as np

from shelfvision._pages.notebook import (
    MOST_PHOTOS,
    NotebookPhoto,
    notebook_photos,
    notebook_view,
)
from shelfvision._validation import counted
from shelfvision.data.table import PhotoTable, class_counts_of


def dataset_view(table: PhotoTable) -> str:
    """Return the HTML of a dataset: a few photos and the number of photos of each class."""
    height, width = table.source.image_size
    counts = class_counts_of(table)
    copies = int(np.count_nonzero(table.copies))
    notes = [f"{counted(copies, 'row')} are augmented copies."] if copies else []
    if table.skipped:
        notes.append(f"{counted(len(table.skipped), 'file')} were skipped; see skipped.")
    return notebook_view(
        f"Dataset: {counted(len(table), 'photo')} of {counted(len(counts), 'class')}, "
        f"{height} x {width}",
        notes=notes,
        photos=thumbnails_of(table, MOST_PHOTOS),
        columns=["class", "photos"],
        rows=list(counts.items()),
    )


def thumbnails_of(table: PhotoTable, most: int, prefix: str = "") -> list[NotebookPhoto]:
    """Return thumbnails of rows that are spread evenly over the table."""
    rows = np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).round().astype(int))
    names = [prefix + table.class_names[table.labels[row]] for row in rows]
    return notebook_photos(lambda place: table.source.read(int(table.rows[rows[place]])), names)
