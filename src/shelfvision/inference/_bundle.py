"""The bundle: one file with a classifier's weights and manifest, which runs no code when loaded."""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from shelfvision._files import atomic_writer
from shelfvision.errors import BundleError, InvalidParameterError, ModelError
from shelfvision.inference._manifest import Manifest
from shelfvision.inference._validation import kept_entries, kept_scores, kept_tensors
from shelfvision.models._architecture import Architecture
from shelfvision.models._backend import load_keras
from shelfvision.models._build import model_from_spec
from shelfvision.models._registry import architecture_for, is_ours, is_registered
from shelfvision.models._safetensors import (
    KEPT,
    STORABLE,
    Header,
    Tensor,
    canonical_header,
    digests_of,
    read_header,
    read_tensors,
    write,
)
from shelfvision.models._spec import ModelSpec
from shelfvision.models._weights import assign, open_weights, require_same, weight_names
from shelfvision.predictions import ValidationScores

if TYPE_CHECKING:
    import keras

Builder: TypeAlias = "Callable[[ModelSpec], keras.Model]"
"""Builds a model of the user's own architecture from its settings."""
Target: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A path, or a binary file that is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a bundle holds, checked wholly."""

    manifest: Manifest
    """What it says beside its numbers."""
    header: Header
    """What tensors it holds."""
    tensors: dict[str, Tensor]
    """Weights, and the numbers of the scores that are kept."""
    scores: ValidationScores | None
    """The scores that are kept."""
    sha256: str
    """The SHA-256 of the whole file."""


class Hashed:
    """A binary file that remembers the digest of all that went through it."""

    def __init__(self, file: BinaryIO, where: str = "the given file") -> None:
        self._file = file
        self._where = where
        self._hasher = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        try:
            data: object = self._file.read(size)
        except OSError as error:
            reason = error.strerror or error
            raise BundleError(f"{self._where} cannot be read: {reason}; check the disk") from error
        if not isinstance(data, bytes):
            raise InvalidParameterError(
                f"path must be a path or a file that gives bytes, but {self._where} gave "
                f"{type(data).__name__}; open it in binary mode"
            )
        self._hasher.update(data)
        return data

    def write(self, data: bytes, /) -> None:
        """Write all of `data`."""
        self._hasher.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        """The SHA-256 of what went through, 64 hexadecimal digits."""
        return self._hasher.hexdigest()


def save_bundle(
    manifest: Manifest,
    weights: Mapping[str, Tensor],
    target: Target,
    validation: ValidationScores | None = None,
) -> str:
    """Write a bundle and return its SHA-256; a path is replaced atomically, or not at all."""
    require_savable(weights)
    weights = {**weights, **kept_tensors(validation)}
    metadata = manifest.to_metadata(digests_of(weights))
    require_binary(target, "write")
    if isinstance(target, str | os.PathLike):
        with atomic_writer(target) as file:
            return _written(file, weights, metadata)
    return _written(target, weights, metadata)


def load_bundle(
    source: Target, *, expected_sha256: str | None = None, builder: Builder | None = None
) -> tuple[Manifest, ValidationScores | None, keras.Model]:
    """Return what a bundle holds and its model, built again; Keras comes last."""
    found = read_contents(source, expected_sha256=expected_sha256)
    manifest, where = found.manifest, where_is(source)
    if builder is not None and not callable(builder):
        raise InvalidParameterError(
            f"builder must be a function that takes a ModelSpec, not {builder!r}"
        )
    if builder is None and manifest.own_architecture and not is_registered(_name(manifest)):
        raise BundleError(
            f"{where} holds a model of an architecture of your own, {manifest.spec.architecture!r},"
            " which only your code can build; pass builder=, a function that takes a ModelSpec "
            "and returns the model, or make it known with register_architecture"
        )
    model = (builder or model_from_spec)(manifest.spec)
    values = [found.tensors[name] for name in manifest.weights]
    exact = builder is None and architecture_for(manifest.spec).tensors is not None
    _require_fit(model, manifest, values, where, exact=exact)
    assign(model.weights, values)
    return manifest, found.scores, model


def read_bundle(
    source: Target, *, expected_sha256: str | None = None
) -> tuple[Manifest, dict[str, Tensor]]:
    """Return the manifest of a bundle and its tensors, checked wholly."""
    found = read_contents(source, expected_sha256=expected_sha256)
    return found.manifest, found.tensors


def read_contents(source: Target, *, expected_sha256: str | None = None) -> Contents:
    """Return what a bundle holds, checked wholly; Keras is not needed."""
    expected = None if expected_sha256 is None else checked_digest(expected_sha256)
    where = where_is(source)
    require_binary(source, "read")
    if isinstance(source, str | os.PathLike):
        with open_weights(source) as file:
            return _read(file, where, expected, os.fstat(file.fileno()).st_size)
    return _read(source, where, expected, None)


def require_savable(weights: Mapping[str, Tensor]) -> None:
    """Refuse weights that a bundle could not give back."""
    for name, tensor in weights.items():
        if name.startswith(KEPT):
            raise ModelError(
                f"the weight {name!r} has a name that bundles keep for scores; name its layer "
                "otherwise and save again"
            )
        if tensor.dtype not in STORABLE:
            raise ModelError(
                f"the weight {name!r} is of type {tensor.dtype}, which a bundle cannot hold; cast "
                "the model to float32 and save again"
            )
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise ModelError(
                f"the weight {name!r} has numbers that are not finite, so the classifier is broken "
                "and is not saved; train again or go back to an earlier checkpoint"
            )


def _written(file: BinaryIO, weights: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    hashed = Hashed(file)
    write(hashed, weights, metadata)
    return hashed.digest


def _read(file: BinaryIO, where: str, expected: str | None, size: int | None) -> Contents:
    hashed = Hashed(file, where)
    header = read_header(hashed, where, kind="a classifier saved by shelfvision")
    manifest = Manifest.from_metadata(header.metadata, where)
    _require_canonical(header, manifest, where)
    _require_architecture(header, manifest, where)
    if size is not None and size != header.file_size:
        raise BundleError(
            f"{where} has {size} bytes where its header tells of {header.file_size}; it was cut "
            "off or added to, so copy it again from where it came"
        )
    tensors = read_tensors(hashed, header, where)
    if expected is not None and hashed.digest != expected:
        raise BundleError(
            f"{where} has the SHA-256 {hashed.digest}, not {expected} as expected_sha256 says; it "
            "is another file than the one you trust"
        )
    return Contents(
        manifest=manifest,
        header=header,
        tensors=tensors,
        scores=kept_scores(tensors, where),
        sha256=hashed.digest,
    )


def _require_canonical(header: Header, manifest: Manifest, where: str) -> None:
    """Refuse a header that is not, to the byte, the one that we would write."""
    names = [entry.name for entry in header.entries]
    if names != sorted(names) or canonical_header(header.entries, header.metadata) != header.raw:
        raise BundleError(
            f"{where} cannot be loaded: its header is not as shelfvision writes it, so it was "
            "changed or damaged; copy it again from where it came"
        )
    if sorted([*manifest.weights, *kept_entries(manifest)]) != names:
        raise BundleError(
            f"{where} cannot be loaded: it holds other tensors than its manifest names; copy it "
            "again from where it came"
        )


def _require_architecture(header: Header, manifest: Manifest, where: str) -> None:
    """Refuse tensors other than the settings call for, as far as that is known without Keras."""
    _require_kept(header, manifest, where)
    own = manifest.own_architecture
    if own and not is_registered(_name(manifest)):
        return
    try:
        architecture = architecture_for(manifest.spec)
    except ModelError as error:
        raise BundleError(f"{where} cannot be loaded: {error}") from error
    if not own and not is_ours(_name(manifest)):
        raise BundleError(
            f"{where} cannot be loaded: it gives {_name(manifest)!r} out as an architecture of "
            "shelfvision; copy it again from where it came"
        )
    _require_enough(header, architecture, where)
    if architecture.tensors is None:
        return
    expected = architecture.tensors(manifest.spec)
    weights = [entry for entry in header.entries if not entry.name.startswith(KEPT)]
    found = {entry.name: entry.shape for entry in weights}
    require_same(expected, found, where, error=BundleError)
    if any(entry.dtype != "F32" for entry in weights) or tuple(expected) != manifest.weights:
        raise BundleError(
            f"{where} cannot be loaded: its weights are not the float32 tensors of "
            f"{manifest.spec.architecture} in their order; copy it again from where it came"
        )


def _require_kept(header: Header, manifest: Manifest, where: str) -> None:
    """Refuse kept scores that have not the very types and shapes that the manifest calls for."""
    expected = kept_entries(manifest)
    found = [entry for entry in header.entries if entry.name.startswith(KEPT)]
    if any((entry.dtype, entry.shape) != expected.get(entry.name) for entry in found):
        raise BundleError(
            f"{where} cannot be loaded: the validation scores in it have not the shape that its "
            "manifest tells of; copy it again from where it came"
        )


def _require_enough(header: Header, architecture: Architecture, where: str) -> None:
    """Refuse a small file that would have a large network built for it."""
    weights = (entry for entry in header.entries if not entry.name.startswith(KEPT))
    numbers = sum(math.prod(entry.shape) for entry in weights)
    if numbers < architecture.fewest:
        raise BundleError(
            f"{where} cannot be loaded: it holds {numbers} numbers, but its architecture has at "
            f"least {architecture.fewest}; copy it again from where it came"
        )


def _name(manifest: Manifest) -> str:
    return manifest.spec.architecture


def _require_fit(
    model: keras.Model, manifest: Manifest, values: Sequence[Tensor], where: str, *, exact: bool
) -> None:
    """Refuse a rebuilt model whose weights are not those of the bundle."""
    if not isinstance(model, load_keras().Model):
        raise ModelError(f"builder must return a keras.Model, not {type(model).__name__}")
    names = weight_names(variable.path for variable in model.weights)
    saved = list(manifest.weights)
    if not exact:
        # Keras numbers layers without a name of their own as it goes; the order is what counts.
        names, saved = ([_unnumbered(name) for name in some] for some in (names, saved))
    shapes = [tuple(variable.shape) for variable in model.weights]
    if names != saved or shapes != [value.shape for value in values]:
        raise BundleError(
            f"{where} does not fit the model that was built for it: the weights differ in name, "
            "order or shape; build exactly the model that was saved"
        )
    _require_image_size(model, manifest, where)


def _require_image_size(model: keras.Model, manifest: Manifest, where: str) -> None:
    """Refuse a model that would serve images of another size; weights alone need not tell."""
    takes = getattr(model, "input_shape", None)
    wanted = (*manifest.spec.image_size, 3)
    if not isinstance(takes, tuple) or tuple(takes[1:]) != wanted:
        raise BundleError(
            f"{where} does not fit the model that was built for it: it serves images of shape "
            f"{wanted}, but the model takes {takes}; build it with the image_size of the ModelSpec"
        )


def _unnumbered(name: str) -> str:
    return re.sub(r"[_#]\d+(?=/|$|#)", "", name)


def checked_digest(value: object) -> str:
    """Return what may be a SHA-256, in small letters."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise InvalidParameterError(
            f"expected_sha256 must be 64 hexadecimal digits, not {value!r}; sha256sum prints them"
        )
    return value.lower()


def require_binary(place: object, method: str) -> None:
    """Refuse what is neither a path nor a binary file."""
    named = isinstance(place, str | os.PathLike)
    if not named and (isinstance(place, io.TextIOBase) or not hasattr(place, method)):
        raise InvalidParameterError(
            f"path must be a path or an open binary file, not {type(place).__name__}; wrap bytes "
            "in io.BytesIO, and open files in binary mode"
        )


def where_is(source: Target) -> str:
    """Return how messages call a file."""
    return repr(os.fspath(source)) if isinstance(source, str | os.PathLike) else "the given file"
