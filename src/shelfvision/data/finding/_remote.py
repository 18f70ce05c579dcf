"""Find the photos of remote storage: below the class folders of a URL, or listed in a manifest.

A list is data, which other people write. Therefore a cell can only name a photo below `root`, a URL
that the caller passed: as a relative path, or as a URL that starts with `root`. Any other URL is
missing, and no request is sent for it. Unlike paths of this computer, a path is not tried in other
spellings, because each attempt would be a request; spaces at its ends and the apostrophe of
spreadsheets are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from shelfvision._storage import RemoteFile
from shelfvision._storage.remote import below, is_plain_name, list_files, remote_size
from shelfvision._text import unguarded
from shelfvision._urls import is_url
from shelfvision.data.finding._paths import remedy_for_urls
from shelfvision.errors import DataError, DatasetNotFoundError, PhotoNotFoundError

_UNLISTED = ("http", "https")
"""Schemes without listings, whose servers may also not report whether a file exists."""


class RemoteFinder:
    """Finds the photos of a manifest below a URL; sends no request."""

    def __init__(self, root: RemoteFile) -> None:
        self._root = root

    def find(self, cell: str) -> str | None:
        """Return the id of the photo that a cell names, or None if it is not below the root."""
        text = unguarded(cell.strip())
        if is_url(text):
            return below(self._root, text)
        return text if is_plain_name(text, self._root) else None

    def photo_id(self, cell: str) -> str:
        """Return the id for a cell without a photo."""
        return cell

    def remedy(self, cells: Sequence[str]) -> tuple[str, str | None]:
        """Return the remedy for cells without a photo, and the parameter that helps."""
        if all(is_url(cell) for cell in cells):
            return remedy_for_urls(cells), "root"
        return "list paths that start from root, or URLs that start with it", "root"


class RemoteTree:
    """The folders of a listing, for the same walk as over folders of this computer."""

    def __init__(self, names: Iterable[str]) -> None:
        self._files: dict[str, list[str]] = {}
        self._folders: dict[str, list[str]] = {}
        seen: set[str] = set()
        for name in names:
            folder, _, last = name.rpartition("/")
            self._files.setdefault(folder, []).append(last)
            while folder and folder not in seen:
                seen.add(folder)
                folder, _, last = folder.rpartition("/")
                self._folders.setdefault(folder, []).append(last)

    def listed(
        self, prefix: str, is_accepted: Callable[[str, str], bool]
    ) -> tuple[list[str], list[str]]:
        """Return the names of a folder's files, and of its accepted folders, sorted."""
        folder = prefix.rstrip("/")
        folders = sorted(self._folders.get(folder, ()))
        return (
            list(self._files.get(folder, ())),
            [name for name in folders if is_accepted(name, prefix + name)],
        )


def listed_photos(root: RemoteFile, parameter: str = "directory") -> dict[str, int]:
    """Return the size of each file below a URL by its relative path."""
    if root.scheme in _UNLISTED:
        raise DataError(
            f"{parameter} must be in storage that lists its files, got {root.shown!r}; list the "
            "photos in a CSV file, and use Dataset.from_manifest with this URL as root=",
            code="not-supported",
            parameter=parameter,
        )
    try:
        found = dict(list_files(root))
    except FileNotFoundError as error:
        raise DatasetNotFoundError(
            f"{parameter} must contain files, got {root.shown!r} without any; check the URL",
            code="not-found",
            parameter=parameter,
        ) from error
    except OSError as error:
        raise DataError(
            f"{parameter} {root.shown!r} cannot be listed: {error.strerror}; check the URL and "
            "storage_options",
            code="permission" if isinstance(error, PermissionError) else "unreadable",
            parameter=parameter,
        ) from error
    return {name: size for name, size in found.items() if is_plain_name(name, root)}


def require_photo(root: RemoteFile, name: str) -> None:
    """Refuse a root below which the first listed photo does not exist."""
    if root.scheme in _UNLISTED:
        return
    photo = root.child(name)
    make = partial(PhotoNotFoundError, path=photo.shown)
    try:
        remote_size(photo)
    except FileNotFoundError:
        fault, remedy = "does not exist", "set root to the URL that the paths start from"
        code = "not-found"
    except OSError as error:
        fault, code = f"cannot be read: {error.strerror}", "unreadable"
        remedy = "check the URL, the network and storage_options"
    else:
        return
    message = f"the first photo, {photo.shown!r}, {fault}; {remedy}"
    raise make(message, code=code, parameter="root")
