"""Any file is read at once, whole and within a limit, or refused; writing keeps what was there."""

from __future__ import annotations

import io
import os
import socket
import stat
import sys
import threading
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from shelfvision._storage import (
    atomic_writer,
    open_own,
    open_regular,
    read_bounded,
    read_with_status,
    temporary_name,
    write_atomically,
)
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    PhotoError,
    StorageError,
)
from support import refuses

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for size in (0, 1, 65536, 3_000_000):
        path.write_bytes(b"x" * size)
        assert read_bounded(path, size) == b"x" * size
        assert read_bounded(str(path), size + 1) == b"x" * size
        data, status = read_with_status(path, size)
        assert len(data) == status.st_size == size
        with open_regular(path, size) as file:
            assert file.read() == data


def test_one_byte_too_many_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    with refuses(DataError, "too-large", "path"):
        read_bounded(tmp_path / "a", 4, parameter="path")
    with refuses(DataError, "too-large"):
        open_regular(tmp_path / "a", 4)


@pytest.mark.parametrize("limit", [10, 100_000, 5_000_000])
def test_a_file_that_grows_is_read_to_the_limit_only(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    real, asked = os.fstat, []

    def grow(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        os.truncate(tmp_path / "a", 10**12)
        return status

    monkeypatch.setattr(os, "fstat", grow)
    with refuses(DataError, "too-large"):
        read_bounded(tmp_path / "a", limit)

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1, /) -> bytes:
            assert 0 < size <= limit + 1
            asked.append(size)
            return bytes(size)

    with refuses(DataError, "too-large"):
        read_bounded(cast("BinaryIO", Endless()), limit)
    assert sum(asked) == limit + 1


def test_an_open_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"headbody")
    file.seek(4)
    assert read_bounded(file, 4) == b"body"
    with refuses(DataError, "wrong-type"):
        read_bounded(cast("BinaryIO", io.StringIO("text")), 4)


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    for path in (tmp_path / "b", tmp_path / "a" / "b"):
        with refuses(DatasetNotFoundError, "not-found", "labels") as caught:
            read_bounded(path, 9, what="the list", parameter="labels")
        assert repr(os.fspath(path)) in str(caught.value)
    with refuses(InvalidParameterError, "not-supported", "labels"):
        read_bounded("https://example.com/a.csv", 9, what="the list", parameter="labels")
    with refuses(DataError, "unreadable"):
        read_bounded("a\0b", 9)


def test_errors_are_those_of_the_caller(tmp_path: Path) -> None:
    with refuses(PhotoError, "not-a-file") as caught:
        read_bounded(tmp_path, 9, error=partial(PhotoError, path="here"))
    assert caught.value.path == "here"


@posix
@pytest.mark.parametrize("kind", ["folder", "FIFO", "socket", "device", "endless", "pipe", "link"])
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path: Path = tmp_path / "a"
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    read, write = os.pipe()
    listening = socket.socket(socket.AF_UNIX)
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        listening.bind("a")
    elif kind == "link":
        os.mkfifo(tmp_path / "b")
        path.symlink_to(tmp_path / "b")
    else:
        path = Path({"device": "/dev/tty", "endless": "/dev/zero", "pipe": f"/dev/fd/{read}"}[kind])
    try:
        for follow in (True, False):
            with refuses(DataError, "not-a-file"):
                read_bounded(path, 9, follow=follow)
        with refuses(DataError, "not-a-file"):
            open_regular(path, 9)
    finally:
        listening.close()
        os.close(read)
        os.close(write)


@posix
def test_a_fifo_that_takes_the_files_place_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"")
    os.mkfifo(tmp_path / "fifo")
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: real(tmp_path / "a", **more))
    done: list[object] = []

    def read() -> None:
        with refuses(DataError, "not-a-file"):
            read_bounded(tmp_path / "fifo", 9)
        done.append(True)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(5)
    assert done


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_files_without_a_size_are_bounded_too() -> None:
    assert b"VmHWM" in read_bounded("/proc/self/status", 100_000)
    with refuses(DataError, "too-large"):
        read_bounded("/proc/self/status", 100)


@posix
def test_links_are_followed_only_where_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_bounded(tmp_path / "b", 9) == b"data"
    with refuses(DataError, "not-a-file"):
        read_bounded(tmp_path / "b", 9, follow=False)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    (tmp_path / "a").chmod(0)
    with refuses(DataError, "permission"):
        read_bounded(tmp_path / "a", 9)


@posix
@pytest.mark.parametrize("planted", ["link", "dangling link", "second name", "FIFO", "folder"])
def test_what_was_planted_in_a_folder_of_ours_is_not_opened(tmp_path: Path, planted: str) -> None:
    victim, own = tmp_path / "victim", tmp_path / "own"
    victim.write_bytes(b"precious")
    if planted == "link":
        own.symlink_to(victim)
    elif planted == "dangling link":
        own.symlink_to(tmp_path / "nowhere")
    elif planted == "second name":
        os.link(victim, own)
    elif planted == "FIFO":
        os.mkfifo(own)
    else:
        own.mkdir()
    with pytest.raises(OSError, match="it is"):
        os.close(open_own(own, os.O_RDWR | os.O_CREAT))
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    with atomic_writer(path) as file:
        file.write(b"new")
        file.flush()
        (temporary,) = tmp_path.glob("*.tmp")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_new_file_has_the_mode_that_the_process_asks_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_that_is_named_as_the_output_stays_a_link(tmp_path: Path, exists: bool) -> None:
    real, link = tmp_path / "sub" / "real", tmp_path / "link"
    real.parent.mkdir()
    if exists:
        real.write_bytes(b"old")
        real.chmod(0o600)
    (tmp_path / "between").symlink_to("sub/real")
    link.symlink_to("between")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert not exists or stat.S_IMODE(real.stat().st_mode) == 0o600
    assert not list(tmp_path.rglob("*.tmp"))


@posix
def test_a_link_in_a_folder_of_ours_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "own").symlink_to(tmp_path / "victim")
    write_atomically(tmp_path / "own", b"new", follow=False)
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert not (tmp_path / "own").is_symlink()


@posix
def test_outputs_that_are_no_files_are_refused_and_stay(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "to fifo").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "to fifo", "folder", "loop", "/dev/null"):
        with refuses(StorageError, "not-a-file"):
            write_atomically(tmp_path / name, b"new")
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "蔬" * 85, "x" * 237, "[a]*?" * 51])
def test_long_names_can_be_written(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32":
        name = name[:100].replace("*", "_").replace("?", "_")
    write_atomically(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(os.fsencode(temporary_name(name, "0" * 12))) <= 255


def test_names_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    for name in ("a" * 256, "蔬" * 86, "a\0b"):
        with refuses(StorageError, "not-writable"):
            write_atomically(tmp_path / name, b"x")
