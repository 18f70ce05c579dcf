"""Open files without waiting, and files in our own folders (checkpoints, caches)."""

from __future__ import annotations

import errno
import os
import stat

BINARY: int = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Opening a FIFO without a writer would wait forever; a terminal would become the controlling one.
WITHOUT_WAITING: int = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
CHUNK = 1 << 20
"""The number of bytes of one read."""


def open_own(
    path: str | os.PathLike[str], flags: int, mode: int = 0o666, *, alone: bool = True
) -> int:
    """Open a file in one of our own folders; return its descriptor.

    Links, hard links of other files, FIFOs and devices are never opened, because another user may
    have placed them there.

    Parameters
    ----------
    path : path-like
        The file. Links in the folders above it are followed.
    flags : int
        Flags of `os.open`. Without ``os.O_TRUNC``: truncate what was returned instead.
    mode : int, default=0o666
        The permissions of a new file.
    alone : bool, default=True
        Whether a hard link of another file is refused. If False, the caller checks ``st_nlink``
        before it writes.

    Raises
    ------
    OSError
        The file cannot be opened, or is a link or not a regular file (``errno.ELOOP``).
    """
    if os.path.islink(path):
        raise OSError(errno.ELOOP, "it is a link", os.fspath(path))
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, "it is not a regular file", os.fspath(path))
    descriptor = os.open(path, flags | NO_FOLLOW | WITHOUT_WAITING | BINARY, mode)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (alone and status.st_nlink > 1):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "it is a hard link of another file", os.fspath(path))
    return descriptor
