"""`Checkpoints`: a run's files in its folder, two generations of state among them."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from shelfvision._storage import (
    atomic_writer,
    fsync_directory,
    make_directory,
    open_regular,
    read_bounded,
    storage_error,
    temporary_name,
    write_atomically,
)
from shelfvision._storage.folder_lock import FolderLock
from shelfvision._validation import listed
from shelfvision.errors import ResumeError, StorageError, TrainingWarning
from shelfvision.training.run._history_files import as_csv, as_json
from shelfvision.training.run._state import (
    DamagedStateError,
    ForeignStateError,
    RunState,
    decode,
    encode,
    require_start,
)

SLOTS = ("state-a.safetensors", "state-b.safetensors")
"""The two newest states; a new one replaces the older of them."""
HISTORY = ("history.csv", "history.json")
"""The metrics of every epoch, for people and programs."""
BEST = "best.shelf"
"""The classifier of the best epoch, written when the run ends."""
LOCK = "run.lock"
"""What the process that trains here holds on to."""
_LARGEST_STATE = 1 << 36


class Checkpoints:
    """The files of one run. Saving happens on a thread of its own, one save at a time.

    Parameters
    ----------
    directory : path
        The run's folder; it is made when the first file is written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = FolderLock(directory / LOCK)
        self._generation = 0
        self._slot = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="shelfvision-checkpoint")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the last save; its failure is raised unless something else went wrong."""
        try:
            if kind is None:
                self.wait()
        finally:
            self._executor.shutdown(wait=True)
            self._lock.release()

    def open(self) -> None:
        """Make the folder, keep other runs out of it and clear away what a crash left half done.

        Raises
        ------
        ResumeError
            Another run is training there.
        StorageError
            Files cannot be written there.
        """
        try:
            make_directory(self.directory)
            with tempfile.TemporaryFile(dir=self.directory):
                pass
            self._lock.acquire()
        except OSError as error:
            reason = "it is a file" if os.path.isfile(self.directory) else error.strerror or error
            raise StorageError(
                f"checkpoint_dir {str(self.directory)!r} cannot hold a run: {reason}; give a "
                "folder that can be written to",
                code="not-writable",
                parameter="checkpoint_dir",
            ) from error
        for name in (*SLOTS, *HISTORY, BEST):
            for leftover in self.directory.glob(temporary_name(name, "*")):
                with contextlib.suppress(OSError):
                    leftover.unlink()

    def load(self) -> RunState | None:
        """Return the newest whole state, or None where there is none.

        Raises
        ------
        ResumeError
            There are states, but all are damaged, or one is another version's.
        """
        found: list[tuple[int, int, RunState]] = []
        damaged: list[tuple[Path, Exception]] = []
        for slot, name in enumerate(SLOTS):
            path = self.directory / name
            try:
                state, generation = decode(_content(path))
                found.append((generation, slot, state))
            except _MissingStateError:
                continue
            except ForeignStateError as error:
                raise ResumeError(
                    f"{str(path)!r} was saved by another version of shelfvision ({error}); go on "
                    'with that version, or start again with resume="never"',
                    code="foreign-format",
                    parameter="checkpoint_dir",
                ) from error
            except (DamagedStateError, OSError) as error:
                damaged.append((path, error))
        if not found:
            _refuse_damaged(damaged)
            return None
        self._generation, slot, state = max(found, key=lambda entry: entry[0])
        self._slot = 1 - slot
        for path, reason in damaged:
            warnings.warn(
                TrainingWarning(
                    f"{str(path)!r} is damaged ({reason}); the run resumes from the other state, "
                    f"after epoch {state.epoch}"
                    + (f" and {state.step} steps" if state.step else ""),
                    code="damaged",
                    parameter="checkpoint_dir",
                ),
                stacklevel=2,
            )
        return state

    def clear(self) -> None:
        """Remove the files of an earlier run; anything else in the folder stays.

        Raises
        ------
        StorageError
            One cannot be removed.
        """
        self._lock.verify()
        try:
            for name in (*SLOTS, *HISTORY, BEST):
                (self.directory / name).unlink(missing_ok=True)
            # A power cut must not bring them back among the files of the new run.
            fsync_directory(self.directory)
        except OSError as error:
            raise storage_error(self.directory, error) from error

    def save(self, state: RunState) -> None:
        """Write a state, once the one before is written; its arrays must not change any more.

        Raises
        ------
        TrainingError
            The folder is not this run's any more: its lock is lost.
        StorageError
            The save before failed.
        """
        self._lock.verify()
        self.wait()
        self._generation += 1
        path = self.directory / SLOTS[self._slot]
        self._slot = 1 - self._slot
        self._pending = self._executor.submit(self._write, path, state, self._generation)

    def wait(self) -> None:
        """Return when everything is on disk.

        Raises
        ------
        StorageError
            The last save failed.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _write(self, path: Path, state: RunState, generation: int) -> None:
        self._put(path.name, encode(state, generation=generation))
        if not state.step:
            self.write_history(state.history)

    def write_history(self, history: Mapping[str, Sequence[float]]) -> None:
        """Write the metrics for people and programs; a run goes on without these files.

        Raises
        ------
        StorageError
            They cannot be written.
        """
        for name, text in zip(HISTORY, (as_csv(history), as_json(history)), strict=True):
            self._put(name, text.encode())

    def _put(self, name: str, data: bytes) -> None:
        """Write a file of this run, while the folder is its own."""
        self._lock.verify()
        write_atomically(self.directory / name, data, follow=False)

    def write_result(
        self, history: Mapping[str, Sequence[float]], save: Callable[[BinaryIO], object]
    ) -> None:
        """Write what a finished run leaves: its history, and what `save` writes as the best.

        Raises
        ------
        TrainingError
            The folder is not this run's any more: its lock is lost.
        StorageError
            A file cannot be written.
        """
        self.wait()
        self.write_history(history)
        self._lock.verify()
        with atomic_writer(self.directory / BEST, follow=False) as file:
            save(file)


class _MissingStateError(ResumeError):
    """There is no file in a slot."""


def _content(path: Path) -> bytes:
    """Return the bytes of a state; nothing but a regular file of this very folder is read."""
    with open_regular(
        path, _LARGEST_STATE, error=_unreadable, missing=_MissingStateError, follow=False
    ) as file:
        # A large file of anything else is not read to its end.
        require_start(file.peek())
        return read_bounded(file, _LARGEST_STATE, error=_unreadable)


def _unreadable(
    message: str, *, code: str | None = None, parameter: str | None = None
) -> ResumeError:
    """Return the error of a state that cannot be read, as a clause of a longer message."""
    del message
    faults = {
        "not-a-file": "it is a link, a folder or a device, not a file of this run",
        "too-large": f"it has more than {_LARGEST_STATE:,} bytes",
        "permission": "permission denied",
    }
    fault = faults.get(code or "", "the disk does not give its content")
    return DamagedStateError(fault, code=code, parameter=parameter)


def _refuse_damaged(damaged: list[tuple[Path, Exception]]) -> None:
    if damaged:
        raise ResumeError(
            f"no run state in {str(damaged[0][0].parent)!r} can be read: "
            f"{listed(path.name for path, _ in damaged)} damaged ({damaged[0][1]}); restore a "
            'backup, or start again with resume="never"',
            code="damaged",
            parameter="checkpoint_dir",
        )
