"""Check that a folder of class folders exists."""

from __future__ import annotations

import os

from shelfvision._validation import as_path
from shelfvision.errors import DataError, DatasetNotFoundError


def existing_directory(directory: str | os.PathLike[str]) -> str:
    """Return the absolute path of a folder, or raise an error if it does not exist."""
    given = as_path(directory, "directory")
    root = os.path.abspath(given)
    if os.path.isdir(root):
        return root
    if os.path.exists(root):
        raise DataError(
            f"{given!r} must be a folder, got a file; pass the folder with one sub-folder of "
            "photos per class",
            code="not-a-folder",
            parameter="directory",
        )
    where = "" if given == root else f" ({root!r})"
    raise DatasetNotFoundError(
        f"the folder must exist, got {given!r}{where}; check the path",
        code="not-found",
        parameter="directory",
    )
