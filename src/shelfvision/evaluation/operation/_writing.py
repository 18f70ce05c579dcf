"""A comparison of photos with a profile as text, CSV, JSON or HTML."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from shelfvision._csv import csv_text
from shelfvision._storage import write_atomically
from shelfvision._text import json_text, printable, shortened
from shelfvision._validation import as_path, counted
from shelfvision.errors import InvalidParameterError
from shelfvision.evaluation.operation._checks import DriftCheck
from shelfvision.evaluation.operation._page import TITLES, cells, drift_page, headline

if TYPE_CHECKING:
    from shelfvision.evaluation.operation._drift import Drift

COLUMNS: Final = tuple(one.name for one in fields(DriftCheck) if one.name != "slice")
"""The columns of a table after those of `by`."""
_SUFFIXES = (".html", ".json", ".csv")
_MOST = 20
_WIDTH = 40


def plain_check(by: Sequence[str], check: DriftCheck) -> dict[str, object]:
    """Return a check as plain values by column; all photos have None in the columns of `by`."""
    values = check.slice or (None,) * len(by)
    plain: dict[str, object] = dict(zip(by, values, strict=True))
    return plain | {name: getattr(check, name) for name in COLUMNS}


def save_drift(drift: Drift, path: str | os.PathLike[str]) -> None:
    """Write the result in the format of the suffix; see `Drift.save`."""
    target = as_path(path)
    suffix = os.path.splitext(target)[1].lower()
    if suffix == ".html":
        text = drift_page(drift)
    elif suffix == ".json":
        text = json_text(drift.to_dict(), indent=2) + "\n"
    elif suffix == ".csv":
        rows = (plain_check(drift.by, check).values() for check in drift.checks)
        text = csv_text([(*drift.by, *COLUMNS), *rows])
    else:
        raise InvalidParameterError(
            f"path must have the suffix {', '.join(_SUFFIXES)}, got {target!r}; rename the file",
            code="not-an-option",
            parameter="path",
        )
    write_atomically(target, text.encode("utf-8", "backslashreplace"))


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
    """Return the lines of a table; numbers are aligned to the right."""
    rows = [(*by, *TITLES), *((*check.slice, *cells(check)) for check in checks)]
    rows = [tuple(shortened(cell, _WIDTH) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = range(len(by) + 1, len(by) + 5)
    return [
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
