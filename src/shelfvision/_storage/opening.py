"""Open files without waiting, and files in our own folders (checkpoints, caches)."""

from __future__ import annotations

import errno
import os
import stat

BINARY: int = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Opening a FIFO that nobody writes to would wait for ever; a terminal would become ours.
WITHOUT_WAITING: int = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
CHUNK = 1 << 20
"""Bytes that are read at once."""


def open_own(
    path: str | os.PathLike[str], flags: int, mode: int = 0o666, *, alone: bool = True
) -> int:
    """Open a file in one of our own folders; return its descriptor.

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
    descriptor = os.open(path, flags | NO_FOLLOW | WITHOUT_WAITING | BINARY, mode)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (alone and status.st_nlink > 1):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "it is also a file elsewhere", os.fspath(path))
    return descriptor
