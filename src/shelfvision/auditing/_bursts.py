"""Findings about bursts: one product, photographed several times in one place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shelfvision._photos.sources import ArrayPixels
from shelfvision._validation import counted
from shelfvision.auditing._finding import Finding
from shelfvision.auditing._quality import blank_photos, listed_rows
from shelfvision.auditing.looks import AuditedPhotos, Looks
from shelfvision.data.duplicates.bursts import BURST_LIKENESS, burst_pairs

# Two similar photos are not yet a burst.
_SMALLEST = 3


def about_bursts(photos: AuditedPhotos, looks: Looks) -> Iterator[Finding]:
    """Find the bursts of three or more photos that `Dataset.group_bursts` joins."""
    bursts = _bursts(photos, looks)
    if not bursts:
        return
    rows = tuple(members for members, _ in bursts)
    split = sum(len(set(photos.parts[list(members)].tolist())) > 1 for members in rows)
    total = sum(map(len, rows))
    across = f", {split} of them in several sets of the split" if split else ""
    yield Finding(
        code="burst",
        severity="warning",
        message=f"{total:,} photos were probably taken in {counted(len(rows), 'burst')}{across}, "
        "and a random split puts photos of a burst into several sets; group them with "
        "group_bursts, name sessions in a group column, or evaluate on photos of another day",
        sets=listed_rows(photos, rows),
        values=tuple(value for _, value in bursts),
        details=tuple(
            f"{len(members)} photos of {photos.label(members[0])}, colour similarity {value:.2f}"
            for members, value in bursts
        ),
        rows=rows,
    )


def _bursts(photos: AuditedPhotos, looks: Looks) -> list[tuple[tuple[int, ...], float]]:
    """Return the photos of every burst and the similarity of neighbours, the largest first."""
    if looks.tiny is None:
        return []
    seen = np.flatnonzero(looks.readable & ~blank_photos(looks))
    pairs, alike = burst_pairs(
        ArrayPixels(looks.tiny),
        seen,
        [photos.ids[photo] for photo in seen.tolist()],
        photos.labels[seen],
        BURST_LIKENESS,
    )
    if not len(pairs):
        return []
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((alike, (pairs[:, 0], pairs[:, 1])), shape=(len(seen), len(seen)))
    home = connected_components(links, directed=False)[1]
    total = np.bincount(home[pairs[:, 0]], alike, minlength=len(seen))
    n_links = np.bincount(home[pairs[:, 0]], minlength=len(seen))
    members: dict[int, list[int]] = {}
    for photo, burst in zip(seen.tolist(), home.tolist(), strict=True):
        members.setdefault(burst, []).append(photo)
    bursts = [
        (
            tuple(sorted(photos_of_it, key=photos.ids.__getitem__)),
            float(total[burst] / n_links[burst]),
        )
        for burst, photos_of_it in members.items()
        if len(photos_of_it) >= _SMALLEST
    ]
    return sorted(bursts, key=lambda burst: (-len(burst[0]), burst[0]))
