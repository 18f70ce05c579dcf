"""A promotion gate as a self-contained HTML page, and in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfvision._pages.html import render_template
from shelfvision._pages.notebook import notebook_view
from shelfvision._validation import counted
from shelfvision.evaluation.promoting._differences import ClassDifference, ScoreDifference
from shelfvision.evaluation.scores._intervals import Interval

if TYPE_CHECKING:
    from shelfvision.evaluation.promoting._promotion import Promotion

_TITLES: Final = {
    "promote": "Promote the new classifier",
    "keep": "Keep the old classifier",
    "undecided": "Undecided",
}
_MARKS: Final = {"better": "better", "worse": "drift", "no difference": "ok"}
CLASS_TITLES: Final = (
    *("class", "photos", "groups", "old", "new", "difference", "interval"),
    *("only old", "only new", "p-value", "result"),
)
"""The titles of the columns of `class_cells`."""


def score_titles(promotion: Promotion) -> tuple[str, ...]:
    """Return the titles of the columns of `score_cells`."""
    return "score", "old", "new", "difference", f"{100 * promotion.confidence_level:g} % interval"


def score_cells(one: ScoreDifference) -> tuple[str, ...]:
    """Return the cells of a score as text."""
    return (
        one.score,
        f"{one.old:.3f}",
        f"{one.new:.3f}",
        f"{one.difference:+.3f}",
        _interval(one.interval),
    )


def class_cells(one: ClassDifference) -> tuple[str, ...]:
    """Return the cells of a class as text, in the order of `CLASS_TITLES`."""
    return (
        one.name,
        f"{one.n_photos:,}",
        f"{one.n_groups:,}",
        f"{one.old:.3f}",
        f"{one.new:.3f}",
        f"{one.difference:+.3f}",
        _interval(one.interval),
        f"{one.only_old:,}",
        f"{one.only_new:,}",
        "" if one.adjusted_p_value is None else f"{one.adjusted_p_value:.2g}",
        one.status,
    )


def _interval(interval: Interval) -> str:
    return f"{interval[0]:+.3f} to {interval[1]:+.3f}"


def headline(promotion: Promotion) -> str:
    """Return the verdict in one sentence."""
    photos = counted(promotion.n_photos, "photo")
    groups = counted(promotion.n_groups, "group")
    return (
        f"{_TITLES[promotion.verdict]}: {photos} in {groups}; only the old right "
        f"{promotion.only_old:,}, only the new right {promotion.only_new:,}, p-value "
        f"{promotion.p_value:.2g}."
    )


def by_loss(promotion: Promotion) -> list[ClassDifference]:
    """Return the classes, those that are worse first, then by difference."""
    return sorted(promotion.classes, key=lambda one: (one.status != "worse", one.difference))


def promotion_view(promotion: Promotion) -> str:
    """Return the HTML for notebooks: the verdict and the scores."""
    return notebook_view(
        _TITLES[promotion.verdict],
        notes=[headline(promotion), *promotion.reasons, *promotion.notes],
        columns=score_titles(promotion),
        rows=[score_cells(one) for one in promotion.scores],
    )


def promotion_page(promotion: Promotion) -> str:
    """Return the page."""
    return render_template(
        "promotion.html",
        title=_TITLES[promotion.verdict],
        headline=headline(promotion),
        reasons=promotion.reasons,
        notes=promotion.notes,
        score_titles=score_titles(promotion),
        scores=[score_cells(one) for one in promotion.scores],
        class_titles=CLASS_TITLES,
        classes=[_row(one) for one in by_loss(promotion)],
        level=f"{100 * promotion.confidence_level:g} %",
        margin=promotion.margin,
        class_margin=promotion.class_margin,
    )


def _row(one: ClassDifference) -> dict[str, object]:
    low, high = one.interval
    return {
        "cells": class_cells(one),
        "mark": _MARKS.get(one.status, "few"),
        "low": low,
        "high": high,
        "difference": one.difference,
    }
