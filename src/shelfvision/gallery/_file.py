"""Write and read the file of a gallery.

The file is a safetensors file with three tensors: embeddings (``seen``), product numbers and group
numbers. Its metadata contains a manifest with the product names and the digest of the classifier.
The formats have the same entries. A gallery of format 1 keeps its limit for unknown products, which
is measured without the own group of a photo. In format 2 similar groups are left out, too.
Header, digests and shapes are verified before the tensors are used. Loading runs no code from the
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from shelfvision._class_names import as_class_names
from shelfvision._storage.json_values import canonical_json, versioned
from shelfvision._storage.safetensors import (
    DIGESTS,
    Tensor,
    TensorHeader,
    brief,
    canonical_header,
    tensor_digests,
)
from shelfvision._storage.sealed import (
    SEAL,
    Target,
    checked_digest,
    read_sealed,
    seal,
    where_is,
    write_sealed,
)
from shelfvision._validation import listed
from shelfvision.errors import BundleError, InvalidParameterError
from shelfvision.gallery._enrolled import MAX_PHOTOS, EnrolledPhotos
from shelfvision.gallery._nearness import HeldOut
from shelfvision.inference.versions import package_versions

VERSION = 2
"""The version of the format that is written. Older versions can be read."""
ENTRY = "shelfvision-gallery"
"""The metadata key of the manifest."""
KIND = "a gallery saved by shelfvision"
_KEYS = frozenset({"classifier", "created_with", "format", "made_for", "names", "unknown"})
_TYPES = {"groups": "I64", "labels": "I32", "seen": "F32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryContents:
    """The contents of the file of a gallery."""

    photos: EnrolledPhotos
    """The embeddings of the enrolled photos."""
    unknown: float | None
    """The share of photos of enrolled products that may be sent to review."""
    classifier: str
    """The digest of the classifier that the gallery was created with."""
    made_for: str
    """The representation of that classifier, for error messages."""
    held_out: HeldOut
    """What the limit is measured without."""


def save_gallery(contents: GalleryContents, target: Target) -> str:
    """Write a gallery and return its SHA-256; an existing file is replaced atomically."""
    photos = contents.photos
    tensors: dict[str, Tensor] = {
        "seen": photos.embeddings,
        "labels": photos.labels,
        "groups": photos.groups,
    }
    fields = {
        "format": 1 if contents.held_out == "group" else VERSION,
        "names": list(photos.names),
        "unknown": contents.unknown,
        "classifier": contents.classifier,
        "made_for": contents.made_for,
        "created_with": package_versions(),
    }
    text, digests = canonical_json(fields), tensor_digests(tensors)
    metadata = {ENTRY: text, DIGESTS: digests, SEAL: seal(text, digests)}
    return write_sealed(tensors, metadata, target)


def read_gallery(source: Target, *, expected_sha256: str | None = None) -> GalleryContents:
    """Return the verified contents of a file without using Keras."""
    found = read_sealed(source, _checked_fields, kind=KIND, expected_sha256=expected_sha256)
    return _contents(found.manifest, found.tensors, where_is(source))


def _checked_fields(header: TensorHeader, where: str) -> dict[str, object]:
    """Return the manifest of a header after checking its form and the shapes of its tensors."""
    fields = _fields(header, where)
    _require_shapes(header, where)
    return fields


def _fields(header: TensorHeader, where: str) -> dict[str, object]:
    """Return the manifest; raise BundleError for a header that shelfvision would not write."""
    metadata = header.metadata
    if ENTRY not in metadata:
        _refuse(where, f"it is not {KIND}", code="foreign-format")
    text = metadata[ENTRY]
    fields = versioned(
        text,
        where,
        kind="gallery",
        newest=VERSION,
        fail=lambda code, fault: _refuse(where, fault, code),
    )
    if set(metadata) != {ENTRY, DIGESTS, SEAL} or canonical_json(fields) != text:
        _refuse(where, "its metadata is not as shelfvision writes it")
    if metadata[SEAL] != seal(text, metadata[DIGESTS]):
        _refuse(where, "it is damaged: its manifest does not match its digest")
    if canonical_header(header.entries, metadata) != header.raw:
        _refuse(where, "its header is not as shelfvision writes it")
    if set(fields) != _KEYS:
        found = listed(sorted(fields), limit=20)
        _refuse(where, f"its manifest has the entries {found}, not {listed(sorted(_KEYS))}")
    return fields


def _require_shapes(header: TensorHeader, where: str) -> None:
    """Raise BundleError for wrong tensor names, dtypes or shapes before reading the tensors."""
    if {entry.name: entry.dtype for entry in header.entries} != _TYPES:
        _refuse(where, f"it does not hold just the tensors {listed(_TYPES)}")
    shapes = {entry.name: entry.shape for entry in header.entries}
    seen = shapes["seen"]
    n = seen[0] if len(seen) == 2 else 0
    if not 1 <= n <= MAX_PHOTOS or seen[1] < 1 or not shapes["labels"] == shapes["groups"] == (n,):
        _refuse(where, "its tensors are not of the shapes that a gallery has")


def _contents(
    fields: Mapping[str, object], tensors: Mapping[str, Tensor], where: str
) -> GalleryContents:
    names, created = fields["names"], fields["created_with"]
    texts = [fields["classifier"], fields["made_for"]]
    if isinstance(created, dict):
        texts += created.values()
    if not (isinstance(names, list) and isinstance(created, dict)):
        _refuse(where, "its manifest has values that make no sense")
    if not all(isinstance(text, str) and len(text) <= 1000 for text in texts):
        _refuse(where, "its manifest has values that make no sense")
    try:
        names = as_class_names(names)
        unknown = checked_share(fields["unknown"])
        made = checked_digest(fields["classifier"], "classifier")
    except InvalidParameterError as error:
        _refuse(where, str(error)[:400])
    labels = tensors["labels"]
    if not np.array_equal(np.unique(labels), np.arange(len(names))):
        _refuse(where, "its photos are not of the products that it names, each of them")
    embeddings, groups = tensors["seen"], tensors["groups"]
    photos = EnrolledPhotos(names=names, embeddings=embeddings, labels=labels, groups=groups)  # type: ignore[arg-type]  # their types were checked in the header
    return GalleryContents(
        photos=photos,
        unknown=unknown,
        classifier=made,
        made_for=str(fields["made_for"]),
        held_out="group" if fields["format"] == 1 else "similar groups",
    )


def checked_share(value: object) -> float | None:
    """Return the parameter `unknown`, a number above 0 and below 1 or None, after checking it."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise InvalidParameterError(
            "unknown must be the share of known photos that may go to review, strictly between "
            f"0 and 1, or None, not {brief(value)}",
            code="not-in-range",
            parameter="unknown",
        )
    return float(value)


def _refuse(where: str, fault: str, code: str = "damaged") -> NoReturn:
    raise BundleError(
        f"{where} cannot be loaded as a gallery: {fault}; check that it is the right file, and "
        "copy it from its source again",
        code=code,
    )
