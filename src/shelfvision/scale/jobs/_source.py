"""List the photos that a job scores: of a manifest (CSV or Parquet), a folder or an iterable.

Manifests and folders may be URLs. Below a URL, the id of a photo is its own URL without
credentials. Only `PhotoList.root` has the credentials, so that the output of a job contains none.

The list is an Arrow table of text with the column ``id`` and the kept columns, which takes about as
much memory as the text.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, final

from shelfvision._photos.formats import READ_NAMES
from shelfvision._storage import RemoteFile, as_location, open_regular, read_start
from shelfvision._text import shortened
from shelfvision._urls import SERVERS, is_url
from shelfvision._validation import as_path, counted, listed, received, require_texts
from shelfvision._warnings import warn_caller
from shelfvision.data.finding.directories import existing_directory
from shelfvision.data.finding.photo_lists import (
    Where,
    listed_id,
    listed_ids,
    listed_photos,
    photos_below,
    remote_id,
    remote_names,
)
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.protocols import Location, StorageOptions, UniversalPath
from shelfvision.scale._arrow import arrow, compute
from shelfvision.scale.jobs._parquet_manifest import MAGIC, parquet_rows

if TYPE_CHECKING:
    import pyarrow as pa

PhotoListSource: TypeAlias = Location | Iterable[str | os.PathLike[str]]
"""A manifest, a folder, or an iterable of paths and URLs."""

ID = "id"
"""The column with the ids."""
_AT_ONCE = 65_536
_MANIFESTS = (".csv", ".tsv", ".txt", ".parquet")
_SHOWN = 100
_MOST_REMOTE_BYTES = 2 << 30
"""The largest manifest that is downloaded into memory; enough for 10 million paths."""
_URL = "^[A-Za-z][A-Za-z0-9+.-]+://"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """How the photos of a manifest are chosen."""

    root: Location | None = None
    """The folder that relative paths start from; by default the folder of the manifest."""
    path_column: str = "path"
    """The column with the paths."""
    keep: tuple[str, ...] = ()
    """Other columns that the output has, too."""
    where: Where | None = None
    """The values that the rows have."""
    encoding: str | None = None
    """The encoding of a CSV file."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoList:
    """The photos of a job."""

    name: str
    """The source, for messages."""
    root: str | RemoteFile
    """The folder that the ids start from, as an absolute path or by URL."""
    table: pa.Table
    """The column ``id`` and the kept columns, as text without missing values."""

    @property
    def storage_options(self) -> StorageOptions | None:
        """The options that a ``UPath`` of the caller brings; None without any."""
        if not isinstance(self.root, RemoteFile):
            return None
        # A root on a server exists only if the caller has allowed it.
        return self.root.options or ({} if self.root.scheme in SERVERS else None)

    @property
    def has_urls(self) -> bool:
        """Whether a photo is named by a URL."""
        pc = compute()
        return bool(pc.any(pc.match_substring_regex(self.table[ID], _URL)).as_py())

    @property
    def digest(self) -> str:
        """The SHA-256 of the table, which does not depend on the version of Arrow."""
        digest = hashlib.sha256()
        names = self.table.column_names
        digest.update(json.dumps(names).encode())
        for start in range(0, len(self.table), _AT_ONCE):
            part = self.table.slice(start, _AT_ONCE)
            for name in names:
                digest.update(json.dumps(part[name].to_pylist()).encode())
        return digest.hexdigest()


def photo_list(
    source: PhotoListSource, options: ListOptions, storage_options: StorageOptions | None = None
) -> PhotoList:
    """Return the photos of a source, each once, in the order of the source."""
    if not isinstance(source, str | os.PathLike | UniversalPath):
        return _of_paths(source, options)
    place = as_location(source, "source", storage_options=storage_options)
    if isinstance(place, RemoteFile):
        is_folder = place.suffix not in _MANIFESTS
    else:
        is_folder = os.path.isdir(place)
    if is_folder:
        return _of_folder(place, options)
    return _of_manifest(place, _root_of(place, options, storage_options), options)


def _root_of(
    place: str | RemoteFile, options: ListOptions, storage_options: StorageOptions | None
) -> str | RemoteFile:
    """Return the folder that the paths of a manifest start from, by default its own folder."""
    if options.root is not None:
        root = as_location(options.root, "root", storage_options=storage_options)
        return root if isinstance(root, RemoteFile) else existing_directory(root)
    if isinstance(place, RemoteFile):
        return place.parent
    return existing_directory(os.path.dirname(os.path.abspath(place)))


def _of_folder(place: str | RemoteFile, options: ListOptions) -> PhotoList:
    _require_no_columns(options, str(place))
    if isinstance(place, RemoteFile):
        _require_no_root(options, place)
        root: str | RemoteFile = place
        names = remote_names(place, "source")
        ids: Iterator[str] = (remote_id(place, name) for name in names)
    else:
        root = _local_root(options, place)
        ids = photos_below(place, root)
    table = _table({ID: ids})
    if not len(table):
        raise DataError(
            f"source must be a folder of photos ({READ_NAMES}), got {str(place)!r} without any; "
            "check the path",
            code="empty",
            parameter="source",
        )
    return PhotoList(name=str(place), root=root, table=table)


def _local_root(options: ListOptions, default: str) -> str:
    """Return the folder that local paths start from; refuse a URL."""
    if options.root is None:
        return existing_directory(default)
    return existing_directory(as_path(options.root, "root"))  # type: ignore[arg-type]  # it checks the type


def _require_no_root(options: ListOptions, folder: RemoteFile) -> None:
    """Refuse a root for a folder by URL, on which it would have no effect."""
    if options.root is not None:
        raise InvalidParameterError(
            f"root is for paths, got {received(options.root)} for {folder.shown!r}; leave it out",
            code="conflict",
            parameter="root",
        )


def _of_paths(source: object, options: ListOptions) -> PhotoList:
    _require_no_columns(options, "the list")
    root = _local_root(options, os.curdir)
    if not isinstance(source, Iterable):
        raise InvalidParameterError(
            "source must be a manifest, a folder or an iterable of paths, got "
            f"{received(source)}; pass a path",
            code="wrong-type",
            parameter="source",
        )
    texts = (str(path) if is_url(path) else as_path(path, "source") for path in source)
    ids = [listed_id(text, root) for text in texts]
    require_texts("source", ids)
    if not ids:
        raise DataError(
            "source must have a photo, got an empty iterable; pass paths",
            code="empty",
            parameter="source",
        )
    return PhotoList(name="the list", root=root, table=_without_repeats(_table({ID: ids})))


def _of_manifest(
    place: str | RemoteFile, root: str | RemoteFile, options: ListOptions
) -> PhotoList:
    _require_keep(options)
    name = str(place)
    if read_start(place, len(MAGIC), what="the manifest", parameter="source") == MAGIC:
        most = _MOST_REMOTE_BYTES if isinstance(place, RemoteFile) else sys.maxsize
        with open_regular(place, most, what="the manifest", parameter="source") as file:
            table = _of_parquet(file, name, root, options)
    else:
        columns = listed_photos(
            place,
            root=root,
            path_column=options.path_column,
            keep=options.keep,
            where=options.where,
            encoding=options.encoding,
        )
        table = _table(columns)
    if not len(table):
        chosen = f" with where={dict(options.where)}" if options.where else ""
        raise DataError(
            f"source must list photos, got {name!r} without any{chosen}; add a row for each photo",
            code="empty",
            parameter="source",
        )
    return PhotoList(name=name, root=root, table=_without_repeats(table))


def _of_parquet(
    file: BinaryIO, place: str, root: str | RemoteFile, options: ListOptions
) -> pa.Table:
    pc = compute()
    table = parquet_rows(file, place, options.path_column, options.keep, options.where)
    cells = table[options.path_column]
    kept = _table({ID: listed_ids(lambda: _texts_in(cells), root)})
    for name in options.keep:
        kept = kept.append_column(name, pc.fill_null(table[name], ""))
    return kept


def _texts_in(cells: pa.ChunkedArray) -> Iterator[str]:
    return (cell.as_py() for chunk in cells.chunks for cell in chunk)


def _require_keep(options: ListOptions) -> None:
    """Refuse a column that is kept twice, or that has the name of the column of ids."""
    twice = {name for name in options.keep if name == ID or options.keep.count(name) > 1}
    if twice:
        raise InvalidParameterError(
            f"keep must have each name once, and not {ID!r}, which the output has, got "
            f"{listed(sorted(twice))}; leave it out, or rename the column in the manifest",
            code="duplicate",
            parameter="keep",
        )


def _require_no_columns(options: ListOptions, what: str) -> None:
    given = {
        "where": options.where,
        "keep": options.keep,
        "encoding": options.encoding,
    }
    for name, value in given.items():
        if value:
            raise InvalidParameterError(
                f"{name} is for manifests, got {received(value)} for {what!r}; leave it out, or "
                "pass a manifest",
                code="conflict",
                parameter=name,
            )


def _table(columns: Mapping[str, Iterable[str]]) -> pa.Table:
    """Return columns of text as a table; names that are not UTF-8 are escaped, with a warning."""
    pa = arrow()
    odd: list[str] = []
    arrays = {
        name: pa.chunked_array(
            (pa.array(part, pa.string()) for part in _parts(values, odd)), pa.string()
        )
        for name, values in columns.items()
    }
    if odd:
        warn_caller(
            ShelfVisionWarning(
                f"{counted(len(odd), 'name')} of photos without UTF-8 text, such as "
                f"{shortened(odd[0], _SHOWN)!a}: Parquet cannot store it, so the photo is a row "
                "with the error 'not-found'; rename the file",
                code="wrong-encoding",
                parameter="source",
            )
        )
    return pa.table(arrays)


def _parts(values: Iterable[str], odd: list[str]) -> Iterator[list[str]]:
    rest = iter(values)
    while part := list(islice(rest, _AT_ONCE)):
        try:
            "".join(part).encode()
        except UnicodeEncodeError:
            odd += [text for text in part if not _is_unicode(text)]
            part = [text.encode("utf-8", "backslashreplace").decode() for text in part]
        yield part


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_repeats(table: pa.Table) -> pa.Table:
    """Return the first row of each photo; refuse a photo with different kept cells."""
    pa, pc = arrow(), compute()
    if pc.count_distinct(table[ID]).as_py() == len(table):
        return table
    # No column of a manifest has this name by chance.
    row = "\0row"
    numbered = table.append_column(row, pa.array(range(len(table)), pa.int64()))
    distinct = numbered.group_by(table.column_names).aggregate([(row, "min")])
    first = distinct.group_by([ID]).aggregate([(f"{row}_min", "min"), (f"{row}_min", "count")])
    twice = first.filter(pc.greater(first[f"{row}_min_count"], 1))
    if len(twice):
        name = twice[ID][0].as_py()
        raise DataError(
            f"source must list each photo with the same {listed(table.column_names[1:])}, got "
            f"{name!r} with different values; remove the wrong rows",
            code="conflict",
            parameter="keep",
        )
    rows = first[f"{row}_min_min"]
    return table.take(rows.take(pc.sort_indices(rows)))


def difference(old: pa.Table, new: pa.Table) -> str:
    """Return a clause that says how two lists of photos differ."""
    pc = compute()
    added = new.filter(pc.invert(pc.is_in(new[ID], value_set=old[ID])))
    removed = old.filter(pc.invert(pc.is_in(old[ID], value_set=new[ID])))
    clauses = [
        f"{counted(len(table), 'photo')} {done}, such as {table[ID][0].as_py()!r}"
        for table, done in ((added, "added"), (removed, "removed"))
        if len(table)
    ]
    return " and ".join(clauses) or "the same photos in another order or with other kept columns"
