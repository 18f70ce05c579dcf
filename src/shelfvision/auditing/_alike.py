"""Findings about identical photos and near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import ArrayPixels
from shelfvision.auditing._finding import Finding, Severity
from shelfvision.auditing._quality import blank_photos, listed_rows
from shelfvision.auditing.looks import AuditedPhotos, Looks
from shelfvision.data.duplicates.near import near_pairs


@dataclass(frozen=True, slots=True)
class Alike:
    """A set of identical photos or near-duplicates, and their similarity."""

    photos: tuple[int, ...]
    likeness: float


class NearPhotos(NamedTuple):
    """Pairs of near-duplicates among audited photos, the first photo of each content."""

    pairs: npt.NDArray[np.int64]
    """Two photos per pair, the smaller number first, shape (n, 2)."""
    likeness: npt.NDArray[np.float64]
    """The similarity of each pair, shape (n,)."""


def about_twins(
    photos: AuditedPhotos, looks: Looks, threshold: float, known: NearPhotos | None
) -> Iterator[Finding]:
    """Find identical photos and near-duplicates, within and across labels and sets of a split.

    Near-duplicates are searched among the thumbnails, unless they are known already.
    """
    exact = _same_content(looks)
    near = _near(_same_looks(looks, threshold) if known is None else known)
    labels, parts = photos.labels, photos.parts

    def kind(pick: Callable[[Alike], bool], sets: Iterable[Alike]) -> list[Alike]:
        return [alike for alike in sets if pick(alike)]

    def across(alike: Alike) -> bool:
        return len(set(labels[list(alike.photos)].tolist())) > 1

    def leaks(alike: Alike) -> bool:
        return len(set(parts[list(alike.photos)].tolist())) > 1

    yield from _reported(photos, "leak", "error", kind(leaks, [*exact, *near]), _LEAK)
    yield from _reported(
        photos, "duplicate-across-labels", "error", kind(across, exact), _EXACT_LABELS
    )
    yield from _reported(
        photos, "near-duplicate-across-labels", "warning", kind(across, near), _NEAR_LABELS
    )
    within = [alike for alike in exact if not across(alike)]
    yield from _reported(photos, "duplicate", "warning", within, _EXACT)
    within = _joined([alike for alike in near if not across(alike)])
    yield from _reported(photos, "near-duplicate", "warning", within, _NEAR)


_LEAK = (
    "{sets} of identical photos or near-duplicates in several sets of the split, so that scores "
    "are too high; split dataset.group_near_duplicates() again, or pass on_leak='drop'"
)
_EXACT_LABELS = (
    "{sets} of identical photos under several labels, of which all but one are wrong; keep each "
    "under its right label"
)
_NEAR_LABELS = (
    "{sets} of near-duplicates under several labels, probably label errors; check them and keep "
    "each under its right label"
)
_EXACT = "{sets} of identical photos under one label; keep one of each"
_NEAR = (
    "{sets} of near-duplicates under one label; keep one of each, or group them with "
    "dataset.group_near_duplicates() before you split"
)


def _reported(
    photos: AuditedPhotos, code: str, severity: Severity, found: list[Alike], message: str
) -> Iterator[Finding]:
    if not found:
        return
    found = sorted(found, key=lambda alike: (-alike.likeness, alike.photos))
    sets = "1 set" if len(found) == 1 else f"{len(found):,} sets"
    rows = tuple(alike.photos for alike in found)
    yield Finding(
        code=code,
        severity=severity,
        message=message.format(sets=sets),
        sets=listed_rows(photos, rows),
        values=tuple(alike.likeness for alike in found),
        details=tuple(_detail(photos, alike) for alike in found),
        rows=rows,
    )


def _detail(photos: AuditedPhotos, alike: Alike) -> str:
    how = "identical" if alike.likeness >= 1.0 else f"similarity {alike.likeness:.3f}"
    names = dict.fromkeys(photos.label(photo) for photo in alike.photos)
    parts = dict.fromkeys(photos.part(photo) for photo in alike.photos)
    where = f" in {' and '.join(parts)}" if len(parts) > 1 else ""
    return f"{how}: {' and '.join(names)}{where}"


def _same_content(looks: Looks) -> list[Alike]:
    """Return sets of photos with the same bytes, of two or more each."""
    sets: dict[bytes, list[int]] = {}
    for photo in np.flatnonzero(looks.readable).tolist():
        sets.setdefault(looks.digests[photo], []).append(photo)
    return [Alike(tuple(members), 1.0) for members in sets.values() if len(members) > 1]


def _same_looks(looks: Looks, threshold: float) -> NearPhotos:
    """Return pairs of near-duplicates; blank photos are left out."""
    if looks.tiny is None:
        return NearPhotos(np.empty((0, 2), dtype=np.int64), np.empty(0))
    blank = blank_photos(looks)
    first = first_of_content(looks, looks.readable & ~blank)
    rows = np.array(list(first.values()), dtype=np.int64)
    pairs, likeness = near_pairs(ArrayPixels(looks.tiny), rows, threshold)
    return NearPhotos(rows[pairs], likeness)


def first_of_content(looks: Looks, photos: npt.NDArray[np.bool_]) -> dict[bytes, int]:
    """Return the first of these photos with each digest."""
    first: dict[bytes, int] = {}
    for photo in np.flatnonzero(photos).tolist():
        first.setdefault(looks.digests[photo], photo)
    return first


def _near(found: NearPhotos) -> list[Alike]:
    # Two files with the same pixels are not identical files.
    alike = np.minimum(found.likeness, 0.9999).tolist()
    return [
        Alike((one, other), value)
        for (one, other), value in zip(found.pairs.tolist(), alike, strict=True)
    ]


def _joined(pairs: list[Alike]) -> list[Alike]:
    """Return the connected sets of pairs, each with the lowest similarity of its pairs."""
    home: dict[int, set[int]] = {}
    least: dict[int, float] = {}
    for pair in pairs:
        one, other = pair.photos
        union = home.get(one, {one}) | home.get(other, {other})
        value = min(least.get(one, 1.0), least.get(other, 1.0), pair.likeness)
        for photo in union:
            home[photo], least[photo] = union, value
    sets = {min(members): members for members in home.values()}
    return [Alike(tuple(sorted(members)), least[first]) for first, members in sets.items()]
