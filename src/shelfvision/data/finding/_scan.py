"""Find the photos of a folder with one sub-folder per class."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import clean_name, spellings, warn_of_twins
from shelfvision._photos.formats import READ_NAMES, conversion, format_of_name, readable_suffixes
from shelfvision._photos.heic.opening import PIP_LINE, heif_is_installed
from shelfvision._skipped import SkippedFile
from shelfvision._storage import RemoteFile
from shelfvision._validation import counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.data.finding._classes import accepted_classes
from shelfvision.data.finding._folders import (
    is_system_folder,
    refuse_annotations,
    refuse_parts,
    warn_of_wrapper,
)
from shelfvision.data.finding._remote import RemoteTree, listed_photos
from shelfvision.data.finding._tree import LocalTree
from shelfvision.data.finding.directories import existing_directory
from shelfvision.errors import DataError, ShelfVisionWarning
from shelfvision.protocols import ClassNames, OnError

_SHOWN = 5
"""The number of empty classes in a warning."""
_HIDDEN = "the file, or a folder above it, is hidden"


@dataclass(slots=True)
class Scan:
    """The result of a scan: the photos as columns, and all other files by name."""

    root: str
    """The absolute path of the folder, or its URL without credentials."""
    class_names: tuple[str, ...] = ()
    """The classes in the order of their numbers."""
    folders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The folders of each class; several if their normalized names are equal."""
    ids: list[str] = field(default_factory=list)
    """Paths relative to the root, with forward slashes, sorted class folder by class folder."""
    labels: list[int] = field(default_factory=list)
    """The class number of each photo."""
    sizes: Sequence[int] | None = None
    """The size of each photo in bytes, if remote storage lists it."""
    holders: Collection[str] = ()
    """The folders that contain photos, relative to the root."""
    skipped: list[SkippedFile] = field(default_factory=list)
    """The files and folders that are not photos, with reasons."""


def scan_directory(
    directory: str | RemoteFile, class_names: ClassNames | None, on_error: OnError
) -> Scan:
    """Find the photos below each class folder; no file is opened."""
    wanted = None if class_names is None else as_class_names(class_names)
    skipped: list[SkippedFile] = []
    sizes: Mapping[str, int] | None = None
    tree: LocalTree | RemoteTree
    if isinstance(directory, RemoteFile):
        root, sizes = directory.shown, listed_photos(directory)
        tree = RemoteTree(sizes)
    else:
        root = existing_directory(directory)
        tree = LocalTree(root, on_error, skipped)
    walk = _Walk(root, tree, skipped, kept=wanted or ())
    folders = spellings(walk.class_folders())
    if not folders:
        raise _no_folders(root, walk.skipped)
    if wanted is not None and folders.keys().isdisjoint(wanted):
        found = [photo for ways in folders.values() for photo in walk.below(ways)]
        refuse_parts(root, walk.holders)
        raise _no_such_classes(root, wanted, folders, found)
    classes = tuple(sorted(folders)) if wanted is None else wanted
    chosen = {name: folders[name] for name in classes if name in folders}
    warn_of_twins(chosen, what="folders")
    scan = Scan(root, class_names=classes, folders=chosen, skipped=walk.skipped)
    number = {name: index for index, name in enumerate(classes)}
    for name in sorted(chosen):
        found = sorted(walk.below(chosen[name]))
        scan.ids += found
        scan.labels += [number[name]] * len(found)
    scan.sizes = None if sizes is None else [sizes[photo] for photo in scan.ids]
    scan.skipped.sort(key=lambda file: file.path)
    scan.holders = walk.holders
    _check_found(scan, wanted, folders)
    return scan


def _check_found(
    scan: Scan, wanted: tuple[str, ...] | None, folders: Mapping[str, Sequence[str]]
) -> None:
    """Refuse the sets of a split and annotations; warn of wrapper folders and missing classes."""
    if not scan.ids:
        raise DataError(
            f"no photo was found in the class folders of {scan.root!r} ({listed(scan.folders)}); "
            f"put {READ_NAMES} photos into them{_seen_instead(scan.skipped)}",
            code="empty",
            parameter="directory",
        )
    if wanted is None:
        refuse_parts(scan.root, scan.holders)
        refuse_annotations(scan.root, scan.folders, (file.path for file in scan.skipped))
        warn_of_wrapper(scan.root, scan.holders)
    else:
        # `warn_of_empty` reports folders without photos later, after corrupted photos are removed.
        accepted_classes(wanted, tuple(folders), of=repr(scan.root))


def _no_folders(root: str, skipped: Sequence[SkippedFile]) -> DataError:
    beside = sum(file.code == "no-class" for file in skipped)
    found = f"{counted(beside, 'photo')} outside of a sub-folder" if beside else "no sub-folder"
    example = os.path.join(root, "Milk", "1.jpg")
    return DataError(
        f"photos must be in one sub-folder per class, as in {example!r}, got {found}; "
        "make a folder for each class, or list photos and labels in a CSV file and use "
        "Dataset.from_manifest",
        code="no-classes",
        parameter="directory",
    )


def _no_such_classes(
    root: str, wanted: Sequence[str], folders: Iterable[str], photos: Iterable[str]
) -> DataError:
    """Return the error for class names without a folder; search one level deeper for a remedy."""
    paths = (photo.split("/") for photo in photos)
    above = sorted({one[0] for one in paths if len(one) > 2 and clean_name(one[1]) in wanted})
    remedy = (
        f"pass {os.path.join(root, above[0])!r}, which has folders with these names"
        if above
        else "pass some of these names, or another directory"
    )
    return DataError(
        f"class_names must have a folder in {root!r}, got {listed(wanted)}, but its folders are "
        f"{listed(sorted(folders), limit=50)}; {remedy}",
        code="missing-class",
        parameter="class_names",
    )


def warn_of_empty(scan: Scan, counts: Mapping[str, int], skipped: Iterable[SkippedFile]) -> None:
    """Warn once of class folders without a usable photo, each with its first file."""
    empty = [name for name in scan.folders if not counts[name]]
    if not empty:
        return
    files = list(skipped)
    shown = [f"{name!r} ({_why_empty(scan.folders[name], files)})" for name in empty[:_SHOWN]]
    more = f" and {len(empty) - _SHOWN} more" if len(empty) > _SHOWN else ""
    warn_caller(
        ShelfVisionWarning(
            f"{counted(len(empty), 'class folder')} of {scan.root!r} without a usable photo: "
            f"{', '.join(shown)}{more}; add photos to each, or leave the class out with "
            "class_names=",
            code="empty-class",
            parameter="directory",
        )
    )


def _why_empty(folders: Sequence[str], skipped: Iterable[SkippedFile]) -> str:
    inside = tuple(f"{folder}/" for folder in folders)
    first = next((file for file in skipped if file.path.startswith(inside)), None)
    return "empty" if first is None else f"such as {first.path!r}: {first.reason}"


def _seen_instead(skipped: list[SkippedFile]) -> str:
    if not skipped:
        return ""
    first = skipped[0]
    return f" ({counted(len(skipped), 'other file')}, such as {first.path!r}: {first.reason})"


class _Walk:
    """Walks the class folders of a tree, and records all files that are not photos."""

    def __init__(
        self,
        root: str,
        tree: LocalTree | RemoteTree,
        skipped: list[SkippedFile],
        *,
        kept: Collection[str],
    ) -> None:
        self._root = root
        self._tree = tree
        self._kept = frozenset(kept)
        # A tuple for `str.endswith`: a format lookup takes three times as long, and there may be
        # 100,000 names.
        self._suffixes = readable_suffixes(heif=heif_is_installed())
        self.holders: set[str] = set()
        self.skipped = skipped

    def class_folders(self) -> list[str]:
        """Return the names of the root's folders, sorted; record other files."""
        files, folders = self._tree.listed("", self._may_be_class)
        for name in files:
            if name[0] == ".":
                self._skip(name, "hidden", _HIDDEN)
            elif self._is_photo(name):
                self._skip(name, "no-class", "the photo is not in a class folder")
            else:
                self._skip_other(name)
        for folder in folders:
            if folder[0] == ".":
                # Yields nothing, but records each file as hidden.
                list(self.photos_below(folder))
        return [name for name in folders if name[0] != "."]

    def below(self, folders: Iterable[str]) -> Iterator[str]:
        """Yield the ids below the folders of one class."""
        for folder in folders:
            yield from self.photos_below(folder)

    def photos_below(self, folder: str) -> Iterator[str]:
        """Yield the ids below one class folder, in the order of the file system."""
        pending = [folder]
        while pending:
            prefix = pending.pop() + "/"
            hidden = "/." in "/" + prefix
            files, folders = self._tree.listed(prefix, self._may_be_class)
            pending += [prefix + name for name in folders]
            photos = 0
            for name in files:
                if hidden or name[0] == ".":
                    self._skip(prefix + name, "hidden", _HIDDEN)
                elif self._is_photo(name):
                    photos += 1
                    yield prefix + name
                else:
                    self._skip_other(prefix + name)
            if photos:
                self.holders.add(prefix[:-1])

    def _may_be_class(self, name: str, path: str) -> bool:
        """Return whether a folder can be a class by its name; record it if not."""
        if is_system_folder(name) and clean_name(path) not in self._kept:
            self._skip(path, "system-folder", "the folder belongs to a system or a program")
            return False
        if not clean_name(name):
            self._skip(path, "no-name", "the folder's name has no visible character")
            return False
        return True

    def _is_photo(self, path: str) -> bool:
        """Return whether a file has the suffix of a readable photo."""
        return path.lower().endswith(self._suffixes)

    def _skip_other(self, path: str) -> None:
        known = format_of_name(path)
        if known is None:
            self._skip(path, "not-a-photo", f"the file does not have a {READ_NAMES} suffix")
        elif known.is_read:
            self._skip(path, "needs-heif", f"to read HEIC photos, run: {PIP_LINE}")
        else:
            where = os.path.join(self._root, *path.split("/"))
            reason = f"{known.name} is not supported; convert it with: {conversion(where)}"
            self._skip(path, "needs-conversion", reason)

    def _skip(self, path: str, code: str, reason: str) -> None:
        self.skipped.append(SkippedFile(path, reason, code))
