"""List the folders of this computer: links are followed once, and cycles are detected."""

from __future__ import annotations

import os
from collections.abc import Callable

from shelfvision._skipped import SkippedFile
from shelfvision.errors import PhotoError
from shelfvision.protocols import OnError


class LocalTree:
    """The folders below a root; records in `skipped` what is neither a file nor a folder."""

    def __init__(self, root: str, on_error: OnError, skipped: list[SkippedFile]) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._on_error = on_error
        self._followed: set[str] = set()
        self._skipped = skipped

    def listed(
        self, prefix: str, is_accepted: Callable[[str, str], bool]
    ) -> tuple[list[str], list[str]]:
        """Return the names of a folder's files, in any order, and of its folders, sorted.

        `is_accepted` takes the name and the path of a folder, and records one that it refuses.
        """
        files, others = [], []
        for entry in self._entries(prefix):
            if entry.is_file(follow_symlinks=False):
                files.append(entry.name)
            else:
                others.append(entry)
        folders = []
        # Sorted, because only the first of two links to one folder is followed.
        for entry in sorted(others, key=lambda entry: entry.name):
            if _is_linked_file(entry):
                files.append(entry.name)
            elif is_accepted(entry.name, prefix + entry.name) and self._leads_down(
                entry, prefix + entry.name
            ):
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
        """Return whether an entry is a folder to walk; record it if not."""
        if entry.is_dir(follow_symlinks=False):
            return True
        if not entry.is_symlink():
            self._skip(path, "not-a-file", "it is neither a file nor a folder")
            return False
        target = _end_of(entry)
        if target is None:
            self._skip(path, "broken-link", "the target of the link does not exist")
            return False
        if not os.path.isdir(target):
            self._skip(path, "not-a-file", "the target of the link is neither a file nor a folder")
            return False
        if target in self._followed or self._overlaps_root(target):
            self._skip(path, "linked-folder", "the target of the link is read already")
            return False
        self._followed.add(target)
        return True

    def _overlaps_root(self, target: str) -> bool:
        above = os.path.commonpath((target, self._real_root))
        return above in (target, self._real_root)

    def _skip(self, path: str, code: str, reason: str) -> None:
        self._skipped.append(SkippedFile(path, reason, code))


def _end_of(entry: os.DirEntry[str]) -> str | None:
    """Return the target of a link, or None if it does not exist."""
    try:
        # Links in /proc, and links that are removed meanwhile, cannot be resolved.
        target = os.path.realpath(entry.path)
    except OSError:
        return None
    return target if os.path.exists(target) else None


def _is_linked_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_file()
    except OSError:
        return False
