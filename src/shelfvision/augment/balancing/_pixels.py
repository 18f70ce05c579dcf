"""`AugmentedPixels`: originals and their augmented copies, rendered when they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import (
    SourceRows,
    crop_rule_of,
    has_files,
    kept,
    read_as,
    read_rows,
    resize_of,
    resized_source,
    whole_photos,
)
from shelfvision._random import rng_for
from shelfvision.augment.contract import apply_augmenter
from shelfvision.augment.identity import augmenter_identity, recipe_or_name
from shelfvision.protocols import Augmenter, Image, Images, PixelSource, Resize


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AugmentedPixels:
    """A source whose rows are rows of another source, some of them augmented.

    The random numbers of a copy depend on (seed, photo id, copy number) only. So its pixels do not
    depend on the order of access, the process, or other photos of the folder.
    """

    source: PixelSource
    """The source of the originals."""
    rows: npt.NDArray[np.int64]
    """The row of `source` for each row, shape (n,)."""
    ids: npt.NDArray[np.object_]
    """The photo id of each row."""
    copies: npt.NDArray[np.int32]
    """The number of the copy to render; 0 returns the row of `source` unchanged."""
    augmenters: tuple[Augmenter, ...]
    """The augmenters that render copies."""
    chosen: npt.NDArray[np.int64] | None = None
    """The index of the augmenter of each row; None means the first augmenter."""
    seed: int
    """The seed of the copies."""
    own_refresh: bool = False
    """Whether these copies change in each epoch, regardless of the copies of `source`."""
    epoch: int | None = None
    """The epoch whose copies are rendered, if copies change in each epoch."""
    identities: tuple[str, ...] = ()
    """The identities of the augmenters; by default they are computed."""

    def __post_init__(self) -> None:
        """Compute the identities of the augmenters."""
        if not self.identities:
            found = tuple(augmenter_identity(augmenter) for augmenter in self.augmenters)
            object.__setattr__(self, "identities", found)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self.source.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another aspect ratio are resized to `image_size`."""
        return resize_of(self.source)

    @property
    def has_files(self) -> bool:
        """Whether the originals can be read again from files."""
        return has_files(self.source)

    def resized(self, image_size: tuple[int, int], resize: Resize) -> AugmentedPixels:
        """Return the same copies, rendered from the originals at another size."""
        return replace(self, source=resized_source(self.source, image_size, resize))

    @property
    def crop_rule(self) -> Preprocessing | None:
        """The rule of the crops; None for whole photos."""
        return crop_rule_of(self.source)

    def read_as(self, rule: Preprocessing) -> AugmentedPixels:
        """Return the same copies, rendered from crops with another rule."""
        return replace(self, source=read_as(self.source, rule))

    def whole_photos(self, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
        """Return a source of the whole photos, and the photo of each row."""
        return whole_photos(self.source, self.rows[rows])

    def kept(self, rows: SourceRows, directory: str | None) -> AugmentedPixels:
        """Return the same copies, rendered from crops that are cut once."""
        return replace(self, source=kept(self.source, self.rows[rows], directory))

    @property
    def refresh(self) -> bool:
        """Whether copies change in each epoch, here or in an inner source."""
        return self.own_refresh or bool(getattr(self.source, "refresh", False))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def read(self, row: int) -> Image:
        """Return row `row`: an original, or a copy rendered from it."""
        return self._rendered(self.source.read(int(self.rows[row])), row)

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several rows; read each original once."""
        wanted = np.asarray(rows, dtype=np.int64)
        originals, places = np.unique(self.rows[wanted], return_inverse=True)
        images = read_rows(self.source, originals)[places]
        for position in np.flatnonzero(self.copies[wanted]):
            images[position] = self._rendered(images[position], int(wanted[position]))
        return images

    def digest(self, row: int) -> str:
        """Return a digest of the original's digest, the augmenter, the seed, the id and the copy.

        `augmenter_identity` identifies the augmenter.
        """
        original = self.source.digest(int(self.rows[row]))
        number = int(self.copies[row])
        if number == 0:
            return original
        epoch = "every" if self.own_refresh and self.epoch is None else self.epoch
        parts = (
            original,
            self.identities[self._choice(row)],
            self.seed,
            self.ids[row],
            number,
            epoch,
        )
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def describe(self) -> list[dict[str, object]]:
        """Return how the copies are made, as JSON values; copies of inner sources come first."""
        below = self.source.describe() if isinstance(self.source, AugmentedPixels) else []
        here: dict[str, object] = {
            "augmenters": [recipe_or_name(augmenter) for augmenter in self.augmenters],
            "copies": int(np.count_nonzero(self.copies)),
            "refresh": self.own_refresh,
            "seed": self.seed,
        }
        return [*below, here]

    def at_epoch(self, epoch: int) -> AugmentedPixels:
        """Return the source of this epoch: itself, unless copies change in each epoch."""
        if not self.refresh:
            return self
        below = self.source
        if isinstance(below, AugmentedPixels):
            below = below.at_epoch(epoch)
        return replace(self, source=below, epoch=epoch if self.own_refresh else None)

    def _choice(self, row: int) -> int:
        return 0 if self.chosen is None else int(self.chosen[row])

    def _rendered(self, image: Image, row: int) -> Image:
        number = int(self.copies[row])
        if number == 0:
            return image
        photo = self.ids[row]
        if self.epoch is None:
            rng = rng_for(self.seed, "augment", photo, number)
        else:
            # Not "augment", which the trainer uses if it augments this copy again.
            rng = rng_for(self.seed, "refresh", photo, number, self.epoch)
        augmenter = self.augmenters[self._choice(row)]
        return apply_augmenter(augmenter, image, rng, where=f"photo {photo!r} (copy {number})")
