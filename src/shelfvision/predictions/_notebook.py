"""How predictions show themselves in a notebook."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shelfvision._pages.notebook import MOST_ROWS, notebook_view
from shelfvision._validation import counted

if TYPE_CHECKING:
    from shelfvision.predictions._predictions import Predictions

_MOST_LABELS = 8


def predictions_view(predictions: Predictions) -> str:
    """Return the HTML of predictions: the most frequent labels, and the first photos."""
    labels = Counter(name for name in predictions.labels.tolist() if name is not None)
    failed = sum(error is not None for error in predictions.errors)
    review = int((predictions.decisions == "review").sum())
    shown = [f"{name} {number:,}" for name, number in labels.most_common(_MOST_LABELS)]
    notes = [", ".join(shown)] if shown else []
    notes += [f"{counted(review, 'photo')} to review."] if review else []
    notes += [f"{counted(failed, 'photo')} could not be read."] if failed else []
    rows = [
        [
            one.id,
            one.label or "",
            one.error or f"{one.confidence:.3f}",
            one.decision or "",
        ]
        for one in predictions[:MOST_ROWS]
    ]
    # The table counts the rows that it leaves out, so it gets an entry for each.
    rows += [[]] * (len(predictions) - len(rows))
    return notebook_view(
        f"Predictions: {counted(len(predictions), 'photo')}, "
        f"{counted(len(predictions.class_names), 'class')}",
        notes=notes,
        columns=["photo", "label", "confidence", "decision"],
        rows=rows,
    )
