"""`ScoreStatus`: how far a scoring job is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from shelfvision._text import printable
from shelfvision._validation import counted
from shelfvision.scale.jobs._parts import PartRecord
from shelfvision.scale.jobs._plan import JobPlan


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStatus:
    """How far a scoring job is; `shelfvision.scale.score` returns it."""

    path: str
    """The folder with the results."""
    n_photos: int
    """The number of photos of the job."""
    n_done: int
    """The number of photos in finished files, unreadable ones included."""
    errors: Mapping[str, int]
    """The number of unreadable photos in finished files by error code, read-only."""
    n_shards: int
    """The number of files of the finished job."""
    missing: tuple[int, ...]
    """The numbers of the shards without a finished file, sorted."""
    n_scored: int
    """The number of photos that this call scored, unreadable ones included."""
    seconds: float
    """How long this call took."""

    @property
    def is_complete(self) -> bool:
        """Whether every photo is in a finished file."""
        return not self.missing

    @property
    def n_failed(self) -> int:
        """The number of photos in finished files that could not be read."""
        return sum(self.errors.values())

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain JSON values."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"errors": dict(self.errors), "missing": list(self.missing)}

    def __str__(self) -> str:
        """Return one line with the numbers of photos, files and errors."""
        done = f"{self.n_done:,} of {self.n_photos:,} photos"
        files = f"{self.n_shards - len(self.missing):,} of {counted(self.n_shards, 'file')}"
        codes = ", ".join(f"{printable(code)} {count:,}" for code, count in self.errors.items())
        failed = f"; {self.n_failed:,} could not be read ({codes})" if codes else ""
        return f"{printable(self.path)}: {done} in {files}{failed}"


def status_of(
    path: str,
    plan: JobPlan,
    records: Mapping[int, PartRecord],
    *,
    n_scored: int = 0,
    seconds: float = 0.0,
) -> ScoreStatus:
    """Return the status of a job with these finished shards."""
    errors: Counter[str] = Counter()
    for record in records.values():
        errors.update(record.errors)
    return ScoreStatus(
        path=path,
        n_photos=plan.n_photos,
        n_done=sum(record.n_photos for record in records.values()),
        errors=MappingProxyType(dict(errors.most_common())),
        n_shards=plan.n_shards,
        missing=tuple(shard for shard in range(plan.n_shards) if shard not in records),
        n_scored=n_scored,
        seconds=seconds,
    )
