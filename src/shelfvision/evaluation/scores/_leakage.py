"""Check for data leakage between the training set and an evaluated dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.errors import LeakageWarning

EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageCheck:
    """Data leakage: groups that are in the training set and in the evaluated dataset."""

    n_training: int
    """The number of training photos, including augmented copies."""
    groups: int
    """The number of groups that are in both sets."""
    photos: int
    """The number of evaluated photos in such groups; their scores are too high."""
    examples: tuple[str, ...]
    """The ids of a few of these photos."""

    @property
    def ok(self) -> bool:
        """Whether the check found no data leakage."""
        return self.groups == 0


def leakage_between(training: Dataset, dataset: Dataset) -> LeakageCheck:
    """Return the groups that are in both sets."""
    ours = dataset.groups
    shared = set(ours.tolist()) & set(training.groups.tolist())
    rows = np.flatnonzero([group in shared for group in ours])
    return LeakageCheck(
        n_training=len(training),
        groups=len(shared),
        photos=len(rows),
        examples=tuple(dataset.ids[rows[:EXAMPLES]].tolist()),
    )


def leakage_warning(check: LeakageCheck) -> LeakageWarning:
    """Return the warning about data leakage."""
    return LeakageWarning(
        f"data leakage: the training set has the groups of {counted(check.photos, 'photo')} in "
        f"{counted(check.groups, 'group')} (for example {check.examples[0]!r}), so the scores are "
        "too high; evaluate on the test set of Splits or SeededSplitter",
        code="leakage",
        parameter="training",
    )
