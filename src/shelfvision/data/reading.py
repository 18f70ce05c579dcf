"""Read the photos that `predict` accepts in batches of pixels, with ids and errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, cast

import numpy as np
from PIL import Image as PillowImage

from shelfvision._photos.decode import (
    DEFAULT_LIMITS,
    decode_photo,
    read_photo,
    read_remote,
)
from shelfvision._photos.file_pixels import REMOTE_WORKERS
from shelfvision._photos.given import Photo, from_pillow, require_rgb
from shelfvision._photos.preprocessing import Preprocessing, center_cropped, resized_to_read
from shelfvision._photos.threads import in_threads
from shelfvision._storage import RemoteFile, as_location
from shelfvision._storage.remote import as_storage_options
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import one_of
from shelfvision.data._dataset import Dataset
from shelfvision.data.aligning import sized
from shelfvision.errors import InvalidParameterError, PhotoError
from shelfvision.protocols import (
    Image,
    Images,
    Location,
    OnError,
    StorageOptions,
    UniversalPath,
)

Pixels: TypeAlias = Image | PhotoError
"""The pixels of a photo, or the error of reading it."""
Photos: TypeAlias = Photo | Images | Dataset | Iterable[Photo]
"""One photo, a batch of pixels, a dataset, or any iterable of photos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch of photos for the network."""

    ids: Sequence[str]
    """The id of each photo."""
    errors: Sequence[str | None]
    """The error message of each photo; None for photos that were read."""
    images: Images
    """The pixels of the photos that were read, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads photos and preprocesses them for a classifier."""

    preprocessing: Preprocessing
    """How photos become the input of the classifier."""
    on_error: OnError
    """Whether a photo that cannot be read raises an error or becomes a row with its error."""
    storage_options: StorageOptions | None = None
    """Options for photos by URL; None reads no URL as text."""

    def __post_init__(self) -> None:
        """Check `on_error` and `storage_options`."""
        one_of("on_error", self.on_error, ("raise", "skip"))
        as_storage_options(self.storage_options)

    def batches(self, photos: Photos, size: int) -> Iterator[Batch]:
        """Yield `photos` in batches of at most `size`; read one batch at a time."""
        if isinstance(photos, Dataset):
            yield from self._of_dataset(photos, size)
        elif isinstance(photos, np.ndarray) and photos.ndim == 4:
            yield from self._of_array(photos, size)
        else:
            numbered = enumerate(one_by_one(photos))
            while some := list(islice(numbered, size)):
                yield self._of_photos(some)

    def _of_array(self, images: Images, size: int) -> Iterator[Batch]:
        require_rgb(images, "photos", 4)
        for start in range(0, len(images), size):
            part = images[start : start + size]
            if part.shape[1:3] != self.preprocessing.read_size:
                part = np.stack([resized_to_read(image, self.preprocessing) for image in part])
            ids = [str(start + row) for row in range(len(part))]
            kept = center_cropped(part, self.preprocessing)
            yield Batch(ids=ids, errors=[None] * len(part), images=kept)

    def _of_dataset(self, given: Dataset, size: int) -> Iterator[Batch]:
        dataset = sized(given, self.preprocessing, parameter="photos").dataset
        for start in range(0, len(dataset), size):
            part = dataset[start : start + size]
            ids = list(part.ids)
            try:
                images = center_cropped(part.read_batch(slice(None)), self.preprocessing)
            except PhotoError:
                if self.on_error == "raise":
                    raise
                found = [self._attempt(part.__getitem__, row) for row in range(len(part))]
                yield self._batch(ids, found)
            else:
                yield Batch(ids=ids, errors=[None] * len(ids), images=images)

    def _of_photos(self, photos: Sequence[tuple[int, Photo]]) -> Batch:
        """Read a batch in a few threads; raise the error of the first photo that fails."""
        found: list[Pixels] = [_NOT_READ] * len(photos)

        def fill(position: int) -> None:
            found[position] = self._attempt(self._read, *photos[position])

        # Arrays need no decoding, so threads would not help.
        workers = 1 if all(isinstance(photo, np.ndarray) for _, photo in photos) else None
        if any(is_url(photo) for _, photo in photos):
            workers = REMOTE_WORKERS
        in_threads(fill, len(photos), workers=workers)
        return self._batch([_name(photo, number) for number, photo in photos], found)

    def _attempt(self, read: Callable[..., Image | tuple[Image, int]], *what: object) -> Pixels:
        """Return pixels, or the error if `on_error` is ``"skip"``."""
        try:
            found = read(*what)
        except PhotoError as error:
            if self.on_error == "raise":
                raise
            return error
        return found[0] if isinstance(found, tuple) else found

    def _batch(self, ids: Sequence[str], found: Sequence[Pixels]) -> Batch:
        rule = self.preprocessing
        good = [
            center_cropped(resized_to_read(image, rule), rule)
            for image in found
            if not isinstance(image, PhotoError)
        ]
        errors = [str(image) if isinstance(image, PhotoError) else None for image in found]
        images = np.stack(good) if good else np.empty((0, *rule.image_size, 3), np.uint8)
        return Batch(ids=ids, errors=errors, images=images)

    def _read(self, number: int, photo: Photo) -> Image:
        where, rule = f"photo {number}", self.preprocessing
        if isinstance(photo, bytes | bytearray | memoryview):
            return decode_photo(
                bytes(photo), image_size=rule.read_size, resize=rule.resize, where=where
            )
        if is_url(photo):
            data, where = self._downloaded(cast("Location", photo))
            return decode_photo(data, image_size=rule.read_size, resize=rule.resize, where=where)
        if isinstance(photo, str | os.PathLike):
            _require_file(photo)
            return read_photo(photo, image_size=rule.read_size, resize=rule.resize)
        if isinstance(photo, PillowImage.Image):
            return from_pillow(photo, where, DEFAULT_LIMITS)
        return require_rgb(photo, where, 3)

    def _downloaded(self, photo: Location) -> tuple[bytes, str]:
        """Return the content of a photo by URL, and the URL for messages."""
        shown = shown_url(str(photo))
        # Lists of photos are data, so that a URL in one is fetched only if the caller allows it.
        if self.storage_options is None and not isinstance(photo, UniversalPath):
            raise PhotoError(
                f"photos must not have URLs unless you allow it, got {shown!r}; pass "
                "storage_options={} to predict if you trust them, or a UPath of universal_pathlib",
                path=shown,
                code="not-enabled",
                parameter="storage_options",
            )
        try:
            file = as_location(photo, "photos", storage_options=self.storage_options)
        except InvalidParameterError as error:
            raise PhotoError(
                str(error), path=shown, code=error.code, parameter=error.parameter
            ) from error
        return read_remote(cast("RemoteFile", file)), shown


_NOT_READ = np.empty((0, 0, 3), dtype=np.uint8)
_SINGLE = (str, os.PathLike, bytes, bytearray, memoryview, np.ndarray, PillowImage.Image)


def one_by_one(photos: object) -> Iterable[Photo]:
    """Return an iterable of single photos."""
    if isinstance(photos, np.ndarray) and photos.ndim == 1 and photos.dtype.kind in "OU":
        return cast("list[Photo]", photos.tolist())
    if isinstance(photos, _SINGLE) or is_url(photos):
        return [cast("Photo", photos)]
    if hasattr(photos, "read"):
        raise InvalidParameterError(
            f"photos must be a path or bytes, got an open file ({type(photos).__name__}); pass its "
            "path, or the bytes that its read() returns",
            code="wrong-type",
            parameter="photos",
        )
    _require_no_tensor(photos)
    if isinstance(photos, Iterable) and not isinstance(photos, Mapping):
        return cast("Iterable[Photo]", photos)
    raise InvalidParameterError(
        "photos must be a path, the bytes of an encoded file, a uint8 array, a PIL image, a "
        f"Dataset or a list of these, got {type(photos).__name__}",
        code="wrong-type",
        parameter="photos",
    )


def _require_no_tensor(photos: object) -> None:
    """Refuse tensors and tables, whose rows are not photos."""
    if hasattr(photos, "columns"):
        raise InvalidParameterError(
            f"photos must be a list of paths, got a table ({type(photos).__name__}); pass its "
            f"column of paths, such as photos[{next(iter(photos.columns), 'path')!r}]",
            code="wrong-type",
            parameter="photos",
        )
    n_axes = len(getattr(photos, "shape", ()))
    if n_axes >= 2 and hasattr(photos, "__array__"):
        require_rgb(photos, "photos", 4)


def _name(photo: Photo, number: int) -> str:
    if is_url(photo):
        return shown_url(str(photo))
    return os.fsdecode(photo) if isinstance(photo, str | os.PathLike) else str(number)


def _require_file(path: str | os.PathLike[str]) -> None:
    if os.path.isdir(path):
        raise InvalidParameterError(
            f"photos must be files, got the folder {str(path)!r}; for a folder of classes pass "
            f"Dataset.from_directory({str(path)!r}), for single photos a list of their paths",
            code="not-a-file",
            parameter="photos",
        )
