"""`ProductIndex`: the enrolled photos of a gallery, and the space that is fitted on them.

The space and the limit are fitted on first use, because enrolling many products one by one would
otherwise fit them after each product.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from shelfvision.errors import InvalidParameterError
from shelfvision.gallery._enrolled import EnrolledPhotos
from shelfvision.gallery._nearness import HeldOut, Nearness, nearness_of
from shelfvision.inference import Classifier


class _LazyNearness:
    """A thread-safe cache: fits the nearness of enrolled photos once, on first use."""

    __slots__ = ("_held_out", "_lock", "_nearness", "_photos", "_unknown")

    def __init__(self, photos: EnrolledPhotos, unknown: float | None, held_out: HeldOut) -> None:
        self._photos, self._unknown, self._held_out = photos, unknown, held_out
        self._nearness: Nearness | None = None
        self._lock = threading.Lock()

    def get(self) -> Nearness:
        with self._lock:
            if self._nearness is None:
                self._nearness = nearness_of(self._photos, self._unknown, self._held_out)
            return self._nearness


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProductIndex:
    """The data and settings of a `Gallery`, immutable and thread-safe."""

    classifier: Classifier
    """The classifier whose network computes embeddings."""
    digest: str
    """The digest of that classifier."""
    photos: EnrolledPhotos
    """The embeddings of the enrolled photos."""
    unknown: float | None
    """The share of photos of enrolled products that may be sent to review; None for none."""
    held_out: HeldOut = "similar groups"
    """What the limit is measured without; ``"group"`` for files of format 1."""
    learned: _LazyNearness = field(init=False)
    """The cache of `nearness`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "learned", _LazyNearness(self.photos, self.unknown, self.held_out))

    @property
    def nearness(self) -> Nearness:
        """The prototypes of the products, and the typical distances from them."""
        return self.learned.get()


def require_classifier(classifier: object) -> None:
    """Raise InvalidParameterError if the argument is not a classifier."""
    if not isinstance(classifier, Classifier):
        raise InvalidParameterError(
            f"classifier must be a Classifier, not {type(classifier).__name__}; make one with "
            "Classifier.from_model or Classifier.load",
            code="wrong-type",
            parameter="classifier",
        )
