"""`Checkpoints`: the files of a run in its folder.

The folder has two checkpoint files. A new checkpoint replaces the older one, so a complete one
exists even if the process dies while it writes. ``run.json`` has what is the same in all
checkpoints of the run. A lock keeps other runs out of the folder.
"""

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
from shelfvision._storage.json_values import Json, json_object
from shelfvision._text import json_text
from shelfvision._validation import listed
from shelfvision.errors import DataError, ResumeError, StorageError, TrainingWarning
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
"""Files of the two newest checkpoints; a new one replaces the older one."""
RUN = "run.json"
"""The identity of the run: its photos, settings and model."""
HISTORY = ("history.csv", "history.json")
"""Files with the metrics of all epochs, for spreadsheets and programs."""
BEST = "best.shelf"
"""The classifier of the best epoch, written when the run ends."""
LOCK = "run.lock"
"""Lock file of the process that trains in this folder."""
_LARGEST_STATE, _LARGEST_RUN = 1 << 36, 1 << 30


class Checkpoints:
    """The files of one run. A background thread writes them, one checkpoint at a time.

    Parameters
    ----------
    directory : path
        The folder of the run; `open` creates it.
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
        """Wait for the last checkpoint. Raise its error unless there is another exception."""
        try:
            if kind is None:
                self.wait()
        finally:
            self._executor.shutdown(wait=True)
            self._lock.release()

    def open(self) -> None:
        """Create and lock the folder, and remove temporary files that a crash left.

        Raises
        ------
        ResumeError
            Another run is training there.
        StorageError
            The folder cannot be created or written to.
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
        for name in (*SLOTS, RUN, *HISTORY, BEST):
            for leftover in self.directory.glob(temporary_name(name, "*")):
                with contextlib.suppress(OSError):
                    leftover.unlink()

    def load(self) -> RunState | None:
        """Return the newest intact state, or None if there is none.

        Raises
        ------
        ResumeError
            All states are damaged, or another version of shelfvision saved one of them.
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
                    f"{str(path)!r} was saved by another version of shelfvision ({error}); resume "
                    'it with that version, or start again with resume="never"',
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

    def identity(self) -> dict[str, Json]:
        """Return the identity that `begin` has written; empty if it is missing or damaged."""
        path = self.directory / RUN
        try:
            with open_regular(path, _LARGEST_RUN, error=_unreadable, follow=False) as file:
                data = read_bounded(file, _LARGEST_RUN, error=_unreadable)
            # `parse_json` gives only what JSON has.
            return json_object(data, RUN)  # type: ignore[return-value]
        except (DamagedStateError, DataError, OSError):
            return {}

    def begin(self, identity: Mapping[str, Json]) -> None:
        """Begin a run: remove the files of an earlier one, no others, and write the identity.

        Raises
        ------
        StorageError
            A file cannot be removed or written.
        """
        self._lock.verify()
        try:
            for name in (*SLOTS, RUN, *HISTORY, BEST):
                (self.directory / name).unlink(missing_ok=True)
            # After a power failure, removed files must not reappear beside those of the new run.
            fsync_directory(self.directory)
        except OSError as error:
            raise storage_error(self.directory, error) from error
        text = json_text(identity, indent=1) + "\n"
        write_atomically(self.directory / RUN, text.encode(), follow=False)

    def save(self, state: RunState) -> None:
        """Write a state in the background, after the previous one. Do not change its arrays later.

        Raises
        ------
        TrainingError
            The run has lost the lock of its folder.
        StorageError
            The previous checkpoint could not be written.
        """
        self._lock.verify()
        self.wait()
        self._generation += 1
        path = self.directory / SLOTS[self._slot]
        self._slot = 1 - self._slot
        self._pending = self._executor.submit(self._write, path, state, self._generation)

    def wait(self) -> None:
        """Wait until the last checkpoint is on disk.

        Raises
        ------
        StorageError
            The checkpoint could not be written.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _write(self, path: Path, state: RunState, generation: int) -> None:
        self._put(path.name, encode(state, generation=generation))
        if not state.step:
            self.write_history(state.history)

    def write_history(self, history: Mapping[str, Sequence[float]]) -> None:
        """Write the metrics as CSV and JSON. Resuming does not need these files.

        Raises
        ------
        StorageError
            A file cannot be written.
        """
        for name, text in zip(HISTORY, (as_csv(history), as_json(history)), strict=True):
            self._put(name, text.encode())

    def _put(self, name: str, data: bytes) -> None:
        """Write a file of this run, if the run still has the lock."""
        self._lock.verify()
        write_atomically(self.directory / name, data, follow=False)

    def write_result(
        self, history: Mapping[str, Sequence[float]], save: Callable[[BinaryIO], object]
    ) -> None:
        """Write the history and the classifier of a run that has ended; `save` writes the latter.

        Raises
        ------
        TrainingError
            The run has lost the lock of its folder.
        StorageError
            A file cannot be written.
        """
        self.wait()
        self.write_history(history)
        self._lock.verify()
        with atomic_writer(self.directory / BEST, follow=False) as file:
            save(file)


class _MissingStateError(ResumeError):
    """A checkpoint file does not exist."""


def _content(path: Path) -> bytes:
    """Return the content of a checkpoint file; refuse links, folders and devices."""
    with open_regular(
        path, _LARGEST_STATE, error=_unreadable, missing=_MissingStateError, follow=False
    ) as file:
        # Check the start first, so that a large file of another kind is not read completely.
        require_start(file.peek())
        return read_bounded(file, _LARGEST_STATE, error=_unreadable)


def _unreadable(
    message: str, *, code: str | None = None, parameter: str | None = None
) -> ResumeError:
    """Return the error for a file that cannot be read; its text is part of a longer message."""
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
