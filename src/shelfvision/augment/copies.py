"""The augmented copies of a dataset: the images of one epoch, and how the copies are made.

Training reads its images with `read_epoch`. `describe_copies` is for the record of a run.
`differ_by_epoch` returns whether copies change from epoch to epoch and must not be cached.
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
    """Return the images of one epoch of training.

    Parameters
    ----------
    dataset : Dataset
        The training set.
    indices : ndarray of int64, shape (n,)
        The rows to read.
    epoch : int
        The number of the epoch; each epoch has other augmented images.
    augmenter : Augmenter, optional
        The augmenter of all images. Its random numbers depend on (seed, photo id, copy, epoch).
    seed : int, default=42
        The seed of `augmenter`.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3)
        The images. They are deterministic: they do not depend on the process, thread or order of
        access. Copies of a `~shelfvision.BalancingAugmenter` with ``refresh=True`` are those of
        this epoch.

    Raises
    ------
    AugmenterError
        The augmenter broke its contract; the message contains the photo id.
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
    """Return how the copies of a dataset are made, as JSON values; empty without copies.

    Parameters
    ----------
    dataset : Dataset
        Any dataset, balanced or not.
    """
    source = dataset.table.source
    return source.describe() if isinstance(source, AugmentedPixels) else []


def differ_by_epoch(dataset: Dataset) -> bool:
    """Return whether the copies change in each epoch, as with ``refresh=True``.

    Parameters
    ----------
    dataset : Dataset
        Any dataset, balanced or not.
    """
    return bool(getattr(dataset.table.source, "refresh", False))
