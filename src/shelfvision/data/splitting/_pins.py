"""Read an earlier split and find the set that it fixes for each row and group of a dataset."""

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
"""The state of a row or group without a set."""
UNPLACED = -2
"""The state of a group that is in two sets of the earlier split, and of its new rows."""
DROPPED = -3
"""The state of a row that the earlier split dropped."""
UNLISTED = -4
"""The state of a row that was on no list."""

# Rows that the earlier split left unplaced are new again: later photos may resolve the conflict.
_STATES = {name: part for part, name in enumerate(PARTS)} | {
    "dropped": DROPPED,
    "unlisted": UNLISTED,
    "unplaced": NEW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The sets that the earlier split fixes."""

    state: npt.NDArray[np.int64]
    """For each row the number of its set, or one of the states above."""
    gone: tuple[str, ...] = ()
    """Photos of the earlier split that the dataset does not have."""

    @classmethod
    def none(cls, length: int) -> Pins:
        """Return pins that fix no row."""
        return cls(state=np.full(length, NEW, dtype=np.int64))


def read_pins(path: str | os.PathLike[str], dataset: Dataset) -> Pins:
    """Read a saved manifest and return the rows that it fixes."""
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
    # A split may have been saved with copies in its training set; their photos are not gone.
    here = set(dataset.ids.tolist())
    absent = dict.fromkeys(saved.ids[row] for row in np.flatnonzero(~known))
    return Pins(state=pins.state, gone=tuple(photo for photo in absent if photo not in here))


def pinned_groups(
    codes: npt.NDArray[np.int64], n_groups: int, state: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the set that pinned rows fix for each group, `UNPLACED` if there are several."""
    parts = np.full(n_groups, NEW, dtype=np.int64)
    for part in range(len(PARTS)):
        touched = np.unique(codes[state == part])
        parts[touched] = np.where(parts[touched] == NEW, part, UNPLACED)
    return parts


def rows_of(
    parts: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], state: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the state of each row: new rows get that of their group, others keep theirs."""
    return np.where(state == NEW, parts[codes], state)


def _torn(saved: SavedRows, row: int) -> SplitError:
    return SplitError(
        f"{saved.path!r} lists {saved.ids[row]!r} in two sets (line {saved.lines[row]}); remove "
        "one of the lines",
        code="duplicate",
        parameter="previous",
    )
