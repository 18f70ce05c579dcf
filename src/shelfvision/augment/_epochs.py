"""What a training run reads: the images of one epoch, freshly augmented where asked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import read_rows
from shelfvision._random import rng_for
from shelfvision.augment._contract import apply_augmenter
from shelfvision.augment.balancing._pixels import AugmentedPixels
from shelfvision.data import Dataset
from shelfvision.protocols import Augmenter, Images


def read_epoch(
    ds: Dataset,
    indices: npt.NDArray[np.int64],
    *,
    epoch: int,
    augmenter: Augmenter | None = None,
    seed: int = 42,
) -> Images:
    """Return images as one epoch of a training run sees them.

    Parameters
    ----------
    ds : Dataset
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
    source = ds._source
    if isinstance(source, AugmentedPixels):
        source = source.at_epoch(epoch)
    images = read_rows(source, ds._rows[indices])
    if augmenter is None:
        return images
    for position, index in enumerate(indices):
        photo, copy = ds.ids[index], int(ds.copies[index])
        rng = rng_for(seed, "augment", photo, copy, epoch)
        where = f"photo {photo!r} (copy {copy}, epoch {epoch})"
        images[position] = apply_augmenter(augmenter, images[position], rng, where=where)
    return images
