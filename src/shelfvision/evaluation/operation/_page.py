"""A comparison of photos with a profile as a self-contained HTML page, and in notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from shelfvision._pages.html import render_template
from shelfvision._pages.notebook import notebook_view
from shelfvision._validation import counted
from shelfvision.evaluation.operation._checks import DriftCheck

if TYPE_CHECKING:
    from shelfvision.evaluation.operation._drift import Drift

TITLES: Final = ("measure", "profile", "now", "effect", "p-value", "result")
"""The titles of the columns of `cells`."""
_MOST = 200
_SHARES = ("coverage", "unreadable")
_CORRECTED = {
    "holm": "Holm's method: the probability of one or more false alarms is at most {:g}",
    "benjamini-hochberg": "the method of Benjamini and Hochberg: the expected share of false "
    "alarms among the alarms is at most {:g}",
}
_MARKS = {"drift": "drift", "no drift": "ok", "not enough photos": "few"}


def _title(drift: Drift) -> str:
    if all(check.p_value is None for check in drift.checks):
        return "Not enough photos"
    return "Drift" if drift.drifted else "No drift"


def headline(drift: Drift) -> str:
    """Return the result in one sentence."""
    tested = sum(check.p_value is not None for check in drift.checks)
    if not tested:
        return f"Not enough photos: {counted(drift.n_photos, 'photo')}, no check."
    checks = counted(tested, "check")
    result = (
        f"Drift in {len(drift.alarms)} of {checks}" if drift.drifted else f"No drift in {checks}"
    )
    photos = counted(drift.n_photos, "photo")
    known = counted(drift.profile.n_photos, "photo")
    return f"{result}: {photos}, compared with {known} of the profile."


def cells(check: DriftCheck) -> tuple[str, ...]:
    """Return the cells of a check as text, in the order of `TITLES`."""
    effect = "" if check.effect is None else f"{check.effect:.2f}"
    p_value = "" if check.adjusted_p_value is None else f"{check.adjusted_p_value:.2g}"
    known, now = (_value(check.measure, one) for one in (check.expected, check.observed))
    return check.measure, known, now, effect, p_value, check.status


def _value(measure: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1%}" if measure in _SHARES else f"{value:.3g}"


def drift_view(drift: Drift) -> str:
    """Return the HTML for notebooks: the checks of all photos, and the alarms of slices."""
    whole = [check for check in drift.checks if not check.slice]
    alarms = [check for check in drift.alarms if check.slice]
    return notebook_view(
        _title(drift),
        notes=[headline(drift), *drift.notes],
        columns=[*drift.by, *TITLES],
        rows=[
            [*(check.slice or ("all",) * len(drift.by)), *cells(check)]
            for check in (*whole, *alarms)
        ],
    )


def drift_page(drift: Drift) -> str:
    """Return the page."""
    slices = _slices(drift)
    measures = [check.measure for check in drift.checks if not check.slice]
    return render_template(
        "drift.html",
        title=_title(drift),
        headline=headline(drift),
        notes=drift.notes,
        titles=TITLES,
        whole=[_row(check) for check in drift.checks if not check.slice],
        by=drift.by,
        measures=measures,
        slices=[_slice_row(values, found, measures) for values, found in slices[:_MOST]],
        left_out=max(len(slices) - _MOST, 0),
        corrected=_CORRECTED[drift.correction].format(drift.alpha),
    )


def _slices(drift: Drift) -> list[tuple[tuple[str, ...], list[DriftCheck]]]:
    """Return the checks of each slice, the slices with most drift first."""
    found: dict[tuple[str, ...], list[DriftCheck]] = {}
    for check in drift.checks:
        if check.slice:
            found.setdefault(check.slice, []).append(check)
    return sorted(found.items(), key=lambda item: (-_drifting(item[1]), item[0]))


def _drifting(checks: Sequence[DriftCheck]) -> float:
    return sum(1 + (check.effect or 0) for check in checks if check.status == "drift")


def _row(check: DriftCheck) -> dict[str, object]:
    effect = 0.0 if check.effect is None else check.effect
    return {
        "cells": cells(check),
        "mark": _MARKS[check.status],
        "effect": effect,
        "least": check.min_effect,
        "detail": check.detail,
    }


def _slice_row(
    values: tuple[str, ...], checks: Sequence[DriftCheck], measures: Sequence[str]
) -> dict[str, object]:
    rows: dict[str, DriftCheck] = {check.measure: check for check in checks}
    return {
        "values": values,
        "n_photos": max(check.n_photos for check in checks),
        "cells": [
            {
                "mark": _MARKS[rows[name].status],
                "effect": rows[name].effect,
                "tip": ", ".join(filter(None, (*cells(rows[name]), rows[name].detail))),
            }
            for name in measures
        ],
    }
