"""How the sets of a split show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Mapping

from shelfvision._pages.notebook import MOST_PHOTOS, notebook_view
from shelfvision._validation import counted
from shelfvision.data._dataset import Dataset
from shelfvision.data._notebook import thumbnails_of


def splits_view(parts: Mapping[str, Dataset]) -> str:
    """Return the HTML of a split: photos of each set, and a table of photos by class and set."""
    photos = [
        photo
        for name, part in parts.items()
        for photo in thumbnails_of(part.table, MOST_PHOTOS // len(parts), f"{name}: ")
    ]
    counts = [part.class_counts for part in parts.values()]
    names = parts["train"].class_names
    rows = [["all", *map(len, parts.values())]]
    rows += [[name, *(count[name] for count in counts)] for name in names]
    sizes = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    return notebook_view(
        f"Splits: {sizes} photos of {counted(len(names), 'class')}",
        photos=photos,
        columns=["class", *parts],
        rows=rows,
    )
