"""Read the file of a classifier from a path or a URL.

A file of a store is downloaded whole and read from memory, so that its digest is that of the bytes
that are used.
"""

from __future__ import annotations

import io
import os
from typing import TypeAlias

from shelfvision._runtime.formats.format import Files
from shelfvision._runtime.reading import Export, parse_export, read_export
from shelfvision._storage import RemoteFile, open_regular, read_bounded
from shelfvision._storage.safetensors import MAX_FILE
from shelfvision.errors import BundleError, BundleNotFoundError
from shelfvision.inference import BundleInfo, Classifier, inspect

Place: TypeAlias = str | RemoteFile
"""An absolute path, or a file of a store."""


def is_bundle_file(place: Place) -> bool:
    """Return whether the content is that of a bundle: a safetensors file."""
    if isinstance(place, RemoteFile):
        return _downloaded(place)[8:9] == b"{"
    opened = open_regular(
        place,
        MAX_FILE,
        what="the classifier",
        error=BundleError,
        missing=BundleNotFoundError,
        parameter="bundle",
    )
    with opened as file:
        return file.read(9)[8:] == b"{"


def export_from(place: Place) -> Export:
    """Return the checked content of an exported file; this needs no runtime."""
    if not isinstance(place, RemoteFile):
        return read_export(place)
    start, suffix = os.path.splitext(place.url)
    beside = b""
    if suffix.lower() == ".xml":
        # OpenVINO keeps the weights in a second file.
        beside = _downloaded(RemoteFile(start + ".bin", place.options))
    return parse_export(Files(_downloaded(place), beside), repr(place.shown))


def bundle_info(place: Place) -> BundleInfo:
    """Return the verified metadata of a bundle; this imports no Keras."""
    return inspect(_bundle(place))


def classifier_from(place: Place, sha256: str) -> Classifier:
    """Return the classifier of a bundle with this digest."""
    return Classifier.load(_bundle(place), expected_sha256=sha256)


def shown_place(place: Place) -> str:
    """Return a path or a URL for messages, without credentials."""
    return place.shown if isinstance(place, RemoteFile) else place


def _bundle(place: Place) -> str | io.BytesIO:
    return io.BytesIO(_downloaded(place)) if isinstance(place, RemoteFile) else place


def _downloaded(file: RemoteFile) -> bytes:
    return read_bounded(
        file,
        MAX_FILE,
        what="the classifier",
        error=BundleError,
        missing=BundleNotFoundError,
        parameter="bundle",
    )
