"""Which rows descend from the same photo: one namespaced group string a row, found when asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import text_of
from shelfvision._photos.sources import digests_of
from shelfvision.protocols import PixelSource

CONTENT = "content:"
"""Namespace of a group that is the photo's own content."""
NEAR = "near:"
"""Namespace of a group of near duplicates that were joined."""
BURST = "burst:"
"""Namespace of a group of photos that were taken in a row and joined."""
USER = "user:"
"""Namespace of a group that the user named; such groups are never joined."""


def named_group(name: str) -> str:
    """Return a group that the user named, in its namespace; groups of ours stay as they are."""
    return name if name.startswith((CONTENT, NEAR, BURST, USER)) else USER + name


def named_groups(names: Iterable[object]) -> list[str | None]:
    """Return groups that the user named, and None where one is empty or missing."""
    texts = [text_of(name, name="groups") for name in names]
    return [named_group(text) if text else None for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLink:
    """Two photos that look the same though the user put them into different groups."""

    ids: tuple[str, str]
    """The two photos."""
    groups: tuple[str, str]
    """Their groups."""
    similarity: float
    """How alike they are, up to 1."""


class Lineage:
    """The group of every row of a source, computed on first use and shared by all views.

    Parameters
    ----------
    source : PixelSource
        Where the photos come from; its digests name the groups that nobody named.
    groups : sequence of str, optional
        A namespaced group for every row of the source, None for one that nobody named.
    origins : ndarray of int64, optional
        The row of the source that each row descends from; by default each from itself.
    links : tuple of GroupLink, optional
        Photos that look the same in groups that may not be joined.
    """

    __slots__ = ("_groups", "_origins", "_source", "links")

    links: tuple[GroupLink, ...]
    """Photos that look the same in groups that may not be joined."""

    def __init__(
        self,
        source: PixelSource,
        groups: Sequence[str | None] | npt.NDArray[np.object_] | None = None,
        *,
        origins: npt.NDArray[np.int64] | None = None,
        links: tuple[GroupLink, ...] = (),
    ) -> None:
        self.links = links
        self._source = source
        self._origins = origins
        self._groups = np.empty(len(source) if origins is None else len(origins), dtype=object)
        if groups is not None:
            self._groups[:] = groups

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Return the groups of these rows of the source, shape (len(rows),)."""
        groups = self._groups[rows]
        missing = np.flatnonzero(groups == None)  # noqa: E711  (elementwise)
        if len(missing):
            # Two threads may both compute these; they store the same strings.
            groups[missing] = self._content_of(rows[missing])
            self._groups[rows] = groups
        return groups

    def _content_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        origins = rows if self._origins is None else self._origins[rows]
        # Copies share an original, whose content is looked at once.
        distinct, places = np.unique(origins, return_inverse=True)
        digests = digests_of(self._source, distinct)
        return np.array([CONTENT + digest[:32] for digest in digests], dtype=object)[places]

    def following(self, rows: npt.NDArray[np.int64]) -> Lineage:
        """Return the lineage of rows made from these, as copies are; it is found when asked."""
        origins = rows if self._origins is None else self._origins[rows]
        return Lineage(self._source, self._groups[rows], origins=origins, links=self.links)

    def taken(self, source: PixelSource, rows: npt.NDArray[np.int64]) -> Lineage:
        """Return the lineage of another source that holds these rows, with the same groups."""
        groups = self._groups[rows] if self._origins is None else self.of(rows)
        return Lineage(source, groups, links=self.links)

    def regrouped(
        self,
        rows: npt.NDArray[np.int64],
        groups: Sequence[str],
        links: tuple[GroupLink, ...],
    ) -> Lineage:
        """Return the lineage of the same source with other groups for these rows."""
        changed = self._groups.copy()
        changed[rows] = groups
        return Lineage(self._source, changed, origins=self._origins, links=links)
