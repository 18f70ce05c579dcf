"""What a report is context: which photos, which model, and what they were compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.data.aligning import Brought, Sized
from shelfvision.evaluation.scores._leakage import LeakageCheck
from shelfvision.inference import Classifier
from shelfvision.predictions import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedData:
    """Which photos were judged by."""

    n: int
    """How many rows the dataset has, photos that failed included."""
    image_size: tuple[int, int]
    """Height and width, in pixels, that they were brought to."""
    resize: str
    """How photos of another shape got there."""
    fingerprint: str
    """A digest of ids, labels, order and content."""
    given_size: tuple[int, int]
    """Height and width of the dataset that was given."""
    given_resize: str
    """Its rule for photos of another shape."""
    brought: Brought
    """How its photos came to `image_size`: ``"as given"``, read again from their ``"files"``, or
    resized from ``"arrays"``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedModel:
    """Which model was judged."""

    kind: str
    """Its architecture, or the name of its type."""
    parameters: int | None
    """How many numbers it has learned or keeps; None where that cannot be seen."""
    calibration: str | None
    """How its probabilities are calibrated, and on how many photos; None where they are not."""
    provenance: Mapping[str, object]
    """Where it came from, in plain values, as the classifier tells it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluationContext:
    """What `evaluate` knows besides the predictions; each is None where it was not given."""

    data: EvaluatedData | None = None
    """Which photos were judged."""
    model: EvaluatedModel | None = None
    """Which model was judged."""
    nearest_baseline: float | None = None
    """The accuracy of the nearest training photo."""
    leakage: LeakageCheck | None = None
    """What the photos share with the training photos."""
    photos: Dataset | None = None
    """The photos themselves, to show mistakes; a pickled report leaves them behind."""
    classifier: Classifier | None = None
    """The classifier itself, for heat maps; a pickled report leaves it behind."""


def without_pixels(context: EvaluationContext) -> EvaluationContext:
    """Return what is pickled: neither photos nor classifier."""
    model = context.model and replace(context.model, provenance=dict(context.model.provenance))
    return replace(context, photos=None, classifier=None, model=model)


def size_text(data: EvaluatedData) -> str:
    """Return the size and rule of the judged photos, and how they differ from the dataset's."""
    now = _size_text(data.image_size, data.resize)
    if data.brought == "as given":
        return now
    how = "read again from files" if data.brought == "files" else "resized from arrays"
    return f"{now}, {how}; the dataset has {_size_text(data.given_size, data.given_resize)}"


def _size_text(image_size: tuple[int, int], resize: str) -> str:
    return f"{image_size[0]} x {image_size[1]} pixels ({resize})"


def described_data(dataset: Dataset, sized: Sized) -> EvaluatedData:
    """Describe the dataset that was given, and how its photos were read."""
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
    """Describe a classifier, ours or anybody's."""
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
