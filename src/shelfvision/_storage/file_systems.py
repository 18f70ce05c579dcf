"""The fsspec file system of a URL, and its errors without credentials."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from shelfvision._validation import import_extra, listed
from shelfvision.errors import InvalidParameterError, MissingDependencyError

if TYPE_CHECKING:
    from shelfvision._storage.remote import RemoteFile

_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
    **dict.fromkeys(("http", "https"), "aiohttp"),
}
_MOST_FILE_SYSTEMS = 32

_Found = TypeVar("_Found")

_lock = threading.Lock()
_file_systems: dict[tuple[int, str, str], Any] = {}


def file_system(file: RemoteFile) -> Any:
    """Return the file system of a file: one for each set of options in a process."""
    # fsspec keeps one for each thread, with connections of its own. A fork needs new ones.
    key = os.getpid(), file.scheme, repr(sorted(file.options.items()))
    with _lock:
        found = _file_systems.get(key)
        if found is None:
            while len(_file_systems) >= _MOST_FILE_SYSTEMS:
                del _file_systems[next(iter(_file_systems))]
            found = _file_systems[key] = _made(file)
        return found


def _made(file: RemoteFile) -> Any:
    fsspec = import_extra("fsspec", extra="scale", purpose=f"the URL {file.shown!r}")
    # Listings of other processes' files must not be outdated.
    options = {"use_listings_cache": False, "skip_instance_cache": True, **file.options}
    try:
        return fsspec.filesystem(file.scheme, **options)
    except ImportError:
        package = _PACKAGES.get(file.scheme, f"the package for {file.scheme}:// URLs")
        raise MissingDependencyError(
            f"the URL {file.shown!r} needs the package {package!r}, which is not installed; "
            f"run: pip install {package}",
            code="missing-dependency",
        ) from None
    except (TypeError, ValueError) as fault:
        reason = _cleaned(str(fault), file)
    raise InvalidParameterError(
        f"storage_options must fit {file.scheme!r} storage, got {listed(sorted(file.options))}: "
        f"{reason}; correct them",
        code="not-supported",
        parameter="storage_options",
    )


def without_secrets(file: RemoteFile, action: Callable[[], _Found]) -> _Found:
    """Return the result of an action; convert its errors to `OSError` without credentials."""
    try:
        return action()
    except (InvalidParameterError, MissingDependencyError):
        raise
    except Exception as fault:  # noqa: BLE001  (file systems raise errors of any type)
        kind, number, reason = _described(fault, file)
    # Outside of the handler: tracebacks would otherwise show the original error.
    raise kind(number, reason, file.shown)


_DENIED = re.compile(r"Credential|Forbidden|Unauthorized|AccessDenied|Authentication|SignatureDoes")


def _described(fault: Exception, file: RemoteFile) -> tuple[type[OSError], int, str]:
    """Return an error for an error of a file system: type, number and reason."""
    status = getattr(fault, "status", None)
    if isinstance(fault, FileNotFoundError) or status == 404:
        return FileNotFoundError, errno.ENOENT, os.strerror(errno.ENOENT)
    name = type(fault).__name__
    reason = _cleaned(str(fault), file) or name
    denied = isinstance(fault, PermissionError) or status in (401, 403) or _DENIED.search(name)
    if denied:
        return PermissionError, errno.EACCES, reason
    if isinstance(fault, IsADirectoryError):
        return IsADirectoryError, errno.EISDIR, reason
    if isinstance(fault, TimeoutError):
        return TimeoutError, errno.ETIMEDOUT, "the storage did not answer in time"
    return OSError, errno.EIO, f"{name}: {reason}" if reason != name else name


def _cleaned(message: str, file: RemoteFile) -> str:
    """Return the start of a message without the URL's credentials and values of the options."""
    text = " ".join(message.split()).replace(file.url, file.shown)
    rest = file.url[len(file.shown) :] if file.url.startswith(file.shown) else ""
    for secret in sorted({*_texts(file.options), rest.lstrip("?#")}, key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, "***")
    return re.sub(r"\?\S*", "", text)[:200]


def _texts(value: object) -> Iterator[str]:
    """Yield all texts within options."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
