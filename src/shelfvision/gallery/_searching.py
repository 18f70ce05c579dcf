"""Predict the nearest enrolled product of each photo."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision._warnings import warn_caller
from shelfvision.data.reading import Photos
from shelfvision.errors import ShelfVisionWarning
from shelfvision.gallery._enrolled import Rows
from shelfvision.gallery._index import ProductIndex
from shelfvision.gallery._nearness import softmax
from shelfvision.inference.served import batches_of
from shelfvision.predictions import Decision, MeasuredPhotos, Predictions
from shelfvision.protocols import OnError

_BATCH = 128
"""The number of photos that are read at a time."""


def predict_gallery(index: ProductIndex, photos: Photos, on_error: OnError) -> Predictions:
    """Return the probabilities of all products for each photo, and the decisions."""
    nearness = index.nearness
    _warn_of_too_few(index)
    ids, errors, embeddings = _embedded(index, photos, on_error)
    rows, distances = nearness.answers(embeddings)
    readable = np.array([reason is None for reason in errors], dtype=np.bool_)
    names = index.photos.names
    scores = np.full((len(ids), len(names)), np.nan, dtype=np.float32)
    scores[readable] = rows
    decisions = np.full(len(ids), "review", dtype=object)
    decisions[readable] = np.where(nearness.known(distances), "accept", "review")
    return Predictions(
        scores,
        names,
        ids,
        errors,
        decisions=cast("list[Decision]", decisions.tolist()),
    )


def measured_by_groups(index: ProductIndex) -> MeasuredPhotos | None:
    """Return the predictions for enrolled photos, each without the photos of its group."""
    nearness = index.nearness
    found = nearness.left_out
    if not len(found.labels):
        return None
    return MeasuredPhotos(
        probabilities=softmax(found.cosines / nearness.temperature),
        labels=found.labels,
        groups=found.groups,
        rejected=~nearness.known(found.distances),
    )


def familiarity(index: ProductIndex, photos: Photos) -> npt.NDArray[np.float64]:
    """Return how typical each photo is of the enrolled photos, shape (n,)."""
    _, _, embeddings = _embedded(index, photos, "raise")
    nearness = index.nearness
    return nearness.familiarity(nearness.answers(embeddings)[1])


def _embedded(
    index: ProductIndex, photos: Photos, on_error: OnError
) -> tuple[list[str], list[str | None], Rows]:
    """Return ids and errors of all photos, and the embeddings of the readable ones."""
    served = index.classifier.served
    ids: list[str] = []
    errors: list[str | None] = []
    rows: list[Rows] = [np.empty((0, index.photos.embeddings.shape[1]), np.float32)]
    for batch in batches_of(served, photos, on_error, _BATCH):
        ids.extend(batch.ids)
        errors.extend(batch.errors)
        if len(batch.images):
            rows.append(served.network.embed(batch.images))
    return ids, errors, np.concatenate(rows)


def _warn_of_too_few(index: ProductIndex) -> None:
    nearness = index.nearness
    if nearness.needed is not None:
        warn_caller(
            ShelfVisionWarning(
                f"{counted(nearness.n_groups, 'group')} of enrolled photos that can be held "
                f"against others of their product are too few to send at most a share of "
                f"{index.unknown:.4g} to review, so every photo goes there; enrol photos of "
                f"{nearness.needed} groups, or ask for more with with_unknown",
                code="too-few-groups",
                parameter="unknown",
            )
        )
