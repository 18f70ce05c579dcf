"""Format predictions as a short text table."""

from __future__ import annotations

from collections.abc import Sequence

from shelfvision._text import shortened
from shelfvision.predictions._prediction import Prediction

HEAD = 5
TAIL = 2
WIDTH = 40


def render_table(predictions: Sequence[Prediction]) -> list[str]:
    """Return aligned lines for the first and last rows, with the number of omitted rows."""
    n = len(predictions)
    if n == 0:
        return []
    everything = n <= HEAD + TAIL + 1
    head = range(n if everything else HEAD)
    tail = range(n if everything else n - TAIL, n)
    rows = [_cells(predictions[row]) for row in (*head, *tail)]
    titles = ("id", "label", "confidence", "decision")
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = [_line(cells, widths) for cells in (titles, *rows)]
    if not everything:
        lines.insert(1 + HEAD, f"  … {n - HEAD - TAIL} more …")
    return lines


def _cells(prediction: Prediction) -> tuple[str, str, str, str]:
    if prediction.error is not None:
        reason = prediction.error.splitlines()[0] if prediction.error else "failed"
        return _cut(prediction.id, keep_end=True), _cut(reason), "-", prediction.decision or ""
    label = _cut(prediction.label or "")
    confidence = f"{prediction.confidence:.3f}"
    return _cut(prediction.id, keep_end=True), label, confidence, prediction.decision or ""


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return ("  " + "  ".join(padded)).rstrip()


def _cut(text: str, *, keep_end: bool = False) -> str:
    # The end of a path is more informative than its start.
    return shortened(text, WIDTH, keep_end=keep_end)
