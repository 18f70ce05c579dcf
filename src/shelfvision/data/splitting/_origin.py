"""`SplitOrigin`: how a split was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shelfvision.data._dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOrigin:
    """How a split was made, in addition to its sets."""

    left_out: Mapping[str, Dataset] = field(default_factory=dict)
    """Photos in no set, by reason."""
    notes: tuple[str, ...] = ()
    """Sentences for `Splits.describe`."""
    gone: tuple[str, ...] = ()
    """Photos of the earlier split that the dataset lacks."""
    groups_ignored: bool = False
    """Whether the method ignores groups, so that a group may be in several sets."""
    disjoint: bool = False
    """Whether it is certain that no two sets share a group and that no set has copies."""
