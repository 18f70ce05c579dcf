"""Files of remote storage: bounded reading, atomic verified writing, and refused URLs."""

from __future__ import annotations

import http.server
import pickle
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shelfvision._storage import (
    RemoteFile,
    as_location,
    atomic_writer,
    read_bounded,
    write_atomically,
)
from shelfvision._storage.remote import READ, below, fetch, list_files, remote_size, remove
from shelfvision._storage.writing import require_writable
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import as_path
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    MissingDependencyError,
    StorageError,
)
from support import refuses

fsspec = pytest.importorskip("fsspec")
from fsspec.implementations.memory import MemoryFileSystem  # noqa: E402

SECRET = "SEKRET1234"


@pytest.fixture(autouse=True)
def empty_memory() -> Iterator[None]:
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def remote(url: str, **options: object) -> RemoteFile:
    found = as_location(url, storage_options=options or None)
    assert isinstance(found, RemoteFile)
    return found


def test_a_written_file_is_read_whole() -> None:
    file = remote("memory://shop/a.bin")
    for data in (b"", b"x", b"x" * 3_000_000):
        write_atomically(file, data)
        assert read_bounded(file, len(data)) == data
        assert remote_size(file) == len(data)


def test_one_byte_too_many_is_refused_and_no_more_is_requested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = remote("memory://shop/a.bin")
    write_atomically(file, b"12345" * 1000)
    asked: list[tuple[int, int]] = []
    real = MemoryFileSystem.cat_file

    def spy(self: Any, path: str, start: int, end: int) -> bytes:
        asked.append((start, end))
        return bytes(real(self, path, start=start, end=end))

    monkeypatch.setattr(MemoryFileSystem, "cat_file", spy)
    with refuses(DataError, "too-large", "path"):
        read_bounded(file, 4, parameter="path")
    assert asked == [(0, 5)]


def test_a_missing_file_is_refused_by_its_url() -> None:
    with refuses(DatasetNotFoundError, "not-found") as caught:
        read_bounded(remote("memory://shop/none"), 10)
    assert "memory://shop/none" in str(caught.value)
    with pytest.raises(FileNotFoundError):
        list_files(remote("memory://shop"))
    with pytest.raises(FileNotFoundError):
        remove(remote("memory://shop/none"))


def test_files_are_listed_sorted_with_their_sizes() -> None:
    folder = remote("memory://shop/photos")
    for name in ("b/2.jpg", "a/1.jpg", "a/10.jpg"):
        write_atomically(folder.child(name), name.encode())
    write_atomically(remote("memory://shop/photos-old/1.jpg"), b"")
    assert list_files(folder) == [("a/1.jpg", 7), ("a/10.jpg", 8), ("b/2.jpg", 7)]
    assert list_files(remote("memory://shop/photos/")) == list_files(folder)


def test_an_error_of_the_caller_uploads_nothing() -> None:
    file = remote("memory://shop/a.bin")
    write_atomically(file, b"old")

    def fail() -> None:
        with atomic_writer(file) as target:
            target.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert read_bounded(file, 10) == b"old"


def test_an_upload_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"HTTP 503 for key={SECRET}")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", fail)
    with refuses(StorageError, "not-writable") as caught:
        write_atomically(remote("memory://shop/a.bin", key=SECRET), b"new")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("stored", [b"", b"nex", b"new, and more"])
def test_an_upload_that_the_store_damages_is_noticed(
    stored: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MemoryFileSystem.pipe_file
    monkeypatch.setattr(
        MemoryFileSystem, "pipe_file", lambda self, path, _: real(self, path, stored)
    )
    with refuses(StorageError, "damaged"):
        write_atomically(remote("memory://shop/a.bin"), b"new")


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "FILE:///etc/passwd", "local:///etc/passwd"),
        *("simplecache::s3://shop/a", "filecache::memory://shop/a", "blockcache::s3://shop/a"),
        *("zip://a.csv::s3://shop/a.zip", "zip://a.csv::/etc/a.zip", "tar://a::memory://shop/b"),
        *(
            "zip://a.csv",
            "dir://etc/passwd",
            "reference://a",
            "data:/,abc",
            "git://a",
            "github://a",
        ),
        *("async_wrapper::file:///etc/passwd", "memory://a::file:///etc/passwd"),
        *("s3:/shop/a", "s3://", " s3://shop/a", "s3://shop/a\n", "s3://shop/\0"),
        *("unknown://shop/a", "javascript:/a", "jlab://a", "dask://a", "generic://a", "cached://a"),
    ],
)
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with refuses(InvalidParameterError, "not-supported", "manifest"):
        as_location(url, "manifest", storage_options={})


def test_a_scheme_is_read_only_if_it_is_listed() -> None:
    """A new file system of fsspec, or one that a program registers, is not reached by itself."""
    from fsspec.registry import known_implementations

    local = {"file", "local", "asynclocal", "dir", "root", "pyscript", "wandb", "gist", "github"}
    wrapping = {"zip", "tar", "simplecache", "filecache", "blockcache", "reference", "dask"}
    known = set(known_implementations)  # they differ between versions
    assert {"file", "local"} | wrapping <= known
    assert ((local | wrapping) & known).isdisjoint(READ)


def test_the_path_in_the_remedy_for_a_file_url_is_right(tmp_path: Path) -> None:
    with refuses(InvalidParameterError, "not-supported", "path") as caught:
        as_location((tmp_path / "a b.csv").as_uri())
    assert repr(str(tmp_path / "a b.csv")) in str(caught.value)


@pytest.mark.parametrize(
    "scheme",
    ["http", "https", "webdav", "webhdfs", "hdfs", "sftp", "ssh", "ftp", "smb"],
)
def test_a_server_needs_storage_options(scheme: str) -> None:
    url = f"{scheme}://intern.example.com/a.shelf"
    with refuses(InvalidParameterError, "not-enabled", "storage_options"):
        as_location(url, storage_options=None)
    with refuses(InvalidParameterError, "not-enabled", "path"):
        as_location(url)
    assert isinstance(as_location(url, storage_options={}), RemoteFile)


def test_a_scheme_is_stored_in_lower_case() -> None:
    assert remote("HTTPS://cdn.example.com/a", x=1).url == "https://cdn.example.com/a"


def test_universal_paths_bring_their_options() -> None:
    upath = pytest.importorskip("upath")
    found = as_location(upath.UPath("s3://shop/a.csv", anon=True), storage_options={"key": "a"})
    assert isinstance(found, RemoteFile)
    assert (found.url, found.options) == ("s3://shop/a.csv", {"anon": True, "key": "a"})
    assert isinstance(as_location(upath.UPath("https://cdn.example.com/a")), RemoteFile)
    assert as_location(upath.UPath("/tmp/a.csv")) == "/tmp/a.csv"
    with refuses(InvalidParameterError, "not-supported", "path"):
        as_location(upath.UPath("simplecache::memory://shop/a"))


@pytest.mark.parametrize("value", [5, None, b"s3://shop/a", ["s3://shop/a"]])
def test_what_is_no_path_is_refused(value: Any) -> None:
    with refuses(InvalidParameterError, "wrong-type", "path"):
        as_location(value)


@pytest.mark.parametrize("options", ["anon", 5, [("key", SECRET)], {1: SECRET}])
def test_wrong_storage_options_are_refused_without_showing_them(options: Any) -> None:
    with refuses(InvalidParameterError, "wrong-type", "storage_options") as caught:
        as_location("s3://shop/a", storage_options=options)
    assert SECRET not in str(caught.value)


def test_stores_that_cannot_replace_a_file_as_a_whole_are_not_written_to() -> None:
    for url in ("https://cdn.example.com/a", "sftp://host/a", "hdfs://host/a", "ftp://host/a"):
        with refuses(InvalidParameterError, "not-supported", "path"):
            as_location(url, storage_options={}, writes=True)
        with refuses(InvalidParameterError, "not-supported", "path"):
            write_atomically(RemoteFile(url), b"")


def test_a_missing_package_is_named_before_anything_is_written() -> None:
    pytest.importorskip("fsspec", reason="names the package")
    with refuses(MissingDependencyError, "missing-dependency") as caught:
        require_writable(remote("gs://shop/a"))
    assert "pip install gcsfs" in str(caught.value)


def test_local_paths_stay_local_and_urls_are_refused_there(tmp_path: Path) -> None:
    for path in ("a/b.jpg", "C:/a.jpg", "C:\\a.jpg", "./s3:/a", "a:b.jpg", "12:30/a.jpg", "a::b"):
        assert not is_url(path)
        assert as_path(path) == path
    for url in ("s3://shop/a", Path("s3://shop/a"), "memory://a", "https://cdn/a", "zip::s3://a/b"):
        with refuses(InvalidParameterError, "not-supported", "cache_dir"):
            as_path(url, "cache_dir")
    assert list(tmp_path.iterdir()) == []


def test_a_url_that_leaves_its_folder_is_not_below_it() -> None:
    folder = remote("s3://shop/photos")
    assert below(folder, "s3://shop/photos/Milk/1 #2?.jpg") == "Milk/1 #2?.jpg"
    assert below(folder, "S3://shop/photos/1.jpg") == "1.jpg"
    outside = ("s3://shop/photos", "s3://shop/photos-old/1", "s3://other/photos/1", "/photos/1")
    for url in (*outside, "s3://shop/photos/../1", "s3://shop/photos//1", "gs://shop/photos/1"):
        assert below(folder, url) is None
    web = remote("https://cdn.example.com/photos", anon=True)
    assert below(web, "https://cdn.example.com/photos/a%20b.jpg") == "a%20b.jpg"
    for name in ("../1", "%2e%2e/1", "%2E./1", "a%2f..%2f../1", "..\\1", "a?b=c", "a#b", "a\nb"):
        assert below(web, f"https://cdn.example.com/photos/{name}") is None
    assert below(web, "https://cdn.example.com@evil.example/photos/1") is None
    assert below(web, "https://cdn.example.com.evil.example/photos/1") is None


def test_credentials_are_neither_shown_nor_repeated() -> None:
    file = remote(f"https://user:{SECRET}@cdn.example.com/a?sig={SECRET}#x", password=SECRET)
    assert file.shown == "https://cdn.example.com/a"
    assert SECRET not in f"{file} {file!r} {file.shown}"
    assert shown_url(f"s3://{SECRET}:{SECRET}@shop/a") == "s3://shop/a"
    assert pickle.loads(pickle.dumps(file)) == file


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://me:p@{SECRET}@shop/a", "https://shop/a"),
        (f"https://me:a/{SECRET}@shop/a", "https://shop/a"),
        (f"https://me:a {SECRET}@shop/a", "https://shop/a"),
        (f"https:\\\\me:{SECRET}@shop\\a", r"https:\\shop\a"),
        (f"simplecache::https://me:{SECRET}@shop/a", "simplecache::https://shop/a"),
        (f"zip://a::s3://{SECRET}@shop/b?{SECRET}", "zip://a::s3://shop/b"),
        ("https://shop:8080/a@2x.jpg", "https://shop:8080/a@2x.jpg"),
        ("s3://shop/a@2x.jpg", "s3://shop/a@2x.jpg"),
        ("s3://shop/12:30/a@2x.jpg", "s3://shop/12:30/a@2x.jpg"),
        ("abfs://photos@shop.example/a", "abfs://photos@shop.example/a"),
        (f"abfs://me:{SECRET}@shop.example/a", "abfs://shop.example/a"),
    ],
)
def test_no_form_of_a_url_shows_its_credentials(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_long_path_is_shown_at_once() -> None:
    began = time.process_time()
    for text in ("a" * 200_000, "s3://a" + "/b:" * 100_000, "a:" * 100_000, "ab:/b:c" * 50_000):
        shown_url(text)
    assert time.process_time() - began < 2


class _Server(http.server.BaseHTTPRequestHandler):
    """Sends 5 MB and ignores ranges; refuses, and redirects nothing."""

    sent = 0

    def do_GET(self) -> None:
        status = {"/secret": 403, "/none": 404, "/broken": 500}.get(self.path.split("?")[0], 200)
        self.send_response(status)
        self.end_headers()
        if status != 200:
            return
        try:
            for _ in range(500):
                type(self).sent += self.wfile.write(b"x" * 10_000)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    pytest.importorskip("aiohttp")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_http_server_that_ignores_ranges_is_read_to_the_limit_only(address: str) -> None:
    file = as_location(f"{address}/photo", storage_options={})
    assert isinstance(file, RemoteFile)
    assert fetch(file, 5) == b"xxxxx"
    with refuses(DataError, "too-large"):
        read_bounded(file, 100_000)
    assert len(read_bounded(file, 5_000_000)) == 5_000_000


@pytest.mark.parametrize(
    ("path", "code"), [("secret", "permission"), ("none", "not-found"), ("broken", "unreadable")]
)
def test_errors_of_an_http_server_hide_the_signature(address: str, path: str, code: str) -> None:
    url = f"{address.replace('//', f'//user:{SECRET}@')}/{path}?sig={SECRET}"
    with pytest.raises((DataError, DatasetNotFoundError)) as caught:
        read_bounded(as_location(url, storage_options={"headers": {"token": SECRET}}), 100)
    assert caught.value.code == code
    assert SECRET not in str(caught.value)
    fault: BaseException | None = caught.value
    while fault is not None:
        assert SECRET not in str(fault)
        fault = fault.__cause__ or fault.__context__
