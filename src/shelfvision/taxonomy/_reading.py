"""Reads taxonomies from the columns of a CSV file and from nested folders."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from itertools import islice

from shelfvision._validation import counted, listed
from shelfvision.data.finding._scan import existing_directory
from shelfvision.errors import DataError, DatasetNotFoundError, InvalidParameterError
from shelfvision.taxonomy._paths import Path

_DEEPEST = 32


def paths_of_manifest(
    path: str | os.PathLike[str], columns: Sequence[str]
) -> tuple[list[Path], list[int]]:
    """Return the path of every line, finest first, with the number of the line."""
    given = os.fspath(path)
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns):
        raise InvalidParameterError(
            f"columns must be a list of columns, finest first, as in ['product', 'label'], not "
            f"{columns!r}"
        )
    try:
        with open(given, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, skipinitialspace=True)
            _require_columns(given, reader.fieldnames or (), columns)
            rows = [(reader.line_num, row) for row in reader]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetNotFoundError(f"there is no manifest {given!r}; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{given!r} is not a well-formed CSV file in UTF-8: {error}; save it anew"
        ) from error
    except OSError as error:
        raise DataError(
            f"{given!r} cannot be read: {error.strerror or error}; give the path of a CSV file"
        ) from error
    paths = [tuple(row[name] or "" for name in columns) for _, row in rows]
    for (line, _), found in zip(rows, paths, strict=True):
        empty = next((c for c, name in zip(columns, found, strict=True) if not name.strip()), None)
        if empty is not None:
            raise DataError(f"line {line} of {given!r} has no {empty}; give every line one")
    return paths, [line for line, _ in rows]


def _require_columns(given: str, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(
            f"{given!r} has no column {listed(missing)}; its columns are "
            f"{listed(header, limit=20)}, so name the right ones, finest first"
        )


def paths_of_directory(directory: str | os.PathLike[str]) -> list[Path]:
    """Return the path of every folder that has files and no folder inside, finest first."""
    root = existing_directory(directory)
    paths: list[Path] = []
    pending: list[Path] = [()]
    while pending:
        above = pending.pop()
        files, folders = _entries(root, above)
        if above and files and folders:
            raise DataError(
                f"the folder {'/'.join(reversed(above))!r} has photos, {files[0]!r} among them, "
                f"beside the folder {folders[0]!r}; put photos into the folders of products only"
            )
        if above and not folders and files:
            paths.append(above)
        if len(above) >= _DEEPEST and folders:
            raise DataError(f"the folders are nested more than {_DEEPEST} deep; check the path")
        pending += [(name, *above) for name in folders]
    if not paths:
        raise DataError(
            f"{root!r} has no folder of photos in a folder; put them into department/label/product"
        )
    depths = {len(path): path for path in sorted(paths)}
    if len(depths) > 1:
        short, long = islice((depths[depth] for depth in sorted(depths)), 2)
        raise DataError(
            f"the folder {'/'.join(reversed(short))!r} lies {counted(len(short), 'level')} deep, "
            f"but {'/'.join(reversed(long))!r} lies {len(long)} deep; put products equally deep"
        )
    return paths


def _entries(root: str, above: Path) -> tuple[list[str], list[str]]:
    """Return names of files and folders, sorted; hidden ones and links to folders are left out."""
    place = os.path.join(root, *reversed(above))
    try:
        with os.scandir(place) as entries:
            seen = [entry for entry in entries if entry.name[0] != "."]
    except OSError as error:
        raise DataError(
            f"the folder {place!r} cannot be read: {error.strerror or error}; allow reading it"
        ) from error
    folders = sorted(e.name for e in seen if e.is_dir(follow_symlinks=False))
    files = sorted(e.name for e in seen if not e.is_dir())
    return files, folders
