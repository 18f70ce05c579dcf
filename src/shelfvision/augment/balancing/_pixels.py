"""`AugmentedPixels`: originals and their augmented copies, rendered when they are read."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import has_files, read_rows, resized_source
from shelfvision._random import rng_for
from shelfvision.augment.contract import apply_augmenter
from shelfvision.augment.identity import augmenter_identity, recipe_or_name
from shelfvision.protocols import Augmenter, Image, Images, PixelSource, Resize


@final
class AugmentedPixels:
    """A source whose rows are rows of another source, some of them augmented.

    Each copy is keyed by (seed, photo id, copy number), so its pixels are the same whoever reads
    it, in whatever order, process or version of the folder around it.

    Parameters
    ----------
    source : PixelSource
        Where the originals come from.
    rows : ndarray of int64, shape (n,)
        The row of `source` behind every row.
    ids : ndarray of str, shape (n,)
        The id of the photo behind every row.
    copies : ndarray of int32, shape (n,)
        The number of the copy to render; 0 passes the row of `source` on as it is.
    augmenters : sequence of Augmenter
        What renders the copies.
    chosen : ndarray of int64, shape (n,), optional
        Which of the augmenters renders each row; by default the first.
    seed : int
        The seed.
    refresh : bool, default=False
        Whether every epoch has copies of its own.
    """

    __slots__ = (
        "_augmenters",
        "_chosen",
        "_copies",
        "_epoch",
        "_identities",
        "_ids",
        "_refresh",
        "_rows",
        "_seed",
        "_source",
    )

    def __init__(
        self,
        source: PixelSource,
        *,
        rows: npt.NDArray[np.int64],
        ids: npt.NDArray[np.object_],
        copies: npt.NDArray[np.int32],
        augmenters: Sequence[Augmenter],
        chosen: npt.NDArray[np.int64] | None = None,
        seed: int,
        refresh: bool = False,
    ) -> None:
        self._source = source
        self._rows = rows
        self._ids = ids
        self._copies = copies
        self._augmenters = tuple(augmenters)
        self._identities = tuple(augmenter_identity(augmenter) for augmenter in augmenters)
        self._chosen = chosen
        self._seed = seed
        self._refresh = refresh
        self._epoch: int | None = None

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._source.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape were brought to `image_size`."""
        resize: Resize = getattr(self._source, "resize", "stretch")
        return resize

    @property
    def has_files(self) -> bool:
        """Whether the originals can be read again from files."""
        return has_files(self._source)

    def resized(self, image_size: tuple[int, int], resize: Resize) -> AugmentedPixels:
        """Return the same copies, rendered from the originals at another size."""
        other = copy.copy(self)
        other._source = resized_source(self._source, image_size, resize)
        return other

    @property
    def refresh(self) -> bool:
        """Whether every epoch has copies of its own, here or further down."""
        return self._refresh or bool(getattr(self._source, "refresh", False))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def read(self, row: int) -> Image:
        """Return row `row`: an original, or a copy rendered from it."""
        return self._rendered(self._source.read(int(self._rows[row])), row)

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several rows; an original behind several of them is read once."""
        wanted = np.asarray(rows, dtype=np.int64)
        originals, places = np.unique(self._rows[wanted], return_inverse=True)
        images = read_rows(self._source, originals)[places]
        for position in np.flatnonzero(self._copies[wanted]):
            images[position] = self._rendered(images[position], int(wanted[position]))
        return images

    def digest(self, row: int) -> str:
        """Return a digest of the original's digest, the augmenter, the seed, the id and the copy.

        Of an augmenter that is not made of this library's operations it knows what
        `augmenter_identity` knows.
        """
        original = self._source.digest(int(self._rows[row]))
        number = int(self._copies[row])
        if number == 0:
            return original
        epoch = "every" if self._refresh and self._epoch is None else self._epoch
        parts = (
            original,
            self._identities[self._choice(row)],
            self._seed,
            self._ids[row],
            number,
            epoch,
        )
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def describe(self) -> list[dict[str, object]]:
        """Return how the copies come about, as plain JSON values; of those further down first."""
        below = self._source.describe() if isinstance(self._source, AugmentedPixels) else []
        here: dict[str, object] = {
            "augmenters": [recipe_or_name(augmenter) for augmenter in self._augmenters],
            "copies": int(np.count_nonzero(self._copies)),
            "refresh": self._refresh,
            "seed": self._seed,
        }
        return [*below, here]

    def at_epoch(self, epoch: int) -> AugmentedPixels:
        """Return the source as it is in this epoch: itself, unless every epoch has its copies."""
        if not self.refresh:
            return self
        then = copy.copy(self)
        then._epoch = epoch if self._refresh else None
        if isinstance(self._source, AugmentedPixels):
            then._source = self._source.at_epoch(epoch)
        return then

    def _choice(self, row: int) -> int:
        return 0 if self._chosen is None else int(self._chosen[row])

    def _rendered(self, image: Image, row: int) -> Image:
        number = int(self._copies[row])
        if number == 0:
            return image
        photo = self._ids[row]
        if self._epoch is None:
            rng = rng_for(self._seed, "augment", photo, number)
        else:
            # Another purpose than the trainer's, which may vary this copy once more.
            rng = rng_for(self._seed, "refresh", photo, number, self._epoch)
        augmenter = self._augmenters[self._choice(row)]
        return apply_augmenter(augmenter, image, rng, where=f"photo {photo!r} (copy {number})")
