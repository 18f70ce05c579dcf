"""Divide photos into buckets, and find the near-duplicates of each bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision.auditing.looks import TINY
from shelfvision.auditing.reporting import is_blank
from shelfvision.data.duplicates.near import FINE, N_COARSE, coarse_of, fine_of, pairs_among
from shelfvision.scale._arrow import arrow
from shelfvision.scale.preparing._batches import BatchColumns, joined_bytes
from shelfvision.scale.preparing._grid import buckets_of, common_bucket, homes_of
from shelfvision.scale.preparing._schemas import bucket_schema, pair_schema

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSettings:
    """The checked arguments of `NearBuckets`, which are also its pickle."""

    id_column: str
    reach: float
    cell: float


def bucketed(columns: BatchColumns, settings: BucketSettings) -> pa.Table:
    """Return an entry for each bucket of each photo that has features and is not blank."""
    pa = arrow()
    spread, ids = columns.numbers("spread"), columns.texts(settings.id_column)
    digests, thumbnails = columns.texts("digest"), columns.values("thumbnail")
    # Photos that cannot be read have no spread.
    rows = np.flatnonzero(~np.isnan(spread) & ~is_blank(spread)).tolist()
    tiny = joined_bytes([thumbnails[row] for row in rows], (TINY, TINY, 3), "thumbnail")
    coarse = np.array([coarse_of(one) for one in tiny], np.float32).reshape(-1, N_COARSE)
    photos, buckets = buckets_of(coarse, reach=settings.reach, cell=settings.cell)
    fine = [fine_of(one).tobytes() for one in tiny]
    numbers = coarse[photos].ravel()
    offsets = np.arange(len(photos) + 1, dtype=np.int32) * N_COARSE
    places = photos.tolist()
    return pa.Table.from_arrays(
        [
            pa.array(buckets),
            pa.array(homes_of(coarse, settings.cell)[photos]),
            pa.array([ids[rows[photo]] for photo in places], pa.string()),
            pa.array([digests[rows[photo]] for photo in places], pa.string()),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(numbers, pa.float32())),
            pa.array([fine[photo] for photo in places], pa.binary()),
        ],
        schema=bucket_schema(),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Entries:
    """The entries of one or more buckets, as columns."""

    buckets: npt.NDArray[np.int64]
    homes: npt.NDArray[np.int64]
    ids: Sequence[str]
    digests: Sequence[str]
    coarse: npt.NDArray[np.float32]
    fine: npt.NDArray[np.uint8]


def paired(columns: BatchColumns, threshold: float) -> pa.Table:
    """Return the near-duplicates of all buckets, each pair in one bucket."""
    entries = _Entries(
        buckets=columns.whole("bucket"),
        homes=columns.whole("home"),
        ids=columns.required("id"),
        digests=columns.required("digest"),
        coarse=np.array(list(columns.values("coarse")), np.float32).reshape(-1, N_COARSE),
        fine=joined_bytes(columns.values("fine"), (FINE, FINE, 3), "fine"),
    )
    found = [_pairs_of(entries, rows, threshold) for rows in _buckets(entries)]
    empty = np.empty((0, 2), dtype=np.int64), np.empty(0)
    pairs, similarity = (np.concatenate(parts) for parts in zip(empty, *found, strict=True))
    one, other = pairs.T.tolist()
    pa = arrow()
    names = [
        [column[row] for row in rows]
        for column in (entries.ids, entries.digests)
        for rows in (one, other)
    ]
    return pa.Table.from_arrays(
        [*(pa.array(texts, pa.string()) for texts in names), pa.array(similarity)],
        schema=pair_schema(),
    )


def _buckets(entries: _Entries) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows of each bucket: the photo with the smallest id of each content."""
    order = sorted(range(len(entries.ids)), key=entries.ids.__getitem__)
    buckets: dict[int, dict[str, int]] = {}
    numbers = entries.buckets.tolist()
    for row in order:
        buckets.setdefault(numbers[row], {}).setdefault(entries.digests[row], row)
    for bucket in sorted(buckets):
        yield np.array(list(buckets[bucket].values()), dtype=np.int64)


def _pairs_of(
    entries: _Entries, rows: npt.NDArray[np.int64], threshold: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    bucket, homes = entries.buckets[rows[0]], entries.homes[rows]

    def reported_here(pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        return np.asarray(common_bucket(homes[pairs[:, 0]], homes[pairs[:, 1]]) == bucket)

    pairs, similarity = pairs_among(
        entries.coarse[rows], entries.fine[rows], threshold, wanted=reported_here
    )
    return rows[pairs], similarity
