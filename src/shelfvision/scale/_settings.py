"""`ScorerSettings`: the checked arguments of a `Scorer`, which are also its pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, TypeAlias, cast, get_args

from shelfvision._runtime import Detector
from shelfvision._validation import listed, one_of, received
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import StorageOptions
from shelfvision.regions.predicting import BoxDetector
from shelfvision.scale._files import Place

PhotoKind: TypeAlias = Literal["bytes", "path", "url"]
"""What the cells of the photo column contain: encoded files, paths of files, or URLs."""
KeptType: TypeAlias = Literal["string", "bool", "int32", "int64", "float32", "float64", "date32"]
"""The Arrow types of columns that a scorer copies to its results."""
OpenDetector: TypeAlias = "partial[Detector] | BoxDetector"
"""A detector, or how to open one in another process."""

PHOTO_KINDS: Final[tuple[PhotoKind, ...]] = get_args(PhotoKind)
"""The kinds of photo columns."""
KEPT_TYPES: Final[tuple[KeptType, ...]] = get_args(KeptType)
"""The types of copied columns."""

ANSWERS: Final = ("label", "confidence", "decision")
"""The columns of predictions that a caller can select."""
ERRORS: Final = ("error", "error_code")
"""The columns that every result has."""
EMBEDDING: Final = "embedding"
"""The column of embeddings."""
REGIONS: Final = "regions"
"""The column of the boxes of each photo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSettings:
    """The checked arguments of a scorer; small, so that engines can send them with every task."""

    bundle: Place
    """The absolute path or the URL of the file."""
    sha256: str
    """The SHA-256 of the file when the scorer was created."""
    exported: bool
    """Whether the file is an export, which needs no Keras."""
    photo_column: str
    photo_kind: PhotoKind
    id_column: str | None
    keep: tuple[tuple[str, KeptType], ...]
    """The name and the type of each column that is copied."""
    boxes_column: str | None
    detector: OpenDetector | None = field(repr=False)
    columns: tuple[str, ...]
    probabilities: bool
    embedding_width: int
    """The number of values of an embedding; 0 without embeddings."""
    threads: int
    storage_options: StorageOptions | None = field(default=None, repr=False)
    """The options for URLs, which may contain credentials."""

    @property
    def with_regions(self) -> bool:
        """Whether photos are of shelves, and their boxes are predicted."""
        return self.boxes_column is not None or self.detector is not None


def as_column(parameter: str, name: object) -> str:
    """Return the checked name of a column."""
    if isinstance(name, str) and name:
        return name
    raise InvalidParameterError(
        f"{parameter} must be the name of a column, got {received(name)}; pass text",
        code="wrong-type",
        parameter=parameter,
    )


def as_answers(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the selected predictions in their fixed order."""
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        one_of("columns", name, ANSWERS)
    return tuple(name for name in ANSWERS if name in names)


def as_kept(keep: Mapping[str, KeptType] | None) -> tuple[tuple[str, KeptType], ...]:
    """Return the checked names and types of the columns to copy."""
    if keep is not None and not isinstance(keep, Mapping):
        raise InvalidParameterError(
            f"keep must map names of columns to types, got {received(keep)}; pass for example "
            "keep={'store': 'string'}",
            code="wrong-type",
            parameter="keep",
        )
    found = tuple((keep or {}).items())
    for name, kind in found:
        as_column("keep", name)
        one_of(f"keep[{name!r}]", kind, KEPT_TYPES, parameter="keep")
    return found


def as_detector(detector: object, threads: int) -> OpenDetector | None:
    """Return a detector, or how to open one that is a file; it computes with `threads`."""
    if detector is None:
        return None
    if isinstance(detector, Detector):
        make = cast("partial[Detector]", detector.__reduce__()[0])
        own = make.keywords["threads"]
        settings = {**make.keywords, "threads": threads if own is None else own}
        return partial(Detector, *make.args, **settings)
    if isinstance(detector, type) or not hasattr(detector, "detect"):
        raise InvalidParameterError(
            f"detector must be a shelfvision.export.Detector, or an object with its method detect, "
            f"got {received(detector)}; create a Detector from its file",
            code="wrong-type",
            parameter="detector",
        )
    return cast("BoxDetector", detector)


def require_regions_fit(settings: ScorerSettings, *, embed: bool) -> None:
    """Refuse arguments that exclude each other for photos of shelves."""
    if settings.boxes_column is not None and settings.detector is not None:
        raise InvalidParameterError(
            "boxes_column must be left out with a detector, which finds the boxes, got "
            f"{settings.boxes_column!r}; pass one of them",
            code="conflict",
            parameter="boxes_column",
        )
    if embed and settings.with_regions:
        raise InvalidParameterError(
            "embed must be False for photos of shelves, whose boxes are predicted, got True; "
            "leave it out",
            code="conflict",
            parameter="embed",
        )


def require_distinct(names: Sequence[str], settings: ScorerSettings) -> None:
    """Refuse two columns of the result with one name."""
    twice = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if not twice:
        return
    parameter = "keep" if twice[0] in dict(settings.keep) else "id_column"
    raise InvalidParameterError(
        f"{parameter} must differ from the other columns of the result, got {listed(twice)}; "
        "rename the column in the batches",
        code="duplicate",
        parameter=parameter,
    )
