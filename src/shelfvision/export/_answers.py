"""From batches of photos to columns: what classifiers and predictors of exported files share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from shelfvision.data.reading import Batch
from shelfvision.errors import ModelError
from shelfvision.predictions import ClassFrequencies, Decision, Predictions, Thresholds
from shelfvision.predictions._columns import Floats
from shelfvision.predictions._frequencies import for_mix
from shelfvision.protocols import Images

Scores = npt.NDArray[np.float32]


def answers_of(
    batches: Iterable[Batch],
    scores_of: Callable[[Images], Scores],
    class_names: tuple[str, ...],
    thresholds: Thresholds | None,
    *,
    frequencies: ClassFrequencies = None,
    known: Floats | None = None,
) -> Predictions:
    """Return what is said of every photo; `known` is the mix that probabilities are made for."""
    if frequencies is not None and known is None:
        raise ModelError(
            "class_frequencies needs the mix of classes that the network was trained on, which is "
            'not known here; pass provenance={"class_counts": {name: count, ...}} to from_model, '
            "and export such a classifier",
            code="unknown-class-mix",
            parameter="class_frequencies",
        )
    ids: list[str] = []
    errors: list[str | None] = []
    rows: list[Scores] = []
    for batch in batches:
        ids.extend(batch.ids)
        errors.extend(batch.errors)
        if len(batch.images):
            rows.append(scores_of(batch.images))
    scores = _table(rows, errors, len(class_names))
    mix = None
    if frequencies is not None and known is not None:
        scores, shares = for_mix(scores, frequencies, known, class_names)
        mix = dict(zip(class_names, shares.tolist(), strict=True))
    return Predictions(
        scores,
        class_names,
        ids,
        errors,
        decisions=_decisions(scores, thresholds),
        class_frequencies=mix,
    )


def _table(rows: list[Scores], errors: list[str | None], k: int) -> Scores:
    """Return a row for every photo, NaN for those that could not be read."""
    if not any(errors) and len(rows) == 1:
        return rows[0]
    table = np.full((len(errors), k), np.nan, dtype=np.float32)
    if rows:
        table[[error is None for error in errors]] = np.concatenate(rows)
    return table


def _decisions(scores: Scores, thresholds: Thresholds | None) -> list[Decision] | None:
    if thresholds is None:
        return None
    found: list[Decision] = thresholds.decide(scores).tolist()
    return found
