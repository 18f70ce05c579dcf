"""`Looking`: how a gallery looks photos up among the products that it knows."""

from __future__ import annotations

import threading
import warnings
from typing import cast

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.data.reading import Photos, Reader
from shelfvision.errors import ShelfVisionWarning
from shelfvision.gallery._enrolled import Enrolled, Rows
from shelfvision.gallery._nearness import Nearness, nearness_of
from shelfvision.inference import Classifier
from shelfvision.predictions import Decision, Predictions
from shelfvision.protocols import OnError

_BATCH = 128
"""How many photos are read before they are looked up."""


class Looking:
    """What a `Gallery` holds, and how it predicts with it."""

    __slots__ = ("_classifier", "_enrolled", "_found", "_lock", "_unknown")

    _classifier: Classifier
    _enrolled: Enrolled
    _unknown: float | None
    _found: Nearness | None
    _lock: threading.Lock

    @property
    def classifier(self) -> Classifier:
        """Whose network looks at the photos."""
        return self._classifier

    @property
    def class_names(self) -> tuple[str, ...]:
        """The products; sorted, unless those it was made of were not."""
        return self._enrolled.names

    @property
    def counts(self) -> dict[str, int]:
        """How many photos each product is known by."""
        return self._enrolled.counts

    @property
    def unknown(self) -> float | None:
        """Which share of photos of enrolled products may be sent to review; None: of none."""
        return self._unknown

    @property
    def limit(self) -> float | None:
        """The largest distance from the nearest product that a photo may have, 0 to 2.

        A distance is 1 minus a cosine. Each enrolled photo is held against products in which its
        own group has no part; a product whose photos are all of one group cannot be held so, and
        takes no part. The limit is such that of these photos, groups counting alike, at most a
        share of `unknown` lies beyond it, one more group imagined there, as conformal p-values
        are formed. So of photos of enrolled products from a new group about that share is sent to
        review, on average over groups, as far as new photos differ from the enrolled ones as
        these do from each other. It is an estimate by leaving out, not a bound: that would take
        photos that had no part in the gallery at all. Photos of another shop or season differ
        more, and products known by a few photos are further from their next photo than those known
        by many: both are sent to review more often. Nothing is promised of how many unknown
        products are caught. None where `unknown` is None; 0, and every photo is to review, where
        the groups are too few for the share.
        """
        return self._nearness().limit

    def predict(self, photos: Photos, *, on_error: OnError = "raise") -> Predictions:
        """Tell which enrolled product each photo shows.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `Classifier.predict`.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises, or becomes a row with its error.

        Returns
        -------
        Predictions
            One row a photo. Probabilities follow from its cosine with each product, sharpened so
            that they fit the enrolled photos when each is held against products in which its group
            has no part; they suppose that it shows one of the products. The decision is
            ``"review"`` where it is further from all of them than `limit`.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            Something is no photo.

        Warns
        -----
        ShelfVisionWarning
            The enrolled photos are of too few groups for the share `unknown`, so every photo goes
            to review.
        """
        nearness = self._nearness()
        self._warn_of_too_few(nearness)
        ids, errors, seen = self._seen(photos, on_error)
        rows, distances = nearness.answers(seen)
        readable = np.array([reason is None for reason in errors], dtype=np.bool_)
        scores = np.full((len(ids), len(self.class_names)), np.nan, dtype=np.float32)
        scores[readable] = rows
        decisions = np.full(len(ids), "review", dtype=object)
        decisions[readable] = np.where(nearness.known(distances), "accept", "review")
        return Predictions(
            scores,
            self.class_names,
            ids,
            errors,
            decisions=cast("list[Decision]", decisions.tolist()),
        )

    def familiarity(self, photos: Photos) -> npt.NDArray[np.float64]:
        """Tell how usual each photo is among photos of the enrolled products.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `Classifier.predict`.

        Returns
        -------
        ndarray of float64, shape (n,)
            The share of enrolled photos, groups counting alike, that are as far from what their
            group had no part in as this photo is from the nearest product, or further; the photo
            itself counted in, as in a conformal p-value. `predict` sends to review what is at most
            `unknown`.

        Raises
        ------
        PhotoError
            A photo cannot be read.

        References
        ----------
        V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer
        (2005). R. Dunn, L. Wasserman, A. Ramdas, "Distribution-free prediction sets for two-layer
        hierarchical models", JASA 118 (2023) 2491-2502 (groups). R. Barber, E. Candes,
        A. Ramdas, R. Tibshirani, "Predictive inference with the jackknife+", Annals of
        Statistics 49 (2021) 486-507 (why leaving out as it is done here estimates, and warrants no
        bound).
        """
        _, _, seen = self._seen(photos, "raise")
        nearness = self._nearness()
        return nearness.familiarity(nearness.answers(seen)[1])

    def _nearness(self) -> Nearness:
        """Return what is learned from the enrolled photos, once, whichever thread comes first."""
        with self._lock:
            if self._found is None:
                self._found = nearness_of(self._enrolled, self._unknown)
            return self._found

    def _seen(self, photos: Photos, on_error: OnError) -> tuple[list[str], list[str | None], Rows]:
        reader = Reader(preprocessing=self._classifier.preprocessing, on_error=on_error)
        ids: list[str] = []
        errors: list[str | None] = []
        rows: list[Rows] = [np.empty((0, self._enrolled.seen.shape[1]), np.float32)]
        for batch in reader.batches(photos, _BATCH):
            ids.extend(batch.ids)
            errors.extend(batch.errors)
            if len(batch.images):
                rows.append(self._classifier.served.network.embed(batch.images))
        return ids, errors, np.concatenate(rows)

    def _warn_of_too_few(self, nearness: Nearness) -> None:
        if nearness.needed is not None:
            warnings.warn(
                ShelfVisionWarning(
                    f"{counted(nearness.n_groups, 'group')} of enrolled photos that can be held "
                    f"against others of their product are too few to send at most a share of "
                    f"{self._unknown:.4g} to review, so every photo goes there; enrol photos of "
                    f"{nearness.needed} groups, or ask for more with with_unknown",
                    code="too-few-groups",
                    parameter="unknown",
                ),
                stacklevel=3,
            )
