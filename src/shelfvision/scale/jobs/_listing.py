"""Write the list of photos of a job to a file, and read one shard of it.

The file is in the Arrow IPC format with one record batch per shard, so that a process reads only
the shard that it scores.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shelfvision._storage import atomic_writer
from shelfvision.errors import DataError
from shelfvision.scale._arrow import arrow
from shelfvision.scale.jobs._folder import JobFolder, digest_of, opened_own
from shelfvision.scale.jobs._source import ID

if TYPE_CHECKING:
    import pyarrow as pa


def write_listing(folder: JobFolder, table: pa.Table, shard_size: int) -> str:
    """Write the list, atomically; return the SHA-256 of the file."""
    ipc = arrow().ipc
    with (
        atomic_writer(folder.photos, follow=False) as file,
        ipc.new_file(file, table.schema) as writer,
    ):
        for start in range(0, len(table), shard_size):
            (batch,) = table.slice(start, shard_size).combine_chunks().to_batches()
            writer.write_batch(batch)
    return digest_of(folder.photos)[1]


def _require_shards(folder: JobFolder, photos: pa.Table, shard_size: int) -> None:
    """Refuse a file whose record batches are not the shards of these photos."""
    pa = arrow()
    starts = range(0, len(photos), shard_size)
    try:
        with opened_own(folder.photos) as file:
            reader = pa.ipc.open_file(file)
            is_same = reader.num_record_batches == len(starts) and all(
                _checked(pa.Table.from_batches([reader.get_batch(shard)])).equals(
                    photos.slice(start, shard_size)
                )
                for shard, start in enumerate(starts)
            )
    except (pa.ArrowException, OSError):
        is_same = False
    if not is_same:
        raise _damaged(folder, "the photos of the call", "others")


def _checked(table: pa.Table) -> pa.Table:
    """Refuse offsets outside of the file, which Arrow does not check when it reads."""
    table.validate(full=True)
    return table


def read_shard(folder: JobFolder, shard: int) -> pa.Table:
    """Return the photos of one shard."""
    pa = arrow()
    with opened_own(folder.photos) as file:
        return pa.Table.from_batches([pa.ipc.open_file(file).get_batch(shard)])


def read_listing(folder: JobFolder, sha256: str) -> pa.Table:
    """Return the complete list; a `DataError` says that the file is damaged."""
    pa = arrow()
    _require_sha256(folder, sha256)
    try:
        with opened_own(folder.photos) as file:
            table = _checked(pa.ipc.open_file(file).read_all())
    except (pa.ArrowException, OSError) as error:
        raise _damaged(folder, "a table", " ".join(str(error).split())) from error
    if table.column_names[:1] != [ID] or {*table.schema.types} != {pa.string()}:
        raise _damaged(folder, "columns of text", str(table.column_names))
    return table


def require_listing(folder: JobFolder, sha256: str, photos: pa.Table, shard_size: int) -> None:
    """Refuse a list of photos that is not the one of the plan and of the call."""
    _require_sha256(folder, sha256)
    _require_shards(folder, photos, shard_size)


def _require_sha256(folder: JobFolder, sha256: str) -> None:
    try:
        found = digest_of(folder.photos)[1]
    except OSError as error:
        found = error.strerror or str(error)
    if found != sha256:
        raise _damaged(folder, f"the SHA-256 {sha256} of the plan", found)


def _damaged(folder: JobFolder, wanted: str, found: str) -> DataError:
    return DataError(
        f"the list of photos {os.fspath(folder.photos)!r} must have {wanted}, got {found}; score "
        "into another folder, or remove this one",
        code="damaged",
        parameter="out",
    )
