"""A run's metrics as text, for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence


def as_csv(history: Mapping[str, Sequence[float]]) -> str:
    """Return one line an epoch, counted from 1, with every digit of every value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
        writer.writerow([epoch, *map(repr, values)])
    return text.getvalue()


def as_json(history: Mapping[str, Sequence[float]]) -> str:
    """Return the metrics by name."""
    return json.dumps({name: list(values) for name, values in history.items()}, indent=1) + "\n"
