"""Reads taxonomies from the columns of a CSV file and from nested folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice

from shelfvision._csv import read_table
from shelfvision._identifiers import clean_name, is_damaged_code
from shelfvision._text import unguarded
from shelfvision._validation import counted
from shelfvision.data.finding.directories import existing_directory
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import Location
from shelfvision.taxonomy._checks import NamePath

_DEEPEST = 32


def paths_of_manifest(
    path: Location, columns: Sequence[str], encoding: str | None
) -> list[NamePath]:
    """Return the path of every line, finest first."""
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns):
        raise InvalidParameterError(
            "columns must be a list of columns, finest first, as in ['product', 'label'], got "
            f"{columns!r}; write it so",
            code="wrong-type",
            parameter="columns",
        )
    table = read_table(path, dict.fromkeys(columns, "columns"), encoding=encoding)
    paths = []
    for line, cells in table.rows:
        found = tuple(unguarded(cells[name]) for name in columns)
        empty = next(
            (n for n, cell in zip(columns, found, strict=True) if not clean_name(cell)), ""
        )
        if empty:
            raise DataError(
                f"line {line} of {table.name} must have a {empty}, got none; give every line one",
                code="empty",
                parameter="columns",
            )
        _require_undamaged(found, f"line {line} of {table.name}", columns)
        paths.append(found)
    return paths


def _require_undamaged(path: NamePath, where: str, columns: Sequence[str]) -> None:
    for column, name in zip(columns, path, strict=True):
        if is_damaged_code(clean_name(name)):
            raise DataError(
                f"{where} must have an unchanged {column}, got {name!r}, a code that a spreadsheet "
                f"converted to a number; write the column {column!r} again as text",
                code="lost-digits",
                parameter="columns",
            )


def paths_of_directory(directory: str | os.PathLike[str]) -> list[NamePath]:
    """Return the path of every folder that has files and no subfolder, finest first."""
    root = existing_directory(directory)
    paths: list[NamePath] = []
    pending: list[NamePath] = [()]
    while pending:
        above = pending.pop()
        files, folders = _entries(root, above)
        if above and files and folders:
            raise DataError(
                f"the folder {'/'.join(reversed(above))!r} has photos, {files[0]!r} among them, "
                f"beside the folder {folders[0]!r}; put photos into the folders of products only",
                code="inconsistent",
                parameter="directory",
            )
        if above and not folders and files:
            paths.append(above)
        if len(above) >= _DEEPEST and folders:
            raise DataError(
                f"the folders are nested more than {_DEEPEST} deep; check the path",
                code="too-deep",
                parameter="directory",
            )
        pending += [(name, *above) for name in folders]
    if not paths:
        raise DataError(
            f"{root!r} has no folder of photos in a folder; put them into department/label/product",
            code="empty",
            parameter="directory",
        )
    depths = {len(path): path for path in sorted(paths)}
    if len(depths) > 1:
        short, long = islice((depths[depth] for depth in sorted(depths)), 2)
        raise DataError(
            f"the folder {'/'.join(reversed(short))!r} lies {counted(len(short), 'level')} deep, "
            f"but {'/'.join(reversed(long))!r} lies {len(long)} deep; put products equally deep",
            code="inconsistent",
            parameter="directory",
        )
    return paths


def _entries(root: str, above: NamePath) -> tuple[list[str], list[str]]:
    """Return names of files and folders, sorted, without hidden ones and links to folders."""
    place = os.path.join(root, *reversed(above))
    try:
        with os.scandir(place) as entries:
            seen = [entry for entry in entries if entry.name[0] != "."]
    except OSError as error:
        raise DataError(
            f"the folder {place!r} cannot be read: {error.strerror or error}; allow reading it",
            code="unreadable",
            parameter="directory",
        ) from error
    folders = sorted(e.name for e in seen if e.is_dir(follow_symlinks=False))
    # DirEntry.is_dir raises an error for cyclic links.
    files = sorted(e.name for e in seen if not os.path.isdir(e.path))
    return files, folders
