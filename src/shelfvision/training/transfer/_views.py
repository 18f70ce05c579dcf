"""`Views`: the original photo and augmented versions of it; an epoch uses one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._random import rank_for
from shelfvision.augment.copies import differ_by_epoch, read_epoch
from shelfvision.augment.identity import augmenter_identity
from shelfvision.data import Dataset
from shelfvision.protocols import Augmenter, Images


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The views of each photo, and the view that an epoch uses."""

    count: int = 1
    """Number of views of each photo, including the original photo."""
    augmenter: Augmenter | None = None
    """Creates the augmented views; None if there are none."""
    seed: int = 0
    """Seed of the augmented views."""

    @property
    def identity(self) -> list[str | int]:
        """Plain JSON values that are equal only for equal views."""
        if self.augmenter is None:
            return [1]
        return [self.count, self.seed, augmenter_identity(self.augmenter)]

    def read(self, photos: Dataset) -> list[Images]:
        """Return the images of each view. View ``v`` is augmented as in epoch ``v`` of a run."""
        if not differ_by_epoch(photos):
            photos = photos.cached()
        rows = np.arange(len(photos))
        return [
            read_epoch(
                photos,
                rows,
                epoch=view,
                augmenter=self.augmenter if view else None,
                seed=self.seed,
            )
            for view in range(self.count)
        ]

    def of_epoch(self, photos: Dataset, epoch: int) -> npt.NDArray[np.int64]:
        """Return the view of each photo in an epoch. In `count` epochs, each view is used once."""
        if self.count == 1:
            return np.zeros(len(photos), dtype=np.int64)
        return (self._offsets(photos) + epoch) % self.count

    def _offsets(self, photos: Dataset) -> npt.NDArray[np.int64]:
        keys = zip(photos.ids, photos.copies, strict=True)
        ranks = (rank_for(self.seed, "view", photo, int(copy)) for photo, copy in keys)
        return np.fromiter((rank % self.count for rank in ranks), np.int64, len(photos))


def views_with(augmenter: Augmenter | None, *, count: int, seed: int) -> Views:
    """Return the views that an augmenter creates, or a single view without an augmenter."""
    return Views() if augmenter is None else Views(count=count, augmenter=augmenter, seed=seed)
