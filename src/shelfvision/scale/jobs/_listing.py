"""Write the list of photos of a job to a file, and read one shard of it.

The file is in the Arrow IPC format with one record batch per shard, so that a process reads only
the shard that it scores.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shelfvision._storage import atomic_writer
from shelfvision.errors import DataError
from shelfvision.scale.jobs._arrow import arrow
from shelfvision.scale.jobs._folder import JobFolder, digest_of, opened_own

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


def read_shard(folder: JobFolder, shard: int) -> pa.Table:
    """Return the photos of one shard."""
    pa = arrow()
    with opened_own(folder.photos) as file:
        return pa.Table.from_batches([pa.ipc.open_file(file).get_batch(shard)])


def read_listing(folder: JobFolder, sha256: str) -> pa.Table:
    """Return the complete list; a `DataError` says that the file is damaged."""
    require_listing(folder, sha256)
    with opened_own(folder.photos) as file:
        return arrow().ipc.open_file(file).read_all()


def require_listing(folder: JobFolder, sha256: str) -> None:
    """Refuse a list of photos that is not the one of the plan."""
    try:
        found = digest_of(folder.photos)[1]
    except OSError as error:
        found = error.strerror or str(error)
    if found != sha256:
        raise DataError(
            f"the list of photos {os.fspath(folder.photos)!r} must have the SHA-256 {sha256} of "
            f"the plan, got {found}; score into another folder, or remove this one",
            code="damaged",
            parameter="out",
        )
