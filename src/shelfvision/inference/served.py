"""`ServedModel`: the network and all settings of a `Classifier`, with functions to predict.

A `Classifier` is the public interface of this value. Evaluation, galleries and export read the
parts that they need from ``classifier.served``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._product_codes import ProductCodes
from shelfvision.data.reading import Batch, Photos, Reader
from shelfvision.inference._decision_rule import DecisionRule
from shelfvision.inference._frozen_network import FrozenNetwork
from shelfvision.models import ModelSpec
from shelfvision.models.registry import is_builtin
from shelfvision.predictions import MeasuredPhotos
from shelfvision.predictions.class_prior import as_prior
from shelfvision.predictions.columns import Floats
from shelfvision.protocols import Images, OnError, StorageOptions

__all__ = [
    "ServedModel",
    "batches_of",
    "class_probabilities",
    "measured_photos",
    "raw_probabilities",
    "training_prior",
]

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServedModel:
    """The network and all settings of a `Classifier`, immutable and thread-safe."""

    network: FrozenNetwork
    """The frozen weights and the compiled programs."""
    class_names: tuple[str, ...]
    """The class names in the order of the network outputs."""
    preprocessing: Preprocessing
    """How photos are converted to the pixels of the network input."""
    provenance: Mapping[str, object]
    """The origin of the classifier as plain JSON values, read-only."""
    spec: ModelSpec | None
    """The settings that the network is built from; None if shelfvision did not build it."""
    decision_rule: DecisionRule
    """The calibration, the thresholds and the validation scores."""
    product_codes: ProductCodes | None = None
    """The product code of each class; None without codes."""

    @property
    def architecture(self) -> str:
        """The name of the architecture, or of a custom model."""
        return self.network.model.name if self.spec is None else self.spec.architecture

    @property
    def own_architecture(self) -> bool:
        """Whether the network has a custom architecture, which shelfvision does not contain."""
        return self.spec is None or not is_builtin(self.spec.architecture)


def batches_of(
    served: ServedModel,
    photos: Photos,
    on_error: OnError,
    size: int | None = None,
    storage_options: StorageOptions | None = None,
) -> Iterator[Batch]:
    """Return an iterator of preprocessed photos in batches of at most `size`."""
    reader = Reader(
        preprocessing=served.preprocessing, on_error=on_error, storage_options=storage_options
    )
    return reader.batches(photos, size or served.network.batch_size)


def class_probabilities(served: ServedModel, images: Images) -> Rows:
    """Return the calibrated probabilities for preprocessed images."""
    return served.decision_rule.calibrate(served.network.probabilities(images))


def raw_probabilities(served: ServedModel, photos: Photos) -> Rows:
    """Return the uncalibrated probabilities for photos."""
    found = [served.network.probabilities(b.images) for b in batches_of(served, photos, "raise")]
    if not found:
        return np.empty((0, len(served.class_names)), dtype=np.float32)
    return np.concatenate(found)


def measured_photos(served: ServedModel) -> MeasuredPhotos | None:
    """Return the calibrated probabilities for the validation photos; None without any."""
    rule = served.decision_rule
    scores = rule.validation_scores
    if scores is None or not len(scores):
        return None
    return MeasuredPhotos(
        probabilities=rule.calibrate(scores.probabilities),
        labels=scores.labels.astype(np.int64),
        groups=scores.groups.astype(np.int64),
    )


def training_prior(served: ServedModel) -> Floats | None:
    """Return the class prior that the probabilities assume; None if it is unknown."""
    names, rule = served.class_names, served.decision_rule
    counts = served.provenance.get("class_counts")
    # Temperature scaling almost keeps the class prior of the training set. Other calibrations
    # introduce the class prior of the photos that they were fitted on.
    kept = rule.calibration is None or rule.calibration.temperature is not None
    if kept and _are_counts(counts, names):
        return as_prior(counts, names)  # type: ignore[arg-type]  # _are_counts looked
    scores = rule.validation_scores
    if scores is not None and len(scores):
        label_counts = np.bincount(scores.labels, minlength=len(names))
        return np.asarray(label_counts / label_counts.sum(), dtype=np.float64)
    return None


def _are_counts(counts: object, class_names: tuple[str, ...]) -> bool:
    return (
        isinstance(counts, Mapping)
        and set(counts) == set(class_names)
        and all(type(n) in (int, float) and n >= 0 for n in counts.values())
        and sum(counts.values()) > 0
    )
