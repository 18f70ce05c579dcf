"""Find the photos of a list, in the path formats that common tools write.

The path in a cell is tried unchanged first. If this file does not exist, unambiguous variants are
tried: without spaces at the ends, without the apostrophe of spreadsheets, with backslashes as
separators, percent-decoded, as a ``file://`` URL, and in the other Unicode normal form. If none of
them exists, the photo is missing, and `path_remedy` returns the remedy for this kind of path.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from urllib.parse import unquote, urlsplit

from shelfvision._identifiers import clean_name
from shelfvision._text import from_csv_cell, unguarded
from shelfvision._urls import SERVERS, scheme_of, shown_url

# Path("https://cdn/x") has one slash only.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[\\/]")
# "D:1.jpg" starts from the current folder of the drive.
_DRIVE = re.compile(r"[A-Za-z]:")
_MOST_FOLDERS = 100
"""The number of starts of a path that are looked up for a remedy."""
_SEPARATOR = re.compile(r"^[A-Za-z]:|[\\/=]")


class PhotoFinder:
    """Finds photos below a root; caches the listings of folders."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._listed: dict[tuple[str, bool], dict[str, list[str]]] = {}

    def find(self, cell: str) -> str | None:
        """Return the id of the photo that a cell names, or None if the file does not exist."""
        for path in _readings(cell):
            photo = photo_id(path, self._root)
            if os.path.isfile(os.path.join(self._root, photo)):
                return photo
        for path in _readings(cell):
            found = self._walked(photo_id(path, self._root), fold=False)
            if found is not None:
                return found
        return None

    def similar(self, cell: str) -> str | None:
        """Return the id of the only file whose path differs in upper and lower case only."""
        found = (self._walked(photo_id(path, self._root), fold=True) for path in _readings(cell))
        return next(filter(None, found), None)

    def photo_id(self, cell: str) -> str:
        """Return the id for a path without a file."""
        return photo_id(cell, self._root)

    def remedy(self, cells: Sequence[str]) -> tuple[str, str | None]:
        """Return the remedy for paths without files, and the parameter that helps, if any."""
        if all(scheme_of(cell.strip()) not in ("", "file", "data") for cell in cells):
            return remedy_for_urls(cells), None
        return path_remedy(cells[0], self)

    def _walked(self, photo: str, *, fold: bool) -> str | None:
        """Follow a path folder by folder, in any Unicode form, and in any case if `fold`."""
        if photo.isascii() and not fold:
            return None
        key = _folded if fold else _composed
        place = "/" if photo.startswith("/") else self._root
        parts: list[str] = []
        for part in photo.split("/"):
            names = [part]
            if part and not os.path.lexists(os.path.join(place, part)):
                names = self._names(place, key, fold=fold).get(key(part), [])
            if len(names) != 1:
                return None
            parts += names
            place = os.path.join(place, names[0])
        return "/".join(parts) if os.path.isfile(place) else None

    def _names(self, folder: str, key: Callable[[str], str], *, fold: bool) -> dict[str, list[str]]:
        found = self._listed.get((folder, fold))
        if found is None:
            found = {}
            try:
                names = os.listdir(folder)
            except (OSError, ValueError):
                names = []
            for name in names:
                found.setdefault(key(name), []).append(name)
            self._listed[folder, fold] = found
        return found


def photo_id(value: str, root: str) -> str:
    """Return a path as an id with forward slashes, relative to the root if it is inside."""
    path = os.path.normpath(os.path.join(root, value))
    inside = path.startswith(os.path.join(root, ""))
    photo = path[len(os.path.join(root, "")) :] if inside else os.path.normpath(value)
    return photo if os.sep == "/" else photo.replace(os.sep, "/")


def is_address(text: str) -> bool:
    """Return whether a text is a URL of a photo, not of a local file."""
    return _ADDRESS.match(text) is not None and not text.lower().startswith("file:")


def path_remedy(cell: str, finder: PhotoFinder) -> tuple[str, str | None]:
    """Return the remedy for a path without a file, and the parameter that helps, if any."""
    value = clean_name(cell)
    if value.lower().startswith("data:"):
        return "save the photos as files, and list their paths", None
    if is_address(value):
        return remedy_for_urls([cell]), None
    head = _foreign_part(value, finder)
    if head is not None:
        return f"remove {head!r} from the start of the paths, so that they start from root", None
    if os.path.isabs(value) or _DRIVE.match(value) or value.startswith(("\\", "file:")):
        return "copy the photos to this computer, and list their paths relative to root", None
    similar = finder.similar(value)
    if similar is not None:
        return f"write {similar!r}, the name of the file", None
    home = "write out the home folder instead of '~', or " if value.startswith("~") else ""
    return f"{home}set root to the folder that the paths start from", "root"


def remedy_for_urls(urls: Sequence[str]) -> str:
    """Return the remedy for URLs in a list: the `root` that they share."""
    remedy = "download the photos, and list the paths of their files"
    first, *others = {shown_url(url.strip()).rpartition("/")[0] for url in urls}
    start = first
    while start and not all(f"{url}/".startswith(f"{start}/") for url in others):
        start = start.rpartition("/")[0]
    if not start.partition("://")[2]:
        return remedy
    options = " and storage_options={}" if scheme_of(start) in SERVERS else ""
    return f"pass root={start!r}{options} to read the photos from there, or {remedy}"


def _foreign_part(value: str, finder: PhotoFinder) -> str | None:
    """Return the start of a path to remove, so that the rest is a photo below the root."""
    for found in islice(_SEPARATOR.finditer(value), _MOST_FOLDERS):
        tail = value[found.end() :]
        if tail.strip("\\/.") and finder.find(tail.lstrip("\\/")) is not None:
            return value[: len(value) - len(tail.lstrip("\\/"))]
    return None


def _readings(cell: str) -> Iterator[str]:
    """Yield the paths that a cell may mean, the unchanged one first."""
    seen: set[str] = set()
    for text in (cell, from_csv_cell(cell), unguarded(cell), clean_name(cell), cell.strip()):
        for path in (text, _from_address(text), _with_slashes(text), _decoded(text)):
            if path and path not in seen:
                seen.add(path)
                yield path


def _from_address(text: str) -> str | None:
    if not text.lower().startswith("file:"):
        return None
    try:
        parts = urlsplit(text)
        here = parts.netloc in ("", "localhost")
        path = unquote(parts.path) if here else ""
    except ValueError:
        return None
    # "file:///C:/x" has a slash before the drive.
    path = path[1:] if os.sep == "\\" and _DRIVE.match(path[1:]) else path
    return None if "\0" in path else path


def _decoded(text: str) -> str | None:
    """Return a percent-decoded path, such as that of ``Oat%20milk``."""
    path = unquote(text) if "%" in text else ""
    return None if "\0" in path else path


def _with_slashes(text: str) -> str | None:
    """Return a Windows path with forward slashes; None for a path with a drive letter."""
    if "\\" not in text or os.sep == "\\" or _DRIVE.match(text):
        return None
    return text.replace("\\", "/")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
