"""List photos without labels, for scoring: the rows of a manifest, or the files of a folder.

No photo is opened, and files of manifests are not looked up: a list may have millions of rows.
`places_below` finds the file of one photo when it is read, in the path formats of
`shelfvision.data.finding._paths`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import final

from shelfvision._csv import read_table
from shelfvision._identifiers import clean_name
from shelfvision._photos.formats import READ_NAMES, READ_SUFFIXES, suffix_of
from shelfvision._storage import RemoteFile, as_location
from shelfvision._text import unguarded
from shelfvision._urls import is_url, shown_url
from shelfvision.data.finding import _remote
from shelfvision.data.finding._manifest import (
    ManifestOrigin,
    Where,
    accepted_cells,
    accepted_values,
    checked_where,
    require_path,
)
from shelfvision.data.finding._paths import (
    PhotoFinder,
    is_address,
    photo_id,
    remedy_for_urls,
)
from shelfvision.data.finding.directories import existing_directory
from shelfvision.errors import DataError
from shelfvision.protocols import Location


def listed_photos(
    path: Location | RemoteFile,
    *,
    root: str | RemoteFile,
    path_column: str,
    keep: Sequence[str] = (),
    where: Mapping[str, str | Sequence[str]] | None = None,
    encoding: str | None = None,
) -> dict[str, list[str]]:
    """Return the photos of a CSV manifest as columns of text.

    Parameters
    ----------
    path : path-like, URL or RemoteFile
        The CSV file.
    root : str or RemoteFile
        The folder that relative paths start from, as an absolute path or by URL.
    path_column : str
        The column with the paths or URLs of the photos.
    keep : sequence of str, optional
        Other columns to return.
    where : mapping of str to str or sequence of str, optional
        The values that a row must have.
    encoding : str, optional
        The encoding of the file; by default UTF-8.

    Returns
    -------
    dict of str to list of str
        ``"id"``: the ids of `listed_ids`; and the cells of each column of `keep`, in the order of
        the file. Repeated photos are repeated.

    Raises
    ------
    DatasetNotFoundError, DataError
        The file does not exist, is not a CSV file, lacks a column, or has no matching row.
    """
    given = as_location(path, "source")
    wanted = checked_where(where or {})
    needed: dict[str, str | None] = dict.fromkeys(wanted, "where")
    needed |= dict.fromkeys(keep, "keep")
    needed[path_column] = "path_column"
    rows = read_table(given, needed, encoding=encoding, parameter="source").rows
    origin = ManifestOrigin(repr(str(given)), parameter="source")
    accepted = accepted_cells(rows, wanted, origin) if wanted else {}
    cells: list[str] = []
    columns: dict[str, list[str]] = {name: [] for name in keep}
    for line, row in rows:
        if any(clean_name(row[name]) not in values for name, values in accepted.items()):
            continue
        require_path(row[path_column], line, origin)
        cells.append(row[path_column])
        for name in keep:
            columns[name].append(unguarded(row[name]))
    return {"id": list(listed_ids(lambda: cells, root)), **columns}


def listed_ids(cells: Callable[[], Iterable[str]], root: str | RemoteFile) -> Iterator[str]:
    """Yield the ids of the photos of a list.

    Parameters
    ----------
    cells : callable
        Returns the cells with the paths or URLs, each time from the first one on.
    root : str or RemoteFile
        The folder that relative paths start from. Below a URL, ids are URLs without credentials.

    Raises
    ------
    DataError
        The root is a URL, and a cell names a photo that is not below it.
    """
    if not isinstance(root, RemoteFile):
        yield from (listed_id(cell, root) for cell in cells())
        return
    finder = _remote.RemoteFinder(root)
    for cell in cells():
        name = finder.find(cell)
        if name is None:
            raise _outside(root, cell, cells())
        yield remote_id(root, name)


def remote_id(root: RemoteFile, name: str) -> str:
    """Return the id of a photo below a URL: its own URL without credentials."""
    return f"{root.shown.rstrip('/')}/{name}"


def _outside(root: RemoteFile, cell: str, cells: Iterable[str]) -> DataError:
    """Return the error for a cell that does not name a photo below the root."""
    remedy = "list paths that start from root, or URLs that start with it"
    if is_url(cell.strip()):
        remedy = remedy_for_urls([one for one in cells if is_url(one.strip())])
    return DataError(
        f"source must list photos below {root.shown!r}, got {shown_url(cell.strip())!r}; {remedy}",
        code="missing-photos",
        parameter="root",
    )


def listed_id(cell: str, root: str) -> str:
    """Return the id of a cell: a URL unchanged, or a path relative to the root if it is inside."""
    text = cell.strip()
    return text if is_address(text) else photo_id(cell, root)


def photos_below(directory: str | os.PathLike[str], root: str) -> Iterator[str]:
    """Yield the ids of all photos of a folder and its subfolders, sorted within each folder.

    Hidden files and folders are left out, and links to folders are not followed. The ids are
    relative to `root`, an absolute path, if the folder is inside.
    """
    for place, folders, names in os.walk(existing_directory(directory), onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if suffix_of(name) in READ_SUFFIXES and not name.startswith("."):
                yield photo_id(os.path.join(place, name), root)


def photo_urls(folder: RemoteFile, parameter: str) -> list[str]:
    """Return the URLs of all photos below a URL, sorted; hidden files and folders are left out."""
    names = remote_names(folder, parameter)
    if not names:
        raise DataError(
            f"{parameter} must be a folder of photos ({READ_NAMES}), got {folder.shown!r} without "
            "any; check the URL",
            code="empty",
            parameter=parameter,
        )
    return [folder.child(name).url for name in names]


def remote_names(folder: RemoteFile, parameter: str) -> list[str]:
    """Return the paths of all photos below a URL, relative to it and sorted."""
    names = _remote.listed_photos(folder, parameter)
    hidden = re.compile(r"(?:^|/)\.")
    return sorted(
        name for name in names if suffix_of(name) in READ_SUFFIXES and not hidden.search(name)
    )


def _raise(error: OSError) -> None:
    raise DataError(
        f"the folder {error.filename!r} cannot be read: {error.strerror}; allow reading it, or "
        "move it elsewhere",
        code="unreadable",
        parameter="source",
    ) from error


def places_below(root: str | RemoteFile) -> Callable[[str], str]:
    """Return a function from the id of a listed photo to its path or URL, to read it."""
    if not isinstance(root, RemoteFile):
        return _PhotoPlaces(root).of
    start = len(remote_id(root, ""))
    return lambda photo: root.child(photo[start:]).url


@final
class _PhotoPlaces:
    """Finds the files of listed photos below a root.

    Parameters
    ----------
    root : str
        The absolute path of the folder that relative ids start from.
    """

    __slots__ = ("_finder", "_root")

    def __init__(self, root: str) -> None:
        self._root = root
        self._finder = PhotoFinder(root)

    def of(self, photo: str) -> str:
        """Return the path of the photo with this id, or its URL; the file may be missing."""
        if is_address(photo):
            return photo
        path = os.path.join(self._root, photo)
        if os.path.lexists(path):
            return path
        found = self._finder.find(photo)
        return path if found is None else os.path.join(self._root, found)


__all__ = [
    "ManifestOrigin",
    "Where",
    "accepted_values",
    "checked_where",
    "listed_id",
    "listed_ids",
    "listed_photos",
    "photo_urls",
    "photos_below",
    "places_below",
    "remote_id",
    "remote_names",
]
