"""Predict classes, probabilities and embeddings of photos, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.answers import answers_of
from shelfvision._validation import as_integer
from shelfvision.data.reading import Batch, Photos
from shelfvision.inference.served import (
    ServedModel,
    batches_of,
    class_probabilities,
    raw_probabilities,
    training_prior,
)
from shelfvision.predictions import ClassPrior, Prediction, Predictions
from shelfvision.protocols import OnError, StorageOptions

Rows = npt.NDArray[np.float32]


def predict_photos(
    served: ServedModel,
    photos: Photos,
    *,
    on_error: OnError = "raise",
    class_prior: ClassPrior = None,
    quality: bool = False,
    storage_options: StorageOptions | None = None,
) -> Predictions:
    """Return one row of predictions per photo."""
    return answers_of(
        batches_of(served, photos, on_error, storage_options=storage_options),
        partial(class_probabilities, served),
        served.class_names,
        served.decision_rule.thresholds,
        class_prior=class_prior,
        known=None if class_prior is None else training_prior(served),
        quality=quality,
        profile=served.decision_rule.profile,
    )


def predict_stream(
    served: ServedModel,
    photos: Photos,
    *,
    on_error: OnError,
    batch_size: int | None,
    storage_options: StorageOptions | None = None,
) -> Iterator[Prediction]:
    """Return an iterator of predictions, which computes one batch at a time on demand."""
    size = None if batch_size is None else as_integer("batch_size", batch_size, minimum=1)
    batches = batches_of(served, photos, on_error, size, storage_options)
    return (one for batch in batches for one in _predicted(served, batch))


def predict_proba(served: ServedModel, photos: Photos) -> Rows:
    """Return the calibrated probabilities for photos, shape (n, k)."""
    return served.decision_rule.calibrate(raw_probabilities(served, photos))


def embed(served: ServedModel, photos: Photos) -> Rows:
    """Return the embeddings of photos, shape (n, d)."""
    network = served.network
    found = [network.embed(batch.images) for batch in batches_of(served, photos, "raise")]
    if not found:
        return network.embed(np.empty((0, *network.image_size, 3), dtype=np.uint8))
    return np.concatenate(found)


def _predicted(served: ServedModel, batch: Batch) -> Predictions:
    return answers_of(
        [batch],
        partial(class_probabilities, served),
        served.class_names,
        served.decision_rule.thresholds,
    )
