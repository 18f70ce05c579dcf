"""Score one shard: claim it, read its photos, commit its file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, final

from shelfvision._progress import Advance
from shelfvision._storage import RemoteFile, storage_error
from shelfvision._storage.folder_lock import FolderLock
from shelfvision.data.finding.photo_lists import places_below
from shelfvision.errors import ResumeError, ShelfVisionError
from shelfvision.scale._arrow import arrow
from shelfvision.scale.jobs._folder import JobFolder
from shelfvision.scale.jobs._listing import read_shard
from shelfvision.scale.jobs._parts import PartRecord, commit_part, complete_part
from shelfvision.scale.jobs._plan import JobPlan
from shelfvision.scale.jobs._source import ID

if TYPE_CHECKING:
    import pyarrow as pa

PLACE = "path"
"""The column of a batch with the path or URL of each photo."""
POLL_SECONDS = 0.5
"""The time between two looks at shards that other processes are scoring."""
_AT_ONCE = 256

AdvanceShard: TypeAlias = Callable[[int, int], None]
"""Takes a shard, and how many more of its photos are scored."""


class Scoring(Protocol):
    """Scores a batch of photos; picklable.

    Its argument is a table with the columns ``id`` and ``path``. It returns a table with its
    `schema` and the same ids in the same order. The first column is the id, and ``error_code`` is
    the code of the error of a photo that cannot be read, otherwise missing.
    """

    @property
    def schema(self) -> pa.Schema:
        """The columns of the result."""
        ...

    def __call__(self, batch: pa.Table, /) -> pa.Table:
        """Return one row per photo."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a process needs to score shards; picklable."""

    folder: JobFolder
    plan: JobPlan
    root: str | RemoteFile
    """The folder that the ids start from, as an absolute path or by URL."""
    scoring: Scoring


@dataclass(slots=True)
class Tally:
    """What is finished, for progress and for the result."""

    records: dict[int, PartRecord]
    """The records of finished shards."""
    advance: Advance
    """Advances the progress display."""
    n_scored: int = 0
    """The number of photos that this call scored."""
    _partial: dict[int, int] = field(default_factory=dict)

    def advance_shard(self, shard: int, count: int) -> None:
        """Count photos of a shard that is not finished yet."""
        self._partial[shard] = self._partial.get(shard, 0) + count
        self.advance(count)

    def give_up(self, shard: int) -> None:
        """Take back what was counted of a shard whose process has ended."""
        self.advance(-self._partial.pop(shard, 0))

    def finish(self, shard: int, record: PartRecord, *, scored: bool) -> None:
        """Count a finished shard, which another invocation may have scored."""
        self.records[shard] = record
        self.advance(record.n_photos - self._partial.pop(shard, 0))
        self.n_scored += record.n_photos if scored else 0


def score_here(job: Job, shards: Iterable[int], tally: Tally) -> None:
    """Score shards in this process; wait for those that other processes have claimed."""
    pending = list(shards)
    while pending:
        taken = []
        for shard in pending:
            found = scored_shard(job, shard, tally.advance_shard)
            if found is None:
                taken.append(shard)
            else:
                tally.finish(shard, found[0], scored=found[1])
        if len(taken) == len(pending):
            time.sleep(POLL_SECONDS)
        pending = taken


def scored_shard(job: Job, shard: int, advance: AdvanceShard) -> tuple[PartRecord, bool] | None:
    """Return the record of a shard, and whether it was scored here; None if it is claimed."""
    with claimed(job.folder, shard) as lock:
        if lock is None:
            return None
        # Another invocation may have finished it since this one looked.
        record = complete_part(job.folder, job.plan, job.plan.digest, shard)
        if record is not None:
            return record, False
        table = _scores(job, shard, advance)
        return commit_part(job.folder, job.plan, shard, table), True


@contextlib.contextmanager
def claimed(folder: JobFolder, shard: int) -> Iterator[FolderLock | None]:
    """Hold the lock of a shard; None if another process holds it."""
    path = folder.claim(shard)
    lock = FolderLock(path)
    try:
        lock.acquire()
    except ResumeError:
        yield None
        return
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        yield lock
    finally:
        lock.release()


def _scores(job: Job, shard: int, advance: AdvanceShard) -> pa.Table:
    pa = arrow()
    photos = read_shard(job.folder, shard)
    place_of = places_below(job.root)
    parts = []
    for start in range(0, len(photos), _AT_ONCE):
        batch = photos.slice(start, _AT_ONCE)
        paths = [_as_text(place_of(photo)) for photo in batch[ID].to_pylist()]
        found = job.scoring(pa.table({ID: batch[ID], PLACE: pa.array(paths, pa.string())}))
        _require_answer(found, job.scoring.schema, batch)
        for name in photos.column_names[1:]:
            found = found.append_column(name, batch[name])
        parts.append(found)
        advance(shard, len(batch))
    return pa.concat_tables(parts)


def _as_text(path: str) -> str:
    """Return a path that Arrow can store; one that is not UTF-8 becomes one that does not exist."""
    return path.encode("utf-8", "backslashreplace").decode()


def _require_answer(found: pa.Table, schema: pa.Schema, batch: pa.Table) -> None:
    """Refuse scores of other photos, in another order, or with other columns."""
    ids = found.column(0).to_pylist()
    if not found.schema.equals(schema) or ids != batch[ID].to_pylist():
        raise ShelfVisionError(
            f"the scores must have the schema {schema.names} and the ids of the {len(batch)} "
            f"photos, got {found.schema.names} and {len(found)} rows; use a `Scorer`",
            code="contract",
        )
