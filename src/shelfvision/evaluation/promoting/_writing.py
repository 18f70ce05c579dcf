"""A promotion gate as text, CSV, JSON or HTML."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from shelfvision._csv import csv_text
from shelfvision._storage import write_atomically
from shelfvision._text import json_text, shortened
from shelfvision._validation import as_path, counted
from shelfvision.errors import InvalidParameterError
from shelfvision.evaluation.promoting._differences import ClassDifference, ScoreDifference
from shelfvision.evaluation.promoting._page import (
    CLASS_TITLES,
    by_loss,
    class_cells,
    headline,
    promotion_page,
    score_cells,
    score_titles,
)

if TYPE_CHECKING:
    from shelfvision.evaluation.promoting._promotion import Promotion

_SUFFIXES = (".html", ".json", ".csv")
_MOST = 20
_WIDTH = 40
_PLAIN: Final = (
    *("verdict", "n_photos", "n_groups", "n_unreadable", "only_old", "only_new", "p_value"),
    *("margin", "class_margin", "confidence_level"),
)


def _columns() -> tuple[str, ...]:
    names = [one.name for one in fields(ClassDifference)]
    place = names.index("interval")
    return (*names[:place], "low", "high", *names[place + 1 :])


COLUMNS: Final = _columns()
"""The columns of a table of classes."""


def plain_class(one: ClassDifference | ScoreDifference) -> dict[str, object]:
    """Return a difference as plain values; ``low`` and ``high`` are its interval."""
    plain: dict[str, object] = {}
    for field in fields(one):
        value = getattr(one, field.name)
        if field.name == "interval":
            plain |= dict(zip(("low", "high"), value, strict=True))
        else:
            plain[field.name] = value
    return plain


def plain_promotion(promotion: Promotion) -> dict[str, object]:
    """Return the result as plain JSON values."""
    return {
        **{name: getattr(promotion, name) for name in _PLAIN},
        "reasons": list(promotion.reasons),
        "notes": list(promotion.notes),
        "scores": [plain_class(one) for one in promotion.scores],
        "classes": [plain_class(one) for one in promotion.classes],
    }


def save_promotion(promotion: Promotion, path: str | os.PathLike[str]) -> None:
    """Write the result in the format of the suffix; see `Promotion.save`."""
    target = as_path(path)
    suffix = os.path.splitext(target)[1].lower()
    if suffix == ".html":
        text = promotion_page(promotion)
    elif suffix == ".json":
        text = json_text(promotion.to_dict(), indent=2) + "\n"
    elif suffix == ".csv":
        text = csv_text([COLUMNS, *(plain_class(one).values() for one in promotion.classes)])
    else:
        raise InvalidParameterError(
            f"path must have the suffix {', '.join(_SUFFIXES)}, got {target!r}; rename the file",
            code="not-an-option",
            parameter="path",
        )
    write_atomically(target, text.encode("utf-8", "backslashreplace"))


def promotion_text(promotion: Promotion) -> str:
    """Return the verdict, its reasons, and tables of the scores and classes."""
    lines = [headline(promotion), *promotion.reasons, ""]
    lines += _table(score_titles(promotion), [score_cells(one) for one in promotion.scores])
    classes = by_loss(promotion)
    lines += ["", *_table(CLASS_TITLES, [class_cells(one) for one in classes[:_MOST]])]
    more = len(classes) - _MOST
    lines += [f"and {counted(more, 'class')} with a larger difference"] if more > 0 else []
    return "\n".join([*lines, *(("", *promotion.notes) if promotion.notes else ())])


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the first and a last column "result" are aligned to the left."""
    cut = [tuple(shortened(cell, _WIDTH) for cell in row) for row in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    left = {0, *(place for place, title in enumerate(titles) if title == "result")}
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cut
    ]
