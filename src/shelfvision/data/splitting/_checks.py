"""Checks of the sets of a split, and the table of their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision._validation import listed
from shelfvision.data._dataset import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.arguments import require_dataset
from shelfvision.data.splitting._files import SavedRows
from shelfvision.errors import SplitError


def given_parts(given: Mapping[str, Dataset | None]) -> dict[str, Dataset]:
    """Return the sets that are not None; refuse other types, and None for train."""
    there = {name: part for name, part in given.items() if part is not None or name == "train"}
    return {name: require_dataset(name, part) for name, part in there.items()}


def alike(parts: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Return the sets with the classes of train; refuse unknown classes and other image sizes."""
    train = parts["train"]
    for name, part in parts.items():
        if part.image_size != train.image_size:
            raise SplitError(
                f"{name} must have the image_size of train, {train.image_size}, got "
                f"{part.image_size}; pass {name}.resized(train.image_size, resize=train.resize)",
                code="sizes-differ",
                parameter=name,
            )
    return {
        name: aligned(part, train.class_names, parameter=name, of="train", error=SplitError)
        for name, part in parts.items()
    }


def check_filled(parts: Mapping[str, Dataset]) -> None:
    """Refuse empty sets."""
    for name, part in parts.items():
        if not len(part):
            raise SplitError(
                f"the {name} set must not be empty, got no photos; add photos or choose other "
                "shares" + ("" if name == "train" else f", or pass {name}=None"),
                code="empty",
                parameter=name,
            )


def check_complete(saved: SavedRows, rows: npt.NDArray[np.int64], dataset: Dataset) -> None:
    """Refuse a dataset that lacks photos of a saved split or has additional ones."""
    lost = np.flatnonzero(rows < 0)
    if len(lost):
        first = int(lost[0])
        copy = saved.copies[first]
        what = f"copy {copy} of {saved.ids[first]!r}" if copy else repr(saved.ids[first])
        raise SplitError(
            f"line {saved.lines[first]} of {saved.path!r} has {what}, which the dataset does not "
            f"have ({len(lost)} of its {len(rows)} rows are missing); give the dataset that was "
            "split, or split this one again with SeededSplitter.split(dataset, previous=path)",
            code="unknown-id",
            parameter="path",
        )
    new = np.ones(len(dataset), dtype=np.bool_)
    new[rows] = False
    if new.any():
        raise SplitError(
            f"{saved.path!r} does not list {listed(dataset.ids[new], limit=3)}; pass the dataset "
            "that was split, or place the new photos with "
            "SeededSplitter.split(dataset, previous=path)",
            code="incomplete",
            parameter="path",
        )


def count_table(parts: Mapping[str, Dataset]) -> list[str]:
    """Return the lines of a table of photo counts by class and set."""
    counts = {name: list(part.class_counts.values()) for name, part in parts.items()}
    counts["total"] = [sum(row) for row in zip(*counts.values(), strict=True)]
    names = parts["train"].class_names
    rows = [["class", *counts]]
    rows += [
        [printable(name), *map(str, row)]
        for name, row in zip(names, zip(*counts.values(), strict=True), strict=True)
    ]
    rows.append(["all", *(str(sum(column)) for column in counts.values())])
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]
