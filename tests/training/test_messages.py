"""Some messages of training, to the letter; all others are known by their codes."""

from __future__ import annotations

from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision._storage.folder_lock import FolderLock
from shelfvision.errors import InvalidParameterError, ResumeError, StorageError, TrainingError
from shelfvision.training.run._checkpoints import SLOTS, Checkpoints


def test_an_address_in_place_of_a_folder() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        shv.Trainer(checkpoint_dir="s3://bucket/run")
    assert str(caught.value) == (
        "checkpoint_dir must be a folder of this computer, got the URL 's3://bucket/run'; "
        "train in a local folder and copy it afterwards, or mount the storage and give the path "
        "of the mount"
    )


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught, Checkpoints(tmp_path / "file") as checkpoints:
        checkpoints.open()
    assert str(caught.value) == (
        f"checkpoint_dir {str(tmp_path / 'file')!r} cannot hold a run: it is a file; give a folder "
        "that can be written to"
    )


def test_states_that_are_damaged(tmp_path: Path) -> None:
    for name in SLOTS:
        (tmp_path / name).write_bytes(b"rubbish")
    with pytest.raises(ResumeError) as caught, Checkpoints(tmp_path) as checkpoints:
        checkpoints.load()
    assert str(caught.value) == (
        f"no run state in {str(tmp_path)!r} can be read: 'state-a.safetensors', "
        "'state-b.safetensors' damaged (it is not a run state); restore a backup, or start again "
        'with resume="never"'
    )


def test_a_lock_that_is_lost(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "run.lock")
    lock.acquire()
    (tmp_path / "run.lock").rename(tmp_path / "moved")
    with pytest.raises(TrainingError) as caught:
        lock.verify()
    assert str(caught.value) == (
        f"checkpoint_dir {str(tmp_path)!r} is no longer reserved for this run: its run.lock was "
        "removed or replaced; nothing more is saved there, so fit again with another "
        "checkpoint_dir"
    )
