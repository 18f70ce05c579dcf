"""Class names that a reader was asked for, held against those that have photos.

A test set often lacks a class that the training set has. A name without photos keeps its number
and counts 0; one warning lists such names, each with the closest that has photos, because the name
may be a typo.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shelfvision._identifiers import closest
from shelfvision._validation import counted
from shelfvision._warnings import warn_caller
from shelfvision.errors import ShelfVisionWarning

_SHOWN = 10


def accepted_classes(
    class_names: tuple[str, ...],
    there: Collection[str],
    *,
    of: str,
    reasons: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Return the names, and warn of those without a photo, each with the closest that has one.

    Parameters
    ----------
    class_names : tuple of str
        The names that were asked for, as `as_class_names` returns them.
    there : collection of str
        The names that have photos.
    of : str
        What was read, for the warning: ``"'list.csv'"``.
    reasons : mapping of str to str, optional
        Why a class has no photos, where that is known: ``"its folder is empty"``.
    """
    known = set(there)
    absent = [name for name in class_names if name not in known]
    if absent:
        # A name that nobody asked for is the likelier spelling.
        candidates = sorted(known - set(class_names)) or sorted(known)
        shown = ", ".join(_spelled(name, candidates, reasons or {}) for name in absent[:_SHOWN])
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        warn_caller(
            ShelfVisionWarning(
                f"class_names has {counted(len(absent), 'class')} without photos in {of}, which "
                f"count 0: {shown}{more}; correct the names if they are not meant",
                code="missing-class",
                parameter="class_names",
            )
        )
    return class_names


def _spelled(name: str, candidates: Collection[str], reasons: Mapping[str, str]) -> str:
    if name in reasons:
        return f"{name!r} ({reasons[name]})"
    near = closest(name, candidates)
    return repr(name) if near is None else f"{name!r} (is {near!r} meant?)"
