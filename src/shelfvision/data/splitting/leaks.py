"""Finding what parts of a split share, and dealing with it as the caller asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.data._dataset import Dataset

OnLeak: TypeAlias = Literal["raise", "drop", "allow"]
"""What to do when parts of a split share photos."""

ON_LEAK: tuple[OnLeak, ...] = get_args(OnLeak)
"""The values of `OnLeak`."""
PARTS = ("train", "validation", "test")
"""The sets that a dataset is divided into, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Rows that let a score on one part measure memory of another."""

    group: str
    """The namespaced group that they share."""
    parts: tuple[str, ...]
    """The part of every row: ``"train"``, ``"validation"`` or ``"test"``."""
    ids: tuple[str, ...]
    """The photo of every row, in the order of `parts`."""
    reason: Literal["group", "copy"]
    """``"group"``: several parts hold the group; ``"copy"``: an augmented copy is outside train."""

    def __str__(self) -> str:
        """Return the photos with their parts."""
        shown: dict[str, str] = {}
        for part, name in zip(self.parts, self.ids, strict=True):
            shown.setdefault(part, name)
        if self.reason == "copy":
            return printable(f"a copy of {self.ids[0]!r} in {self.parts[0]}")
        return " and ".join(f"{printable(repr(name))} in {part}" for part, name in shown.items())


def find_leaks(parts: Mapping[str, Dataset]) -> tuple[Leak, ...]:
    """Return every group that stands in several parts and every copy outside training."""
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
    """Return the parts less what leaks, and what was taken out of them.

    The part that judges stays whole: a shared group leaves the earlier part, and an augmented
    copy outside training leaves the part it is in. Groups that are `spared` stay.
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
    """Say how many leaks there are and name three of them."""
    shared = sum(leak.reason == "group" for leak in leaks)
    copies = len(leaks) - shared
    counted = []
    if shared:
        counted.append(f"{shared} group{'s' if shared > 1 else ''} of photos")
    if copies:
        counted.append(f"{copies} augmented cop{'ies' if copies > 1 else 'y'} outside training")
    what = " and ".join(counted)
    examples = "; ".join(str(leak) for leak in list(leaks)[:3])
    return f"the parts of this split share {what} (for example {examples})"


def leak_refusal(leaks: Collection[Leak]) -> str:
    """Say what leaks and what to do."""
    return (
        f"{leak_sentence(leaks)}; divide them anew with SeededSplitter, which keeps groups whole, "
        "and augment the training part only, or pass on_leak='drop' to take them out or "
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
