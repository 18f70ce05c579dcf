"""Finds the photos of a folder that has one sub-folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from shelfvision._validation import as_class_names, counted, listed
from shelfvision.data.decoding._heif import HEIF_ENDINGS, PIP_LINE, heif_is_installed
from shelfvision.data.finding._skipped import SkippedFile
from shelfvision.errors import DataError, DatasetNotFoundError, PhotoError
from shelfvision.protocols import ClassNames, OnError

_ENDINGS = frozenset((".jpg", ".png"))
_LONG_ENDINGS = frozenset((".jpeg", ".webp"))


@dataclass(slots=True)
class Scan:
    """What was found: columns of the photos, and everything else by name."""

    root: str
    """The absolute path of the folder."""
    class_names: tuple[str, ...] = ()
    """The classes in the order of their numbers."""
    ids: list[str] = field(default_factory=list)
    """Paths relative to the root, with forward slashes, sorted class folder by class folder."""
    labels: list[int] = field(default_factory=list)
    """The class number of each."""
    skipped: list[SkippedFile] = field(default_factory=list)
    """What was seen and is no photo."""


def scan_directory(
    directory: str | os.PathLike[str], class_names: ClassNames | None, on_error: OnError
) -> Scan:
    """Find the photos below each class folder; no file is opened."""
    root = existing_directory(directory)
    wanted = None if class_names is None else as_class_names(class_names)
    walk = _Walk(root, on_error)
    folders = walk.class_folders()
    classes = _classes(root, folders, wanted, walk.skipped)
    scan = Scan(root, class_names=classes, skipped=walk.skipped)
    number = {name: index for index, name in enumerate(classes)}
    for folder in sorted(classes):
        found = sorted(walk.photos_below(folder))
        scan.ids += found
        scan.labels += [number[folder]] * len(found)
    scan.skipped.sort(key=lambda file: file.path)
    if not scan.ids:
        raise DataError(
            f"no photo was found in the class folders of {root!r} ({listed(classes)}); put .jpg, "
            f".png or .webp files into them{_seen_instead(scan.skipped)}",
            code="empty",
            parameter="directory",
        )
    return scan


def _classes(
    root: str, folders: list[str], wanted: tuple[str, ...] | None, skipped: list[SkippedFile]
) -> tuple[str, ...]:
    if not folders:
        beside = sum(file.code == "no-class" for file in skipped)
        lie = "lies" if beside == 1 else "lie"
        beside_it = f"{counted(beside, 'photo')} {lie} directly inside it"
        found = beside_it if beside else "it has no folder inside"
        example = os.path.join(root, "Milk", "1.jpg")
        raise DataError(
            f"photos must be in one sub-folder per class, as in {example!r}, but {found}; "
            "make a folder for each class, or list photos and labels in a CSV file and use "
            "Dataset.from_manifest",
            code="no-classes",
            parameter="directory",
        )
    unknown = [name for name in wanted or () if name not in set(folders)]
    if unknown:
        raise DataError(
            f"class_names has {listed(unknown)}, but {root!r} has no folder of that name; its "
            f"folders are {listed(folders, limit=50)}",
            code="missing-class",
            parameter="class_names",
        )
    return tuple(folders) if wanted is None else wanted


def _seen_instead(skipped: list[SkippedFile]) -> str:
    if not skipped:
        return ""
    first = skipped[0]
    return f" ({len(skipped)} other files were seen, the first {first.path!r}: {first.reason})"


def existing_directory(directory: str | os.PathLike[str]) -> str:
    """Return the absolute path of a folder that exists."""
    given = os.fspath(directory)
    root = os.path.abspath(given)
    if os.path.isdir(root):
        return root
    if os.path.exists(root):
        raise DataError(
            f"{given!r} is a file, not a folder; give the folder that has one sub-folder of "
            "photos per class",
            code="not-a-folder",
            parameter="directory",
        )
    where = "" if given == root else f" (looked at {root!r})"
    raise DatasetNotFoundError(
        f"there is no folder {given!r}{where}; check the path",
        code="not-found",
        parameter="directory",
    )


class _Walk:
    """Walks folders without ever going round in a circle, and notes all that is no photo."""

    def __init__(self, root: str, on_error: OnError) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._on_error = on_error
        self._followed: set[str] = set()
        self._with_heif = heif_is_installed()
        self.skipped: list[SkippedFile] = []

    def class_folders(self) -> list[str]:
        """Return the names of the root's folders, sorted; note what else lies there."""
        files, folders = self._sorted_out("")
        for name in files:
            if _is_photo(name) or (self._with_heif and _is_heif(name)):
                self._skip(name, "no-class", "the photo lies beside the class folders, not in one")
            else:
                self._skip_other(name)
        for folder in folders:
            if folder[0] == ".":
                # Yields nothing, and notes every file as hidden.
                list(self.photos_below(folder))
        return [name for name in folders if name[0] != "."]

    def photos_below(self, folder: str) -> Iterator[str]:
        """Yield the ids below one class folder, in the order of the file system."""
        pending = [folder]
        while pending:
            prefix = pending.pop() + "/"
            hidden = "/." in "/" + prefix
            files, folders = self._sorted_out(prefix)
            pending += [prefix + name for name in folders]
            for name in files:
                if hidden or name[0] == ".":
                    self._skip(prefix + name, "hidden", "the file, or a folder above it, is hidden")
                elif _is_photo(name) or (self._with_heif and _is_heif(name)):
                    yield prefix + name
                else:
                    self._skip_other(prefix + name)

    def _sorted_out(self, prefix: str) -> tuple[list[str], list[str]]:
        """Return the names of a folder's files, in any order, and of its folders, sorted."""
        files, others = [], []
        for entry in self._entries(prefix):
            if entry.is_file(follow_symlinks=False):
                files.append(entry.name)
            else:
                others.append(entry)
        folders = []
        # In a fixed order, since of two links to one folder the first is followed.
        for entry in sorted(others, key=lambda entry: entry.name):
            if _is_linked_file(entry):
                files.append(entry.name)
            elif self._leads_down(entry, prefix + entry.name):
                folders.append(entry.name)
        return files, folders

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                return list(entries)
        except OSError as error:
            path = folder or self._root
            reason = f"the folder cannot be read: {error.strerror or error}"
            if self._on_error == "raise" or not folder:
                code = "permission" if isinstance(error, PermissionError) else "unreadable"
                message = f"{path!r}: {reason}; allow reading it, or move it elsewhere"
                raise PhotoError(message, path=path, code=code) from error
            self._skip(path, "unreadable-folder", reason)
            return []

    def _leads_down(self, entry: os.DirEntry[str], path: str) -> bool:
        """Tell whether what is no file is a folder to walk; note it if not."""
        if entry.is_dir(follow_symlinks=False):
            return True
        if not entry.is_symlink():
            self._skip(path, "not-a-file", "it is neither a file nor a folder")
            return False
        target = os.path.realpath(entry.path)
        if not os.path.isdir(target):
            self._skip(path, "broken-link", "the link leads to nothing that can be read")
            return False
        if target in self._followed or self._overlaps_root(target):
            self._skip(path, "linked-folder", "the link leads to a folder that is read already")
            return False
        self._followed.add(target)
        return True

    def _overlaps_root(self, target: str) -> bool:
        above = os.path.commonpath((target, self._real_root))
        return above in (target, self._real_root)

    def _skip_other(self, path: str) -> None:
        if _is_heif(path):
            self._skip(path, "needs-heif", f"HEIC photos are read after: {PIP_LINE}")
        else:
            self._skip(path, "not-a-photo", _NOT_A_PHOTO)

    def _skip(self, path: str, code: str, reason: str) -> None:
        self.skipped.append(SkippedFile(path, reason, code))


_NOT_A_PHOTO = "its name does not end in .jpg, .jpeg, .png or .webp"


def _is_photo(path: str) -> bool:
    return path[-4:].lower() in _ENDINGS or path[-5:].lower() in _LONG_ENDINGS


def _is_heif(path: str) -> bool:
    return path.lower().endswith(HEIF_ENDINGS)


def _is_linked_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_file()
    except OSError:
        return False
