"""Join the groups of near-duplicates or bursts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import crop_rule_of, whole_photos
from shelfvision._validation import as_number, counted
from shelfvision._warnings import warn_caller
from shelfvision.data._lineage import BURST, NEAR
from shelfvision.data.duplicates._embedded import checked_embeddings, embedded_pairs
from shelfvision.data.duplicates.bursts import burst_pairs
from shelfvision.data.duplicates.grouping import join_groups
from shelfvision.data.duplicates.near import near_pairs
from shelfvision.data.table import PhotoTable, group_links_of, groups_of
from shelfvision.errors import ShelfVisionWarning
from shelfvision.protocols import PixelSource


def near_duplicates_joined(
    table: PhotoTable,
    *,
    threshold: float,
    embeddings: npt.NDArray[np.floating] | None,
    embedding_threshold: float,
) -> PhotoTable:
    """Return the same rows with near-duplicates in one group."""
    least = as_number("threshold", threshold, minimum=0.5, maximum=1.0)
    originals = np.flatnonzero(table.copies == 0)
    photos = _photos_of(table, originals)
    found, similarity = near_pairs(photos.source, photos.rows, least)
    pairs = photos.first[found]
    if embeddings is not None:
        nearest = as_number("embedding_threshold", embedding_threshold, minimum=0, maximum=1)
        vectors = checked_embeddings(embeddings, len(table))[originals]
        more, cosines = embedded_pairs(vectors, nearest)
        pairs = np.concatenate((pairs, originals[more]))
        similarity = np.concatenate((similarity, cosines))
    return _joined(table, pairs, similarity, NEAR)


def bursts_joined(table: PhotoTable, *, threshold: float) -> PhotoTable:
    """Return the same rows with the photos of a burst in one group."""
    least = as_number("threshold", threshold, minimum=0.5, maximum=1.0)
    originals = np.flatnonzero(table.copies == 0)
    photos = _photos_of(table, originals)
    pairs, similarity = burst_pairs(photos.source, photos.rows, photos.names, photos.labels, least)
    return _joined(table, photos.first[pairs], similarity, BURST)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Photos:
    """The photos to compare: the rows of a table, or the whole photos that its crops are from."""

    source: PixelSource
    """The source of the photos."""
    rows: npt.NDArray[np.int64]
    """The row of `source` for each photo."""
    first: npt.NDArray[np.int64]
    """The first row of the table with each photo."""
    names: list[str]
    """The name of each photo."""
    labels: npt.NDArray[np.int64]
    """The class of each photo; 0 for shelves, which show many classes."""


def _photos_of(table: PhotoTable, originals: npt.NDArray[np.int64]) -> _Photos:
    source, rows = table.source, table.rows[originals]
    names, labels = table.ids[originals].tolist(), table.labels[originals]
    if crop_rule_of(source) is None:
        return _Photos(source=source, rows=rows, first=originals, names=names, labels=labels)
    source, photos = whole_photos(source, rows)
    distinct, first = np.unique(photos, return_index=True)
    return _Photos(
        source=source,
        rows=distinct,
        first=originals[first],
        names=[names[row].rpartition("#")[0] for row in first.tolist()],
        labels=np.zeros(len(distinct), dtype=np.int64),
    )


def _joined(
    table: PhotoTable,
    pairs: npt.NDArray[np.int64],
    similarity: npt.NDArray[np.float64],
    namespace: str,
) -> PhotoTable:
    """Return the same rows with the groups of these pairs joined; warn of named groups."""
    groups, links = join_groups(groups_of(table), table.ids, pairs, similarity, namespace=namespace)
    regrouped = replace(table, lineage=table.lineage.regrouped(table.rows, groups, links))
    warn_of_links(regrouped)
    return regrouped


def warn_of_links(table: PhotoTable) -> None:
    """Warn of related photos in different named groups."""
    links = group_links_of(table)
    if not links:
        return
    first = links[0]
    warn_caller(
        ShelfVisionWarning(
            f"did not join {counted(len(links), 'pair')} of related photos in different named "
            f"groups, such as {first.ids[0]!r} of {first.groups[0]!r} and {first.ids[1]!r} of "
            f"{first.groups[1]!r}; see group_links",
            code="named-groups",
        )
    )
