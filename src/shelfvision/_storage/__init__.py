"""Bounded reading of files, and atomic, durable writing.

Reading: only regular files are opened, never a FIFO or a device, which could block. No read exceeds
its limit, even if the file grows.

Writing: after a crash, either the complete old file or the complete new file exists. An existing
file keeps its permissions. If the output path is a link, the target of the link is replaced.

Paths may be URLs where a function calls `as_location`; see `shelfvision._storage.remote`.

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
    read_start,
    read_with_status,
)
from shelfvision._storage.remote import RemoteFile, as_location, suffix_of_location
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
    "RemoteFile",
    "as_location",
    "atomic_writer",
    "fsync_directory",
    "make_directory",
    "open_own",
    "open_regular",
    "read_bounded",
    "read_start",
    "read_with_status",
    "storage_error",
    "suffix_of_location",
    "temporary_name",
    "write_atomically",
]
