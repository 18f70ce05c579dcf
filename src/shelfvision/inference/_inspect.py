"""`inspect`: what a bundle says of itself, checked, without building its model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import cast, final

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._storage.json_values import parse_json
from shelfvision._storage.safetensors import DIGESTS, KEPT
from shelfvision._storage.sealed import SEAL, Target, where_is
from shelfvision._text import printable
from shelfvision.inference._bundle import BundleContents, read_contents
from shelfvision.inference._manifest import ENTRY
from shelfvision.inference.one_line import in_one_line
from shelfvision.models import ModelSpec
from shelfvision.predictions import Calibration, Thresholds
from shelfvision.protocols import Resize


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """One tensor of a bundle."""

    name: str
    """Its name: the path of a weight."""
    dtype: str
    """The kind of its numbers, as safetensors calls it: ``"F32"``."""
    shape: tuple[int, ...]
    """Its shape."""
    sha256: str
    """The digest of its name, kind, shape and bytes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleInfo:
    """What a saved classifier says of itself; `inspect` makes it. Printed, it is a short table."""

    path: str | None
    """Where the file is; None for an open file."""
    sha256: str
    """The SHA-256 of the whole file, for ``Classifier.load``'s `expected_sha256`."""
    size: int
    """The length of the file in bytes."""
    format: int
    """The version of the format; it also fixes how photos are decoded."""
    settings: ModelSpec
    """The architecture and what the model is built from."""
    own_architecture: bool
    """Whether only its user's code can build the model."""
    class_names: tuple[str, ...]
    """The classes in the order of the model's outputs."""
    preprocessing: Preprocessing
    """How photos become the pixels that the model takes."""
    calibration: Calibration | None
    """What makes probabilities mean what they say; None if nothing does."""
    thresholds: Thresholds | None
    """From which confidence on a prediction is accepted; None decides nothing."""
    n_validation: int | None
    """Of how many validation photos scores are kept; None if of none."""
    provenance: Mapping[str, object]
    """Where the classifier came from, read-only: recipe, fingerprints of photos, metrics."""
    created_with: Mapping[str, str]
    """Versions of what it was saved with, read-only."""
    tensors: tuple[TensorInfo, ...]
    """Every tensor in the file, kept scores included."""
    digest: str
    """The digest of the manifest and of all tensors' digests."""

    @property
    def architecture(self) -> str:
        """The name of the architecture."""
        return self.settings.architecture

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, that photos are brought to."""
        return self.preprocessing.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are brought to `image_size`."""
        return self.preprocessing.resize

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain JSON values."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return fields | {
            "settings": self.settings.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
            "class_names": list(self.class_names),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "thresholds": None if self.thresholds is None else self.thresholds.to_dict(),
            "provenance": dict(self.provenance),
            "created_with": dict(self.created_with),
            "tensors": [asdict(tensor) | {"shape": list(tensor.shape)} for tensor in self.tensors],
        }

    def __repr__(self) -> str:
        """Return a line that tells the architecture, the classes and the digest."""
        n_classes = len(self.class_names)
        kind = printable(self.architecture)
        return f"<BundleInfo: {kind}, {n_classes} classes, SHA-256 {self.sha256}>"

    def __str__(self) -> str:
        """Return a short table, a line for each thing."""
        told = {name: printable(in_one_line(value)) for name, value in self._rows().items()}
        width = max(map(len, told))
        return "\n".join(f"{name:{width}}  {value}" for name, value in told.items())

    def _rows(self) -> dict[str, object]:
        height, width = self.image_size
        own = " (of your own)" if self.own_architecture else ""
        weights = [tensor for tensor in self.tensors if not tensor.name.startswith(KEPT)]
        rows: dict[str, object] = {
            "file": self.path or "(an open file)",
            "SHA-256": self.sha256,
            "size": f"{self.size:,} bytes, bundle format {self.format}",
            "architecture": f"{self.architecture}{own}, dropout {self.settings.dropout}, "
            f"seed {self.settings.seed}",
            "weights": f"{len(weights)} tensors",
            "photos": f"{self.resize} to {height} x {width}",
            "crops": self._crops(),
            f"{len(self.class_names)} classes": self.class_names,
            "calibration": self.calibration and self.calibration.to_dict(),
            "thresholds": self.thresholds and self.thresholds.to_dict(),
            "validation scores": self.n_validation and f"of {self.n_validation} photos",
        }
        # What the file's maker wrote freely cannot take the place of what was checked.
        rows |= {f"from {in_one_line(name):.60}": value for name, value in self.provenance.items()}
        return rows | {"saved with": self.created_with}

    def _crops(self) -> str:
        rule = self.preprocessing
        return f"{rule.shape}, context {rule.context:g}; test-time crop {rule.test_time_crop:g}"


def inspect(path: Target, *, expected_sha256: str | None = None) -> BundleInfo:
    """Tell what a saved classifier holds, without building its model or importing Keras.

    The file is checked as wholly as `Classifier.load` checks it.

    Parameters
    ----------
    path : path-like or binary file
        What ``Classifier.save`` wrote.
    expected_sha256 : str, optional
        The SHA-256 that the file must have, 64 hexadecimal digits.

    Returns
    -------
    BundleInfo
        Classes, settings, calibration, thresholds, provenance, digests; it prints as a table.

    Raises
    ------
    BundleNotFoundError
        There is no such file.
    BundleError
        The file is not a bundle, is damaged, or comes from a newer version.
    InvalidParameterError
        `path` is neither a path nor a binary file, or `expected_sha256` is no SHA-256.

    Examples
    --------
    >>> import io
    >>> import shelfvision as shv
    >>> file = io.BytesIO()
    >>> model = shv.build_model(2)
    >>> digest = shv.Classifier.from_model(model, class_names=["juice", "milk"]).save(file)
    >>> _ = file.seek(0)
    >>> info = shv.inspect(file, expected_sha256=digest)
    >>> info.architecture, info.class_names, info.image_size
    ('grocery_cnn', ('juice', 'milk'), (100, 100))
    """
    found = read_contents(path, expected_sha256=expected_sha256)
    manifest = found.manifest
    return BundleInfo(
        path=os.fsdecode(path) if isinstance(path, str | os.PathLike) else None,
        sha256=found.sha256,
        size=found.header.file_size,
        format=_format(found, where_is(path)),
        settings=manifest.spec,
        own_architecture=manifest.own_architecture,
        class_names=manifest.class_names,
        preprocessing=manifest.preprocessing,
        calibration=manifest.calibration,
        thresholds=manifest.thresholds,
        n_validation=manifest.n_validation,
        provenance=MappingProxyType(dict(manifest.provenance)),
        created_with=MappingProxyType(dict(manifest.created_with)),
        tensors=_tensors(found, where_is(path)),
        digest=found.header.metadata[SEAL],
    )


def _format(found: BundleContents, where: str) -> int:
    fields = cast("dict[str, object]", parse_json(found.header.metadata[ENTRY], where))
    return cast("int", fields["format"])


def _tensors(found: BundleContents, where: str) -> tuple[TensorInfo, ...]:
    digests = cast("dict[str, str]", parse_json(found.header.metadata[DIGESTS], where))
    return tuple(
        TensorInfo(
            name=entry.name, dtype=entry.dtype, shape=entry.shape, sha256=digests[entry.name]
        )
        for entry in found.header.entries
    )
