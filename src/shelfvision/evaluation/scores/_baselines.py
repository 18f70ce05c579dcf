"""A baseline without learning: the class of the nearest training photo.

Every photo is reduced to a thumbnail of 16 x 16 pixels, 768 numbers, and gets the class of the
training thumbnail at the smallest Euclidean distance (Cover and Hart 1967). A classifier that does
not beat it has learned little; a baseline near 1 means that test photos resemble training photos,
often because of data leakage.

References
----------
T. Cover, P. Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information
Theory 13 (1967) 21-27. A. Torralba, R. Fergus, W. Freeman, "80 million tiny images", IEEE
Transactions on Pattern Analysis and Machine Intelligence 30 (2008) 1958-1970 (thumbnails).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import resize_image
from shelfvision._progress import progress
from shelfvision._random import order_for
from shelfvision.data import Dataset

SIDE = 16
"""The side of the thumbnails that are compared, in pixels."""
MOST = 20_000
"""The maximum number of training photos to compare; a random sample of more is used."""

_BATCH = 256


def nearest_accuracy(
    training: Dataset, dataset: Dataset, rows: npt.NDArray[np.int64], *, seed: int
) -> float:
    """Return the accuracy of a nearest neighbour on thumbnails, on some rows of a dataset."""
    from sklearn.neighbors import KNeighborsClassifier

    originals = np.flatnonzero(training.copies == 0)
    drawn = np.sort(order_for(len(originals), seed, "nearest neighbour")[:MOST])
    known = training[originals[drawn]]
    nearest = KNeighborsClassifier(n_neighbors=1, algorithm="brute")
    nearest.fit(_thumbnails(known), known.labels)
    judged = dataset[rows]
    right = 0
    for start in range(0, len(judged), _BATCH):
        part = judged[start : start + _BATCH]
        right += int((nearest.predict(_thumbnails(part)) == part.labels).sum())
    return right / len(judged)


def _thumbnails(photos: Dataset) -> npt.NDArray[np.float32]:
    rows = np.empty((len(photos), SIDE * SIDE * 3), dtype=np.float32)
    with progress("Finding similar photos", len(photos)) as advance:
        for start in range(0, len(photos), _BATCH):
            images = photos.read_batch(slice(start, start + _BATCH))
            for place, image in enumerate(images, start):
                rows[place] = resize_image(image, image_size=(SIDE, SIDE)).reshape(-1)
                advance()
    return rows
