"""The context of a report: dataset, model and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.data.aligning import Brought, Sized
from shelfvision.evaluation.scores._leakage import LeakageCheck
from shelfvision.evaluation.scores._unknown import UnknownScores
from shelfvision.inference import Classifier
from shelfvision.predictions import Calibration


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedData:
    """The dataset of an evaluation."""

    n: int
    """The number of rows of the dataset, including photos that could not be read."""
    image_size: tuple[int, int]
    """Height and width, in pixels, that the photos were classified at."""
    resize: str
    """The resize rule for photos of another shape."""
    fingerprint: str
    """A digest of ids, labels, order and content of the photos."""
    given_size: tuple[int, int]
    """The image size of the dataset that was passed."""
    given_resize: str
    """The resize rule of the dataset that was passed."""
    brought: Brought
    """How the photos got `image_size`: ``"as given"``, read again from ``"files"``, or resized from
    ``"arrays"``."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedModel:
    """The model of an evaluation."""

    kind: str
    """The name of the architecture, or of the classifier's type."""
    parameters: int | None
    """The number of parameters; None if it is unknown."""
    calibration: str | None
    """The calibration method and the number of photos that fitted it; None if not calibrated."""
    provenance: Mapping[str, object]
    """The classifier's provenance, in plain values."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluationContext:
    """What ``evaluate`` knows in addition to the predictions; None for what was not passed."""

    data: EvaluatedData | None = None
    """The dataset."""
    model: EvaluatedModel | None = None
    """The model."""
    nearest_baseline: float | None = None
    """The accuracy of the nearest-neighbour baseline."""
    leakage: LeakageCheck | None = None
    """The check for data leakage from the training set."""
    unknown: UnknownScores | None = None
    """The scores of photos of classes that the classifier does not know."""
    photos: Dataset | None = None
    """The photos, to show mistakes; not pickled."""
    classifier: Classifier | None = None
    """The classifier, for heat maps; not pickled."""


def without_pixels(context: EvaluationContext) -> EvaluationContext:
    """Return the context that is pickled: without photos and classifier."""
    model = context.model and replace(context.model, provenance=dict(context.model.provenance))
    return replace(context, photos=None, classifier=None, model=model)


def size_text(data: EvaluatedData) -> str:
    """Return image size and resize rule, and those of the dataset if they differ."""
    now = _size_text(data.image_size, data.resize)
    if data.brought == "as given":
        return now
    how = "read again from files" if data.brought == "files" else "resized from arrays"
    return f"{now}, {how}; the dataset has {_size_text(data.given_size, data.given_resize)}"


def _size_text(image_size: tuple[int, int], resize: str) -> str:
    return f"{image_size[0]} x {image_size[1]} pixels ({resize})"


def described_data(dataset: Dataset, sized: Sized) -> EvaluatedData:
    """Describe the dataset, and how its photos were read."""
    return EvaluatedData(
        n=len(dataset),
        image_size=sized.dataset.image_size,
        resize=sized.dataset.resize,
        fingerprint=dataset.fingerprint,
        given_size=dataset.image_size,
        given_resize=dataset.resize,
        brought=sized.brought,
    )


def described_model(classifier: object) -> EvaluatedModel:
    """Describe a `Classifier` or any other object that predicts."""
    provenance = getattr(classifier, "provenance", None)
    known = provenance if isinstance(provenance, Mapping) else {}
    return EvaluatedModel(
        kind=_kind(classifier),
        parameters=_parameters(classifier),
        calibration=_calibration(classifier),
        provenance=MappingProxyType(dict(known)),
    )


def _kind(classifier: object) -> str:
    if not isinstance(classifier, Classifier):
        return type(classifier).__name__
    return classifier.served.architecture


def _calibration(classifier: object) -> str | None:
    found = getattr(classifier, "calibration", None)
    if not isinstance(found, Calibration):
        return None
    return f"{found.method}, fitted on {counted(found.n_photos, 'photo')}"


def _parameters(classifier: object) -> int | None:
    if not isinstance(classifier, Classifier):
        return None
    weights: list[npt.NDArray[np.generic]] = list(classifier.served.network.weights.values())
    return sum(int(weight.size) for weight in weights)
