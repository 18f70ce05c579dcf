"""The augmented copies of a dataset: the images of one epoch, and how the copies are made.

Training reads its images through `read_epoch`. `describe_copies` is for the record of a run.
`differ_by_epoch` tells whether copies may be kept from one epoch to the next.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import read_rows
from shelfvision._random import rng_for
from shelfvision.augment.balancing._pixels import AugmentedPixels
from shelfvision.augment.contract import apply_augmenter
from shelfvision.data import Dataset
from shelfvision.protocols import Augmenter, Images


def read_epoch(
    dataset: Dataset,
    indices: npt.NDArray[np.int64],
    *,
    epoch: int,
    augmenter: Augmenter | None = None,
    seed: int = 42,
) -> Images:
    """Return images as one epoch of a training run sees them.

    Parameters
    ----------
    dataset : Dataset
        The training part.
    indices : ndarray of int64, shape (n,)
        Which of its rows.
    epoch : int
        The number of the epoch; each has images of its own.
    augmenter : Augmenter, optional
        What every image goes through, keyed by (seed, photo id, copy, epoch).
    seed : int, default=42
        The seed of `augmenter`.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3)
        The same bytes whoever asks, in whatever order. The copies of a
        `~shelfvision.BalancingAugmenter` with ``refresh=True`` are those of this epoch.

    Raises
    ------
    AugmenterError
        The augmenter broke its contract; the photo is named.
    """
    source = dataset.table.source
    if isinstance(source, AugmentedPixels):
        source = source.at_epoch(epoch)
    images = read_rows(source, dataset.table.rows[indices])
    if augmenter is None:
        return images
    for position, index in enumerate(indices):
        photo, copy = dataset.ids[index], int(dataset.copies[index])
        rng = rng_for(seed, "augment", photo, copy, epoch)
        where = f"photo {photo!r} (copy {copy}, epoch {epoch})"
        images[position] = apply_augmenter(augmenter, images[position], rng, where=where)
    return images


def describe_copies(dataset: Dataset) -> list[dict[str, object]]:
    """Return how the copies of a dataset are made, as plain JSON values; empty without copies.

    Parameters
    ----------
    dataset : Dataset
        Any dataset, balanced or not.
    """
    source = dataset.table.source
    return source.describe() if isinstance(source, AugmentedPixels) else []


def differ_by_epoch(dataset: Dataset) -> bool:
    """Return whether every epoch has copies of its own, as with ``refresh=True``.

    Parameters
    ----------
    dataset : Dataset
        Any dataset, balanced or not.
    """
    return bool(getattr(dataset.table.source, "refresh", False))
