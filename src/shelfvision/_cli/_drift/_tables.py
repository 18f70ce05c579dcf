"""Read tables of photos or scores: CSV files, Parquet files and folders of Parquet files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from shelfvision._csv import read_table
from shelfvision._photos.quality import QUALITY
from shelfvision._storage import RemoteFile, as_location
from shelfvision._storage.remote import below, is_plain_name
from shelfvision._text import from_csv_cell
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import import_extra
from shelfvision.errors import DataError

SCORES = ("label", "confidence")
"""The columns that every table of scores has."""
OPTIONAL = ("id", "path", "decision", "error", *QUALITY)
"""Columns that a table of scores may have."""

Columns = dict[str, list[object]]
"""Columns by name."""


def asked_columns(chosen: argparse.Namespace) -> dict[str, str | None]:
    """Return the columns of --by and --group-column; those of the metadata are read from there."""
    names = [*chosen.by, *filter(None, [chosen.group_column])]
    return dict.fromkeys(names)


def header_of(place: str, chosen: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the columns of a CSV file."""
    table = read_table(place, {}, what="the table", encoding=chosen.encoding, parameter="PHOTOS")
    return table.columns


def csv_columns(
    place: str,
    needed: Mapping[str, str | None],
    chosen: argparse.Namespace,
    optional: tuple[str, ...] = (),
) -> Columns:
    """Return columns of a CSV file as text; columns of the metadata are not needed."""
    if chosen.metadata and place != chosen.metadata:
        own = header_of(place, chosen)
        asked = asked_columns(chosen)
        needed = {name: one for name, one in needed.items() if name in own or name not in asked}
    table = read_table(place, needed, optional=optional, what="the table", encoding=chosen.encoding)
    names = [name for name in (*needed, *optional) if name in table.columns]
    return {name: [from_csv_cell(cells[name]) for _, cells in table.rows] for name in names}


def listed_places(manifest: str, cells: Sequence[object]) -> list[str]:
    """Return the path of each photo of a manifest; a manifest by URL lists photos below it."""
    place = as_location(manifest, "DATA")
    if isinstance(place, str):
        folder = os.path.dirname(os.path.abspath(place))
        return [os.path.join(folder, str(cell)) for cell in cells]
    return [_place_below(place, str(cell)) for cell in cells]


def _place_below(manifest: RemoteFile, cell: str) -> str:
    root = manifest.parent
    name = below(root, cell) if is_url(cell) else cell
    # Other people may write a list, so it cannot name a photo elsewhere.
    if name is None or not is_plain_name(name, root):
        raise DataError(
            f"the paths of {manifest.shown!r} must be below {root.shown!r}, got "
            f"{shown_url(cell)!r}; list paths that are relative to the folder of the manifest",
            code="missing-photos",
            parameter="DATA",
        )
    return root.child(name).url


def has_parquet(place: str) -> bool:
    """Return whether this is a folder of Parquet files, as ``score`` writes it."""
    folder = Path(place)
    return (
        not is_url(place)
        and folder.is_dir()
        and any(one.suffix == ".parquet" for one in folder.iterdir())
    )


def parquet_columns(place: str, chosen: argparse.Namespace) -> Columns:
    """Return the columns of a Parquet file, or of all Parquet files of a folder."""
    parquet = import_extra("pyarrow.parquet", extra="parquet", purpose="a Parquet file")
    known = {*SCORES, *OPTIONAL, *asked_columns(chosen)}
    folder = Path(place)
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]
    columns: Columns = {}
    for file in files:
        try:
            schema = parquet.read_schema(file)
            names = [name for name in schema.names if name in known]
            table = parquet.read_table(file, columns=names)
        except (OSError, ValueError) as error:
            raise DataError(
                f"the table {str(file)!r} cannot be read: {error}; check that it is a Parquet file",
                code="damaged",
                parameter="PHOTOS",
            ) from error
        for name in names:
            columns.setdefault(name, []).extend(table[name].to_pylist())
    return columns
