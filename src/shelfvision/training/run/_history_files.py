"""A run's metrics as text, for spreadsheets and programs.

Names of metrics are the caller's: one that a spreadsheet would take for a formula has no effect.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from shelfvision._text import csv_cell, json_text
from shelfvision.training.settings._encoding import finite


def as_csv(history: Mapping[str, Sequence[float]]) -> str:
    """Return one line an epoch, counted from 1, with every digit of every value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *map(csv_cell, history)])
    for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
        writer.writerow([epoch, *map(repr, values)])
    return text.getvalue()


def as_json(history: Mapping[str, Sequence[float]]) -> str:
    """Return the metrics by name; null stands for what is no finite number."""
    return json_text(finite(history), indent=1) + "\n"
