"""Labels, groups and ids for `SeededSplitter.split_indices`, which has no dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision._warnings import warn_caller
from shelfvision.data._columns import entries_of, label_array
from shelfvision.errors import DataError, LeakageWarning

Labels: TypeAlias = Sequence[int] | Sequence[str] | npt.NDArray[np.generic]
"""One class per row, as a number or a name, or one-hot rows."""

Names: TypeAlias = Sequence[str] | Sequence[int] | npt.NDArray[np.generic]
"""One name per row; numbers are converted to text."""


def numbered_classes(labels: Labels) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the class number of each row, and the sorted class names."""
    array = label_array(labels)
    if array.ndim == 2:
        if not ((array == 0) | (array == 1)).all() or not (array.sum(axis=1) == 1).all():
            raise DataError(
                "labels with two axes must be one-hot, with one 1 per row and 0 elsewhere, got "
                f"other values in shape {array.shape}; pass class numbers or names, shape (n,)",
                code="not-one-hot",
                parameter="labels",
            )
        return array.argmax(axis=1).astype(np.int64), [str(name) for name in range(array.shape[1])]
    if array.ndim != 1:
        raise DataError(
            f"labels must have shape (n,), or (n, classes) for one-hot rows, got {array.shape}; "
            "pass one class per row",
            code="wrong-shape",
            parameter="labels",
        )
    if array.size and array.dtype.kind not in "iubOUT":
        raise DataError(
            f"labels must be integers, names or one-hot rows, got {array.dtype}; convert "
            "them with .astype(int)",
            code="wrong-type",
            parameter="labels",
        )
    if array.dtype.kind == "O":
        array = np.array([str(label) for label in array])
    names, numbers = np.unique(array, return_inverse=True)
    return numbers.astype(np.int64), [str(name) for name in names]


def row_keys(length: int, groups: Names | None, ids: Names | None) -> npt.NDArray[np.object_]:
    """Return the group of each row: as given, or its id, or its row number."""
    given = {"groups": groups, "ids": ids}
    columns = {n: entries_of(n, column) for n, column in given.items() if column is not None}
    for name, column in columns.items():
        if len(column) != length:
            raise DataError(
                f"{name} must have one entry per label, got {len(column)} for "
                f"{counted(length, 'label')}; pass one for each",
                code="wrong-length",
                parameter=name,
            )
    keys = np.empty(length, dtype=object)
    keys[:] = [str(key) for key in next(iter(columns.values()), range(length))]
    return keys


def factorized(keys: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the key number of each row, and the keys in order of first appearance."""
    # One pass only: the strings are scattered in memory, and fetching them takes most of the time.
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(numbers.__getitem__, keys.tolist()), np.int64, len(keys))
    return codes, list(numbers)


def warn_of_parted(keys: npt.NDArray[np.object_], rows: Sequence[npt.NDArray[np.int64]]) -> None:
    """Warn if groups are in several sets."""
    parts = [set(keys[part].tolist()) for part in rows]
    groups = set().union(*parts)
    shared = sum(map(len, parts)) > len(groups) and [
        group for group in groups if sum(group in part for part in parts) > 1
    ]
    if shared:
        warn_caller(
            LeakageWarning(
                f"method 'shuffled' ignores groups and put {len(shared)} of "
                f"{counted(len(groups), 'group')} into several sets (for example {min(shared)!r}), "
                "so scores will be too high (data leakage); use method 'stratified' or 'hashed' to "
                "keep groups together",
                code="groups-parted",
            )
        )
