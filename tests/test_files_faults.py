"""Whatever a disk does in the middle of a save, the old or the new file is there, whole.

The saves are real and go to a real folder, through an `os` that notes every system call, can fail
any one of them, and can end the process there. From the notes follows what may be on the disk after
a power cut: any bytes that were not fsynced may be missing, wholly or in part, and any changes of
names after the folder's last fsync, from some point on.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pytest

from shelfvision._storage import atomic_writer, writing
from shelfvision.errors import StorageError
from shelfvision.inference import Classifier
from shelfvision.inference._bundle import read_contents
from shelfvision.models import build_model
from shelfvision.training.run._checkpoints import SLOTS, Checkpoints
from shelfvision.training.run._state import RunState
from support import refuses
from support.run_states import epoch_in, run_state

Fault = Literal["EIO", "ENOSPC", "short write", "short write, then full", "crash"]
CALLS = ("open", "write", "fsync", "close", "read", "replace", "unlink", "mkdir")
CODES = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "short write, then full": errno.ENOSPC}


class Crash(BaseException):
    """The process is no more."""


@dataclass
class File:
    """What the disk knows of a file: all bytes, and those that are sure to last."""

    content: bytes = b""
    lasting: bytes = b""


Names = dict[Path, File]


@dataclass
class FaultyOs:
    """An `os` that notes, fails and dies as told; everything else is the real one's."""

    fail_at: int = -1
    fault: Fault = "EIO"
    calls: int = 0
    dead: bool = False
    lasting: Names = field(default_factory=dict)
    """The names that are sure to be there after a power cut."""
    now: Names = field(default_factory=dict)
    pending: list[Names] = field(default_factory=list)
    """All names after every change that may not last yet."""
    descriptors: dict[int, Path] = field(default_factory=dict)

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        return (lambda *given: self._call(name, *given)) if name in CALLS else real

    def _call(self, name: str, *given: object) -> object:
        if self.dead:
            raise Crash
        self.calls += 1
        if self.calls - 1 == self.fail_at and (name == "write" or "short" not in self.fault):
            return self._fail(name, *given)
        result = getattr(os, name)(*given)
        getattr(self, f"_after_{name}", lambda *_: None)(result, *given)
        return result

    def _fail(self, name: str, *given: object) -> object:
        if self.fault == "crash":
            self.dead = True
            raise Crash
        if name == "write" and self.fault.startswith("short"):
            descriptor, data = given
            assert isinstance(descriptor, int)
            half = bytes(data)[: len(bytes(data)) // 2]  # type: ignore[call-overload]  # a buffer
            self._after_write(os.write(descriptor, half), descriptor, half)
            if self.fault == "short write":
                return len(half)
        if name == "close":
            # Linux closes a file even where it tells of an error.
            os.close(given[0])  # type: ignore[arg-type]  # a descriptor
        code = CODES.get(self.fault, errno.EIO)
        raise OSError(code, os.strerror(code))

    def _change(self, names: Names) -> None:
        self.now = names
        self.pending.append(names)

    def _after_open(self, descriptor: int, path: Path, flags: int, _mode: int = 0) -> None:
        self.descriptors[descriptor] = Path(path)
        if flags & os.O_CREAT:
            self._change(self.now | {Path(path): File()})

    def _after_write(self, done: int, descriptor: int, data: object) -> None:
        file = self.now[self.descriptors[descriptor]]
        file.content += bytes(data)[:done]  # type: ignore[call-overload]  # a buffer

    def _after_fsync(self, _result: None, descriptor: int) -> None:
        path = self.descriptors[descriptor]
        if path in self.now:
            self.now[path].lasting = self.now[path].content
        else:
            self.lasting, self.pending = self.now, []

    def _after_replace(self, _result: None, old: Path, new: Path) -> None:
        names = dict(self.now)
        names[Path(new)] = names.pop(Path(old))
        self._change(names)

    def _after_unlink(self, _result: None, path: Path) -> None:
        self._change({name: file for name, file in self.now.items() if name != Path(path)})

    def after_power_cut(self) -> Iterator[dict[Path, bytes]]:
        """Yield every content that the disk may have when the power comes back."""
        for names in (self.lasting, *self.pending):
            for kept in (0.0, 0.5, 1.0):
                yield {path: _survived(file, kept) for path, file in names.items()}


def _survived(file: File, kept: float) -> bytes:
    """Return the lasting bytes and a share of the others."""
    unsure = len(file.content) - len(file.lasting)
    return file.lasting + file.content[len(file.lasting) :][: int(unsure * kept)]


def system(directory: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> FaultyOs:
    """Return a faulty `os`, in use, that knows what is in a folder."""
    files = {path: path.read_bytes() for path in directory.iterdir()}
    names = {path: File(content, content) for path, content in files.items()}
    faulty = FaultyOs(lasting=names, now=names, **settings)  # type: ignore[arg-type]  # a shorthand
    monkeypatch.setattr(writing, "os", faulty)
    return faulty


def state(epoch: int) -> RunState:
    return run_state(epoch=epoch, step=1, model=(np.full(50_000, epoch, np.float32),))


def write_file(directory: Path) -> None:
    with atomic_writer(directory / "a.bin") as file:
        for _ in range(3):
            file.write(b"new!" * 4096)


def read_file(directory: Path) -> object:
    return (directory / "a.bin").read_bytes()[:3]


@pytest.fixture(scope="module")
def classifiers() -> dict[str, Classifier]:
    """Return the classifier that stands in a file, and the one that replaces it."""
    names = {"old": ["juice", "milk"], "new": ["kefir", "milk"]}
    model = build_model(2, image_size=(88, 88))
    return {age: Classifier.from_model(model, class_names=names[age]) for age in names}


@dataclass(frozen=True)
class Save:
    """A kind of save, and how to see which one is in a folder."""

    target: str
    write_old: Callable[[Path], object]
    write_new: Callable[[Path], object]
    read: Callable[[Path], object]
    old: object
    new: object


def save_states(directory: Path, first: int, last: int) -> None:
    with Checkpoints(directory) as checkpoints:
        checkpoints.load()
        for epoch in range(first, last + 1):
            checkpoints.save(state(epoch))


@pytest.fixture(params=["file", "run state", "bundle"])
def save(request: pytest.FixtureRequest, classifiers: dict[str, Classifier]) -> Save:
    if request.param == "file":
        return Save(
            "a.bin",
            lambda place: (place / "a.bin").write_bytes(b"old"),
            write_file,
            read_file,
            b"old",
            b"new",
        )
    if request.param == "run state":
        return Save(
            SLOTS[0],
            lambda place: save_states(place, 1, 2),
            lambda place: save_states(place, 3, 3),
            epoch_in,
            2,
            3,
        )
    return Save(
        "a.shelf",
        lambda place: classifiers["old"].save(place / "a.shelf"),
        lambda place: classifiers["new"].save(place / "a.shelf"),
        lambda place: tuple(read_contents(place / "a.shelf").manifest.class_names),
        ("juice", "milk"),
        ("kefir", "milk"),
    )


def number_of_calls(save: Save, place: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many system calls a save without faults makes."""
    home = place / "counting"
    home.mkdir()
    save.write_old(home)
    with monkeypatch.context() as patch:
        faulty = system(home, patch)
        save.write_new(home)
    assert save.read(home) == save.new
    assert faulty.lasting == faulty.now  # nothing is left to chance
    return faulty.calls


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC", "short write", "short write, then full"])
def test_a_fault_in_any_system_call_leaves_the_old_or_the_new_file(
    save: Save, fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = 0
    total = number_of_calls(save, tmp_path, monkeypatch)
    for call in range(total):
        place = tmp_path / str(call)
        place.mkdir()
        save.write_old(place)
        before = {path: path.read_bytes() for path in place.iterdir()}
        with monkeypatch.context() as patch:
            faulty = system(place, patch, fail_at=call, fault=fault)
            try:
                save.write_new(place)
            except StorageError:
                failed += 1
                replaced = faulty.now.get(place / save.target) is not None and (
                    (place / save.target).read_bytes() != before[place / save.target]
                )
            else:
                replaced = True
        assert save.read(place) == (save.new if replaced else save.old)
        if not replaced:
            assert {path: path.read_bytes() for path in place.iterdir()} == before
        assert not list(place.glob("*.tmp"))
    assert (failed == 0) == (fault == "short write")
    print(f"\n{save.target}: {fault} at each of {total} system calls, {failed} of them told")


def test_a_power_cut_at_any_system_call_leaves_the_old_or_the_new_file(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total, disks, seen = number_of_calls(save, tmp_path, monkeypatch), 0, set()
    for call in range(total):
        place = tmp_path / str(call)
        place.mkdir()
        save.write_old(place)
        with monkeypatch.context() as patch:
            faulty = system(place, patch, fail_at=call, fault="crash")
            with pytest.raises(Crash):
                save.write_new(place)
        for content in faulty.after_power_cut():
            disks += 1
            shutil.rmtree(place)
            place.mkdir()
            for path, data in content.items():
                path.write_bytes(data)
            found = save.read(place)
            assert found in (save.old, save.new)
            seen.add(found)
    assert seen == {save.old, save.new}
    print(f"\n{save.target}: power cut at each of {total} system calls, {disks} disks")


def test_a_save_that_does_not_fsync_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""
    (tmp_path / "a.bin").write_bytes(b"old")
    monkeypatch.setattr(writing, "_fsync", lambda descriptor: None)
    faulty = system(tmp_path, monkeypatch)
    write_file(tmp_path)
    disks = [content.get(tmp_path / "a.bin", b"") for content in faulty.after_power_cut()]
    assert b"" in disks


def test_a_disk_that_gives_back_other_bytes_is_noticed_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    faulty = system(tmp_path, monkeypatch)
    faulty.read = lambda descriptor, size: os.read(descriptor, size)[:-1]  # type: ignore[attr-defined]
    with refuses(StorageError, "damaged"):
        write_file(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.bin": b"old"}


def test_a_folder_that_cannot_be_fsynced_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter((0, errno.EIO))

    def fsync(descriptor: int) -> None:
        if code := next(calls):
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writing, "_fsync", fsync)
    with refuses(StorageError, "not-durable"):
        write_file(tmp_path)
    assert read_file(tmp_path) == b"new"


def test_folders_are_made_to_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lasting: list[Path] = []
    monkeypatch.setattr(writing, "fsync_directory", lasting.append)
    write_file(tmp_path / "a" / "b")
    assert lasting == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]


def test_a_writer_that_goes_back_in_its_file_is_served(tmp_path: Path) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"????body")
        file.seek(0)
        file.write(b"head")
        assert file.tell() == 4

    with atomic_writer(tmp_path / "a.bin") as file:
        write(file)
    assert (tmp_path / "a.bin").read_bytes() == b"headbody"
