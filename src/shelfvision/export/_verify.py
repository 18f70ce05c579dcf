"""Compares an exported file with the classifier, before it is kept."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.formats.format import Scores
from shelfvision.errors import ExportError
from shelfvision.protocols import Images

TOLERANCE = 1e-3
"""How far a probability of a file in floating point may be from the classifier's."""
SHIFT = 0.1
"""How much probability may go to another class, on average, where weights are whole numbers."""
_BATCH = 32
_LAPS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputComparison:
    """How far a file says the same as the classifier."""

    max_difference: float
    mean_shift: float
    top1_agreement: float
    accuracy: float | None
    accuracy_before: float | None


def in_batches(run: Callable[[Images], Scores], images: Images) -> Scores:
    """Return the rows of many images, computed in batches of several sizes."""
    # The first alone: a file that takes one batch size only is no use.
    starts = [0, *range(1, len(images), _BATCH), len(images)]
    parts = [run(images[a:b]) for a, b in itertools.pairwise(starts) if b > a]
    return np.concatenate(parts)


def compared(
    found: Scores, expected: Scores, labels: npt.NDArray[np.int64] | None = None
) -> OutputComparison:
    """Return how much a file's probabilities differ from the classifier's."""
    distance = np.abs(found.astype(np.float64) - expected)
    winners, before = found.argmax(axis=1), expected.argmax(axis=1)
    return OutputComparison(
        max_difference=float(distance.max()),
        mean_shift=float(distance.sum(axis=1).mean() / 2),
        top1_agreement=float((winners == before).mean()),
        accuracy=None if labels is None else float((winners == labels).mean()),
        accuracy_before=None if labels is None else float((before == labels).mean()),
    )


def require_same_outputs(
    found: OutputComparison, what: str, *, quantized: bool, tolerance: float | None
) -> None:
    """Refuse a file that says something else than the classifier."""
    measure = "mean shift" if quantized else "largest difference"
    value = found.mean_shift if quantized else found.max_difference
    limit = tolerance if tolerance is not None else SHIFT if quantized else TOLERANCE
    # Written so that NaN counts as outside.
    if not value <= limit:
        remedy = (
            "give more photos, or export without quantize"
            if quantized
            else "export under another version of tensorflow, or raise tolerance"
        )
        raise ExportError(
            f"the {what} file is not kept, for it says something else than the classifier: the "
            f"{measure} of probabilities is {value:.3g}, over {limit:.3g}, and "
            f"{found.top1_agreement:.1%} of labels are the same; {remedy}",
            code="differs",
        )


def latency_ms(run: Callable[[Images], Scores], image: Images) -> float:
    """Return the median milliseconds of one image."""
    laps = []
    for _ in range(_LAPS):
        start = time.perf_counter()
        run(image)
        laps.append(time.perf_counter() - start)
    return 1000 * statistics.median(laps)
