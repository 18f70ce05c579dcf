"""How splits came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shelfvision.data._dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOrigin:
    """How splits came about, beyond their parts."""

    left_out: Mapping[str, Dataset] = field(default_factory=dict)
    """Photos in no part, by reason."""
    notes: tuple[str, ...] = ()
    """Sentences for `Splits.describe`."""
    gone: tuple[str, ...] = ()
    """Photos that an earlier split had and the dataset has not."""
    groups_ignored: bool = False
    """Whether groups may have been parted on purpose."""
    disjoint: bool = False
    """Whether the parts are known to share no group and to hold no copies."""
