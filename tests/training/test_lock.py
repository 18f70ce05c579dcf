"""One run at a time in a folder."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shelfvision as sv
from shelfvision.data import Dataset
from shelfvision.errors import ResumeError
from shelfvision.models._backend import load_keras
from shelfvision.training import _lock
from shelfvision.training._lock import FolderLock
from shelfvision.training._store import Checkpoints
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]

HOLDER = """
import sys, time
from pathlib import Path
from shelfvision.training._lock import FolderLock
from support import refuses
FolderLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Return another process that holds the lock of a folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        yield process
        process.kill()


def test_another_process_in_the_same_folder_is_refused_by_its_number(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with (
        refuses(ResumeError, "lock-taken", "checkpoint_dir") as caught,
        Checkpoints(tmp_path) as checkpoints,
    ):
        checkpoints.open()
    assert f"process {holder.pid} on" in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_lock_dies_with_its_process(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run.lock").exists()
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.open()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_in_one_process_are_refused_by_fit(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    refused: list[str] = []
    second = sv.Trainer(epochs=1, batch_size=8, checkpoint_dir=tmp_path)

    def start_another(epoch: int, logs: object = None) -> None:
        with pytest.raises(ResumeError) as caught:
            second.fit(make_model(), train, validation, resume="never")
        refused.append(str(caught.value))

    callback = load_keras().callbacks.LambdaCallback(on_epoch_begin=start_another)
    first = sv.Trainer(epochs=1, batch_size=8, checkpoint_dir=tmp_path, callbacks=[callback])
    assert first.fit(make_model(), train, validation).stopped_epoch == 1
    assert "another run is training" in refused[0]
    assert not (tmp_path / "run.lock").exists()
    second.fit(make_model(), train, validation, resume="never")


def test_a_lock_can_be_taken_again_once_it_is_released(tmp_path: Path) -> None:
    for _ in range(2):
        lock = FolderLock(tmp_path / "run.lock")
        lock.acquire()
        lock.release()
        lock.release()


def test_a_file_system_without_locks_is_told_in_the_log_and_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_lock, "_lock", refuse)
    lock = FolderLock(tmp_path / "run.lock")
    with caplog.at_level(logging.WARNING, logger="shelfvision"):
        lock.acquire()
    assert "no locks here" in caplog.text
    # Within this process it still counts.
    with pytest.raises(ResumeError):
        FolderLock(tmp_path / "run.lock").acquire()
    lock.release()


def test_a_file_that_its_last_holder_removed_in_between_is_not_mistaken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "run.lock", _lock._lock
    turns: list[int] = []

    def late(descriptor: int) -> None:
        turns.append(descriptor)
        if len(turns) == 1:
            path.unlink()
        real(descriptor)

    monkeypatch.setattr(_lock, "_lock", late)
    lock = FolderLock(path)
    lock.acquire()
    assert len(turns) == 2
    assert path.exists()
    lock.release()


def test_what_a_crash_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    ours = tmp_path / ".state-a.safetensors.0123456789ab.tmp"
    theirs = tmp_path / ".notes.txt.0123456789ab.tmp"
    for path in (ours, theirs):
        path.write_text("half")
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.open()
        assert theirs.exists()
        assert not ours.exists()
