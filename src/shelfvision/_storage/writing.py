"""Atomic, durable writing.

After a crash, either the complete old file or the complete new file exists. An existing file keeps
its permissions. If the output path is a link, the target of the link is replaced. A `RemoteFile` is
uploaded as one object.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from shelfvision._storage.opening import BINARY, CHUNK
from shelfvision._storage.remote import RemoteFile, as_location, require_store, store
from shelfvision.errors import ShelfVisionError, StorageError
from shelfvision.protocols import Location

if sys.platform == "darwin":
    import fcntl

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NO_SUCH_SERVICE = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
_NAME_BYTES = 150


@contextlib.contextmanager
def atomic_writer(path: Location | RemoteFile, *, follow: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file next to `path` for writing; rename it to `path` on success.

    The order is: write, fsync, read back and compare, rename, fsync of the folder. A remote file is
    collected in memory, uploaded as one object, read back and compared.

    Parameters
    ----------
    path : path-like, URL or RemoteFile
        The file to write. Its folder is created if it does not exist. An existing file keeps its
        permissions.
    follow : bool, default=True
        What to do if `path` is a link: True replaces the target of the link, for outputs that a
        user names; False replaces the link itself, or another special file, for files in folders
        of shelfvision.

    Yields
    ------
    BinaryIO
        A binary file to write to.

    Raises
    ------
    StorageError
        The file cannot be written, or `path` is a folder, FIFO, device or socket. An existing file
        is unchanged, and no temporary file remains. If the fsync of the folder fails, the new file
        is at `path` already, and the message warns that a power cut may restore the old file.
    """
    place = as_location(path, writes=True)
    if isinstance(place, RemoteFile):
        with _uploader(place) as upload:
            yield upload
        return
    target = Path(place)
    try:
        target = _led_to(target) if follow else target
        existing = _existing(target) if follow else None
        temporary = target.with_name(temporary_name(target.name, secrets.token_hex(6)))
        make_directory(target.parent)
        raw = _NewFile(temporary, like=existing)
    except (OSError, ValueError) as error:
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
        # Errors of the caller's code, such as a photo that cannot be read, are not converted.
        if isinstance(error, OSError) and not isinstance(error, ShelfVisionError):
            raise storage_error(target, error, replaced=replaced) from error
        raise


@contextlib.contextmanager
def _uploader(file: RemoteFile) -> Iterator[BinaryIO]:
    """Collect a remote file in memory; upload it on success."""
    with io.BytesIO() as content:
        yield content
        try:
            store(file, content.getvalue())
        except OSError as error:
            raise _upload_error(file, error) from None


def _upload_error(file: RemoteFile, error: OSError) -> StorageError:
    """Return the error for a remote file that cannot be written."""
    if error.errno == errno.EBADMSG:
        return StorageError(
            f"{file.shown!r} must contain the bytes that were uploaded, but {error.strerror}; "
            "another program may have written it at the same time, so save again",
            code="damaged",
        )
    return StorageError(
        f"cannot write {file.shown!r}: {error.strerror}; an existing file is unchanged, so check "
        "the URL, the permissions and storage_options, and save again",
        code=_code_of(error),
    )


def write_atomically(path: Location | RemoteFile, data: bytes, *, follow: bool = True) -> None:
    """Write `data` to `path` atomically: a crash leaves the old or the new file, never a mix."""
    with atomic_writer(path, follow=follow) as file:
        file.write(data)


def require_writable(path: Location | RemoteFile) -> None:
    """Check early whether `write_atomically` would fail, and raise its error.

    For a remote file, only its store and the packages are checked; nothing is sent.

    Raises
    ------
    StorageError
        The path is a folder, FIFO, device or socket, its folder is a file, or one of them may not
        be written to.
    """
    place = as_location(path, writes=True)
    if isinstance(place, RemoteFile):
        try:
            require_store(place)
        except OSError as error:
            raise _upload_error(place, error) from None
        return
    target = Path(place)
    try:
        target = _led_to(target)
        _existing(target)
        folder = next(place for place in target.absolute().parents if place.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{str(folder)!r} is a file")
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, f"no permission to write in {str(folder)!r}")
    except (OSError, ValueError) as error:
        raise storage_error(target, error) from error


def _led_to(target: Path) -> Path:
    """Return the target of a link that the user passed; the target may be missing."""
    if not target.is_symlink():
        return target
    # A loop of links is refused by the operating system; realpath would return one of them.
    with contextlib.suppress(FileNotFoundError):
        os.stat(target)
    return Path(os.path.realpath(target))


def _existing(target: Path) -> os.stat_result | None:
    """Return the status of the file that is replaced; refuse anything but a regular file."""
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENXIO, "it is a FIFO, device or socket, not a file")
    return status


def temporary_name(name: str, token: str) -> str:
    """Return the name under which a file of this name is written; `token` may be ``"*"``."""
    # File systems usually limit names to 255 bytes, not characters.
    short = os.fsencode(name)[:_NAME_BYTES].decode(errors="ignore")
    return f".{short}.{token}.tmp"


def storage_error(target: Path, error: Exception, *, replaced: bool = False) -> StorageError:
    """Return the error for a `target` that cannot be written."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if replaced:
        return StorageError(
            f"{str(target)!r} is written, but the fsync of its folder failed: {reason}; a power "
            "cut may restore the old file, so check the disk and save again",
            code="not-durable",
        )
    return StorageError(
        f"cannot write {str(target)!r}: {reason}; an existing file is unchanged, so free space "
        "or choose another path and save again",
        code=_code_of(error),
    )


class _DamagedError(OSError):
    """The bytes that were read back differ from those that were written."""


def _code_of(error: Exception) -> str:
    if isinstance(error, _DamagedError):
        return "damaged"
    if isinstance(error, PermissionError):
        return "permission"
    number = getattr(error, "errno", None)
    if number in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
        return "not-a-file"
    if number in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)):
        return "disk-full"
    return "not-writable"


def make_directory(directory: Path) -> None:
    """Create a folder and its parents durably, so that they survive a power failure."""
    missing: list[Path] = []
    while not directory.is_dir():
        missing.append(directory)
        if directory == directory.parent:
            break
        directory = directory.parent
    for folder in reversed(missing):
        # Another process may create it at the same time; a file in its place is an error.
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not folder.is_dir():
                raise
        except ValueError as error:
            # A name with a NUL.
            raise OSError(errno.EINVAL, str(error), os.fspath(folder)) from error
        fsync_directory(folder.parent)


def fsync_directory(directory: Path) -> None:
    """Flush the entries of a folder, so that they survive a power failure."""
    # Without this, a power failure may undo the rename. Windows cannot open a folder.
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        _fsync(descriptor)
    except OSError as error:
        # Some file systems, mainly network file systems, do not support it.
        if error.errno not in _NO_SUCH_SERVICE:
            raise
    finally:
        os.close(descriptor)


class _NewFile(io.RawIOBase):
    """A new file, opened for writing, that records the digest of what was written."""

    def __init__(self, path: Path, *, like: os.stat_result | None) -> None:
        super().__init__()
        self._path = path
        self._position = self._size = self._checksum = 0
        self._in_order = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
        # A file that replaces a private file is private from the start.
        self._descriptor = os.open(path, flags, 0o666 if like is None else 0o600)
        self._like = like

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
        """Read the file back, from the disk if possible, and compare.

        Then give it the permissions of the file that it replaces.
        """
        size = checksum = 0
        descriptor = os.open(self._path, os.O_RDONLY | BINARY)
        try:
            _forget_cached(descriptor)
            while chunk := os.read(descriptor, CHUNK):
                size += len(chunk)
                checksum = zlib.crc32(chunk, checksum)
            if self._like is not None:
                # Last, because the mode may forbid this process to read.
                with contextlib.suppress(OSError):
                    _keep_permissions(descriptor, self._path, self._like)
        finally:
            os.close(descriptor)
        if size != self._size or (self._in_order and checksum != self._checksum):
            raise _DamagedError(errno.EIO, "the disk returns other bytes than were written")


def _keep_permissions(descriptor: int, path: Path, like: os.stat_result) -> None:
    """Give a new file the owner (if permitted) and the mode of another."""
    mode = stat.S_IMODE(like.st_mode) & 0o777
    if sys.platform == "win32":
        os.chmod(path, mode)
        return
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (like.st_uid, like.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, like.st_uid, like.st_gid)
    if os.fstat(descriptor).st_gid != like.st_gid:
        # Another group gets only the permissions of all users.
        mode &= ~0o070 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


def _forget_cached(descriptor: int) -> None:
    advise = getattr(os, "posix_fadvise", None)
    if advise is not None:
        with contextlib.suppress(OSError):
            advise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _fsync(descriptor: int) -> None:
    if sys.platform == "darwin":
        # fsync of macOS leaves bytes in the cache of the drive; network drives support only that.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
