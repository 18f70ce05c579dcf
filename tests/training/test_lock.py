"""One run at a time in a folder."""

from __future__ import annotations

import dataclasses
import errno
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._storage import folder_lock as _lock
from shelfvision._storage.folder_lock import FolderLock
from shelfvision.data import Dataset
from shelfvision.errors import ResumeError, TrainingError
from shelfvision.training.run._checkpoints import BEST, HISTORY, SLOTS, Checkpoints
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]

HOLDER = """
import sys, time
from pathlib import Path
from shelfvision._storage.folder_lock import FolderLock
FolderLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


ASKER = """
import sys
from pathlib import Path
from shelfvision.errors import ShelfVisionError
from shelfvision._storage.folder_lock import FolderLock
try:
    FolderLock(Path(sys.argv[1])).acquire()
    print("taken")
except ShelfVisionError as error:
    print(error.code)
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
    second = shv.Trainer(epochs=1, batch_size=8, checkpoint_dir=tmp_path)

    def start_another(epoch: int, logs: object = None) -> None:
        with pytest.raises(ResumeError) as caught:
            second.fit(make_model(), train, validation, resume="never")
        refused.append(str(caught.value))

    callback = load_keras().callbacks.LambdaCallback(on_epoch_begin=start_another)
    first = shv.Trainer(epochs=1, batch_size=8, checkpoint_dir=tmp_path, callbacks=[callback])
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


def other_run_says(folder: Path) -> str:
    """Return what another process is told that wants the folder."""
    done = subprocess.run(
        [sys.executable, "-c", ASKER, str(folder / "run.lock")],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[FolderLock]:
    """Return the lock of a folder, held by this process."""
    lock = FolderLock(tmp_path / "run.lock")
    lock.acquire()
    yield lock
    lock.release()


def copied(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to / "backup")


def hashed(folder: Path, to: Path) -> None:
    (folder / "run.lock").read_bytes()


def opened_by_a_second_run(folder: Path, to: Path) -> None:
    with pytest.raises(ResumeError):
        FolderLock(folder / "run.lock").acquire()


def archived(folder: Path, to: Path) -> None:
    shutil.make_archive(str(to / "backup"), "tar", folder)


def linked(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to / "backup", copy_function=os.link)
    (to / "backup" / "run.lock").open("rb").close()


@pytest.mark.skipif(sys.platform != "linux", reason="others have no locks of open files")
@pytest.mark.parametrize("backup", [copied, hashed, archived, linked, opened_by_a_second_run])
def test_a_lock_survives_that_its_file_is_read_and_closed(
    held: FolderLock,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    backup: Callable[[Path, Path], None],
) -> None:
    backup(tmp_path, tmp_path_factory.mktemp("elsewhere"))
    assert other_run_says(tmp_path) == "lock-taken"
    held.verify()


def test_a_record_lock_that_a_backup_drops_is_taken_again_before_the_next_save(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lock, "_OFD_SETLK", None)
    lock = FolderLock(tmp_path / "run.lock")
    lock.acquire()
    copied(tmp_path, tmp_path_factory.mktemp("elsewhere"))
    lock.verify()
    assert other_run_says(tmp_path) == "lock-taken"
    lock.release()


def test_a_run_that_took_a_dropped_record_lock_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lock, "_OFD_SETLK", None)
    lock = FolderLock(tmp_path / "run.lock")
    lock.acquire()
    hashed(tmp_path, tmp_path)
    # It is gone by now, so that the lock itself is free; what it wrote tells.
    assert other_run_says(tmp_path) == "taken"
    with refuses(TrainingError, "lock-lost", "checkpoint_dir"):
        lock.verify()
    lock.release()
    assert (tmp_path / "run.lock").exists()


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))


def replaced(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "run.lock").write_text("")


def without_its_lock(folder: Path) -> None:
    (folder / "run.lock").unlink()


def planted(folder: Path) -> None:
    (folder / "run.lock").rename(folder / "hidden")
    (folder / "run.lock").symlink_to(folder / "hidden")


def overwritten(folder: Path) -> None:
    (folder / "run.lock").write_bytes(b" process 1 on elsewhere\n00")


LOSSES = [removed, moved, replaced, without_its_lock, planted, overwritten]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove a file that is open")
@pytest.mark.parametrize("lose", LOSSES)
def test_a_lost_lock_is_noticed(
    held: FolderLock, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    lose(tmp_path)
    with refuses(TrainingError, "lock-lost", "checkpoint_dir"):
        held.verify()


@pytest.mark.remedy("lock-lost")
@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove a file that is open")
@pytest.mark.parametrize("lose", [removed, replaced])
def test_a_run_whose_folder_is_removed_saves_nothing_more_and_fits_again_elsewhere(
    make_model: MakeModel, train: Dataset, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    folder = tmp_path / "run"
    ended: list[int] = []

    def spoil(epoch: int, logs: object = None) -> None:
        ended.append(epoch)
        if epoch == 1:
            while not (folder / HISTORY[-1]).exists():
                time.sleep(0.01)
            lose(folder)

    callback = load_keras().callbacks.LambdaCallback(on_epoch_end=spoil)
    trainer = shv.Trainer(
        epochs=4, batch_size=16, monitor="loss", checkpoint_dir=folder, callbacks=[callback]
    )
    with refuses(TrainingError, "lock-lost", "checkpoint_dir"):
        trainer.fit(make_model(), train)
    assert ended == [0, 1]
    assert not folder.exists() or [path.name for path in folder.iterdir()] == ["run.lock"]
    again = dataclasses.replace(trainer, checkpoint_dir=tmp_path / "own", callbacks=())
    assert again.fit(make_model(), train).stopped_epoch == 4


@pytest.mark.remedy("lock-taken")
def test_a_run_beside_another_has_a_folder_of_its_own(
    holder: subprocess.Popen[bytes], make_model: MakeModel, train: Dataset, tmp_path: Path
) -> None:
    trainer = shv.Trainer(epochs=1, monitor="loss", checkpoint_dir=tmp_path)
    with refuses(ResumeError, "lock-taken", "checkpoint_dir"):
        trainer.fit(make_model(), train)
    own = dataclasses.replace(trainer, checkpoint_dir=tmp_path / "own")
    assert own.fit(make_model(), train).stopped_epoch == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_neither_keeps_nor_drops_nor_has_the_lock(held: FolderLock, tmp_path: Path) -> None:
    def in_child() -> str:
        try:
            held.verify()
        except TrainingError as error:
            held.release()
            return error.code
        return "still held"

    in_fork["check"] = in_child
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(checked_in_fork) == "lock-lost"
        assert (tmp_path / "run.lock").exists()
        assert other_run_says(tmp_path) == "lock-taken"
        held.verify()
        held.release()
        assert other_run_says(tmp_path) == "taken"


in_fork: dict[str, Callable[[], str]] = {}


def checked_in_fork() -> str:
    return in_fork["check"]()


FORKER = """
import os, sys, time
from pathlib import Path
from shelfvision._storage.folder_lock import FolderLock
FolderLock(Path(sys.argv[1])).acquire()
if os.fork() == 0:
    print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_that_outlives_a_killed_run_does_not_keep_its_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORKER, str(tmp_path / "run.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        try:
            assert other_run_says(tmp_path) == "taken"
        finally:
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("kind", ["link", "dangling", "second name", "fifo"])
def test_what_is_planted_in_the_place_of_the_lock_is_neither_read_nor_written(
    tmp_path: Path, kind: str
) -> None:
    victim, run = tmp_path / "victim", tmp_path / "run"
    run.mkdir()
    victim.write_text("precious")
    if kind == "fifo":
        os.mkfifo(run / "run.lock")
    elif kind == "second name":
        os.link(victim, run / "run.lock")
    else:
        (run / "run.lock").symlink_to(victim if kind == "link" else tmp_path / "none")
    lock = FolderLock(run / "run.lock")
    lock.acquire()
    assert other_run_says(run) == "lock-taken"
    lock.release()
    assert victim.read_text() == "precious"
    assert not (tmp_path / "none").exists()
    assert list(run.iterdir()) == []


def test_a_folder_that_is_named_by_a_link_is_followed(
    make_model: MakeModel, train: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk", target_is_directory=True)
    trainer = shv.Trainer(epochs=1, monitor="loss", checkpoint_dir=tmp_path / "run")
    trainer.fit(make_model(), train)
    assert (tmp_path / "run").is_symlink()
    assert (tmp_path / "disk" / "best.shelf").exists()


def test_files_of_a_run_are_never_written_through_links(
    make_model: MakeModel, train: Dataset, tmp_path: Path
) -> None:
    victim, run = tmp_path / "victim", tmp_path / "run"
    victim.write_text("precious")
    names = [*SLOTS, *HISTORY, BEST]

    def plant(epoch: int, logs: object = None) -> None:
        for name in names:
            # A thread of the run writes the same names, so each link appears in one step.
            (tmp_path / "planted").symlink_to(victim)
            (tmp_path / "planted").replace(run / name)

    callback = load_keras().callbacks.LambdaCallback(on_epoch_end=plant)
    trainer = shv.Trainer(
        epochs=3, batch_size=16, monitor="loss", checkpoint_dir=run, callbacks=[callback]
    )
    trainer.fit(make_model(), train)
    assert victim.read_text() == "precious"
    assert not (run / BEST).is_symlink()
    shv.Classifier.load(run / BEST, builder=lambda _: make_model())


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_state_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        for slot in SLOTS:
            (tmp_path / slot).symlink_to("/dev/zero")
        with refuses(ResumeError, "damaged", "checkpoint_dir"):
            checkpoints.load()
