"""Reads a CSV file that lists photos and their labels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TypeAlias

from shelfvision._validation import as_class_names, listed
from shelfvision.data._lineage import named_groups
from shelfvision.data.finding._scan import existing_directory
from shelfvision.data.finding._skipped import SkippedFile
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    PhotoNotFoundError,
)
from shelfvision.protocols import OnError

Rows: TypeAlias = list[tuple[int, dict[str, str]]]
"""The fields of every row by column, with the number of the row."""

Where: TypeAlias = Mapping[str, str | Sequence[str]]
"""The value, or the values, that a column must have."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What lists the photos, for messages."""

    name: str
    """The file in quotes, or the frame."""
    row: str = "line"
    """What its rows are called."""

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def at(self, number: int) -> str:
        """Return where a row stands."""
        return f"{self.row} {number} of {self.name}"


@dataclass(slots=True)
class Manifest:
    """The photos that a manifest lists, as columns."""

    root: str
    """The absolute path that relative photo paths start from."""
    class_names: tuple[str, ...]
    """The classes in the order of their numbers."""
    ids: list[str] = field(default_factory=list)
    """The path of every photo as the manifest gives it, with forward slashes."""
    labels: list[int] = field(default_factory=list)
    """The class number of each."""
    groups: list[str | None] | None = None
    """The group that the user named for each, if any; None where the cell is empty."""
    lines: list[int] = field(default_factory=list)
    """The line of the file that each stands in."""

    def without_missing(self, origin: Origin, on_error: OnError) -> list[SkippedFile]:
        """Drop the photos that do not exist, or raise; return what was dropped."""
        there = [os.path.isfile(os.path.join(self.root, photo)) for photo in self.ids]
        missing = [position for position, found in enumerate(there) if not found]
        if missing and (on_error == "raise" or len(missing) == len(there)):
            photo, line = self.ids[missing[0]], self.lines[missing[0]]
            raise PhotoNotFoundError(
                f"{origin.at(line)} lists the photo {photo!r}, which is not in "
                f"{self.root!r} ({len(missing)} of {len(there)} photos are missing); set root to "
                "the folder that the paths start from, or pass on_error='skip'",
                path=photo,
                code="not-found",
            )
        reason = f"{origin.row} {{}} lists it, but there is no such file"
        skipped = [
            SkippedFile(self.ids[row], reason.format(self.lines[row]), "not-found")
            for row in missing
        ]
        if missing:
            self.ids = list(compress(self.ids, there))
            self.labels = list(compress(self.labels, there))
            self.groups = None if self.groups is None else list(compress(self.groups, there))
        return skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of the file hold what."""

    path: str
    """The photo's path."""
    label: str
    """The photo's class."""
    group: str | None
    """What must stay together, if anything."""


def read_manifest(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None,
    columns: Columns,
    where: Where | None,
    class_names: Iterable[str] | None,
) -> Manifest:
    """Return the photos of a CSV file that fit `where`, in the order of the file."""
    given = os.fspath(path)
    wanted = _checked_where(where or {})
    rows = _rows(given, columns, wanted)
    base = os.path.dirname(os.path.abspath(given)) if root is None else root
    return manifest_of(
        rows,
        origin=Origin(repr(given)),
        root=base,
        columns=columns,
        where=wanted,
        class_names=class_names,
    )


def manifest_of(
    rows: Rows,
    *,
    origin: Origin,
    root: str | os.PathLike[str],
    columns: Columns,
    where: Where,
    class_names: Iterable[str] | None,
) -> Manifest:
    """Return the photos of numbered rows that fit `where`, in their order."""
    if not rows:
        raise DataError(f"{origin} lists no photos; add a {origin.row} for each photo")
    base = existing_directory(root)
    classes = _classes(rows, columns.label, class_names, origin)
    manifest = Manifest(base, classes, groups=None if columns.group is None else [])
    _take(manifest, rows, columns, where, origin)
    if not manifest.ids:
        asked = f"both where={dict(where)} and " if where else ""
        raise DataError(
            f"no photo that {origin} lists fits {asked}the classes {listed(classes)}; ask for less"
        )
    return manifest


def _classes(
    rows: Rows,
    column: str,
    class_names: Iterable[str] | None,
    origin: Origin,
) -> tuple[str, ...]:
    unlabelled = next((line for line, row in rows if not row[column]), None)
    if unlabelled is not None:
        raise DataError(f"{origin.at(unlabelled)} has no {column}; give every photo one")
    labels = sorted({row[column] for _, row in rows})
    if class_names is None:
        return tuple(labels)
    classes = as_class_names(class_names)
    unknown = [name for name in classes if name not in set(labels)]
    if unknown:
        raise DataError(
            f"class_names has {listed(unknown)}, but no line of {origin} has that {column}; its "
            f"labels are {listed(labels, limit=50)}"
        )
    return classes


def _rows(given: str, columns: Columns, where: Where) -> Rows:
    try:
        with open(given, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", strict=True, skipinitialspace=True)
            header = reader.fieldnames or ()
            needed = (columns.path, columns.label, columns.group, *where)
            _check_columns(given, header, [name for name in needed if name is not None])
            return [(reader.line_num, _whole(row, reader.line_num, given)) for row in reader]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetNotFoundError(f"there is no manifest {given!r}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{given!r} is not a CSV file in UTF-8 ({error.reason} at byte {error.start}); save "
            "it as CSV UTF-8"
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{given!r} is not a well-formed CSV file: {error}; save it anew"
        ) from error
    except OSError as error:
        raise DataError(
            f"the manifest {given!r} cannot be read: {error.strerror or error}; give the path of a "
            "CSV file that may be read"
        ) from error


def _checked_where(where: object) -> Where:
    """Return what maps columns to text; numbers would never equal what a CSV file holds."""
    if not isinstance(where, Mapping):
        raise InvalidParameterError(
            f"where must be a mapping of columns to values, as in {{'split': 'train'}}, not "
            f"{where!r}"
        )
    checked: dict[str, str | Sequence[str]] = {}
    for name, given in where.items():
        single = isinstance(given, str) or not isinstance(given, Iterable)
        values = (given,) if single else tuple(given)
        odd = [value for value in values if not isinstance(value, str)]
        if odd:
            raise InvalidParameterError(
                f"where asks for {name!r} to be {odd[0]!r}, but a CSV file holds text; give the "
                "value as text, as it stands in the file"
            )
        checked[name] = values[0] if single else values
    return checked


def _check_columns(given: str, header: Sequence[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        has = f"its columns are {listed(header, limit=20)}" if header else "the file is empty"
        raise DataError(
            f"{given!r} has no column {listed(missing)}; {has}, so name the right ones with "
            "path_column, label_column, group_column and where"
        )
    twice = [name for name in needed if header.count(name) > 1]
    if twice:
        raise DataError(
            f"{given!r} has several columns called {twice[0]!r}; rename all but the one that counts"
        )


def _whole(row: Mapping[str, str | None], line: int, given: str) -> dict[str, str]:
    if "" in row or None in row.values():
        raise DataError(
            f"line {line} of {given!r} has not as many fields as the first line; quote fields that "
            "contain a comma"
        )
    return {name: value for name, value in row.items() if value is not None}


def _take(
    manifest: Manifest,
    rows: Rows,
    columns: Columns,
    where: Where,
    origin: Origin,
) -> None:
    accepted = _accepted(rows, where, origin)
    number = {name: index for index, name in enumerate(manifest.class_names)}
    seen: dict[str, tuple[int, dict[str, str]]] = {}
    for line, row in rows:
        if any(row[name] not in values for name, values in accepted.items()):
            continue
        photo = _photo_id(row[columns.path], manifest.root, line, origin)
        first_line, first = seen.setdefault(photo, (line, row))
        if first is not row:
            _check_repeated(photo, (first_line, first), (line, row), columns, origin)
        elif row[columns.label] in number:
            manifest.ids.append(photo)
            manifest.labels.append(number[row[columns.label]])
            manifest.lines.append(line)
            if manifest.groups is not None and columns.group is not None:
                manifest.groups += named_groups([row[columns.group]])


def _accepted(rows: Rows, where: Where, origin: Origin) -> dict[str, frozenset[str]]:
    accepted = {}
    for name, wanted in where.items():
        values = frozenset((wanted,) if isinstance(wanted, str) else wanted)
        there = {row[name] for _, row in rows}
        if not values or values - there:
            raise InvalidParameterError(
                f"where asks for {name!r} to be {listed(sorted(values)) or 'nothing'}, but in "
                f"{origin} it is only ever {listed(sorted(there))}"
            )
        accepted[name] = values
    return accepted


def _photo_id(value: str, root: str, line: int, origin: Origin) -> str:
    if not value or "\0" in value:
        raise DataError(f"{origin.at(line)} has the path {value!r}; give every row a photo")
    path = os.path.normpath(os.path.join(root, value))
    inside = path.startswith(os.path.join(root, ""))
    photo = path[len(os.path.join(root, "")) :] if inside else os.path.normpath(value)
    return photo if os.sep == "/" else photo.replace(os.sep, "/")


def _check_repeated(
    photo: str,
    first: tuple[int, dict[str, str]],
    again: tuple[int, dict[str, str]],
    columns: Columns,
    origin: Origin,
) -> None:
    for column in (columns.label, columns.group):
        if column is not None and first[1][column] != again[1][column]:
            raise DataError(
                f"{origin} lists the photo {photo!r} twice with a different {column}: "
                f"{first[1][column]!r} in line {first[0]}, {again[1][column]!r} in line "
                f"{again[0]}; keep the right one"
            )
