"""`ScorerSettings`: the checked arguments of a `Scorer`, which are also its pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

PhotoKind: TypeAlias = Literal["bytes", "path"]
"""What the cells of the photo column contain: encoded files, or paths of files."""

PHOTO_KINDS: Final[tuple[PhotoKind, ...]] = get_args(PhotoKind)
"""The kinds of photo columns."""

ANSWERS: Final = ("label", "confidence", "decision")
"""The columns of predictions that a caller can select."""
ERRORS: Final = ("error", "error_code")
"""The columns that every result has."""
EMBEDDING: Final = "embedding"
"""The column of embeddings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSettings:
    """The checked arguments of a scorer; small, so that engines can send them with every task."""

    bundle: str
    """The absolute path of the file."""
    sha256: str
    """The SHA-256 of the file when the scorer was created."""
    exported: bool
    """Whether the file is an export, which needs no Keras."""
    photo_column: str
    photo_kind: PhotoKind
    id_column: str | None
    columns: tuple[str, ...]
    probabilities: bool
    embedding_width: int
    """The number of values of an embedding; 0 without embeddings."""
    threads: int
