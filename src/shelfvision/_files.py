"""Atomic, durable writes: after any crash the old file or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from shelfvision.errors import ShelfVisionError, StorageError


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for writing; rename it into place on success.

    Parameters
    ----------
    path : path-like
        Where the finished file shall stand. Its folder is made if need be.

    Yields
    ------
    BinaryIO
        A binary file to write to.

    Raises
    ------
    StorageError
        The file could not be written; what stood at `path` is unchanged and nothing temporary
        is left.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # No context manager: the file has to be closed, and seen to close, before the rename.
        file = open(temporary, "xb")  # noqa: SIM115  (for the reason above)
    except OSError as error:
        raise storage_error(target, error) from error
    try:
        try:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())
        finally:
            file.close()
        os.replace(temporary, target)
        fsync_directory(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        # What the caller's own work raised, a photo that cannot be read say, stays what it is.
        if isinstance(error, OSError) and not isinstance(error, ShelfVisionError):
            raise storage_error(target, error) from error
        raise


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves the old file or the new one, never a mix."""
    with atomic_writer(path) as file:
        file.write(data)


def storage_error(target: Path, error: OSError) -> StorageError:
    """Return the error that says that `target` cannot be written, and why."""
    reason = error.strerror or str(error) or type(error).__name__
    return StorageError(
        f"cannot write {str(target)!r}: {reason}; whatever stood there before is unchanged, "
        "so free space or choose another place and save again"
    )


def fsync_directory(directory: Path) -> None:
    """Make the names in a folder survive a power cut."""
    # Without this a power cut may forget the rename. Windows cannot open a directory.
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
