"""Make `Predictions` from batches of photos, for classifiers and for exported files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._photos.quality import QUALITY, quality_of
from shelfvision.data.reading import Batch
from shelfvision.errors import ModelError
from shelfvision.predictions import ClassPrior, Decision, Predictions, Profile, Thresholds
from shelfvision.predictions.class_prior import with_prior
from shelfvision.predictions.columns import Floats
from shelfvision.protocols import Images

Scores = npt.NDArray[np.float32]


def answers_of(
    batches: Iterable[Batch],
    scores_of: Callable[[Images], Scores],
    class_names: tuple[str, ...],
    thresholds: Thresholds | None,
    *,
    class_prior: ClassPrior = None,
    known: Floats | None = None,
    quality: bool = False,
    profile: Profile | None = None,
) -> Predictions:
    """Return the predictions for all photos; `known` is the class prior of training."""
    if class_prior is not None and known is None:
        raise ModelError(
            "class_prior needs the class prior of the training set, which is unknown for this "
            'model; pass provenance={"class_counts": {name: count, ...}} to from_model, and '
            "export such a classifier",
            code="unknown-class-prior",
            parameter="class_prior",
        )
    ids: list[str] = []
    errors: list[str | None] = []
    rows: list[Scores] = []
    measured: list[Mapping[str, Scores]] = []
    for batch in batches:
        ids.extend(batch.ids)
        errors.extend(batch.errors)
        if len(batch.images):
            rows.append(scores_of(batch.images))
            if quality:
                measured.append(quality_of(batch.images))
    scores = _table(rows, errors, len(class_names))
    applied = None
    if class_prior is not None and known is not None:
        scores, prior = with_prior(scores, class_prior, known, class_names)
        applied = dict(zip(class_names, prior.tolist(), strict=True))
    return Predictions(
        scores,
        class_names,
        ids,
        errors,
        decisions=_decisions(scores, thresholds),
        class_prior=applied,
        quality=_columns(measured, errors) if quality else None,
        profile=profile,
    )


def _table(rows: list[Scores], errors: list[str | None], k: int) -> Scores:
    """Return one row per photo; NaN for photos that could not be read."""
    if not any(errors) and len(rows) == 1:
        return rows[0]
    table = np.full((len(errors), k), np.nan, dtype=np.float32)
    if rows:
        table[[error is None for error in errors]] = np.concatenate(rows)
    return table


def _columns(
    measured: Sequence[Mapping[str, Scores]], errors: Sequence[str | None]
) -> dict[str, Scores]:
    """Return one value per photo of every measure; NaN for photos that could not be read."""
    readable = np.array([error is None for error in errors], dtype=np.bool_)
    columns = {}
    for name in QUALITY:
        column = np.full(len(errors), np.nan, dtype=np.float32)
        if measured:
            column[readable] = np.concatenate([part[name] for part in measured])
        columns[name] = column
    return columns


def _decisions(scores: Scores, thresholds: Thresholds | None) -> list[Decision] | None:
    if thresholds is None:
        return None
    found: list[Decision] = thresholds.decide(scores).tolist()
    return found
