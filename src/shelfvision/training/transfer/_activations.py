"""`Activations`: outputs of frozen layers for photos, computed once and stored on disk."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import digests_of
from shelfvision._progress import Advance
from shelfvision._storage.array_file import ArrayFile, StoredArray
from shelfvision.data import Dataset
from shelfvision.protocols import Images
from shelfvision.training.transfer._frozen_layers import FrozenLayers
from shelfvision.training.transfer._views import Views

SCHEME = "shelfvision-activations-1"
BLOCK = 32
"""Photos per write."""


@final
class Activations:
    """Outputs of frozen layers for the views of photos, in a file.

    The file name is a digest of the layers with their weights, the photos, the augmenter and the
    seed, but not of labels. Other layers or photos therefore never use the same file. A corrupted
    file is computed again.

    Parameters
    ----------
    frozen : FrozenLayers
        The frozen layers.
    photos : Dataset
        The photos.
    views : Views
        The views of each photo.
    """

    def __init__(self, frozen: FrozenLayers, photos: Dataset, views: Views) -> None:
        self._frozen = frozen
        self._photos = photos
        self._views = views
        self._array: StoredArray | None = None
        self._seen: tuple[int, npt.NDArray[np.int64]] | None = None

    @property
    def images(self) -> int:
        """Number of images to compute if no file exists."""
        return len(self._photos) * self._views.count

    def open(self, directory: Path, advance: Advance) -> None:
        """Open the file in a folder; compute it first if necessary."""
        file = self._file_in(directory)
        self._array = file.opened()
        if self._array is None:
            self._array = self._compute(file, advance)

    def close(self) -> None:
        """Close the file."""
        self._array = None

    def read(self, rows: npt.NDArray[np.int64], epoch: int) -> npt.NDArray[np.float32]:
        """Return the outputs for photos in `epoch`, ``float32`` of shape (n, *frozen.shape)."""
        if self._array is None:
            raise RuntimeError("activations are read before they are opened")
        return np.asarray(self._array[rows, self._of_epoch(epoch)[rows]], dtype=np.float32)

    def _of_epoch(self, epoch: int) -> npt.NDArray[np.int64]:
        seen = self._seen
        if seen is None or seen[0] != epoch:
            # One assignment is atomic, because a prefetching thread may call this.
            self._seen = seen = (epoch, self._views.of_epoch(self._photos, epoch))
        return seen[1]

    def _file_in(self, directory: Path) -> ArrayFile:
        description = [self._frozen.digest, _content(self._photos), self._views.identity]
        key = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
        return ArrayFile(
            path=directory / f"activations-{key[:32]}.npy",
            scheme=SCHEME,
            key=key,
            shape=(len(self._photos), self._views.count, *self._frozen.shape),
            dtype="<f2",
            block=BLOCK,
        )

    def _compute(self, file: ArrayFile, advance: Advance) -> StoredArray:
        """Write the file. A thread reads the next images while the layers compute."""
        with ThreadPoolExecutor(1, thread_name_prefix="shelfvision-views") as ahead:
            waiting: dict[int, Future[list[Images]]] = {}

            def read(start: int, stop: int) -> npt.NDArray[np.generic]:
                images = waiting.pop(start, None) or ahead.submit(self._read, start)
                if stop < len(self._photos):
                    waiting[stop] = ahead.submit(self._read, stop)
                made = np.stack([self._frozen(view) for view in images.result()], axis=1)
                advance((stop - start) * self._views.count)
                return made

            return file.write(read)

    def _read(self, start: int) -> list[Images]:
        return self._views.read(self._photos[start : start + BLOCK])


def _content(photos: Dataset) -> str:
    """Return a digest of the photos in order, with the ids that select views, without labels."""
    digests = digests_of(photos.table.source, photos.table.rows)
    rows = zip(photos.ids.tolist(), photos.copies.tolist(), digests, strict=True)
    description = repr((photos.image_size, photos.resize, list(rows)))
    return hashlib.sha256(description.encode("utf-8", "surrogateescape")).hexdigest()
