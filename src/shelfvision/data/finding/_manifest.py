"""Read a CSV file of paths and labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TypeAlias

from shelfvision._class_names import as_class_names
from shelfvision._csv import Rows, read_table
from shelfvision._identifiers import (
    clean_name,
    closest,
    is_damaged_code,
    spellings,
    warn_of_twins,
)
from shelfvision._skipped import SkippedFile
from shelfvision._storage import RemoteFile, as_location
from shelfvision._text import unguarded
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import counted, listed
from shelfvision.data._lineage import named_groups
from shelfvision.data.finding._classes import accepted_classes
from shelfvision.data.finding._paths import PhotoFinder
from shelfvision.data.finding._remote import RemoteFinder
from shelfvision.data.finding.directories import existing_directory
from shelfvision.errors import DataError, InvalidParameterError, PhotoNotFoundError
from shelfvision.protocols import ClassNames, Location, OnError

Where: TypeAlias = Mapping[str, str | Sequence[str]]
"""The value, or the values, that a column must have."""


_SHOWN = 300
"""The number of characters of a path in a message."""


@dataclass(frozen=True, slots=True)
class ManifestOrigin:
    """The source of a list of photos, for messages."""

    name: str
    """The file name in quotes, or ``"the frame"``."""
    row: str = "line"
    """The word for a row: ``"line"`` or ``"row"``."""
    parameter: str = "path"
    """The public parameter that names it."""

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def at(self, number: int) -> str:
        """Return the position of a row, such as ``"line 3 of 'list.csv'"``."""
        return f"{self.row} {number} of {self.name}"


@dataclass(slots=True)
class PhotoManifest:
    """The photos that a manifest lists, as columns."""

    root: str | RemoteFile
    """The absolute path, or the URL, that relative photo paths start from."""
    class_names: tuple[str, ...]
    """The classes in the order of their numbers."""
    ids: list[str] = field(default_factory=list)
    """The path of each photo, with forward slashes."""
    labels: list[int] = field(default_factory=list)
    """The class number of each photo."""
    groups: list[str | None] | None = None
    """The named group of each photo, if there is a group column; None for an empty cell."""
    lines: list[int] = field(default_factory=list)
    """The line number of each photo."""

    there: list[bool] = field(default_factory=list)
    """Whether each photo exists."""
    cells: list[str] = field(default_factory=list)
    """The unchanged text of each path."""

    def without_missing(self, origin: ManifestOrigin, on_error: OnError) -> list[SkippedFile]:
        """Remove the photos that do not exist and return them, or raise an error."""
        missing = [position for position, found in enumerate(self.there) if not found]
        if missing and (on_error == "raise" or len(missing) == len(self.there)):
            raise self._not_found(missing, origin)
        reason = f"the file does not exist ({origin.row} {{}})"
        skipped = [
            SkippedFile(_shown(self.ids[row]), reason.format(self.lines[row]), "not-found")
            for row in missing
        ]
        if missing:
            self.ids = list(compress(self.ids, self.there))
            self.labels = list(compress(self.labels, self.there))
            self.groups = None if self.groups is None else list(compress(self.groups, self.there))
        return skipped

    def _not_found(self, missing: Sequence[int], origin: ManifestOrigin) -> PhotoNotFoundError:
        cell, line = _shown(self.cells[missing[0]]), self.lines[missing[0]]
        remedy, parameter = _finder(self.root).remedy([self.cells[row] for row in missing])
        if len(missing) < len(self.there):
            remedy += ", or pass on_error='skip' to leave such photos out"
        share = f"{len(missing)} of {counted(len(self.there), 'photo')}"
        return PhotoNotFoundError(
            f"{origin.at(line)} lists the photo {cell[:_SHOWN]!r}, which is not in "
            f"{str(self.root)!r} (missing: {share}); {remedy}",
            path=_shown(self.ids[missing[0]]),
            code="not-found",
            parameter=parameter,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The column names of a manifest."""

    path: str
    """The column of paths."""
    label: str
    """The column of class names."""
    group: str | None
    """The column of groups, if there is one."""

    def needed(self) -> tuple[tuple[str | None, str], ...]:
        """Return each column with the public parameter that names it."""
        return (
            (self.path, "path_column"),
            (self.label, "label_column"),
            (self.group, "group_column"),
        )


def read_manifest(
    path: Location | RemoteFile,
    *,
    root: Location | RemoteFile | None,
    columns: Columns,
    where: Where | None,
    class_names: ClassNames | None,
    encoding: str | None = None,
) -> PhotoManifest:
    """Return the photos of a CSV file that match `where`, in the order of the file."""
    given = as_location(path)
    wanted = checked_where(where or {})
    needed: dict[str, str | None] = dict.fromkeys(wanted, "where")
    needed |= {name: parameter for name, parameter in columns.needed() if name is not None}
    rows = read_table(given, needed, encoding=encoding).rows
    return read_photo_manifest(
        [(line, _as_meant(row, columns.path)) for line, row in rows],
        origin=ManifestOrigin(repr(str(given))),
        root=_folder_of(given) if root is None else root,
        columns=columns,
        where=wanted,
        class_names=class_names,
    )


def _shown(path: str) -> str:
    """Return a path unchanged, and a URL without its credentials."""
    return shown_url(path) if is_url(path) else path


def _folder_of(path: str | RemoteFile) -> str | RemoteFile:
    if isinstance(path, RemoteFile):
        return path.parent
    return os.path.dirname(os.path.abspath(path))


def _finder(root: str | RemoteFile) -> PhotoFinder | RemoteFinder:
    return RemoteFinder(root) if isinstance(root, RemoteFile) else PhotoFinder(root)


def _as_meant(row: dict[str, str], path_column: str) -> dict[str, str]:
    """Return the cells without the apostrophe that protects against formulas, except paths.

    `PhotoFinder` tries a path with its apostrophe first.
    """
    return {name: cell if name == path_column else unguarded(cell) for name, cell in row.items()}


def read_photo_manifest(
    rows: Rows,
    *,
    origin: ManifestOrigin,
    root: Location | RemoteFile,
    columns: Columns,
    where: Where,
    class_names: ClassNames | None,
) -> PhotoManifest:
    """Return the photos of numbered rows that match `where`, in their order."""
    if not rows:
        raise DataError(
            f"{origin} must list photos, got none; add a {origin.row} for each photo",
            code="empty",
            parameter=origin.parameter,
        )
    place = as_location(root, "root")
    base = place if isinstance(place, RemoteFile) else existing_directory(place)
    labels = spellings(row[columns.label] for _, row in rows)
    _require_labels(rows, columns.label, origin)
    classes = tuple(sorted(labels))
    if class_names is not None:
        classes = accepted_classes(as_class_names(class_names), labels, of=str(origin))
    else:
        _require_undamaged(rows, columns.label, origin)
    manifest = PhotoManifest(base, classes, groups=None if columns.group is None else [])
    warn_of_twins({name: labels[name] for name in classes if name in labels}, what="labels")
    _take(manifest, rows, columns, where, origin)
    if not manifest.ids:
        asked = f"both where={dict(where)} and " if where else ""
        raise DataError(
            f"{origin} must list a photo that matches {asked}the classes {listed(classes)}, got "
            f"none; choose among its labels {listed(sorted(labels), limit=50)}, or filter less",
            code="empty",
            parameter="where" if where else "class_names",
        )
    return manifest


def _require_labels(rows: Rows, column: str, origin: ManifestOrigin) -> None:
    line = next((line for line, row in rows if not clean_name(row[column])), None)
    if line is not None:
        raise DataError(
            f"{origin.at(line)} must have a {column}, got none; add a {column} to each photo",
            code="empty",
            parameter="label_column",
        )


def _require_undamaged(rows: Rows, column: str, origin: ManifestOrigin) -> None:
    """Refuse product codes with lost digits, because two products may have the same text."""
    for line, row in rows:
        if is_damaged_code(clean_name(row[column])):
            raise DataError(
                f"{origin.at(line)} must have a complete product code, got {row[column]!r}, a "
                "number with lost digits from a spreadsheet or a frame; write the column "
                f"{column!r} again as text",
                code="lost-digits",
                parameter="label_column",
            )


def checked_where(where: object) -> Where:
    """Return `where` with text values only, because the cells of a CSV file are text."""
    if not isinstance(where, Mapping):
        raise InvalidParameterError(
            f"where must be a mapping of columns to values, got {where!r}; write for example "
            "where={'split': 'train'}",
            code="wrong-type",
            parameter="where",
        )
    checked: dict[str, str | Sequence[str]] = {}
    for name, given in where.items():
        single = isinstance(given, str) or not isinstance(given, Iterable)
        values = (given,) if single else tuple(given)
        odd = [value for value in values if not isinstance(value, str)]
        if odd:
            raise InvalidParameterError(
                f"where must have text for {name!r}, because the cells of a CSV file are text, got "
                f"{odd[0]!r}; write where={{{name!r}: {str(odd[0])!r}}}",
                code="wrong-type",
                parameter="where",
            )
        checked[name] = values[0] if single else values
    return checked


def _take(
    manifest: PhotoManifest,
    rows: Rows,
    columns: Columns,
    where: Where,
    origin: ManifestOrigin,
) -> None:
    accepted = accepted_cells(rows, where, origin)
    number = {name: index for index, name in enumerate(manifest.class_names)}
    finder = _finder(manifest.root)
    seen: dict[str, tuple[int, dict[str, str]]] = {}
    for line, row in rows:
        if any(clean_name(row[name]) not in values for name, values in accepted.items()):
            continue
        label = clean_name(row[columns.label])
        cell = row[columns.path]
        require_path(cell, line, origin)
        found = finder.find(cell)
        photo = finder.photo_id(cell) if found is None else found
        # Keys of object stores differ in upper and lower case on any computer.
        key = photo if isinstance(manifest.root, RemoteFile) else os.path.normcase(photo)
        first_line, first = seen.setdefault(key, (line, row))
        if first is not row:
            _check_repeated(photo, (first_line, first), (line, row), columns, origin)
        elif label in number:
            manifest.ids.append(photo)
            manifest.cells.append(cell)
            manifest.there.append(found is not None)
            manifest.labels.append(number[label])
            manifest.lines.append(line)
            if manifest.groups is not None and columns.group is not None:
                manifest.groups += named_groups([row[columns.group]])


def accepted_cells(rows: Rows, where: Where, origin: ManifestOrigin) -> dict[str, frozenset[str]]:
    """Return the clean cells that a row may have, by column; refuse values that no row has."""
    return {
        name: accepted_values(name, wanted, (clean_name(row[name]) for _, row in rows), origin)
        for name, wanted in where.items()
    }


def accepted_values(
    name: str, wanted: str | Sequence[str], clean_cells: Iterable[str], origin: ManifestOrigin
) -> frozenset[str]:
    """Return the clean cells of one column that a row may have; refuse values that no row has."""
    given = (wanted,) if isinstance(wanted, str) else wanted
    values, there = frozenset(map(clean_name, given)), set(clean_cells)
    unknown = sorted(values - there)
    if unknown or not values:
        near = closest(unknown[0], sorted(there)) if unknown else None
        remedy = f"write where={{{name!r}: {near!r}}}" if near else "choose one of these values"
        raise InvalidParameterError(
            f"where must have values of the column {name!r}, in {origin} "
            f"{listed(sorted(there))}, got {listed(unknown) or 'nothing'}; {remedy}",
            code="unknown-name",
            parameter="where",
        )
    return values


def require_path(cell: str, line: int, origin: ManifestOrigin) -> None:
    """Refuse an empty path."""
    if not cell.strip() or "\0" in cell:
        raise DataError(
            f"{origin.at(line)} must have the path of a photo, got {cell!r}; add a path to each "
            f"{origin.row}",
            code="empty",
            parameter="path_column",
        )


def _check_repeated(
    photo: str,
    first: tuple[int, dict[str, str]],
    again: tuple[int, dict[str, str]],
    columns: Columns,
    origin: ManifestOrigin,
) -> None:
    for column, parameter in columns.needed()[1:]:
        if column is None:
            continue
        one, other = (clean_name(row[column]) for _, row in (first, again))
        if one != other:
            raise DataError(
                f"{origin} must list each photo with one {column}, got {_shown(photo)!r} with "
                f"{one!r} in {origin.row} {first[0]} and {other!r} in {origin.row} {again[0]}; "
                f"remove the wrong {origin.row}",
                code="conflict",
                parameter=parameter,
            )
