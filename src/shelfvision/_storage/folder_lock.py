"""`FolderLock`: one run at a time in a folder.

The operating system holds the lock, so the lock ends with the process, even if the process is
killed. On Linux it is an *open file description* lock, which belongs to the open file. A backup
program that opens and closes the same file does not release it. Other POSIX systems have record
locks, which such a program does release. On Windows a byte of the file is locked.

A lock is lost if its file is removed, and some file systems do not support locks. Therefore
`FolderLock.verify` checks before each save that the file at the path is the open file, and that its
content is unchanged.

Examples
--------
>>> import tempfile
>>> lock = FolderLock(Path(tempfile.mkdtemp()) / "run.lock")
>>> lock.acquire()
>>> lock.verify()
>>> lock.release()
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import socket
import struct
import sys
import threading
from pathlib import Path

from shelfvision._storage import open_own
from shelfvision._text import printable
from shelfvision.errors import ResumeError, TrainingError

_logger = logging.getLogger(__name__)
_REFUSED = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
_TRIES = 100
_LONGEST = 400

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _lock_again(descriptor: int) -> None:
        """Do nothing, because no other handle can release the lock."""
else:
    import fcntl

    # Some Python versions have no constant for it.
    _OFD_SETLK = getattr(fcntl, "F_OFD_SETLK", 37) if sys.platform == "linux" else None

    def _lock(descriptor: int) -> None:
        # Not flock, which network file systems support only in part.
        if _OFD_SETLK is not None:
            whole_file = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            try:
                fcntl.fcntl(descriptor, _OFD_SETLK, whole_file)
            except OSError as error:
                if error.errno not in _UNKNOWN:
                    raise
            else:
                return
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _lock_again(descriptor: int) -> None:
        """Acquire the lock again if it was released; do nothing if it is held."""
        _lock(descriptor)


class FolderLock:
    """An exclusive lock of the folder of a run.

    Only the lock of the operating system counts. The content of the file names the holder. A file
    that remains after a crash has no effect. A link at the path is removed, not followed.

    Parameters
    ----------
    path : path
        The file to lock; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Record locks do not exclude a second run in one process; the set of held keys does.
        self._key = os.path.join(os.path.realpath(path.parent), path.name)
        self._descriptor: int | None = None
        self._locked = False
        self._note = b""
        self._pid = 0
        # The saving thread verifies too, and both threads change the position in the file.
        self._reading = threading.Lock()

    @property
    def excludes(self) -> bool:
        """Whether it is held and excludes other processes; False if the disk has no locks."""
        return self._locked and self._pid == os.getpid()

    def acquire(self) -> None:
        """Acquire the lock.

        Raises
        ------
        ResumeError
            Another run holds the lock (``"lock-taken"``).
        OSError
            The file cannot be created.
        """
        with _held.guard:
            if self._key in _held.locks:
                raise self._taken(f"in this process, {os.getpid()}")
            self._descriptor = self._opened()
            self._note = _write_note(self._descriptor)
            self._pid = os.getpid()
            _held.add(self._key, self)

    def verify(self) -> None:
        """Raise an error if the lock was acquired and is lost.

        Raises
        ------
        TrainingError
            The lock is lost (``"lock-lost"``), so another run may write to the folder.
        """
        fault = self._fault() if self._pid else None
        if fault is not None:
            raise TrainingError(
                f"checkpoint_dir {str(self._path.parent)!r} is no longer reserved for this run: "
                f"{fault}; nothing more is saved there, so fit again with another checkpoint_dir",
                code="lock-lost",
                parameter="checkpoint_dir",
            )

    def release(self) -> None:
        """Release the lock if it is held, and remove its file."""
        with _held.guard:
            if self._pid != os.getpid() or self._descriptor is None:
                return
            if self._fault() is None:
                # Remove it while it is locked, so that no other process can have acquired it.
                with contextlib.suppress(OSError):
                    self._path.unlink()
            _held.locks.pop(self._key, None)
            self._pid = 0
            self.forget()

    def forget(self) -> None:
        """Close the file; in a forked process it would keep the lock after the parent has ended."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        """Return the open file, locked if the file system supports locks."""
        for _ in range(_TRIES):
            descriptor = self._without_links()
            if descriptor is None:
                continue
            try:
                self._locked = self._try(descriptor)
                if self._is_at_path(descriptor):
                    if os.fstat(descriptor).st_nlink == 1:
                        return descriptor
                    # The file is a hard link of another file, whose content must not change.
                    self._path.unlink()
            except BaseException:
                os.close(descriptor)
                raise
            # The last holder removed the file after it was opened and before it was locked.
            os.close(descriptor)
        raise OSError(errno.ELOOP, "its run.lock is replaced repeatedly")

    def _without_links(self) -> int | None:
        """Open the file; if it is a link, remove the link and return None."""
        try:
            return open_own(self._path, os.O_RDWR | os.O_CREAT, 0o644, alone=False)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        self._path.unlink(missing_ok=True)
        return None

    def _try(self, descriptor: int) -> bool:
        """Return whether the file is now locked; False if the file system has no locks."""
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in _REFUSED:
                raise self._taken(_holder(_read(descriptor))) from error
            _logger.warning("%s: no locks here (%s)", printable(str(self._path)), error.strerror)
            return False
        return True

    def _fault(self) -> str | None:
        """Return the reason why the lock is lost, or None."""
        if self._pid != os.getpid() or self._descriptor is None:
            return "this process is a fork of the one that trains"
        try:
            if not self._is_at_path(self._descriptor):
                return f"its {self._path.name} was removed or replaced"
            with self._reading:
                note = _read(self._descriptor)
            if note != self._note:
                return f"another run has taken it ({_holder(note)})"
            if self._locked:
                _lock_again(self._descriptor)
        except OSError as error:
            return f"another run has taken it, or its disk fails ({error.strerror})"
        return None

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _taken(self, holder: str) -> ResumeError:
        return ResumeError(
            f"another run is training in {str(self._path.parent)!r} right now ({holder}); wait for "
            "it to end, stop it, or pass another checkpoint_dir",
            code="lock-taken",
            parameter="checkpoint_dir",
        )


class _Held:
    """The locks that this process holds."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.locks: dict[str, FolderLock] = {}
        self._watches_forks = not hasattr(os, "register_at_fork")

    def add(self, key: str, lock: FolderLock) -> None:
        """Record a lock; from the first one on, forked processes close all locks."""
        self.locks[key] = lock
        if not self._watches_forks:
            os.register_at_fork(after_in_child=self._let_go)
            self._watches_forks = True

    def _let_go(self) -> None:
        # Another thread of the parent process may have held the guard.
        self.guard = threading.Lock()
        for lock in self.locks.values():
            lock.forget()
        self.locks.clear()


_held = _Held()


def _write_note(descriptor: int) -> bytes:
    """Write a unique text that names the holder, and return it."""
    who = f" process {os.getpid()} on {socket.gethostname()}\n{secrets.token_hex(8)}"
    # Windows locks the first byte, which other processes cannot read. If the disk is full,
    # the text is not stored, but the lock is valid.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, who.encode()[:_LONGEST])
    return _read(descriptor)


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 1, os.SEEK_SET)
    return os.read(descriptor, _LONGEST)


def _holder(note: bytes) -> str:
    return printable(note.decode("utf-8", "replace").partition("\n")[0]) or "of another process"
