"""Check for data leakage between the training set and an evaluated dataset.

Groups may have different names in both sets, or names in one of them only. Photos with equal
content are therefore also leakage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.data.table import contents_of
from shelfvision.errors import LeakageWarning

EXAMPLES = 5


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageCheck:
    """Data leakage: evaluated photos whose group or content is also in the training set."""

    n_training: int
    """The number of training photos, including augmented copies."""
    groups: int
    """The number of groups of these photos."""
    photos: int
    """The number of evaluated photos that are leakage; their scores are too high."""
    examples: tuple[str, ...]
    """The ids of a few of these photos."""

    @property
    def ok(self) -> bool:
        """Whether the check found no data leakage."""
        return self.groups == 0


def leakage_between(training: Sequence[Dataset], dataset: Dataset) -> LeakageCheck:
    """Return how many photos of the dataset are in one of the training sets."""
    rows = np.flatnonzero(leaked_rows(training, dataset))
    return LeakageCheck(
        n_training=sum(map(len, training)),
        groups=len(set(dataset.groups[rows].tolist())),
        photos=len(rows),
        examples=tuple(dataset.ids[rows[:EXAMPLES]].tolist()),
    )


def leaked_rows(training: Sequence[Dataset], dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Return which photos have a group or the content of a training photo."""
    leaked = np.zeros(len(dataset), dtype=np.bool_)
    if training:
        for ours, theirs in (
            (dataset.groups, [one.groups for one in training]),
            (contents_of(dataset.table), [contents_of(one.table) for one in training]),
        ):
            known = set().union(*(column.tolist() for column in theirs))
            leaked |= np.fromiter((value in known for value in ours), np.bool_, len(ours))
    return leaked


def leakage_warning(check: LeakageCheck) -> LeakageWarning:
    """Return the warning about data leakage."""
    return LeakageWarning(
        f"data leakage: the training set has the groups of {counted(check.photos, 'photo')} in "
        f"{counted(check.groups, 'group')} (for example {check.examples[0]!r}), so the scores are "
        "too high; evaluate on the test set of Splits or SeededSplitter",
        code="leakage",
        parameter="training",
    )
