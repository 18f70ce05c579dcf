"""The arguments of `Classifier.export`, checked before TensorFlow or a runtime is imported."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from shelfvision._runtime import ExportFormat, Quantize
from shelfvision._runtime.card import Card
from shelfvision._runtime.formats.format import Format, path_beside
from shelfvision._storage import RemoteFile, as_location
from shelfvision._storage.writing import require_writable
from shelfvision._validation import as_number, one_of
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.reading import Photos, Reader
from shelfvision.errors import InvalidParameterError, MissingDependencyError
from shelfvision.export._formats import FORMATS
from shelfvision.export._synthetic import synthetic_images
from shelfvision.protocols import Images, Location

MOST_PHOTOS = 512
"""The largest number of photos to verify a file on, evenly spaced in the dataset."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """Checked arguments of an export."""

    path: str | RemoteFile
    """The file to write."""
    name: ExportFormat
    """The name of the format."""
    quantize: Quantize | None
    """The quantization, if any."""
    tolerance: float | None
    """The largest accepted difference from the classifier; None for the default."""
    images: Images
    """The images for verification and for measuring activation ranges."""
    labels: npt.NDArray[np.int64] | None
    """The true labels of these images, if known."""
    photos_given: bool
    """Whether the images come from the caller's photos, not from a generator."""

    @property
    def format(self) -> Format:
        """The format."""
        return FORMATS[self.name]


def checked_request(
    path: Location,
    card: Card,
    *,
    format: ExportFormat,  # noqa: A002  (the public name)
    quantize: Quantize | None,
    photos: Photos | None,
    tolerance: float | None,
) -> Request:
    """Return the checked arguments of an export, or raise for the first invalid one."""
    one_of("format", format, FORMATS)
    kind = FORMATS[format]
    _check_quantize(kind, quantize, photos)
    target = as_location(path, writes=True)
    _check_path(target, kind)
    limit = None if tolerance is None else as_number("tolerance", tolerance, minimum=0)
    images, labels = sample_images(photos, card)
    # Last: an invalid argument is the same fault whatever is installed.
    _require_packages(kind)
    return Request(
        path=target,
        name=format,
        quantize=quantize,
        tolerance=limit,
        images=images,
        labels=labels,
        photos_given=photos is not None,
    )


def _check_quantize(kind: Format, quantize: Quantize | None, photos: Photos | None) -> None:
    if quantize is None:
        return
    one_of("quantize", quantize, get_args(Quantize))
    if quantize not in kind.quantize:
        able = next(name for name, other in FORMATS.items() if quantize in other.quantize)
        raise InvalidParameterError(
            f"quantize={quantize!r} is for format={able!r}, not {kind.name!r}; leave it out",
            code="conflict",
            parameter="quantize",
        )
    if kind.quantize[quantize] and photos is None:
        raise InvalidParameterError(
            f"quantize={quantize!r} needs photos to measure the range of every layer; pass "
            "photos=, about a hundred photos of the training set",
            code="missing-photos",
            parameter="photos",
        )


def _check_path(path: str | RemoteFile, kind: Format) -> None:
    """Refuse a path with the wrong suffix, or one that cannot be written."""
    if not str(path).endswith(kind.suffix):
        fitting = (name for name, one in FORMATS.items() if str(path).endswith(one.suffix))
        others = "".join(f", or pass format={name!r}" for name in fitting)
        raise InvalidParameterError(
            f"path must end in {kind.suffix!r} for {kind.name}, got {str(path)!r}; rename "
            f"it{others}",
            code="wrong-suffix",
            parameter="path",
        )
    require_writable(path)
    if kind.beside is not None:
        require_writable(path_beside(path, kind.beside))


def _require_packages(kind: Format) -> None:
    missing = [name for name in kind.write_packages if not importlib.util.find_spec(name)]
    if missing:
        raise MissingDependencyError(
            f"export to {kind.name} needs packages that are missing: {', '.join(missing)}; "
            f'run: pip install "shelfvision[{kind.extra}]"',
            code="missing-dependency",
        )


def sample_images(photos: Photos | None, card: Card) -> tuple[Images, npt.NDArray[np.int64] | None]:
    """Return the images to verify a file on, and their true labels if known."""
    labels = None
    if photos is None:
        return synthetic_images(card.image_size), None
    if isinstance(photos, Dataset):
        rows = np.unique(np.linspace(0, len(photos) - 1, MOST_PHOTOS).astype(np.int64))
        photos = photos[rows[: len(photos)]]
        if set(photos.class_names) <= set(card.class_names):
            photos = aligned(photos, card.class_names, parameter="photos", of="classifier")
            labels = photos.labels
    reader = Reader(preprocessing=card.preprocessing, on_error="raise")
    batches = [batch.images for batch in reader.batches(photos, MOST_PHOTOS)]
    if not sum(map(len, batches)):
        raise InvalidParameterError(
            "photos must contain at least 1 photo, got none; pass some, or leave it out",
            code="empty",
            parameter="photos",
        )
    return np.concatenate(batches)[:MOST_PHOTOS], labels
