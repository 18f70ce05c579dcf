"""Atomic, durable writes: after any crash the old file or the new one is there, whole."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from shelfvision.errors import ShelfVisionError, StorageError

if sys.platform == "darwin":
    import fcntl

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK = 1 << 20
_BINARY: int = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_SUCH_SERVICE = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for writing; rename it into place on success.

    The order is: write, fsync, read back and compare, rename, fsync of the folder.

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
        is left. Where the folder's own fsync fails, the new file stands at `path` already, and
        the error says that a power cut may still bring the old one back.
    """
    target = Path(path)
    temporary = target.with_name(temporary_name(target.name, secrets.token_hex(6)))
    try:
        make_directory(target.parent)
        raw = _NewFile(temporary)
    except OSError as error:
        raise storage_error(target, error) from error
    replaced = False
    try:
        file = io.BufferedWriter(raw)
        try:
            yield cast("BinaryIO", file)
            file.flush()
            _fsync(raw.fileno())
        finally:
            file.close()
        raw.compare()
        os.replace(temporary, target)
        replaced = True
        fsync_directory(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        # What the caller's own work raised, a photo that cannot be read say, stays what it is.
        if isinstance(error, OSError) and not isinstance(error, ShelfVisionError):
            raise storage_error(target, error, replaced=replaced) from error
        raise


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves the old file or the new one, never a mix."""
    with atomic_writer(path) as file:
        file.write(data)


def temporary_name(name: str, token: str) -> str:
    """Return the name under which a file of this name is written; `token` may be ``"*"``."""
    return f".{name[:200]}.{token}.tmp"


def storage_error(target: Path, error: OSError, *, replaced: bool = False) -> StorageError:
    """Return the error that says that `target` cannot be written, and why."""
    reason = error.strerror or str(error) or type(error).__name__
    if replaced:
        return StorageError(
            f"{str(target)!r} is written, but its folder could not be made to last: {reason}; a "
            "power cut may bring back what stood there before, so check the disk and save again"
        )
    return StorageError(
        f"cannot write {str(target)!r}: {reason}; whatever stood there before is unchanged, "
        "so free space or choose another place and save again"
    )


def make_directory(directory: Path) -> None:
    """Make a folder, and those above it, whose names survive a power cut."""
    if directory.is_dir():
        return
    if directory != directory.parent:
        make_directory(directory.parent)
    # Another process may be as quick; a file in the way is told by the operating system.
    try:
        os.mkdir(directory)
    except FileExistsError:
        if not directory.is_dir():
            raise
    fsync_directory(directory.parent)


def fsync_directory(directory: Path) -> None:
    """Make the names in a folder survive a power cut."""
    # Without this a power cut may forget the rename. Windows cannot open a directory.
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        _fsync(descriptor)
    except OSError as error:
        # Some file systems, those of other machines above all, know no such thing.
        if error.errno not in _NO_SUCH_SERVICE:
            raise
    finally:
        os.close(descriptor)


class _NewFile(io.RawIOBase):
    """A file that does not exist yet, opened for writing, which remembers what went into it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._position = self._size = self._checksum = 0
        self._in_order = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        self._descriptor = os.open(path, flags, 0o666)

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Buffer, /) -> int:
        view = memoryview(data)
        done = os.write(self._descriptor, view)
        self._in_order = self._in_order and self._position == self._size
        self._checksum = zlib.crc32(view[:done], self._checksum)
        self._position += done
        self._size = max(self._size, self._position)
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._position = os.lseek(self._descriptor, offset, whence)
        return self._position

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)

    def compare(self) -> None:
        """Read the file, from the disk itself where that can be asked for, and compare."""
        size = checksum = 0
        descriptor = os.open(self._path, os.O_RDONLY | _BINARY)
        try:
            _forget_cached(descriptor)
            while chunk := os.read(descriptor, _CHUNK):
                size += len(chunk)
                checksum = zlib.crc32(chunk, checksum)
        finally:
            os.close(descriptor)
        if size != self._size or (self._in_order and checksum != self._checksum):
            raise OSError(errno.EIO, "the disk gives back other bytes than were written")


def _forget_cached(descriptor: int) -> None:
    advise = getattr(os, "posix_fadvise", None)
    if advise is not None:
        with contextlib.suppress(OSError):
            advise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _fsync(descriptor: int) -> None:
    if sys.platform == "darwin":
        # Its fsync leaves bytes in the drive's own memory; a network drive knows no other.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
