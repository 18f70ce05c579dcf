"""Thumbnails of the training photos, which find related photos among those that are scored.

A cross-validator such as ``StratifiedKFold`` knows nothing about bursts, and an estimator sees only
its own part of the photos. So the estimator keeps a thumbnail of each training photo, and compares
the photos that it is asked to score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import ArrayPixels, resized_source
from shelfvision._photos.threads import in_threads
from shelfvision.data import Dataset
from shelfvision.data.duplicates.near import FINE, fine_of, thumbnail_of
from shelfvision.data.folds.parted import warn_of_parted_photos
from shelfvision.protocols import Images


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingPhotos:
    """The training photos as thumbnails, with what bursts are found by."""

    thumbnails: Images
    """The photos, ``uint8``, shape (n, 16, 16, 3)."""
    ids: npt.NDArray[np.object_]
    """The id of each photo, of which the last number is compared."""
    labels: npt.NDArray[np.int64]
    """The class number of each photo."""

    @classmethod
    def of(cls, dataset: Dataset) -> TrainingPhotos:
        """Return the thumbnails of a dataset's photos."""
        thumbnails = np.empty((len(dataset), FINE, FINE, 3), dtype=np.uint8)
        source, rows = dataset.table.source, dataset.table.rows

        def look(position: int) -> None:
            thumbnails[position] = fine_of(thumbnail_of(source, int(rows[position])))

        in_threads(look, len(dataset))
        return cls(thumbnails=thumbnails, ids=dataset.ids, labels=dataset.labels)

    def warn_if_related(self, scored: TrainingPhotos, class_names: tuple[str, ...]) -> None:
        """Warn if photos that are scored are near-duplicates or a burst of training photos.

        Nothing is said about scores on the training photos themselves.
        """
        known = {thumbnail.tobytes() for thumbnail in self.thumbnails}
        if all(thumbnail.tobytes() in known for thumbnail in scored.thumbnails):
            return
        pixels = ArrayPixels(np.concatenate((self.thumbnails, scored.thumbnails)))
        photos = Dataset.from_source(
            resized_source(pixels, (2 * FINE, 2 * FINE), "stretch"),
            ids=[*_named(self.ids, "training"), *_named(scored.ids, "scored")],
            labels=np.concatenate((self.labels, scored.labels)),
            class_names=class_names,
        )
        parts = np.repeat([0, 1], [len(self.ids), len(scored.ids)])
        warn_of_parted_photos(
            photos, parts, what="the training set and the scored photos", remedy=_REMEDY
        )


def _named(ids: npt.NDArray[np.object_], where: str) -> list[str]:
    """Return the paths of photos, or their positions with the name of their set."""
    return [f"row {name} ({where})" if name.isdecimal() else name for name in ids]


_REMEDY = (
    "keep related photos in one fold: cv=SeededSplitter().cv() with groups=, or GroupKFold, with "
    "the session of each photo or the groups of Dataset.group_near_duplicates().group_bursts()"
)
