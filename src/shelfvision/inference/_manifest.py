"""`BundleManifest`: all contents of a bundle except its tensors, as validated values.

The manifest is canonical JSON in the metadata of the safetensors file. A digest covers the manifest
and the digests of all tensors. `BundleManifest.from_metadata` accepts a file only if its version,
its canonical form, its digest, its set of keys and each value are valid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, Self, TypeVar, cast

from shelfvision._class_names import as_class_names
from shelfvision._photos.preprocessing import Preprocessing, preprocessing_of_old_file
from shelfvision._product_codes import ProductCodes, codes_of_file, plain_codes
from shelfvision._storage.json_values import MAX_DEPTH, canonical_json, require_shallow, versioned
from shelfvision._storage.safetensors import DIGESTS
from shelfvision._storage.sealed import SEAL, seal
from shelfvision._validation import listed
from shelfvision.errors import BundleError, InvalidParameterError, ModelError
from shelfvision.models import ModelSpec
from shelfvision.predictions import Calibration, Profile, Thresholds
from shelfvision.predictions.validation_scores import MAX_ROWS

VERSION = 3
"""The version of the format that is written. Older versions can be read."""
ENTRY = "shelfvision"
"""The metadata key of the manifest."""
_KEYS = {"class_names", "created_with", "own_architecture", "provenance", "spec", "weights"}
_DECIDING_KEYS = {"calibration", "n_validation", "thresholds"}
_KEYS_OF = {
    1: _KEYS | {"resize"},
    2: _KEYS | {"resize"} | _DECIDING_KEYS,
    3: _KEYS | {"preprocessing"} | _DECIDING_KEYS,
}
"""The manifest keys of each format version."""
_CODES, _PROFILE = "product_codes", "profile"
"""The keys of product codes and of the profile, which only some classifiers have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleManifest:
    """The settings of a saved classifier."""

    spec: ModelSpec
    """The architecture and the settings that the model is built from."""
    own_architecture: bool
    """Whether the model has a custom architecture, which shelfvision does not contain."""
    class_names: tuple[str, ...]
    """The class names in the order of the model outputs."""
    preprocessing: Preprocessing
    """How photos are converted to the pixels of the model input."""
    provenance: Mapping[str, object]
    """The origin of the classifier as plain JSON values."""
    created_with: Mapping[str, str]
    """The versions of the packages that saved the file."""
    weights: tuple[str, ...]
    """The names of the weights in the order of the model."""
    calibration: Calibration | None = None
    """The calibration of the probabilities; None if they are not calibrated."""
    thresholds: Thresholds | None = None
    """The lowest confidence of accepted predictions; None makes no decisions."""
    n_validation: int | None = None
    """The number of validation photos whose scores are kept; None without scores."""
    product_codes: ProductCodes | None = None
    """The product code of each class; None without codes."""
    profile: Profile | None = None
    """How the validation photos look; None without a profile."""

    def to_metadata(self, digests: str) -> dict[str, str]:
        """Return the metadata of the file, with the digest of manifest and tensors."""
        fields: dict[str, object] = {
            "format": VERSION,
            "spec": self.spec.to_dict(),
            "own_architecture": self.own_architecture,
            "class_names": list(self.class_names),
            "preprocessing": self.preprocessing.to_dict(),
            "provenance": dict(self.provenance),
            "created_with": dict(self.created_with),
            "weights": list(self.weights),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "thresholds": None if self.thresholds is None else self.thresholds.to_dict(),
            "n_validation": self.n_validation,
        }
        if self.product_codes is not None:
            fields[_CODES] = plain_codes(self.product_codes)
        if self.profile is not None:
            fields[_PROFILE] = self.profile.to_dict()
        text = canonical_json(fields)
        return {ENTRY: text, DIGESTS: digests, SEAL: seal(text, digests)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], where: str) -> Self:
        """Return the manifest of a file; raise BundleError if it is not valid."""
        if ENTRY not in metadata:
            _refuse(where, "it is not a classifier saved by shelfvision", "foreign-format")
        text = metadata[ENTRY]
        fields = versioned(
            text,
            where,
            kind="bundle",
            newest=VERSION,
            fail=lambda code, fault: _refuse(where, fault, code),
        )
        if set(metadata) != {ENTRY, DIGESTS, SEAL} or canonical_json(fields) != text:
            _refuse(where, "its metadata is not as shelfvision writes it")
        if metadata[SEAL] != seal(text, metadata[DIGESTS]):
            _refuse(where, "it is damaged: its manifest does not match its digest")
        keys = _KEYS_OF[cast("int", fields.pop("format"))]
        if set(fields) - {_CODES, _PROFILE} != keys:
            found = listed(sorted(fields), limit=20)
            _refuse(
                where, f"its manifest has the entries {found}, not {listed(sorted(keys), limit=20)}"
            )
        try:
            return cls._from_fields(fields, where)
        except (InvalidParameterError, ModelError) as error:
            raise BundleError(
                f"{where} cannot be loaded as a bundle: {_cut(error)}", code=error.code
            ) from error

    @classmethod
    def _from_fields(cls, fields: dict[str, object], where: str) -> Self:
        spec, provenance, created = (
            _typed(fields, key, dict, where) for key in ("spec", "provenance", "created_with")
        )
        names, weights = (_texts(fields, key, where) for key in ("class_names", "weights"))
        if any(not isinstance(version, str) for version in created.values()):
            _refuse(where, "its manifest has values that make no sense")
        made = ModelSpec.from_dict(spec)
        if len(as_class_names(names)) != made.num_classes:
            _refuse(where, f"it has {len(names)} class names for {made.num_classes} classes")
        calibration, thresholds = _calibration(fields), _thresholds(fields)
        if calibration is not None and calibration.num_classes != made.num_classes:
            _refuse(where, f"its calibration is not for {made.num_classes} classes")
        if thresholds is not None and len(thresholds.values) not in (1, made.num_classes):
            _refuse(where, f"its thresholds are not for {made.num_classes} classes")
        n_validation = fields.get("n_validation")
        return cls(
            spec=made,
            own_architecture=_typed(fields, "own_architecture", bool, where),
            class_names=names,
            preprocessing=_preprocessing(fields, made, where),
            provenance=provenance,
            created_with=created,
            weights=weights,
            calibration=calibration,
            thresholds=thresholds,
            n_validation=None if n_validation is None else _count(n_validation, where),
            product_codes=codes_of_file(fields[_CODES], names) if _CODES in fields else None,
            profile=_profile(fields, names, where),
        )


def _preprocessing(fields: Mapping[str, object], spec: ModelSpec, where: str) -> Preprocessing:
    """Return the preprocessing; formats 1 and 2 contain only a resize rule."""
    if "resize" in fields:
        return preprocessing_of_old_file(list(spec.image_size), fields["resize"])
    found = Preprocessing.from_dict(cast("dict[str, object]", fields["preprocessing"]))
    if found.image_size != spec.image_size:
        _refuse(where, f"its preprocessing is not for images of {spec.image_size}")
    return found


def _calibration(fields: Mapping[str, object]) -> Calibration | None:
    found = fields.get("calibration")
    return None if found is None else Calibration.from_dict(cast("dict[str, object]", found))


def _thresholds(fields: Mapping[str, object]) -> Thresholds | None:
    found = fields.get("thresholds")
    return None if found is None else Thresholds.from_dict(cast("dict[str, object]", found))


def _profile(
    fields: Mapping[str, object], class_names: tuple[str, ...], where: str
) -> Profile | None:
    if _PROFILE not in fields:
        return None
    found = Profile.from_dict(cast("dict[str, object]", fields[_PROFILE]))
    if not set(found.class_counts) <= set(class_names):
        _refuse(where, "its profile has classes that the classifier lacks")
    return found


def _count(value: object, where: str) -> int:
    if type(value) is not int or not 1 <= value <= MAX_ROWS:
        _refuse(
            where,
            f"the entry 'n_validation' of its manifest must be a whole number from 1 to {MAX_ROWS}",
        )
    return value


def plain(provenance: Mapping[str, object]) -> dict[str, object]:
    """Return a deep copy of provenance as JSON values; raise an error for other values."""
    try:
        copy = json.loads(canonical_json(dict(provenance)))
        require_shallow(copy, MAX_DEPTH - 1)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParameterError(
            "provenance must be a mapping of plain JSON values (text, finite numbers, lists, "
            f"mappings, None), but {error}",
            code="not-plain",
            parameter="provenance",
        ) from error
    return cast("dict[str, object]", copy)


_Kind = TypeVar("_Kind")


def _typed(fields: dict[str, object], key: str, kind: type[_Kind], where: str) -> _Kind:
    value = fields[key]
    if not isinstance(value, kind):
        _refuse(where, f"the entry {key!r} of its manifest must be a {kind.__name__}")
    return value


def _texts(fields: dict[str, object], key: str, where: str) -> tuple[str, ...]:
    values = _typed(fields, key, list, where)
    if not all(isinstance(value, str) for value in values):
        _refuse(where, f"the entry {key!r} of its manifest must be a list of names")
    return tuple(values)


def _cut(fault: object) -> str:
    """Return an error text with at most 400 characters; names in a file can be very long."""
    text = str(fault)
    return text if len(text) <= 400 else f"{text[:397]}..."


def _refuse(where: str, fault: str, code: str = "damaged") -> NoReturn:
    raise BundleError(
        f"{where} cannot be loaded as a bundle: {_cut(fault)}; check that it is the right file, "
        "and copy it from its source again",
        code=code,
    )
