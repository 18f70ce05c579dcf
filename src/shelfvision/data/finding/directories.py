"""`existing_directory`: the check of an argument that names a folder of class folders."""

from __future__ import annotations

import os

from shelfvision._validation import as_path
from shelfvision.errors import DataError, DatasetNotFoundError


def existing_directory(directory: str | os.PathLike[str]) -> str:
    """Return the absolute path of a folder that exists."""
    given = as_path(directory, "directory")
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
