"""`FolderLock`: one run at a time in a folder, held by the operating system, not by a file."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import sys
import threading
from pathlib import Path

from shelfvision.errors import ResumeError

_logger = logging.getLogger(__name__)
_HELD: set[str] = set()
_HELD_LOCK = threading.Lock()
_REFUSED = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # Not flock, which children that a feed forks would hold on to after this process is gone.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """The right to write to a run's folder; it ends with the process, however that ends.

    What counts is the operating system's lock on the file. The file itself says who holds it, and
    means nothing when it is left behind.

    Parameters
    ----------
    path : path
        The file to lock; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # The system's locks belong to processes; two threads of one are told apart here.
        self._key = os.path.realpath(path)
        self._descriptor: int | None = None
        self._held = False

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        ResumeError
            Another run has it.
        OSError
            The file cannot be made.
        """
        with _HELD_LOCK:
            if self._key in _HELD:
                raise self._taken(f"in this process, {os.getpid()}")
            self._descriptor = self._locked()
            _HELD.add(self._key)
            self._held = True

    def release(self) -> None:
        """Give the lock back, if it is held, and remove its file."""
        with _HELD_LOCK:
            if not self._held:
                return
            self._held = False
            _HELD.discard(self._key)
            if self._descriptor is None:
                return
            with contextlib.suppress(OSError):
                # While it is still locked, so that nobody can have taken the file meanwhile.
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None

    def _locked(self) -> int | None:
        """Return the locked file; None where the file system has no locks."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(descriptor)
            except OSError as error:
                holder = _told(descriptor)
                os.close(descriptor)
                if error.errno in _REFUSED:
                    raise self._taken(holder) from error
                _logger.warning("%s: no locks here (%s)", self._path, error.strerror)
                return None
            if self._still_there(descriptor):
                _tell(descriptor)
                return descriptor
            # Its last holder removed it between our opening and our locking.
            os.close(descriptor)

    def _still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _taken(self, holder: str) -> ResumeError:
        return ResumeError(
            f"another run is training in {str(self._path.parent)!r} right now ({holder}); wait for "
            "it to end, stop it, or give this one a checkpoint_dir of its own",
            code="lock-taken",
            parameter="checkpoint_dir",
        )


def _tell(descriptor: int) -> None:
    text = f"process {os.getpid()} on {socket.gethostname()}"
    # The first byte is what Windows locks, and others cannot read there.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f" {text}".encode())


def _told(descriptor: int) -> str:
    with contextlib.suppress(OSError):
        os.lseek(descriptor, 1, os.SEEK_SET)
        return os.read(descriptor, 200).decode("utf-8", "replace") or "of another process"
    return "of another process"
