"""`ProductIndex`: the enrolled photos of a classifier, and what is learned from them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from shelfvision.errors import InvalidParameterError
from shelfvision.gallery._enrolled import EnrolledPhotos
from shelfvision.gallery._nearness import Nearness, nearness_of
from shelfvision.inference import Classifier


class _LazyNearness:
    """What is learned from enrolled photos, computed once, whichever thread comes first."""

    __slots__ = ("_lock", "_nearness", "_photos", "_unknown")

    def __init__(self, photos: EnrolledPhotos, unknown: float | None) -> None:
        self._photos, self._unknown = photos, unknown
        self._nearness: Nearness | None = None
        self._lock = threading.Lock()

    def get(self) -> Nearness:
        with self._lock:
            if self._nearness is None:
                self._nearness = nearness_of(self._photos, self._unknown)
            return self._nearness


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProductIndex:
    """Everything that a `Gallery` predicts with. It may be used from any number of threads."""

    classifier: Classifier
    """The classifier whose network computes embeddings."""
    digest: str
    """The digest of that classifier."""
    photos: EnrolledPhotos
    """The embeddings of the enrolled photos."""
    unknown: float | None
    """Which share of photos of enrolled products may be sent to review; None: of none."""
    learned: _LazyNearness = field(init=False)
    """What holds `nearness` once it is computed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "learned", _LazyNearness(self.photos, self.unknown))

    @property
    def nearness(self) -> Nearness:
        """The products as points in a space, and which distances from them are usual."""
        return self.learned.get()


def require_classifier(classifier: object) -> None:
    """Refuse what is no classifier."""
    if not isinstance(classifier, Classifier):
        raise InvalidParameterError(
            f"classifier must be a Classifier, not {type(classifier).__name__}; make one with "
            "Classifier.from_model or Classifier.load",
            code="wrong-type",
            parameter="classifier",
        )
