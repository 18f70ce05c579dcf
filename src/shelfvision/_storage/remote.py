"""Files of object stores and other remote storage, by URL, through fsspec.

`as_location` checks a path argument: it returns text for a local path and a `RemoteFile` for a URL.
`read_bounded`, `atomic_writer` and `write_atomically` of `shelfvision._storage` accept both.

Only the caller's own argument becomes a `RemoteFile`; text from a file never does by itself. These
rules hold for every URL:

- Its scheme is one of `READ`. Chains (``zip://a::s3://b``), caches (``simplecache::``) and local
  files (``file://``) are refused, because they would reach files that the checks of local paths do
  not see.
- A scheme of `SERVERS`, such as ``https`` or ``sftp``, needs `storage_options`, because such a
  server may be any computer.
- Reading requests at most one byte more than its limit.
- Writing is one upload that the store completes or rejects as a whole (``PUT``). The object is
  then read back and compared. Stores without such uploads are refused.
- Messages contain URLs without user, password and query, and no value of `storage_options`.

Examples
--------
>>> from shelfvision._storage import read_bounded, write_atomically
>>> file = as_location("memory://docs/list.csv", "path")
>>> write_atomically(file, b"id,label")
>>> read_bounded(file, 1000)
b'id,label'
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, final
from urllib.parse import unquote

from shelfvision._storage.file_systems import file_system, without_secrets
from shelfvision._urls import SERVERS, is_url, refuse_file_url, scheme_of, shown_url
from shelfvision._validation import as_path, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Location, StorageOptions, UniversalPath

WRITTEN = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory")
"""Schemes of stores that replace an object as a whole, so that they can be written to."""
READ = (
    *WRITTEN,
    *SERVERS,
    *("hf", "oci", "oss", "tos", "lakefs", "dbfs", "gdrive", "dropbox", "box"),
)
"""Schemes that are read."""

_WEB = ("http", "https", "webdav", "webhdfs")
_LOCAL = ("file", "local")
_CHUNK = 16 * 2**20
"""The number of bytes of one request when an upload is compared."""


@final
@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file or folder of remote storage.

    Pickles contain `options`, because other processes need them to read the file.
    """

    url: str
    """The URL, with a scheme of `READ` in lower case."""
    options: StorageOptions = field(default_factory=dict, repr=False)
    """The options of the file system; they may contain credentials."""

    @property
    def scheme(self) -> str:
        """The scheme of the URL."""
        return scheme_of(self.url)

    @property
    def shown(self) -> str:
        """The URL for messages, without credentials."""
        return shown_url(self.url)

    @property
    def suffix(self) -> str:
        """The suffix of the name in lower case, such as ``".csv"``."""
        return os.path.splitext(self.shown)[1].lower()

    @property
    def parent(self) -> RemoteFile:
        """The folder of this file."""
        start, path = _parted(self.url)
        return RemoteFile(start + path.rstrip("/").rpartition("/")[0], self.options)

    def child(self, name: str) -> RemoteFile:
        """Return the file with this relative path below this folder."""
        start, path = _parted(self.url)
        return RemoteFile(
            f"{start}{path.rstrip('/')}/{name}" if path else start + name, self.options
        )

    def with_suffix(self, suffix: str) -> RemoteFile:
        """Return the file with another suffix in the same folder."""
        return RemoteFile(os.path.splitext(self.url)[0] + suffix, self.options)

    def __str__(self) -> str:
        """Return `shown`."""
        return self.shown

    def __repr__(self) -> str:
        """Return `shown`, without the options."""
        return f"RemoteFile({self.shown!r})"

    def __reduce__(self) -> tuple[type[RemoteFile], tuple[str, dict[str, Any]]]:
        """Pickle the URL and the options."""
        return RemoteFile, (self.url, dict(self.options))


def as_location(
    value: Location | RemoteFile,
    parameter: str = "path",
    *,
    storage_options: StorageOptions | EllipsisType | None = ...,
    writes: bool = False,
) -> str | RemoteFile:
    """Return a path argument as text, or as a `RemoteFile` if it is a URL.

    Parameters
    ----------
    value : str, path-like, UPath or RemoteFile
        The argument; a `RemoteFile` is returned unchanged.
    parameter : str, default="path"
        Its public name.
    storage_options : mapping, optional
        The options of the caller. A ``UPath`` brings its own, which these override. Functions
        without this parameter leave it out, so that remedies do not mention it.
    writes : bool, default=False
        Whether the file will be written.

    Raises
    ------
    InvalidParameterError
        The value is not a path, or its URL is not supported.
    """
    has_options = storage_options is not ...
    options = as_storage_options(storage_options if has_options else None)
    if isinstance(value, RemoteFile):
        return value
    if not is_url(value):
        return as_path(value, parameter)  # type: ignore[arg-type]  # it checks the type too
    own = value.storage_options if isinstance(value, UniversalPath) else None
    given = own is not None or options is not None
    url = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    scheme = _checked_scheme(url, parameter, writes=writes)
    if scheme in SERVERS and not given:
        remedy = "storage_options={}" if has_options else "a UPath of universal_pathlib"
        raise InvalidParameterError(
            f"{parameter} must not be the URL of a server unless you allow it, "
            f"got {shown_url(url)!r}; pass {remedy} if you trust the server",
            code="not-enabled",
            parameter="storage_options" if has_options else parameter,
        )
    return RemoteFile(scheme + url[len(scheme) :], {**(own or {}), **(options or {})})


def as_storage_options(value: object) -> StorageOptions | None:
    """Return a mapping with text as keys, or None; refuse anything else without showing it."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidParameterError(
            f"storage_options must be a mapping of names to values, got {type(value).__name__}; "
            "write for example storage_options={'profile': 'shop'}",
            code="wrong-type",
            parameter="storage_options",
        )
    return dict(value)


def suffix_of_location(location: str | RemoteFile) -> str:
    """Return the suffix of a file name in lower case, such as ``".csv"``."""
    if isinstance(location, RemoteFile):
        return location.suffix
    return os.path.splitext(location)[1].lower()


def fetch(file: RemoteFile, most: int, *, start: int = 0) -> bytes:
    """Return at most `most` bytes of a file, from `start` on.

    Raises
    ------
    OSError
        The file does not exist (`FileNotFoundError`), access is denied (`PermissionError`), or
        another reason, without credentials.
    """
    return without_secrets(file, lambda: _fetched(file, start, most))


def require_store(file: RemoteFile) -> None:
    """Refuse a URL that cannot be written to, or whose package is missing; upload nothing.

    Raises
    ------
    OSError
        The file system cannot be opened, such as for missing credentials.
    """
    _checked_scheme(file.url, "path", writes=True)
    without_secrets(file, lambda: file_system(file))


def store(file: RemoteFile, data: bytes) -> None:
    """Upload a file as one object, read it back and compare.

    Raises
    ------
    OSError
        The upload failed, and an existing object is unchanged; or the store returns other bytes
        than were uploaded.
    """
    require_store(file)
    without_secrets(file, lambda: file_system(file).pipe_file(file.url, data))
    view, position = memoryview(data), 0
    while position <= len(data):
        # One byte more than was uploaded shows an object that is too long.
        most = min(_CHUNK, len(data) + 1 - position)
        found = fetch(file, most, start=position)
        if found != view[position : position + most]:
            reason = "the store returns other bytes than were written"
            raise OSError(errno.EBADMSG, reason, file.shown)
        position += most


def list_files(folder: RemoteFile) -> list[tuple[str, int]]:
    """Return the relative path and the size in bytes of each file below a folder, sorted.

    Raises
    ------
    OSError
        As for `fetch`; a folder without files counts as missing.
    """
    found, own = without_secrets(folder, lambda: _found_below(file_system(folder), folder.url))
    start = own.rstrip("/") + "/"
    files = sorted(
        (name[len(start) :], int(entry.get("size") or 0))
        for name, entry in found.items()
        # Consoles of object stores mark a folder by an object whose name ends in a slash.
        if name.startswith(start) and not name.endswith("/") and entry.get("type") != "directory"
    )
    if not files:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder.shown)
    return files


def _found_below(system: Any, url: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the entries below a folder, and the folder's name, as the file system writes them."""
    own: str = system._strip_protocol(url)  # noqa: SLF001  (fsspec has no public function for it)
    return system.find(url, detail=True), own


def remote_size(file: RemoteFile) -> int | None:
    """Return the size of a file in bytes, None if the server does not report it; no byte is read.

    Raises
    ------
    OSError
        As for `fetch`.
    """
    entry = without_secrets(file, lambda: file_system(file).info(file.url))
    if entry.get("type") == "directory":
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), file.shown)
    return None if entry.get("size") is None else int(entry["size"])


def remove(file: RemoteFile) -> None:
    """Remove a file.

    Raises
    ------
    OSError
        As for `fetch`.
    """
    without_secrets(file, lambda: file_system(file).rm_file(file.url))


def below(folder: RemoteFile, url: str) -> str | None:
    """Return a URL as a path relative to a folder; None if it is not below the folder.

    A path that a server may normalize to another folder (``..``) is not below it.

    Examples
    --------
    >>> below(RemoteFile("s3://shop/photos"), "s3://shop/photos/Milk/1.jpg")
    'Milk/1.jpg'
    >>> below(RemoteFile("https://cdn/photos"), "https://cdn/photos/%2e%2e/1.jpg") is None
    True
    """
    start, path = _parted(folder.url)
    prefix = start + path.rstrip("/") + "/"
    scheme = scheme_of(url)
    url = scheme + url[len(scheme) :]
    name = url[len(prefix) :] if url.startswith(prefix) else ""
    return name if is_plain_name(name, folder) else None


def is_plain_name(name: str, folder: RemoteFile) -> bool:
    """Return whether a relative path stays below its folder, whatever a server makes of it."""
    web = folder.scheme in _WEB
    if web and re.search(r"[?#]", name):
        return False
    parts = re.split(r"[\\/]" if web else "/", unquote(name) if web else name)
    return all(part not in ("", ".", "..") for part in parts) and name.isprintable()


def _checked_scheme(url: str, parameter: str, *, writes: bool) -> str:
    """Return the scheme of a URL in lower case, or refuse the URL."""
    scheme = scheme_of(url)
    if scheme in _LOCAL:
        refuse_file_url(url, parameter)
    accepted = WRITTEN if writes else READ
    reason = _fault_of(url, scheme)
    if reason is None and scheme in accepted and _parted(url)[1]:
        return scheme
    if reason is None and scheme in accepted:
        reason = "which names no file; add the path"
    elif reason is None and scheme in READ:
        reason = (
            "whose store cannot replace a file atomically; save to a path of this computer and "
            "copy the file"
        )
    elif reason is None:
        reason = f"whose scheme is not one of {listed(accepted, limit=50)}; use a path or a copy"
    raise InvalidParameterError(
        f"{parameter} must be a path or the URL of a file, got {shown_url(url)!r}, {reason}",
        code="not-supported",
        parameter=parameter,
    )


def _fault_of(url: str, scheme: str) -> str | None:
    """Return what is wrong with the form of a URL, with a remedy."""
    if url != url.strip() or "\0" in url:
        return "which has spaces at its ends or a NUL; remove them"
    if re.match(r"[A-Za-z0-9+._-]+::", url) or re.search(r"::[A-Za-z0-9+._-]+://", url):
        return "a chain of file systems; unpack or copy the file, and pass its own URL"
    if not scheme:
        return "which lacks a slash, as pathlib.Path leaves it; pass the URL as text or UPath"
    return None


def _parted(url: str) -> tuple[str, str]:
    """Return the scheme with ``://``, and the rest."""
    scheme, _, path = url.partition("://")
    return f"{scheme}://", path


def _fetched(file: RemoteFile, start: int, most: int) -> bytes:
    system = file_system(file)
    if file.scheme not in ("http", "https"):
        return _range(system, file.url, start, start + most)
    # A server may ignore a range and send everything, so the answer is read as a stream. A size
    # that is not 0 leaves out the request for the headers.
    with system.open(file.url, "rb", block_size=0, size=1) as stream:
        parts, left = [], start + most
        while left > 0 and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)[start : start + most]


def _range(system: Any, url: str, start: int, end: int) -> bytes:
    try:
        found: bytes = system.cat_file(url, start=start, end=end)
    except OSError as fault:
        # Stores refuse a range that starts at the end of an object.
        if fault.errno != errno.EINVAL:
            raise
        if system.info(url)["size"] > start:
            raise
        return b""
    return found[: end - start]
