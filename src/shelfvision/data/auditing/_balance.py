"""Findings about classes: empty ones, small ones, and how far apart they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shelfvision.data.auditing._finding import Finding
from shelfvision.data.auditing._look import Photos
from shelfvision.data.auditing._settings import Settings

# Of two classes that differ by less, balancing changes little.
_RATIO = 3.0


def about_classes(photos: Photos, settings: Settings) -> Iterator[Finding]:
    """Find classes that are empty, small, missing from a part, or much larger than others."""
    counts = photos.counts()
    filled = {name: count for name, count in counts.items() if count}
    empty = [name for name in counts if name not in filled]
    if empty:
        yield Finding(
            code="empty-class",
            severity="error",
            message=f"{_classes(len(empty))} no photo; add photos, or leave the name out with "
            "select or class_names",
            details=tuple(f"{name}: 0 photos" for name in empty),
            values=(0.0,) * len(empty),
        )
    small = sorted((n, name) for name, n in filled.items() if n < settings.few)
    if small:
        yield Finding(
            code="few-photos",
            severity="warning",
            message=f"{_classes(len(small))} fewer than {settings.few} photos, too few to learn "
            "from and to judge by; take more, or join classes with relabel",
            details=tuple(f"{name}: {n} photo{'s' if n > 1 else ''}" for n, name in small),
            values=tuple(float(n) for n, _ in small),
        )
    yield from _missing_from_parts(photos, filled)
    yield from _imbalance(filled)


def _missing_from_parts(photos: Photos, filled: dict[str, int]) -> Iterator[Finding]:
    missing = []
    for number, part in enumerate(photos.part_names):
        here = set(photos.labels[photos.parts == number].tolist())
        names = [name for name in filled if photos.class_names.index(name) not in here]
        missing += [f"{name}: none in {part}" for name in names]
    if missing:
        yield Finding(
            code="missing-from-part",
            severity="warning",
            message=f"a class has photos but none in a part of the split, {len(missing)} times; "
            "what is not in train is not learned, what is not in test is not judged",
            details=tuple(missing),
        )


def _imbalance(filled: dict[str, int]) -> Iterator[Finding]:
    if not filled:
        return
    ranked = sorted(filled.items(), key=lambda pair: -pair[1])
    (most, many), (least, few) = ranked[0], ranked[-1]
    if many / few < _RATIO:
        return
    median = float(np.median(list(filled.values())))
    yield Finding(
        code="imbalance",
        severity="warning",
        message=f"the largest class, {most!r}, has {many / few:.1f} times the photos of the "
        f"smallest, {least!r}; balance the training part with BalancingAugmenter and judge by "
        "macro F1",
        details=(f"{most} {many} photos, median {median:g}, {least} {few}",),
        values=(many / few,),
    )


def _classes(count: int) -> str:
    return "1 class has" if count == 1 else f"{count} classes have"
