"""Which rows descend from the same photo: one namespaced group string a row, found when asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision.protocols import PixelSource

CONTENT = "content:"
"""Namespace of a group that is the photo's own content."""
NEAR = "near:"
"""Namespace of a group of near duplicates that were joined."""
USER = "user:"
"""Namespace of a group that the user named; such groups are never joined."""


class Lineage:
    """The group of every row of a source, computed on first use and shared by all views.

    Parameters
    ----------
    source : PixelSource
        Where the photos come from; its digests name the groups that nobody named.
    groups : sequence of str, optional
        A namespaced group for every row of the source.
    """

    __slots__ = ("_groups", "_source")

    def __init__(self, source: PixelSource, groups: Sequence[str] | None = None) -> None:
        self._source = source
        self._groups = np.empty(len(source), dtype=object)
        if groups is not None:
            self._groups[:] = groups

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Return the groups of these rows of the source, shape (len(rows),)."""
        groups = self._groups[rows]
        for position in np.flatnonzero(groups == None):  # noqa: E711  (elementwise)
            row = int(rows[position])
            # Two threads may both compute this; they store the same string.
            self._groups[row] = groups[position] = CONTENT + self._source.digest(row)[:32]
        return groups
