"""Join the groups of near-duplicates or bursts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_number, counted
from shelfvision._warnings import warn_caller
from shelfvision.data._lineage import BURST, NEAR
from shelfvision.data.duplicates._embedded import checked_embeddings, embedded_pairs
from shelfvision.data.duplicates._grouping import join_groups
from shelfvision.data.duplicates.bursts import burst_pairs
from shelfvision.data.duplicates.near import near_pairs
from shelfvision.data.table import PhotoTable, group_links_of, groups_of
from shelfvision.errors import ShelfVisionWarning


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
    pairs, similarity = near_pairs(table.source, table.rows[originals], least)
    if embeddings is not None:
        nearest = as_number("embedding_threshold", embedding_threshold, minimum=0, maximum=1)
        vectors = checked_embeddings(embeddings, len(table))[originals]
        more, cosines = embedded_pairs(vectors, nearest)
        pairs = np.concatenate((pairs, more))
        similarity = np.concatenate((similarity, cosines))
    return _joined(table, originals[pairs], similarity, NEAR)


def bursts_joined(table: PhotoTable, *, threshold: float) -> PhotoTable:
    """Return the same rows with the photos of a burst in one group."""
    least = as_number("threshold", threshold, minimum=0.5, maximum=1.0)
    originals = np.flatnonzero(table.copies == 0)
    pairs, similarity = burst_pairs(
        table.source,
        table.rows[originals],
        table.ids[originals].tolist(),
        table.labels[originals],
        least,
    )
    return _joined(table, originals[pairs], similarity, BURST)


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
