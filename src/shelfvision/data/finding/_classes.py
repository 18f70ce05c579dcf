"""Compare the requested class names with the classes that have photos.

A test set often lacks a class of the training set. A class without photos keeps its number and has
count 0. One warning lists such classes, each with the closest class that has photos, because the
name may be a typo.
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
    """Return the class names, and warn of names without photos.

    Parameters
    ----------
    class_names : tuple of str
        The requested class names, as `as_class_names` returns them.
    there : collection of str
        The class names that have photos.
    of : str
        The source of the photos, for the warning: ``"'list.csv'"``.
    reasons : mapping of str to str, optional
        Why a class has no photos, if known: ``"its folder is empty"``.
    """
    known = set(there)
    absent = [name for name in class_names if name not in known]
    if absent:
        # Suggest classes that were not requested first: a typo has its correct name there.
        candidates = sorted(known - set(class_names)) or sorted(known)
        shown = ", ".join(_spelled(name, candidates, reasons or {}) for name in absent[:_SHOWN])
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        warn_caller(
            ShelfVisionWarning(
                f"class_names has {counted(len(absent), 'class')} without photos in {of}, which "
                f"count 0: {shown}{more}; correct the names if they are wrong",
                code="missing-class",
                parameter="class_names",
            )
        )
    return class_names


def _spelled(name: str, candidates: Collection[str], reasons: Mapping[str, str]) -> str:
    if name in reasons:
        return f"{name!r} ({reasons[name]})"
    near = closest(name, candidates)
    return repr(name) if near is None else f"{name!r} (did you mean {near!r}?)"
