"""Write a large file in blocks, so that writing can resume after the process was killed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from shelfvision._storage import (
    atomic_writer,
    fsync_directory,
    make_directory,
    open_own,
    storage_error,
)
from shelfvision.errors import ShelfVisionError

if sys.platform != "win32":
    import fcntl

_LINE = 65


def write_blocks(
    path: Path, header: bytes, sizes: Sequence[int], read: Callable[[int], bytes]
) -> str:
    """Write a header and blocks to `path`; resume where a killed process stopped.

    Existing blocks are verified before they are used. After an error no partial file remains; only
    a killed process leaves its blocks for the next one. The file is written separately and without
    resuming if another process writes it, if links or FIFOs were planted, and on Windows.

    Parameters
    ----------
    path : path
        The finished file.
    header : bytes
        The start of the file.
    sizes : sequence of int
        The size of each block, in bytes.
    read : callable
        Returns block `i`.

    Returns
    -------
    str
        The SHA-256 of all blocks, as hexadecimal digits.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    if sys.platform == "win32":
        return _write_alone(path, header, len(sizes), read)
    part, journal = path.with_suffix(".part"), path.with_suffix(".blocks")
    try:
        make_directory(path.parent)
        opened = _opened(part, journal)
        if opened is None:
            return _write_alone(path, header, len(sizes), read)
        with opened[0] as file, opened[1] as log:
            if not _claim(file, part):
                return _write_alone(path, header, len(sizes), read)
            try:
                checksum = _go_on(file, log, header, sizes, read)
            except Exception:
                part.unlink(missing_ok=True)
                journal.unlink(missing_ok=True)
                raise
            part.replace(path)
            journal.unlink(missing_ok=True)
        fsync_directory(path.parent)
    except OSError as error:
        if isinstance(error, ShelfVisionError):
            raise
        raise storage_error(path, error) from error
    return checksum


def _opened(part: Path, journal: Path) -> tuple[BinaryIO, BinaryIO] | None:
    """Open both files; return None if one of them is a link or another planted file."""
    with contextlib.ExitStack() as files:
        try:
            file = files.enter_context(_appended(part))
            log = files.enter_context(_appended(journal))
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise
        files.pop_all()
        return file, log


def _appended(path: Path) -> BinaryIO:
    return os.fdopen(open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+b")


def _claim(file: BinaryIO, part: Path) -> bool:
    """Return whether only this process may write to the file at `part`."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have finished and renamed the file after it was opened here.
        return os.path.samestat(os.fstat(file.fileno()), part.lstat())
    except OSError:
        return False


def _go_on(
    file: BinaryIO,
    log: BinaryIO,
    header: bytes,
    sizes: Sequence[int],
    read: Callable[[int], bytes],
) -> str:
    checksum = hashlib.sha256()
    done = 0
    for data in _whole_blocks(file, log, header, sizes):
        checksum.update(data)
        done += 1
    file.truncate(len(header) + sum(sizes[:done]) if done else 0)
    log.truncate(done * _LINE)
    if not done:
        file.write(header)
    for number in range(done, len(sizes)):
        data = read(number)
        checksum.update(data)
        file.write(data)
        file.flush()
        # A block is on disk before the journal lists it, so a power cut cannot lose a listed block.
        os.fsync(file.fileno())
        log.write(_line(data))
        log.flush()
    return checksum.hexdigest()


def _whole_blocks(
    file: BinaryIO, log: BinaryIO, header: bytes, sizes: Sequence[int]
) -> Iterator[bytes]:
    """Yield the blocks at the start of the file that match the journal."""
    file.seek(0)
    log.seek(0)
    if file.read(len(header)) != header:
        return
    for size in sizes:
        data = file.read(size)
        if len(data) != size or log.read(_LINE) != _line(data):
            return
        yield data


def _line(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n"


def _write_alone(path: Path, header: bytes, count: int, read: Callable[[int], bytes]) -> str:
    checksum = hashlib.sha256()
    with atomic_writer(path, follow=False) as file:
        file.write(header)
        for number in range(count):
            data = read(number)
            checksum.update(data)
            file.write(data)
    return checksum.hexdigest()
