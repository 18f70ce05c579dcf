"""`inspect`: read and verify the metadata of a bundle without building its model.

The file is verified exactly like in `Classifier.load`, but Keras is not imported. The result is a
`BundleInfo`; its string is a table for the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import cast, final

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._storage.json_values import parse_json
from shelfvision._storage.safetensors import DIGESTS, KEPT
from shelfvision._storage.sealed import SEAL, Target, as_place, shown_target, where_is
from shelfvision._text import printable
from shelfvision.inference._bundle import BundleContents, read_contents
from shelfvision.inference._manifest import ENTRY
from shelfvision.inference.one_line import in_one_line
from shelfvision.models import ModelSpec
from shelfvision.predictions import Calibration, Profile, Thresholds
from shelfvision.protocols import Resize, StorageOptions


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """The name, dtype, shape and digest of one tensor in a bundle."""

    name: str
    """The name of the tensor, which is the path of a weight."""
    dtype: str
    """The dtype as safetensors writes it, such as ``"F32"``."""
    shape: tuple[int, ...]
    """The shape of the tensor."""
    sha256: str
    """The SHA-256 of name, dtype, shape and bytes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleInfo:
    """The metadata of a saved classifier, as `inspect` returns it.

    ``print(info)`` shows it as a short table.
    """

    path: str | None
    """The path or the URL of the file; None for an open file."""
    sha256: str
    """The SHA-256 of the file, for the parameter ``expected_sha256`` of `Classifier.load`."""
    size: int
    """The size of the file in bytes."""
    format: int
    """The version of the file format, which also defines how photos are decoded."""
    settings: ModelSpec
    """The architecture and the settings that the model is built from."""
    own_architecture: bool
    """Whether the model has a custom architecture, which shelfvision does not contain."""
    class_names: tuple[str, ...]
    """The class names in the order of the model outputs."""
    preprocessing: Preprocessing
    """How photos are converted to the pixels of the model input."""
    calibration: Calibration | None
    """The calibration of the probabilities; None if they are not calibrated."""
    thresholds: Thresholds | None
    """The lowest confidence of accepted predictions; None makes no decisions."""
    profile: Profile | None
    """How the validation photos look; None without a profile."""
    n_validation: int | None
    """The number of validation photos whose scores the file contains; None without scores."""
    provenance: Mapping[str, object]
    """The origin of the classifier, read-only: recipe, fingerprints of photos, metrics."""
    created_with: Mapping[str, str]
    """The versions of the packages that saved the file, read-only."""
    tensors: tuple[TensorInfo, ...]
    """All tensors in the file, including validation scores."""
    digest: str
    """The digest of the manifest and of the digests of all tensors."""

    @property
    def architecture(self) -> str:
        """The name of the architecture."""
        return self.settings.architecture

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the model input in pixels."""
        return self.preprocessing.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are resized to `image_size`."""
        return self.preprocessing.resize

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain JSON values."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return fields | {
            "settings": self.settings.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
            "class_names": list(self.class_names),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "thresholds": None if self.thresholds is None else self.thresholds.to_dict(),
            "profile": None if self.profile is None else self.profile.to_dict(),
            "provenance": dict(self.provenance),
            "created_with": dict(self.created_with),
            "tensors": [asdict(tensor) | {"shape": list(tensor.shape)} for tensor in self.tensors],
        }

    def __repr__(self) -> str:
        """Return one line with the architecture, number of classes and digest."""
        n_classes = len(self.class_names)
        kind = printable(self.architecture)
        return f"<BundleInfo: {kind}, {n_classes} classes, SHA-256 {self.sha256}>"

    def __str__(self) -> str:
        """Return a short table with one line for each field."""
        rows = {name: printable(in_one_line(value)) for name, value in self._rows().items()}
        width = max(map(len, rows))
        return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())

    def _rows(self) -> dict[str, object]:
        height, width = self.image_size
        own = " (custom)" if self.own_architecture else ""
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
            "profile": self.profile and f"of {self.profile.n_photos} photos",
            "validation scores": self.n_validation and f"of {self.n_validation} photos",
        }
        # Provenance is free text. The prefix keeps it from replacing verified rows.
        rows |= {f"from {in_one_line(name):.60}": value for name, value in self.provenance.items()}
        return rows | {"saved with": self.created_with}

    def _crops(self) -> str:
        rule = self.preprocessing
        return f"{rule.shape}, context {rule.context:g}; test-time crop {rule.test_time_crop:g}"


def inspect(
    path: Target,
    *,
    expected_sha256: str | None = None,
    storage_options: StorageOptions | None = None,
) -> BundleInfo:
    """Return the metadata of a saved classifier without importing Keras.

    The file is verified as completely as by `Classifier.load`, but its model is not built.

    Parameters
    ----------
    path : path-like, URL or binary file
        A file that `Classifier.save` wrote.
    expected_sha256 : str, optional
        The SHA-256 that the file must have, 64 hexadecimal digits.
    storage_options : mapping, optional
        Options of the fsspec file system, for a URL. URLs of servers, such as HTTP or SFTP,
        need them, at least ``{}``.

    Returns
    -------
    BundleInfo
        Class names, settings, calibration, thresholds, provenance and digests. Its string is a
        table.

    Raises
    ------
    BundleNotFoundError
        The file does not exist.
    BundleError
        The file is not a bundle, is corrupted, or was written by a newer version.
    InvalidParameterError
        ``path`` is neither a path nor a binary file, or ``expected_sha256`` is not a SHA-256.

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
    place = as_place(path, storage_options=storage_options)
    found = read_contents(place, expected_sha256=expected_sha256)
    manifest = found.manifest
    return BundleInfo(
        path=shown_target(place),
        sha256=found.sha256,
        size=found.header.file_size,
        format=_format(found, where_is(place)),
        settings=manifest.spec,
        own_architecture=manifest.own_architecture,
        class_names=manifest.class_names,
        preprocessing=manifest.preprocessing,
        calibration=manifest.calibration,
        thresholds=manifest.thresholds,
        profile=manifest.profile,
        n_validation=manifest.n_validation,
        provenance=MappingProxyType(dict(manifest.provenance)),
        created_with=MappingProxyType(dict(manifest.created_with)),
        tensors=_tensors(found, where_is(place)),
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
