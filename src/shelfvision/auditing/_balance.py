"""Findings about classes: empty classes, small classes and class imbalance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from shelfvision._identifiers import clean_name, folded
from shelfvision._validation import counted
from shelfvision.auditing._finding import Finding
from shelfvision.auditing.looks import AuditedPhotos, Looks
from shelfvision.auditing.settings import AuditSettings

# Below this ratio, balancing changes little.
_RATIO = 3.0


def about_classes(
    photos: AuditedPhotos, looks: Looks, settings: AuditSettings
) -> Iterator[Finding]:
    """Find empty and small classes, similar class names and class imbalance."""
    counts = photos.counts()
    filled = {name: count for name, count in counts.items() if count}
    yield from _without_photos(photos, looks)
    yield from _similar_names(photos)
    small = sorted((n, name) for name, n in filled.items() if n < settings.few)
    if small:
        yield Finding(
            code="few-photos",
            severity="warning",
            message=f"{_classes(len(small))} fewer than {settings.few} photos, too few to train "
            "and to evaluate; take more photos, or join classes with relabel",
            details=tuple(f"{name}: {n} photo{'s' if n > 1 else ''}" for n, name in small),
            values=tuple(float(n) for n, _ in small),
        )
    yield from _missing_from_parts(photos, filled)
    yield from _imbalance(filled)


def _without_photos(photos: AuditedPhotos, looks: Looks) -> Iterator[Finding]:
    """Find classes that have no photo, or none that can be read."""
    readable = looks.readable[photos.box_photos]
    usable = np.bincount(photos.box_labels[readable], minlength=len(photos.class_names))
    counts, passed_over = photos.counts(), _passed_over(photos)
    empty = [name for name, n in zip(counts, usable.tolist(), strict=True) if not n]
    if not empty:
        return
    details = []
    for name in empty:
        facts = [counted(counts[name], "photo") + (", none readable" if counts[name] else "")]
        if passed_over[name]:
            facts.append(f"{counted(passed_over[name], 'file')} not used")
        details.append(f"{name}: {', '.join(facts)}")
    yield Finding(
        code="empty-class",
        severity="error",
        message=f"{_classes(len(empty))} no usable photo; add photos, or leave the name out with "
        "select or class_names",
        details=tuple(details),
        values=(0.0,) * len(empty),
    )


def _passed_over(photos: AuditedPhotos) -> Counter[str]:
    """Return the number of unused files by the name of the folder below the root."""
    paths = (file.path.replace("\\", "/") for file in photos.skipped)
    return Counter(clean_name(path.partition("/")[0]) for path in paths if "/" in path)


def _similar_names(photos: AuditedPhotos) -> Iterator[Finding]:
    """Find names that may be one class: they differ only in case, spaces or hyphens."""
    alike: dict[str, list[str]] = {}
    for name in photos.class_names:
        alike.setdefault(folded(name), []).append(name)
    twins = [names for names in alike.values() if len(names) > 1]
    if not twins:
        return
    counts = photos.counts()
    yield Finding(
        code="similar-class-names",
        severity="warning",
        message=f"{counted(len(twins), 'set')} of class names that differ only in case, spaces, "
        "hyphens or underscores; if they are one product, join them with relabel",
        details=tuple(
            " and ".join(f"{name} ({counted(counts[name], 'photo')})" for name in names)
            for names in twins
        ),
    )


def _missing_from_parts(photos: AuditedPhotos, filled: dict[str, int]) -> Iterator[Finding]:
    missing = []
    for number, part in enumerate(photos.part_names):
        here = set(photos.box_labels[photos.parts[photos.box_photos] == number].tolist())
        names = [name for name in filled if photos.class_names.index(name) not in here]
        missing += [f"{name}: none in {part}" for name in names]
    if missing:
        yield Finding(
            code="missing-from-part",
            severity="warning",
            message=f"a class has no photos in a set of the split ({counted(len(missing), 'case')})"
            ", so it is not learned or not evaluated; split again, or add photos of it",
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
        f"smallest, {least!r}; balance the training set with BalancingAugmenter and "
        "compare macro F1",
        details=(f"{most} {many} photos, median {median:g}, {least} {few}",),
        values=(many / few,),
    )


def _classes(count: int) -> str:
    return "1 class has" if count == 1 else f"{count} classes have"
