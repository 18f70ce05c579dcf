"""Recognize URLs among paths, and write them without their credentials.

A path is a URL if it starts with a scheme of at least two characters, a colon and a slash. One
letter is a drive of Windows, and ``./a:/b.jpg`` is a local file. ``pathlib.Path`` removes a slash
of a URL, which is recognized too. A local path is never opened as a URL, and a URL never as a local
path: a folder ``s3:`` is never created.

Examples
--------
>>> is_url("s3://shop/a.jpg"), is_url("C:/shop/a.jpg"), is_url("shop/a.jpg")
(True, False, False)
>>> shown_url("https://user:secret@cdn.example.com/a.jpg?Signature=abc")
'https://cdn.example.com/a.jpg'
"""

from __future__ import annotations

import os
import re
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import UniversalPath

LOCAL_COPY = "download the file, and pass the path of the copy"
"""The default remedy where a URL is not supported."""
COPY_LATER = "write to a local path, and copy the finished files"
"""The remedy for outputs."""

SERVERS = ("http", "https", "webdav", "webhdfs", "hdfs", "sftp", "ssh", "ftp", "smb")
"""Schemes whose URLs name a server, which may be any computer of the caller's network."""

_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+:[\\/]|[A-Za-z][A-Za-z0-9+._-]*::.*:[\\/])")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_SECRET_PARTS = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<start>(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):[\\/]+)"
    # Secret keys of object stores contain slashes; a number after a colon is a port.
    r"(?P<secret>[^\\/]*@|[^\\/:]+:(?!:|\d*(?:[\\/?#]|$)).{,1000}@)"
)
_WITH_CONTAINERS = ("abfs", "abfss")
"""Schemes of Azure, whose container precedes the ``@``."""
_WITH_QUERIES = ("http", "https", "webdav")


def is_url(value: object) -> bool:
    """Return whether a path is a URL, as text, as a `pathlib.Path` or as a ``UPath``."""
    if isinstance(value, str):
        return _URL.match(value) is not None
    if isinstance(value, os.PathLike):
        found = os.fspath(value)
        return isinstance(found, str) and _URL.match(found) is not None
    return isinstance(value, UniversalPath)


def scheme_of(url: str) -> str:
    """Return the scheme in lower case, such as ``"s3"``; empty text without a complete one."""
    found = _SCHEME.match(url)
    return "" if found is None else found.group(1).lower()


def shown_url(url: str) -> str:
    """Return a URL for messages: without user, password, query and fragment."""
    shown = without_user(url)
    # Keys of object stores may contain these characters; queries of HTTP are often signatures.
    plain = scheme_of(url) not in _WITH_QUERIES and "@" not in shown
    return re.split(r"\?" if plain else r"[?#]", shown)[0]


def without_user(url: str) -> str:
    """Return a URL without user and password; its query may be a signature that opens the photo."""
    return _SECRET_PARTS.sub(_without_secret, url)


def _without_secret(found: re.Match[str]) -> str:
    is_container = found["scheme"].lower() in _WITH_CONTAINERS and ":" not in found["secret"]
    return found[0] if is_container else found["start"]


def refuse_url(value: object, parameter: str, remedy: str = LOCAL_COPY) -> NoReturn:
    """Raise the error for a URL in a parameter that takes local paths only."""
    text = str(value)
    if scheme_of(text.strip()) in ("file", "local"):
        refuse_file_url(text.strip(), parameter)
    raise InvalidParameterError(
        f"{parameter} must be a path of this computer, got the URL {shown_url(text)!r}; {remedy}",
        code="not-supported",
        parameter=parameter,
    )


def refuse_file_url(url: str, parameter: str) -> NoReturn:
    """Raise the error for a URL of a local file; the remedy is its path."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    # "file:///C:/x" has a slash before the drive.
    path = path[1:] if re.match(r"/[A-Za-z]:/", path) else path
    remedy = f"pass {path!r}" if parts.netloc in ("", "localhost") and path else "pass a path"
    raise InvalidParameterError(
        f"{parameter} must name a local file by its path, got the URL {url!r}; {remedy}",
        code="not-supported",
        parameter=parameter,
    )
