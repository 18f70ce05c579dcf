"""Bounded reading of any file, and atomic, durable writing.

Reading: only regular files are opened, without ever waiting for a FIFO or a device, and at most a
limit is read, whatever the file claims or however it grows.

Writing: after any crash the old file or the new one is there, whole. An existing file keeps its
permissions. A link that the caller names as the output stays a link, and the file that it leads to
is replaced.

Examples
--------
>>> import tempfile, pathlib
>>> from shelfvision._files import read_bounded, write_atomically
>>> path = pathlib.Path(tempfile.mkdtemp(), "list.csv")
>>> write_atomically(path, b"id,label")
>>> read_bounded(path, 1000)
b'id,label'
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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Protocol, cast

from shelfvision.errors import DataError, DatasetNotFoundError, ShelfVisionError, StorageError

if sys.platform == "darwin":
    import fcntl

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK = 1 << 20
_BINARY: int = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Opening a FIFO that nobody writes to would wait for ever; a terminal would become ours.
_WITHOUT_WAITING: int = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NO_SUCH_SERVICE = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
_NAME_BYTES = 150

SMALLER = "check the path, or split the file"
"""What to do about a file that is too large, where the caller knows nothing better."""


class MakeError(Protocol):
    """Makes the error of a file that cannot be read; every error class of ours does."""

    def __call__(
        self, message: str, *, code: str | None = None, parameter: str | None = None
    ) -> ShelfVisionError:
        """Return the error."""
        ...


def read_bounded(
    source: str | os.PathLike[str] | BinaryIO,
    limit: int,
    *,
    what: str = "the file",
    error: MakeError = DataError,
    missing: MakeError = DatasetNotFoundError,
    parameter: str | None = None,
    smaller: str = SMALLER,
    follow: bool = True,
) -> bytes:
    """Return the bytes of a regular file that has at most `limit` of them.

    Parameters
    ----------
    source : path-like or binary file
        The file. What is open already is read from where it stands.
    limit : int
        The most bytes that are accepted. One more is read at most, also where the file grows.
    what : str, default="the file"
        What messages call it: ``"the saved split"``.
    error : callable, default=DataError
        Makes the error, given a message, `code` and `parameter`: a class of
        `shelfvision.errors`, or a `functools.partial` of one.
    missing : callable, default=DatasetNotFoundError
        The same for a file that does not exist.
    parameter : str, optional
        The public name of the argument that `source` came in.
    smaller : str, default="check the path, or split the file"
        What to do where the file is too large.
    follow : bool, default=True
        Whether a link is followed. Files below a folder of ours are read with False.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    ShelfVisionError
        What `missing` makes, with the code ``"not-found"``, or what `error` makes, with
        ``"not-a-file"`` (a folder, FIFO, device, socket, or a link that must not be followed),
        ``"too-large"``, ``"permission"`` or ``"unreadable"``.
    """
    refusal = _Refusal(
        where=_named(source, what),
        error=error,
        missing=missing,
        parameter=parameter,
        smaller=smaller,
    )
    if not isinstance(source, str | os.PathLike):
        return _read_open(source, limit, 0, refusal)
    data, _ = _read_regular(source, limit, refusal, follow=follow)
    return data


def read_with_status(
    path: str | os.PathLike[str],
    limit: int,
    *,
    what: str = "the file",
    error: MakeError = DataError,
    missing: MakeError = DatasetNotFoundError,
    parameter: str | None = None,
    smaller: str = SMALLER,
) -> tuple[bytes, os.stat_result]:
    """Return what `read_bounded` returns, and the status that the file had when it was opened."""
    refusal = _Refusal(
        where=_named(path, what),
        error=error,
        missing=missing,
        parameter=parameter,
        smaller=smaller,
    )
    return _read_regular(path, limit, refusal, follow=True)


def open_regular(
    path: str | os.PathLike[str],
    limit: int,
    *,
    what: str = "the file",
    error: MakeError = DataError,
    missing: MakeError = DatasetNotFoundError,
    parameter: str | None = None,
    smaller: str = SMALLER,
    follow: bool = True,
) -> io.BufferedReader:
    """Open a regular file of at most `limit` bytes for reading, for formats read in pieces.

    The file may grow afterwards: whoever reads it bounds what is read.

    Raises
    ------
    ShelfVisionError
        As for `read_bounded`.
    """
    refusal = _Refusal(
        where=_named(path, what),
        error=error,
        missing=missing,
        parameter=parameter,
        smaller=smaller,
    )
    try:
        return io.BufferedReader(_opened(path, limit, refusal, follow=follow)[0])
    except (OSError, ValueError) as fault:
        refusal.of(fault)


def open_own(
    path: str | os.PathLike[str], flags: int, mode: int = 0o666, *, alone: bool = True
) -> int:
    """Open a file of a folder of ours; return its descriptor.

    What someone planted there is never opened: a link, a second name of another file, a FIFO, a
    device.

    Parameters
    ----------
    path : path-like
        The file. Links in the folders above it are followed.
    flags : int
        Flags of `os.open`. Without ``os.O_TRUNC``: truncate what was returned instead.
    mode : int, default=0o666
        The permissions of a file that is made.
    alone : bool, default=True
        Whether a second name of another file is refused. Where it is not, the caller looks at
        ``st_nlink`` before it writes.

    Raises
    ------
    OSError
        The file cannot be opened, or is planted (``errno.ELOOP``).
    """
    if os.path.islink(path):
        raise OSError(errno.ELOOP, "it is a link", os.fspath(path))
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, "it is not a regular file", os.fspath(path))
    descriptor = os.open(path, flags | _NO_FOLLOW | _WITHOUT_WAITING | _BINARY, mode)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (alone and status.st_nlink > 1):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "it is also a file elsewhere", os.fspath(path))
    return descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """Says in one sentence why a file is not read."""

    where: str
    error: MakeError
    missing: MakeError
    parameter: str | None
    smaller: str

    def because(self, code: str, fault: str, remedy: str) -> NoReturn:
        """Raise the error of this code."""
        make = self.missing if code == "not-found" else self.error
        message = f"{self.where} {fault}; {remedy}"
        raise make(message, code=code, parameter=self.parameter)

    def of(self, fault: Exception) -> NoReturn:
        """Raise the error that says what the operating system said."""
        if isinstance(fault, ShelfVisionError):
            raise fault
        if isinstance(fault, FileNotFoundError | NotADirectoryError):
            remedy = "check the path"
            if "://" in self.where:
                remedy = "addresses are not fetched, so download the file and give its path"
            self.because("not-found", "does not exist", remedy)
        if isinstance(fault, PermissionError):
            self.because("permission", "may not be read: permission denied", "allow reading it")
        if isinstance(fault, OSError) and fault.errno in (errno.ELOOP, errno.ENXIO):
            self.because("not-a-file", "is not a regular file", "give the path of a file")
        reason = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        remedy = "check the path and the disk it is on"
        self.because("unreadable", f"cannot be read: {reason}", remedy)


def _named(source: object, what: str) -> str:
    named = isinstance(source, str | bytes | os.PathLike)
    return f"{what} {os.fsdecode(source)!r}" if named else what  # type: ignore[arg-type]  # checked


def _opened(
    path: str | os.PathLike[str], limit: int, refusal: _Refusal, *, follow: bool
) -> tuple[io.FileIO, os.stat_result]:
    # Merely opening some devices has an effect, so the kind is looked at before and after.
    _require_regular(os.stat(path) if follow else os.lstat(path), refusal)
    flags = os.O_RDONLY | _WITHOUT_WAITING | _BINARY | (0 if follow else _NO_FOLLOW)
    file = io.FileIO(os.open(path, flags), "rb")
    try:
        status = os.fstat(file.fileno())
        _require_regular(status, refusal)
        if status.st_size > limit:
            _refuse_large(status.st_size, limit, refusal)
    except BaseException:
        file.close()
        raise
    return file, status


def _require_regular(status: os.stat_result, refusal: _Refusal) -> None:
    if stat.S_ISDIR(status.st_mode):
        refusal.because("not-a-file", "is a folder, not a file", "give the path of a file")
    if not stat.S_ISREG(status.st_mode):
        fault = "is not a regular file but a link, FIFO, device or socket"
        refusal.because("not-a-file", fault, "give the path of a file")


def _read_regular(
    path: str | os.PathLike[str], limit: int, refusal: _Refusal, *, follow: bool
) -> tuple[bytes, os.stat_result]:
    try:
        file, status = _opened(path, limit, refusal, follow=follow)
        with file:
            return _read_open(cast("BinaryIO", file), limit, status.st_size, refusal), status
    except (OSError, ValueError) as fault:
        refusal.of(fault)


def _read_open(file: BinaryIO, limit: int, expected: int, refusal: _Refusal) -> bytes:
    """Read to the end, but never more than one byte past the limit."""
    parts: list[bytes] = []
    total, size = 0, max(expected, 65536)
    while part := file.read(min(size, limit - total) + 1):
        if not isinstance(part, bytes):
            refusal.because("wrong-type", "gives text, not bytes", "open it in binary mode")
        parts.append(part)
        total += len(part)
        if total > limit:
            _refuse_large(None, limit, refusal)
        size = _CHUNK
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refuse_large(size: int | None, limit: int, refusal: _Refusal) -> NoReturn:
    has = f"has {size:,} bytes, more than" if size is not None else "has more bytes than"
    refusal.because(
        "too-large", f"{has} the {limit:,} allowed", "check the path, or split the file"
    )


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str], *, follow: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for writing; rename it into place on success.

    The order is: write, fsync, read back and compare, rename, fsync of the folder.

    Parameters
    ----------
    path : path-like
        The file to write. Its folder is made if need be. An existing file keeps its permissions.
    follow : bool, default=True
        What happens where `path` is a link: True replaces the file that it leads to, for outputs
        that a user names; False replaces the link itself, or whatever else was planted, for
        files below a folder of ours.

    Yields
    ------
    BinaryIO
        A binary file to write to.

    Raises
    ------
    StorageError
        The file could not be written, or `path` is a folder, FIFO, device or socket; what stood
        at `path` is unchanged and nothing temporary is left. Where the folder's own fsync fails,
        the new file stands at `path` already, and the error says that a power cut may still bring
        the old one back.
    """
    target = Path(path)
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
        # What the caller's own work raised, a photo that cannot be read say, stays what it is.
        if isinstance(error, OSError) and not isinstance(error, ShelfVisionError):
            raise storage_error(target, error, replaced=replaced) from error
        raise


def write_atomically(path: str | os.PathLike[str], data: bytes, *, follow: bool = True) -> None:
    """Write `data` to `path` so that a crash leaves the old file or the new one, never a mix."""
    with atomic_writer(path, follow=follow) as file:
        file.write(data)


def _led_to(target: Path) -> Path:
    """Return where a link that the user named leads, which need not exist yet."""
    if not target.is_symlink():
        return target
    # A loop of links is refused by the operating system; realpath would return one of them.
    with contextlib.suppress(FileNotFoundError):
        os.stat(target)
    return Path(os.path.realpath(target))


def _existing(target: Path) -> os.stat_result | None:
    """Return the status of the file that is replaced; refuse what is no file."""
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
    # File systems limit bytes, 255 as a rule, not letters.
    short = os.fsencode(name)[:_NAME_BYTES].decode(errors="ignore")
    return f".{short}.{token}.tmp"


def storage_error(target: Path, error: Exception, *, replaced: bool = False) -> StorageError:
    """Return the error that says that `target` cannot be written, and why."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if replaced:
        return StorageError(
            f"{str(target)!r} is written, but its folder could not be made to last: {reason}; a "
            "power cut may bring back what stood there before, so check the disk and save again",
            code="not-durable",
        )
    return StorageError(
        f"cannot write {str(target)!r}: {reason}; whatever stood there before is unchanged, "
        "so free space or choose another place and save again",
        code=_code_of(error),
    )


class _DamagedError(OSError):
    """What was written is not what is read back."""


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
    return "unwritable"


def make_directory(directory: Path) -> None:
    """Make a folder, and those above it, whose names survive a power cut."""
    missing: list[Path] = []
    while not directory.is_dir():
        missing.append(directory)
        if directory == directory.parent:
            break
        directory = directory.parent
    for folder in reversed(missing):
        # Another process may be as quick; a file in the way is told by the operating system.
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not folder.is_dir():
                raise
        fsync_directory(folder.parent)


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

    def __init__(self, path: Path, *, like: os.stat_result | None) -> None:
        super().__init__()
        self._path = path
        self._position = self._size = self._checksum = 0
        self._in_order = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        # What replaces a private file is private from its first moment.
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
        """Read the file, from the disk itself where that can be asked for, and compare.

        It then gets the permissions of the file that it replaces.
        """
        size = checksum = 0
        descriptor = os.open(self._path, os.O_RDONLY | _BINARY)
        try:
            _forget_cached(descriptor)
            while chunk := os.read(descriptor, _CHUNK):
                size += len(chunk)
                checksum = zlib.crc32(chunk, checksum)
            if self._like is not None:
                # Last, for the mode may not let this process read.
                with contextlib.suppress(OSError):
                    _keep_permissions(descriptor, self._path, self._like)
        finally:
            os.close(descriptor)
        if size != self._size or (self._in_order and checksum != self._checksum):
            raise _DamagedError(errno.EIO, "the disk gives back other bytes than were written")


def _keep_permissions(descriptor: int, path: Path, like: os.stat_result) -> None:
    """Give a new file the owner, where that is allowed, and the mode of another."""
    mode = stat.S_IMODE(like.st_mode) & 0o777
    if sys.platform == "win32":
        os.chmod(path, mode)
        return
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (like.st_uid, like.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, like.st_uid, like.st_gid)
    if os.fstat(descriptor).st_gid != like.st_gid:
        # Another group gets no more than everybody has.
        mode &= ~0o070 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


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
