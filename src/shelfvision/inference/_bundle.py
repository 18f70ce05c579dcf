"""Write and read bundles: one file with the weights and the manifest of a classifier.

A bundle is a safetensors file. Its metadata contains a `BundleManifest` and digests of the manifest
and of each tensor. `read_contents` verifies a file before Keras is imported: the digests, the
canonical form of the header and, for built-in architectures, the names and shapes of the weights.
`load_bundle` then builds the model and assigns the weights. Neither runs code from the file.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision._keras.weights import assign, require_same, weight_names
from shelfvision._storage.safetensors import (
    KEPT,
    STORABLE,
    Tensor,
    TensorHeader,
    canonical_header,
    tensor_digests,
)
from shelfvision._storage.sealed import Target, read_sealed, shown_target, where_is, write_sealed
from shelfvision.errors import BundleError, InvalidParameterError, ModelError
from shelfvision.inference._kept_scores import kept_entries, kept_scores, kept_tensors
from shelfvision.inference._manifest import BundleManifest
from shelfvision.models import ModelSpec
from shelfvision.models.architecture import Architecture
from shelfvision.models.building import built_in_float32, model_from_spec
from shelfvision.models.registry import architecture_for, is_builtin, is_registered
from shelfvision.predictions import ValidationScores

if TYPE_CHECKING:
    import keras

Builder: TypeAlias = "Callable[[ModelSpec], keras.Model]"
"""A function that builds a model of a custom architecture from its settings."""

_EXPORTED = "what export wrote is run by shelfvision.export.Predictor"
_KERAS = "Classifier.from_model makes one of a model that keras.models.load_model has loaded"
_TAKEN_FOR_ONE = {
    **dict.fromkeys((".onnx", ".tflite", ".xml"), _EXPORTED),
    **dict.fromkeys((".keras", ".h5"), _KERAS),
}
"""Hints for files of other formats, by suffix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContents:
    """The verified contents of a bundle."""

    manifest: BundleManifest
    """All settings of the classifier."""
    header: TensorHeader
    """The names, dtypes and shapes of the tensors."""
    tensors: dict[str, Tensor]
    """The weights and the tensors of the validation scores."""
    scores: ValidationScores | None
    """The validation scores; None if the bundle has none."""
    sha256: str
    """The SHA-256 of the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBundle:
    """A bundle with its rebuilt model."""

    manifest: BundleManifest
    """All settings of the classifier."""
    scores: ValidationScores | None
    """The validation scores; None if the bundle has none."""
    model: keras.Model
    """The model with the weights of the bundle."""


def save_bundle(
    manifest: BundleManifest,
    weights: Mapping[str, Tensor],
    target: Target,
    validation: ValidationScores | None = None,
) -> str:
    """Write a bundle and return its SHA-256; an existing file is replaced atomically."""
    require_savable(weights)
    weights = {**weights, **kept_tensors(validation)}
    metadata = manifest.to_metadata(tensor_digests(weights))
    return write_sealed(weights, metadata, target)


def load_bundle(
    source: Target, *, expected_sha256: str | None = None, builder: Builder | None = None
) -> LoadedBundle:
    """Return the contents of a bundle and its rebuilt model; Keras is imported last."""
    found = read_contents(source, expected_sha256=expected_sha256)
    manifest, where = found.manifest, where_is(source)
    if builder is not None and not callable(builder):
        raise InvalidParameterError(
            f"builder must be a function that takes a ModelSpec, not {builder!r}",
            code="wrong-type",
            parameter="builder",
        )
    if builder is None and manifest.own_architecture and not is_registered(_name(manifest)):
        raise BundleError(
            f"{where} has the custom architecture {manifest.spec.architecture!r}, which only "
            "your code can build; pass builder=, a function that takes a ModelSpec and returns the "
            "model, or register it with register_architecture",
            code="needs-builder",
            parameter="builder",
        )
    spec = manifest.spec
    model = model_from_spec(spec) if builder is None else built_in_float32(builder, spec)
    values = [found.tensors[name] for name in manifest.weights]
    exact = builder is None and architecture_for(manifest.spec).tensors is not None
    _require_fit(model, manifest, values, where, exact=exact)
    assign(model.weights, values)
    return LoadedBundle(manifest=manifest, scores=found.scores, model=model)


def read_contents(source: Target, *, expected_sha256: str | None = None) -> BundleContents:
    """Return the verified contents of a bundle without importing Keras."""
    found = read_sealed(
        source,
        _checked_manifest,
        kind=_wanted(source),
        expected_sha256=expected_sha256,
    )
    return BundleContents(
        manifest=found.manifest,
        header=found.header,
        tensors=found.tensors,
        scores=kept_scores(found.tensors, where_is(source)),
        sha256=found.sha256,
    )


def _wanted(source: Target) -> str:
    """Return the description of the expected file for error messages."""
    hint = _TAKEN_FOR_ONE.get(os.path.splitext(shown_target(source) or "")[1].lower())
    return "a classifier saved by shelfvision" + (f" ({hint})" if hint else "")


def require_savable(weights: Mapping[str, Tensor]) -> None:
    """Raise ModelError for weights that a bundle cannot restore."""
    for name, tensor in weights.items():
        if name.startswith(KEPT):
            raise ModelError(
                f"the weight {name!r} has a name that bundles keep for scores; name its layer "
                "otherwise and save again",
                code="reserved-name",
            )
        if tensor.dtype not in STORABLE:
            raise ModelError(
                f"the weight {name!r} is of type {tensor.dtype}, which a bundle cannot hold; cast "
                "the model to float32 and save again",
                code="wrong-dtype",
            )
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise ModelError(
                f"the weight {name!r} has numbers that are not finite, so the classifier is broken "
                "and is not saved; train again or go back to an earlier checkpoint",
                code="not-finite",
            )


def _checked_manifest(header: TensorHeader, where: str) -> BundleManifest:
    """Return the manifest after checking the header against it and its architecture."""
    manifest = BundleManifest.from_metadata(header.metadata, where)
    _require_canonical(header, manifest, where)
    _require_architecture(header, manifest, where)
    return manifest


def _require_canonical(header: TensorHeader, manifest: BundleManifest, where: str) -> None:
    """Raise BundleError for a header whose bytes differ from those that shelfvision writes.

    One set of contents has exactly one valid encoding. Therefore a file cannot hide data in
    duplicate keys, spaces or unlisted tensors.
    """
    names = [entry.name for entry in header.entries]
    if names != sorted(names) or canonical_header(header.entries, header.metadata) != header.raw:
        raise BundleError(
            f"{where} cannot be loaded: its header is not as shelfvision writes it, so it was "
            "changed or damaged; copy it from its source again",
            code="not-canonical",
        )
    if sorted([*manifest.weights, *kept_entries(manifest)]) != names:
        raise BundleError(
            f"{where} cannot be loaded: it holds other tensors than its manifest names; copy it "
            "from its source again",
            code="inconsistent",
        )


def _require_architecture(header: TensorHeader, manifest: BundleManifest, where: str) -> None:
    """Raise BundleError if the tensors contradict the architecture, without importing Keras."""
    _require_kept(header, manifest, where)
    own = manifest.own_architecture
    if own and not is_registered(_name(manifest)):
        return
    try:
        architecture = architecture_for(manifest.spec)
    except ModelError as error:
        raise BundleError(f"{where} cannot be loaded: {error}", code=error.code) from error
    if not own and not is_builtin(_name(manifest)):
        raise BundleError(
            f"{where} cannot be loaded: it gives {_name(manifest)!r} out as an architecture of "
            "shelfvision; copy it from its source again",
            code="inconsistent",
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
            f"{manifest.spec.architecture} in their order; copy it from its source again",
            code="inconsistent",
        )


def _require_kept(header: TensorHeader, manifest: BundleManifest, where: str) -> None:
    """Raise BundleError if dtypes or shapes of the validation scores contradict the manifest."""
    expected = kept_entries(manifest)
    found = [entry for entry in header.entries if entry.name.startswith(KEPT)]
    if any((entry.dtype, entry.shape) != expected.get(entry.name) for entry in found):
        raise BundleError(
            f"{where} cannot be loaded: the shape of its validation scores differs from its "
            "manifest; copy it from its source again",
            code="inconsistent",
        )


def _require_enough(header: TensorHeader, architecture: Architecture, where: str) -> None:
    """Raise BundleError for a small file whose settings would build a large network."""
    weights = (entry for entry in header.entries if not entry.name.startswith(KEPT))
    numbers = sum(math.prod(entry.shape) for entry in weights)
    if numbers < architecture.fewest:
        raise BundleError(
            f"{where} cannot be loaded: it holds {numbers} numbers, but its architecture has at "
            f"least {architecture.fewest}; copy it from its source again",
            code="inconsistent",
        )


def _name(manifest: BundleManifest) -> str:
    return manifest.spec.architecture


def _require_fit(
    model: keras.Model,
    manifest: BundleManifest,
    values: Sequence[Tensor],
    where: str,
    *,
    exact: bool,
) -> None:
    """Raise an error if the weights of the rebuilt model do not match those of the bundle."""
    if not isinstance(model, load_keras().Model):
        raise ModelError(
            f"builder must return a keras.Model, not {type(model).__name__}",
            code="wrong-type",
            parameter="builder",
        )
    names = weight_names(variable.path for variable in model.weights)
    saved = list(manifest.weights)
    if not exact:
        # Keras numbers unnamed layers across all models of a process, so the numbers can differ.
        # The order of the weights identifies them.
        names, saved = ([_unnumbered(name) for name in some] for some in (names, saved))
    shapes = [tuple(variable.shape) for variable in model.weights]
    if names != saved or shapes != [value.shape for value in values]:
        raise BundleError(
            f"{where} does not fit the model that was built for it: the weights differ in name, "
            "order or shape; build exactly the model that was saved",
            code="does-not-fit",
            parameter="builder",
        )
    _require_image_size(model, manifest, where)


def _require_image_size(model: keras.Model, manifest: BundleManifest, where: str) -> None:
    """Raise BundleError for a model with another image size, which weights may not reveal."""
    takes = getattr(model, "input_shape", None)
    wanted = (*manifest.spec.image_size, 3)
    if not isinstance(takes, tuple) or tuple(takes[1:]) != wanted:
        raise BundleError(
            f"{where} does not fit the model that was built for it: it serves images of shape "
            f"{wanted}, but the model takes {takes}; build it with the image_size of the ModelSpec",
            code="does-not-fit",
            parameter="builder",
        )


def _unnumbered(name: str) -> str:
    return re.sub(r"[_#]\d+(?=/|$|#)", "", name)
