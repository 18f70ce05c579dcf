"""Find data leakage between the sets of a split: shared groups and misplaced augmented copies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.data._dataset import Dataset

OnLeak: TypeAlias = Literal["raise", "drop", "allow"]
"""What to do if sets of a split share photos."""

ON_LEAK: tuple[OnLeak, ...] = get_args(OnLeak)
"""The values of `OnLeak`."""
PARTS = ("train", "validation", "test")
"""The sets that a dataset is divided into, in their order."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Related rows in several sets of a split, or an augmented copy outside the training set."""

    group: str
    """The group that the rows share, with its namespace."""
    parts: tuple[str, ...]
    """The set of each row: ``"train"``, ``"validation"`` or ``"test"``."""
    ids: tuple[str, ...]
    """The photo id of each row, in the order of `parts`."""
    reason: Literal["group", "copy"]
    """``"group"``: several sets have the group; ``"copy"``: a copy is outside the training set."""

    def __str__(self) -> str:
        """Return the photo ids with their sets."""
        shown: dict[str, str] = {}
        for part, name in zip(self.parts, self.ids, strict=True):
            shown.setdefault(part, name)
        if self.reason == "copy":
            return printable(f"a copy of {self.ids[0]!r} in {self.parts[0]}")
        return " and ".join(f"{printable(repr(name))} in {part}" for part, name in shown.items())


def find_leaks(parts: Mapping[str, Dataset]) -> tuple[Leak, ...]:
    """Return all groups that are in several sets and all copies outside the training set."""
    groups = {name: part.groups for name, part in parts.items()}
    shared = _shared_groups(groups)
    rows: dict[str, list[tuple[str, str]]] = {group: [] for group in sorted(shared)}
    leaks = []
    for name, part in parts.items():
        if shared:
            for row in np.flatnonzero(member_mask(groups[name], shared)).tolist():
                rows[groups[name][row]].append((name, part.ids[row]))
        if name != "train":
            leaks += [
                Leak(group=groups[name][row], parts=(name,), ids=(part.ids[row],), reason="copy")
                for row in np.flatnonzero(part.copies > 0).tolist()
            ]
    joined = [
        Leak(
            group=group,
            parts=tuple(part for part, _ in members),
            ids=tuple(photo for _, photo in members),
            reason="group",
        )
        for group, members in rows.items()
    ]
    return (*joined, *leaks)


def member_mask(groups: npt.NDArray[np.object_], chosen: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return which of `groups` are among `chosen`."""
    return np.fromiter((group in chosen for group in groups), np.bool_, len(groups))


def without_leaks(
    parts: Mapping[str, Dataset], spared: Collection[str] = ()
) -> tuple[dict[str, Dataset], tuple[Dataset, ...]]:
    """Return the sets without leaks, and the rows that were removed.

    A shared group is removed from the earlier set, so that the later set stays complete. An
    augmented copy outside training is removed from its set. Groups in `spared` are kept.
    """
    kept, dropped = {}, []
    groups = {name: part.groups for name, part in parts.items()}
    names = list(parts)
    for position, name in enumerate(names):
        later = set().union(*(groups[other] for other in names[position + 1 :])) - set(spared)
        out = member_mask(groups[name], later)
        if name != "train":
            out |= parts[name].copies > 0
        kept[name] = parts[name][~out]
        if out.any():
            dropped.append(parts[name][out])
    return kept, tuple(dropped)


def leak_sentence(leaks: Collection[Leak]) -> str:
    """Return a sentence with the number of leaks and three examples."""
    shared = sum(leak.reason == "group" for leak in leaks)
    copies = len(leaks) - shared
    counted = []
    if shared:
        counted.append(f"{shared} group{'s' if shared > 1 else ''} of photos")
    if copies:
        counted.append(f"{copies} augmented cop{'ies' if copies > 1 else 'y'} outside training")
    what = " and ".join(counted)
    examples = "; ".join(str(leak) for leak in list(leaks)[:3])
    return f"the sets of this split share {what} (for example {examples})"


def leak_refusal(leaks: Collection[Leak]) -> str:
    """Return the error message: the leaks and the remedies."""
    return (
        f"{leak_sentence(leaks)}; split again with SeededSplitter, which keeps groups together, "
        "and augment the training set only, or pass on_leak='drop' to remove them or "
        "on_leak='allow' to keep them"
    )


def _shared_groups(groups: Mapping[str, npt.NDArray[np.object_]]) -> set[str]:
    seen: set[str] = set()
    shared: set[str] = set()
    for column in groups.values():
        own = set(column.tolist())
        shared |= own & seen
        seen |= own
    return shared
