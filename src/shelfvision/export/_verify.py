"""Compare the probabilities of an exported file with those of the classifier.

A file in floating point must agree in every probability; the largest difference counts. Quantized
weights change all probabilities a little, so there the mean total variation distance counts.
"""

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
"""The largest accepted difference of a probability for a file in floating point."""
SHIFT = 0.1
"""The largest accepted mean shift for a quantized file."""
_BATCH = 32
_LAPS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputComparison:
    """Differences between a file and the classifier; see `ExportReport` for the fields."""

    max_difference: float
    mean_shift: float
    top1_agreement: float
    accuracy: float | None
    accuracy_before: float | None


def in_batches(run: Callable[[Images], Scores], images: Images) -> Scores:
    """Return the rows for all images, computed in batches of different sizes."""
    # The first batch has one image, so that a file with a fixed batch size fails here.
    starts = [0, *range(1, len(images), _BATCH), len(images)]
    parts = [run(images[a:b]) for a, b in itertools.pairwise(starts) if b > a]
    return np.concatenate(parts)


def compared(
    found: Scores, expected: Scores, labels: npt.NDArray[np.int64] | None = None
) -> OutputComparison:
    """Return the differences between a file's probabilities and the classifier's."""
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
    """Raise ExportError if the differences exceed the tolerance."""
    measure = "mean shift" if quantized else "largest difference"
    value = found.mean_shift if quantized else found.max_difference
    limit = tolerance if tolerance is not None else SHIFT if quantized else TOLERANCE
    # "not <=" instead of ">", so that NaN is refused.
    if not value <= limit:
        remedy = (
            "give more photos, or export without quantize"
            if quantized
            else "export under another version of tensorflow, or raise tolerance"
        )
        raise ExportError(
            f"the {what} file was discarded because it does not agree with the classifier: the "
            f"{measure} of probabilities must be at most {limit:.3g}, got {value:.3g}, with "
            f"{found.top1_agreement:.1%} of labels the same; {remedy}",
            code="differs",
        )


def latency_ms(run: Callable[[Images], Scores], image: Images) -> float:
    """Return the median latency of one image in milliseconds."""
    laps = []
    for _ in range(_LAPS):
        start = time.perf_counter()
        run(image)
        laps.append(time.perf_counter() - start)
    return 1000 * statistics.median(laps)
