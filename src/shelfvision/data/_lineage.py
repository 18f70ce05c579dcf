"""`Lineage`: the group of each row, computed on first use.

Rows of one group are related: copies, near-duplicates, a burst, or a group that the user named.
A split keeps them in one set. A group is a string with a namespace, such as ``"user:store 7"``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import text_of
from shelfvision._photos.joined import joined_source
from shelfvision._photos.sources import digests_of
from shelfvision.protocols import PixelSource

CONTENT = "content:"
"""Namespace of a group that is the digest of a photo's content."""
NEAR = "near:"
"""Namespace of a group of near-duplicates."""
BURST = "burst:"
"""Namespace of a group of photos of one burst."""
USER = "user:"
"""Namespace of a group that the user named; such groups are never joined."""


def content_group(digest: str) -> str:
    """Return the group of photos whose content has this digest."""
    return CONTENT + digest[:32]


def named_group(name: str) -> str:
    """Return a group with its namespace; a name without one is a user's."""
    return name if name.startswith((CONTENT, NEAR, BURST, USER)) else USER + name


def named_groups(names: Iterable[object]) -> list[str | None]:
    """Return named groups with their namespaces, and None where a name is empty or missing."""
    texts = [text_of(name, name="groups") for name in names]
    return [named_group(text) if text else None for text in texts]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLink:
    """Two related photos (near-duplicates or one burst) in different groups that the user named."""

    ids: tuple[str, str]
    """The ids of the two photos."""
    groups: tuple[str, str]
    """Their groups."""
    similarity: float
    """Their similarity, at most 1."""


class Lineage:
    """The group of every row of a source, computed on first use and shared by all views.

    Parameters
    ----------
    source : PixelSource
        The source of the photos; its digests are the groups of rows without a named group.
    groups : sequence of str, optional
        A group with its namespace for each row of the source, or None.
    origins : ndarray of int64, optional
        The source row of the original of each row; by default the row itself.
    links : tuple of GroupLink, optional
        Related photos in groups that must not be joined.
    """

    __slots__ = ("_groups", "_origins", "_source", "links")

    links: tuple[GroupLink, ...]
    """Related photos in groups that must not be joined."""

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

    def contents(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Return the content groups of these rows; named groups of another kind do not count."""
        groups = self._groups[rows]
        own = [group is not None and group.startswith(CONTENT) for group in groups]
        missing = np.flatnonzero(~np.array(own, dtype=np.bool_))
        if len(missing):
            groups[missing] = self._content_of(rows[missing])
        return groups

    def _content_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        origins = rows if self._origins is None else self._origins[rows]
        # Copies share an original, so its content is read only once.
        distinct, places = np.unique(origins, return_inverse=True)
        digests = digests_of(self._source, distinct)
        return np.array([content_group(digest) for digest in digests], dtype=object)[places]

    def known(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Return the groups of these rows; None where a group is not computed yet."""
        return self._groups[rows]

    def following(self, rows: npt.NDArray[np.int64]) -> Lineage:
        """Return the lineage of rows derived from these, such as copies; computed on first use."""
        origins = rows if self._origins is None else self._origins[rows]
        return Lineage(self._source, self._groups[rows], origins=origins, links=self.links)

    def taken(self, source: PixelSource, rows: npt.NDArray[np.int64]) -> Lineage:
        """Return the lineage of another source with these rows, with the same groups."""
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

    def columns(self) -> tuple[PixelSource, npt.NDArray[np.object_], npt.NDArray[np.int64]]:
        """Return the source, the groups that are known, and the origin of every row."""
        own = np.arange(len(self._groups)) if self._origins is None else self._origins
        return self._source, self._groups, own


def joined_lineage(lineages: Sequence[Lineage], links: tuple[GroupLink, ...]) -> Lineage:
    """Return the lineage of joined sources; groups that are not computed yet stay so."""
    sources, groups, origins = zip(*(one.columns() for one in lineages), strict=True)
    starts = np.cumsum([0, *map(len, sources)])[:-1]
    moved = [start + own for start, own in zip(starts, origins, strict=True)]
    return Lineage(
        joined_source(sources), np.concatenate(groups), origins=np.concatenate(moved), links=links
    )
