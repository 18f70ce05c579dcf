"""Whether photos that judge were also trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfvision.data import Dataset
from shelfvision.errors import LeakageWarning

EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageCheck:
    """What the judging photos share with the training photos."""

    n_training: int
    """How many training photos were compared with, augmented copies included."""
    groups: int
    """How many groups stand on both sides."""
    photos: int
    """How many judging photos belong to such groups; their score measures memory."""
    examples: tuple[str, ...]
    """The ids of a few of them."""

    @property
    def ok(self) -> bool:
        """Whether nothing is shared."""
        return self.groups == 0


def leakage_between(training: Dataset, dataset: Dataset) -> LeakageCheck:
    """Look for groups that stand in both."""
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
    """Return the warning to give where something is shared."""
    return LeakageWarning(
        f"{check.photos} of the photos to judge by belong to {check.groups} groups that the "
        f"classifier was trained on (for example {check.examples[0]!r}), so the scores measure "
        "memory; judge by photos that Splits or SeededSplitter kept apart",
        code="leakage",
        parameter="training",
    )
