"""A comparison of photos with a profile as text, CSV, JSON or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from shelfvision._csv import csv_text
from shelfvision._text import json_text, printable
from shelfvision._validation import counted
from shelfvision.evaluation._results import save_by_suffix, table_lines
from shelfvision.evaluation.operation._checks import DriftCheck
from shelfvision.evaluation.operation._page import TITLES, cells, drift_page, headline
from shelfvision.protocols import Location

if TYPE_CHECKING:
    from shelfvision.evaluation.operation._drift import Drift

COLUMNS: Final = tuple(one.name for one in fields(DriftCheck) if one.name != "slice")
"""The columns of a table after those of `by`."""
_MOST = 20


def plain_check(by: Sequence[str], check: DriftCheck) -> dict[str, object]:
    """Return a check as plain values by column; all photos have None in the columns of `by`."""
    values = check.slice or (None,) * len(by)
    plain: dict[str, object] = dict(zip(by, values, strict=True))
    return plain | {name: getattr(check, name) for name in COLUMNS}


def save_drift(drift: Drift, path: Location) -> None:
    """Write the result in the format of the suffix; see `Drift.save`."""
    save_by_suffix(
        path,
        {
            ".html": lambda: drift_page(drift),
            ".json": lambda: json_text(drift.to_dict(), indent=2) + "\n",
            ".csv": lambda: csv_text(_rows(drift)),
        },
    )


def _rows(drift: Drift) -> list[tuple[object, ...]]:
    rows = (plain_check(drift.by, check).values() for check in drift.checks)
    return [(*drift.by, *COLUMNS), *map(tuple, rows)]


def drift_text(drift: Drift) -> str:
    """Return the checks of all photos and the alarms of slices, as tables."""
    whole = [check for check in drift.checks if not check.slice]
    lines = [headline(drift), "", *_table(whole, ())]
    if drift.by:
        alarms = [check for check in drift.alarms if check.slice]
        short = sum(one.status == "not enough photos" for one in drift.checks if one.slice)
        names = ", ".join(map(printable, drift.by))
        found = f"{counted(len(alarms), 'alarm')}, {counted(short, 'check')} without enough photos"
        lines += ["", f"{counted(drift.n_slices, 'slice')} by {names}: {found}"]
        lines += _table(alarms[:_MOST], drift.by) if alarms else []
        lines += [f"and {len(alarms) - _MOST} more"] if len(alarms) > _MOST else []
    return "\n".join([*lines, *(("", *drift.notes) if drift.notes else ())])


def _table(checks: Sequence[DriftCheck], by: Sequence[str]) -> list[str]:
    rows = [(*check.slice, *cells(check)) for check in checks]
    return table_lines((*by, *TITLES), rows, left={*by, TITLES[0], TITLES[-1]})
