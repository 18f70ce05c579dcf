"""Bounded reading of any file, and atomic, durable writing.

Reading: only regular files are opened, without ever waiting for a FIFO or a device, and at most a
limit is read, whatever the file claims or however it grows.

Writing: after any crash the old file or the new one is there, whole. An existing file keeps its
permissions. A link that the caller names as the output stays a link, and the file that it leads to
is replaced.

Examples
--------
>>> import tempfile, pathlib
>>> from shelfvision._storage import read_bounded, write_atomically
>>> path = pathlib.Path(tempfile.mkdtemp(), "list.csv")
>>> write_atomically(path, b"id,label")
>>> read_bounded(path, 1000)
b'id,label'
"""

from __future__ import annotations

from shelfvision._storage.opening import open_own
from shelfvision._storage.reading import (
    SMALLER,
    MakeError,
    open_regular,
    read_bounded,
    read_with_status,
)
from shelfvision._storage.writing import (
    atomic_writer,
    fsync_directory,
    make_directory,
    storage_error,
    temporary_name,
    write_atomically,
)

__all__ = [
    "SMALLER",
    "MakeError",
    "atomic_writer",
    "fsync_directory",
    "make_directory",
    "open_own",
    "open_regular",
    "read_bounded",
    "read_with_status",
    "storage_error",
    "temporary_name",
    "write_atomically",
]
