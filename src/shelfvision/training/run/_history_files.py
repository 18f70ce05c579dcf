"""The metrics of a run as CSV and JSON, for spreadsheets and programs.

The caller chooses the names of metrics. Names that look like formulas are escaped in CSV.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from shelfvision._text import csv_cell, json_text
from shelfvision.training.settings._encoding import finite


def as_csv(history: Mapping[str, Sequence[float]]) -> str:
    """Return CSV with one line per epoch, counted from 1, with all digits of each value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *map(csv_cell, history)])
    for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
        writer.writerow([epoch, *map(repr, values)])
    return text.getvalue()


def as_json(history: Mapping[str, Sequence[float]]) -> str:
    """Return the metrics by name as JSON; NaN and infinity become null."""
    return json_text(finite(history), indent=1) + "\n"
