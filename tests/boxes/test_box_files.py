"""Every reader of boxes opens regular files only, and reads no more than its limit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import DataError, DatasetNotFoundError
from support import refuses

READERS = [
    (shv.Boxes.from_coco, "source"),
    (shv.Boxes.from_voc, "path"),
    (shv.Boxes.from_yolo, "path"),
]
Read = Callable[[str | Path], object]


@pytest.mark.parametrize(("read", "parameter"), READERS)
def test_a_file_that_is_not_there_is_told(read: Read, parameter: str, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path / "nowhere" / "a", f"{tmp_path}/\0"):
        with refuses(
            DataError if "\0" in str(path) else DatasetNotFoundError,
            "unreadable" if "\0" in str(path) else "not-found",
            parameter,
        ):
            read(path)


@pytest.mark.parametrize(("read", "parameter"), READERS)
def test_a_huge_file_is_refused_unread(read: Read, parameter: str, tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(2**40)
    with refuses(DataError, "too-large", parameter):
        read(path)


@pytest.mark.parametrize(("read", "parameter"), READERS)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin", "/dev/full", "/proc/self/mem"])
def test_devices_and_endless_files_are_refused(read: Read, parameter: str, device: str) -> None:
    if not os.path.exists(device):
        pytest.skip("there is no such device here")
    with pytest.raises(DataError):
        read(device)


@pytest.mark.parametrize(("read", "parameter"), READERS)
def test_what_is_no_regular_file_is_refused(read: Read, parameter: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path):
        with refuses(DataError, "not-a-file", parameter):
            read(path)
