"""Start or resume a job, and run it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from shelfvision._progress import Verbose, progress
from shelfvision._storage import read_bounded, storage_error, write_atomically
from shelfvision._storage.folder_lock import FolderLock
from shelfvision._validation import as_path, counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    ResumeError,
    ShelfVisionWarning,
    StorageError,
)
from shelfvision.scale.jobs._folder import JobFolder, as_job_folder, leftovers, old_claims
from shelfvision.scale.jobs._listing import read_listing, require_listing, write_listing
from shelfvision.scale.jobs._parts import PartRecord, complete_part
from shelfvision.scale.jobs._plan import (
    MOST_SHARDS,
    JobPlan,
    Settings,
    decoded_plan,
    require_same_job,
)
from shelfvision.scale.jobs._processes import score_in_processes
from shelfvision.scale.jobs._source import PhotoList, difference
from shelfvision.scale.jobs._status import ScoreStatus, status_of
from shelfvision.scale.jobs._work import Job, Scoring, Tally, claimed, score_here

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_PLAN_BYTES = 64 << 20
_MOST_SHARD, _LEAST_SHARD, _SHARDS_PER_PROCESS = 10_000, 64, 4
_PATIENCE_SECONDS, _POLL_SECONDS = 600.0, 0.1


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The classifier of a job, as its plan describes it."""

    name: str
    """The path of the file, for messages."""
    sha256: str
    """The SHA-256 of the file."""
    class_names: tuple[str, ...]
    """The class names."""
    scoring: Scoring
    """Scores a batch of photos."""


def planned(
    photos: PhotoList,
    model: Model,
    settings: Settings,
    *,
    shard_size: int | None,
    processes: int,
    old: JobPlan | None,
) -> JobPlan:
    """Return the plan of a call; its list of photos is not written yet."""
    if shard_size is None:
        # Small enough that a kill loses little, and that every process has work.
        even = -(-len(photos.table) // (_SHARDS_PER_PROCESS * processes))
        shard_size = min(_MOST_SHARD, max(_LEAST_SHARD, even))
        shard_size = shard_size if old is None else old.shard_size
    shards = -(-len(photos.table) // shard_size)
    if shards > MOST_SHARDS:
        raise InvalidParameterError(
            f"shard_size must give at most {MOST_SHARDS:,} files, got {shard_size}, which gives "
            f"{shards:,}; pass at least {-(-len(photos.table) // MOST_SHARDS)}",
            code="not-in-range",
            parameter="shard_size",
        )
    return JobPlan(
        source=photos.name,
        n_photos=len(photos.table),
        photos_sha256=photos.digest,
        listing_sha256="" if old is None else old.listing_sha256,
        shard_size=shard_size,
        model=model.name,
        model_sha256=model.sha256,
        class_names=model.class_names,
        settings=settings,
        schema=_schema_text(model.scoring.schema, photos.table),
    )


def _schema_text(schema: pa.Schema, photos: pa.Table) -> str:
    kept = photos.column_names[1:]
    twice = sorted({*schema.names} & {*kept})
    if twice:
        raise InvalidParameterError(
            f"keep must not have names of the output, got {listed(twice)}; rename the column in "
            "the manifest",
            code="duplicate",
            parameter="keep",
        )
    return "\n".join([*(f"{field.name}: {field.type}" for field in schema), *kept])


def planned_status(
    out: str,
    photos: PhotoList,
    model: Model,
    settings: Settings,
    *,
    shard_size: int | None = None,
    processes: int = 1,
) -> ScoreStatus:
    """Return the status that a job would start with; nothing is written."""
    folder = as_job_folder(out)
    old = _plan_or_unused(folder)
    plan = planned(photos, model, settings, shard_size=shard_size, processes=processes, old=old)
    if old is not None:
        _require_same(folder, old, plan, photos)
    return status_of(str(folder.path), plan, {} if old is None else finished_parts(folder, plan))


def started_job(
    out: str,
    photos: PhotoList,
    model: Model,
    settings: Settings,
    *,
    shard_size: int | None = None,
    processes: int = 1,
) -> Job:
    """Write the plan of a new job, or check that the plan in the folder is the same."""
    folder = as_job_folder(out)
    _plan_or_unused(folder)
    folder.create()
    with _planning(folder):
        old = read_plan(folder)
        plan = planned(photos, model, settings, shard_size=shard_size, processes=processes, old=old)
        if old is None:
            listing = write_listing(folder, photos.table, plan.shard_size)
            plan = replace(plan, listing_sha256=listing)
            write_atomically(folder.plan, plan.encode(), follow=False)
        else:
            _require_same(folder, old, plan, photos)
            require_listing(folder, plan.listing_sha256, photos.table, plan.shard_size)
    return Job(folder=folder, plan=plan, root=photos.root, scoring=model.scoring)


def run_job(job: Job, *, processes: int = 1, verbose: Verbose = "auto") -> ScoreStatus:
    """Score all shards that are missing; return when every shard is finished.

    Shards that another invocation has claimed are waited for, and scored here if it is killed.
    """
    began = time.monotonic()
    plan = job.plan
    _warn_of_foreign_files(job)
    records = finished_parts(job.folder, plan)
    done = sum(record.n_photos for record in records.values())
    missing = [shard for shard in range(plan.n_shards) if shard not in records]
    with progress("Scoring", plan.n_photos, verbose=verbose, done=done, unit="photos") as advance:
        tally = Tally(records, advance)
        if processes == 1:
            score_here(job, missing, tally)
        else:
            score_in_processes(job, missing, tally, processes)
    clean_up(job)
    seconds = time.monotonic() - began
    path = str(job.folder.path)
    return status_of(path, plan, records, n_scored=tally.n_scored, seconds=seconds)


def finished_parts(folder: JobFolder, plan: JobPlan) -> dict[int, PartRecord]:
    """Return the records of all shards whose files are complete; every file is read."""
    digest = plan.digest
    found = ((shard, complete_part(folder, plan, digest, shard)) for shard in range(plan.n_shards))
    return {shard: record for shard, record in found if record is not None}


def read_plan(folder: JobFolder) -> JobPlan | None:
    """Return the plan of a folder; None if it has none."""
    folder.require_no_links()
    name = repr(str(folder.plan))
    try:
        data = read_bounded(
            folder.plan,
            _MOST_PLAN_BYTES,
            what="the plan",
            error=DataError,
            missing=DatasetNotFoundError,
            parameter="out",
            follow=False,
        )
    except DatasetNotFoundError:
        return None
    return decoded_plan(data, name)


def existing_job(out: str | os.PathLike[str]) -> tuple[JobFolder, JobPlan]:
    """Return the folder and the plan of a job; refuse a folder without one."""
    place = as_path(out, "out")
    folder = as_job_folder(place)
    plan = read_plan(folder)
    if plan is None:
        raise DatasetNotFoundError(
            f"out must be a folder that score wrote to, got {place!r}, which has no "
            f"{folder.state.name}/{folder.plan.name}; check the path",
            code="not-found",
            parameter="out",
        )
    return folder, plan


def _plan_or_unused(folder: JobFolder) -> JobPlan | None:
    """Return the plan of a folder, or refuse Parquet files of another program beside ours."""
    # The files first, because another invocation may write the plan and then a file meanwhile.
    files = folder.parquet_files()
    plan = read_plan(folder)
    if files and plan is None:
        raise StorageError(
            f"out must be a folder without Parquet files, got {str(folder.path)!r} with "
            f"{listed(files)} and without the plan of a job; score into another folder",
            code="not-empty",
            parameter="out",
        )
    return plan


def _require_same(folder: JobFolder, old: JobPlan, new: JobPlan, photos: PhotoList) -> None:
    if old.digest == new.digest:
        return
    clause = ""
    if old.photos_sha256 != new.photos_sha256:
        clause = difference(read_listing(folder, old.listing_sha256), photos.table)
    require_same_job(old, new, repr(str(folder.path)), clause)


@contextmanager
def _planning(folder: JobFolder) -> Iterator[FolderLock | None]:
    """Hold the lock of the plan, so that two invocations cannot start different jobs."""
    path = folder.state / "plan.lock"
    lock = FolderLock(path)
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            lock.acquire()
            break
        except ResumeError as error:
            if time.monotonic() > until:
                raise StorageError(
                    f"{str(path)!r} must be free, but another process has held it for "
                    f"{_PATIENCE_SECONDS:.0f} s; stop that process",
                    code="lock-taken",
                    parameter="out",
                ) from error
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            raise storage_error(path, error) from error
    try:
        yield lock
    finally:
        lock.release()


def _warn_of_foreign_files(job: Job) -> None:
    files = job.folder.foreign_files(job.plan.n_shards)
    if files:
        warn_caller(
            ShelfVisionWarning(
                f"{str(job.folder.path)!r} has {counted(len(files), 'file')} of another program, "
                f"{listed(files)}, left alone; move them, because readers of the folder read "
                "all its files",
                code="foreign-files",
                parameter="out",
            )
        )


def clean_up(job: Job) -> None:
    """Remove the temporary files and lock files that killed processes left."""
    for path, shard in leftovers(job.folder).items():
        # Whoever writes the file of a shard holds its lock, so a file without one is not in use.
        lock = _planning(job.folder) if shard is None else claimed(job.folder, shard)
        with lock as held:
            if held is not None and held.excludes:
                with suppress(OSError):
                    os.unlink(path)
    for shard in old_claims(job.folder):
        # A lock that can be acquired is nobody's; releasing it removes its file.
        with claimed(job.folder, shard):
            pass
