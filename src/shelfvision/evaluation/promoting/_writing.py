"""A promotion gate as text, CSV, JSON or HTML."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from shelfvision._csv import csv_text
from shelfvision._text import json_text
from shelfvision._validation import counted
from shelfvision.evaluation._results import save_by_suffix, table_lines
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
from shelfvision.protocols import Location

if TYPE_CHECKING:
    from shelfvision.evaluation.promoting._promotion import Promotion

_MOST = 20
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


def save_promotion(promotion: Promotion, path: Location) -> None:
    """Write the result in the format of the suffix; see `Promotion.save`."""
    save_by_suffix(
        path,
        {
            ".html": lambda: promotion_page(promotion),
            ".json": lambda: json_text(promotion.to_dict(), indent=2) + "\n",
            ".csv": lambda: csv_text(
                [COLUMNS, *(plain_class(one).values() for one in promotion.classes)]
            ),
        },
    )


def promotion_text(promotion: Promotion) -> str:
    """Return the verdict, its reasons, and tables of the scores and classes."""
    lines = [headline(promotion), *promotion.reasons, ""]
    scores = [score_cells(one) for one in promotion.scores]
    lines += table_lines(score_titles(promotion), scores, left={"score"})
    classes = by_loss(promotion)
    shown = [class_cells(one) for one in classes[:_MOST]]
    lines += ["", *table_lines(CLASS_TITLES, shown, left={"class", "result"})]
    more = len(classes) - _MOST
    lines += [f"and {counted(more, 'class')} with a larger difference"] if more > 0 else []
    return "\n".join([*lines, *(("", *promotion.notes) if promotion.notes else ())])
