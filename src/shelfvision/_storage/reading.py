"""Bounded reading of files.

Only regular files are opened, never a FIFO or a device, which could block. No read exceeds its
limit, even if the file grows.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Protocol, cast

from shelfvision._storage.opening import BINARY, CHUNK, NO_FOLLOW, WITHOUT_WAITING
from shelfvision._storage.remote import RemoteFile, fetch
from shelfvision._urls import is_url, refuse_url
from shelfvision.errors import DataError, DatasetNotFoundError, ShelfVisionError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SMALLER = "check the path, or split the file"
"""The default remedy for a file that is too large."""


class MakeError(Protocol):
    """A function that returns the error for an unreadable file, such as an error class."""

    def __call__(
        self, message: str, *, code: str | None = None, parameter: str | None = None
    ) -> ShelfVisionError:
        """Return the error."""
        ...


def read_bounded(
    source: str | os.PathLike[str] | RemoteFile | BinaryIO,
    limit: int,
    *,
    what: str = "the file",
    error: MakeError = DataError,
    missing: MakeError = DatasetNotFoundError,
    parameter: str | None = None,
    smaller: str = SMALLER,
    follow: bool = True,
) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Parameters
    ----------
    source : path-like, RemoteFile or binary file
        The file. An open file is read from its current position.
    limit : int
        The maximum number of bytes. At most one more byte is read, even if the file grows.
    what : str, default="the file"
        The name of the file in messages: ``"the saved split"``.
    error : callable, default=DataError
        Returns the error for a message, `code` and `parameter`: a class of
        `shelfvision.errors`, or a `functools.partial` of one.
    missing : callable, default=DatasetNotFoundError
        The same for a file that does not exist.
    parameter : str, optional
        The public name of the argument with `source`.
    smaller : str, default="check the path, or split the file"
        The remedy for a file that is too large.
    follow : bool, default=True
        Whether a link is followed. Files in our own folders are read with False.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    ShelfVisionError
        The error of `missing`, with the code ``"not-found"``, or of `error`, with
        ``"not-a-file"`` (a folder, FIFO, device, socket, or a link that must not be followed),
        ``"too-large"``, ``"permission"`` or ``"unreadable"``.
    """
    refusal = _Refusal(
        where=_named(source, what),
        error=error,
        missing=missing,
        parameter=parameter,
        smaller=smaller,
        remote=isinstance(source, RemoteFile),
    )
    if isinstance(source, RemoteFile):
        return _read_remote(source, limit, refusal)
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
    path: str | os.PathLike[str] | RemoteFile,
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

    The file may grow afterwards, so the caller must limit what it reads. A remote file is read
    whole into memory.

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
        remote=isinstance(path, RemoteFile),
    )
    if isinstance(path, RemoteFile):
        return io.BufferedReader(io.BytesIO(_read_remote(path, limit, refusal)))
    try:
        file, _ = _opened(path, limit, refusal, follow=follow)
        return io.BufferedReader(_Told(file, refusal))
    except (OSError, ValueError) as fault:
        refusal.of(fault)


def read_start(
    path: str | os.PathLike[str] | RemoteFile,
    count: int,
    *,
    what: str = "the file",
    error: MakeError = DataError,
    missing: MakeError = DatasetNotFoundError,
    parameter: str | None = None,
) -> bytes:
    """Return at most `count` bytes from the start of a regular file of any size.

    Raises
    ------
    ShelfVisionError
        As for `read_bounded`, except that no file is too large.
    """
    if not isinstance(path, RemoteFile):
        opened = open_regular(
            path, sys.maxsize, what=what, error=error, missing=missing, parameter=parameter
        )
        with opened as file:
            return file.read(count)
    refusal = _Refusal(
        where=_named(path, what),
        error=error,
        missing=missing,
        parameter=parameter,
        smaller=SMALLER,
        remote=True,
    )
    return _fetched(path, count, refusal)


class _Told(io.RawIOBase):
    """A file whose read errors are converted to the same errors as those of opening it."""

    def __init__(self, file: io.FileIO, refusal: _Refusal) -> None:
        super().__init__()
        self._file = file
        self._refusal = refusal

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        try:
            count = self._file.readinto(buffer)
        except OSError as fault:
            self._refusal.of(fault)
        if count is None:
            self._refusal.waits()
        return count

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """The error for a file that is not read, in one sentence."""

    where: str
    error: MakeError
    missing: MakeError
    parameter: str | None
    smaller: str
    remote: bool = False

    def because(self, code: str, fault: str, remedy: str) -> NoReturn:
        """Raise the error of this code."""
        make = self.missing if code == "not-found" else self.error
        message = f"{self.where} {fault}; {remedy}"
        raise make(message, code=code, parameter=self.parameter)

    @property
    def _place(self) -> str:
        return "URL" if self.remote else "path"

    def waits(self) -> NoReturn:
        """Raise the error for a file that claims to be regular but blocks its reader."""
        fault = "is not a regular file: reading it would wait for data"
        self.because("not-a-file", fault, "give the path of a file")

    def of(self, fault: Exception) -> NoReturn:
        """Raise the error with the message of the operating system."""
        if isinstance(fault, ShelfVisionError):
            raise fault
        if isinstance(fault, FileNotFoundError | NotADirectoryError):
            self.because("not-found", "does not exist", f"check the {self._place}")
        reason = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        if isinstance(fault, PermissionError) and self.remote:
            remedy = "pass credentials in storage_options, or set them in the environment"
            self.because("permission", f"may not be read: {reason}", remedy)
        if isinstance(fault, PermissionError):
            self.because("permission", "may not be read: permission denied", "allow reading it")
        if isinstance(fault, OSError) and fault.errno in (errno.ELOOP, errno.ENXIO):
            self.because("not-a-file", "is not a regular file", "give the path of a file")
        remedy = "check the path and the disk it is on"
        if self.remote:
            remedy = "check the URL, the network and storage_options"
        self.because("unreadable", f"cannot be read: {reason}", remedy)


def _read_remote(file: RemoteFile, limit: int, refusal: _Refusal) -> bytes:
    data = _fetched(file, limit + 1, refusal)
    if len(data) > limit:
        _refuse_large(None, limit, refusal)
    return data


def _fetched(file: RemoteFile, most: int, refusal: _Refusal) -> bytes:
    try:
        return fetch(file, most)
    except OSError as fault:
        refusal.of(fault)


def _named(source: object, what: str) -> str:
    if isinstance(source, RemoteFile):
        return f"{what} {source.shown!r}"
    named = isinstance(source, str | bytes | os.PathLike)
    return f"{what} {os.fsdecode(source)!r}" if named else what  # type: ignore[arg-type]  # checked


def _opened(
    path: str | os.PathLike[str], limit: int, refusal: _Refusal, *, follow: bool
) -> tuple[io.FileIO, os.stat_result]:
    if is_url(path):
        refuse_url(path, refusal.parameter or "path")
    # Opening some devices has side effects, so the type is checked before and after opening.
    _require_regular(os.stat(path) if follow else os.lstat(path), refusal)
    flags = os.O_RDONLY | WITHOUT_WAITING | BINARY | (0 if follow else NO_FOLLOW)
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
    """Read to the end, but at most one byte more than the limit."""
    parts: list[bytes] = []
    total, size = 0, max(expected, 65536)
    while (part := file.read(min(size, limit - total) + 1)) != b"":
        if part is None:
            refusal.waits()
        if not isinstance(part, bytes):
            refusal.because("wrong-type", "gives text, not bytes", "open it in binary mode")
        parts.append(part)
        total += len(part)
        if total > limit:
            _refuse_large(None, limit, refusal)
        size = CHUNK
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refuse_large(size: int | None, limit: int, refusal: _Refusal) -> NoReturn:
    has = f"has {size:,} bytes, more than" if size is not None else "has more bytes than"
    refusal.because("too-large", f"{has} the {limit:,} allowed", refusal.smaller)
