"""What an earlier split says of the rows of a dataset, and what follows for their groups."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.data._dataset import Dataset
from shelfvision.data.splitting._files import SavedRows, find_rows, read_split
from shelfvision.data.splitting.leaks import PARTS
from shelfvision.errors import SplitError

NEW = -1
"""The state of a row, and of a group, that no part has been chosen for."""
UNPLACED = -2
"""The state of a group that stands in two parts already, and of its new rows."""
DROPPED = -3
"""The state of a row that an earlier split dropped."""
UNLISTED = -4
"""The state of a row that was on no list."""

# What the earlier split could not place is tried again.
_STATES = {name: part for part, name in enumerate(PARTS)} | {
    "dropped": DROPPED,
    "unlisted": UNLISTED,
    "unplaced": NEW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Where rows have to stay."""

    state: npt.NDArray[np.int64]
    """For every row the number of its part, or one of the states above."""
    gone: tuple[str, ...] = ()
    """Photos of the earlier split that the dataset does not have."""

    @classmethod
    def none(cls, length: int) -> Pins:
        """Return pins that hold nothing."""
        return cls(state=np.full(length, NEW, dtype=np.int64))


def read_pins(path: str | os.PathLike[str], dataset: Dataset) -> Pins:
    """Read which rows of the dataset a saved manifest pins."""
    saved = read_split(path, parameter="previous")
    rows = find_rows(saved, dataset)
    states = np.array([_STATES[name] for name in saved.splits], dtype=np.int64)
    pins = Pins.none(len(dataset))
    known = rows >= 0
    if len(rows) and len(dataset) and not known.any():
        raise SplitError(
            f"{saved.path!r} must have photos of the dataset, got none, such as {saved.ids[0]!r}, "
            f"while the dataset has {str(dataset.ids[0])!r}; open the dataset at the folder that "
            "these paths start from",
            code="unknown-id",
            parameter="previous",
        )
    pins.state[rows[known]] = states[known]
    torn = np.flatnonzero(known)[pins.state[rows[known]] != states[known]]
    if len(torn):
        raise _torn(saved, int(torn[0]))
    # A split may have been saved with the copies of its training part; their photos are not gone.
    here = set(dataset.ids.tolist())
    absent = dict.fromkeys(saved.ids[row] for row in np.flatnonzero(~known))
    return Pins(state=pins.state, gone=tuple(photo for photo in absent if photo not in here))


def pinned_groups(
    codes: npt.NDArray[np.int64], n_groups: int, state: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the part that pinned rows fix for every group, `UNPLACED` if there are several."""
    parts = np.full(n_groups, NEW, dtype=np.int64)
    for part in range(len(PARTS)):
        touched = np.unique(codes[state == part])
        parts[touched] = np.where(parts[touched] == NEW, part, UNPLACED)
    return parts


def rows_of(
    parts: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], state: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the state of every row: new ones as their group, all others as before."""
    return np.where(state == NEW, parts[codes], state)


def _torn(saved: SavedRows, row: int) -> SplitError:
    return SplitError(
        f"{saved.path!r} has {saved.ids[row]!r} (line {saved.lines[row]}) in two parts; remove "
        "one of the lines",
        code="duplicate",
        parameter="previous",
    )
