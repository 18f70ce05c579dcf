"""``predict``: print the predictions for photos as a table, as JSON lines or as CSV."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from shelfvision._cli._photos import model_of
from shelfvision._cli._say import complain, say_json, settle_for_programs
from shelfvision._csv import csv_lines
from shelfvision._photos.formats import READ_NAMES, READ_SUFFIXES, suffix_of
from shelfvision._storage import RemoteFile, as_location
from shelfvision._text import printable
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import as_integer, counted, import_package
from shelfvision.data.finding.photo_lists import photo_urls
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Predictions
from shelfvision.predictions.saving import COLUMNS, plain_rows, significant
from shelfvision.protocols import StorageOptions

_AT_ONCE = 256
_STREAM = "-"


def run(chosen: argparse.Namespace) -> int:
    """Predict photos in batches; return 1 if there are none, or if one could not be read."""
    top = as_integer("--top", chosen.top, minimum=1)
    model = model_of(chosen.file, chosen.sha256)
    options = storage_of(chosen.photos)
    parts = (
        model.predict(paths, on_error=chosen.on_error, storage_options=options)
        for paths in _in_parts(photo_paths(chosen.photos))
    )
    writers = {"table": _table, "jsonl": _json_lines, "csv": _csv}
    total, failed = writers[chosen.format](parts, top)
    if not total:
        complain("no photos found")
    if failed:
        complain(f"{failed} of {counted(total, 'photo')} could not be read")
    return int(bool(failed) or not total)


def photo_paths(named: Iterable[str]) -> Iterator[str]:
    """Yield the paths of the photos that arguments name: files, folders, and - for a list."""
    for name in named:
        if name == _STREAM:
            yield from filter(None, _listed())
        elif is_url(name):
            yield from _at(name)
        elif os.path.isdir(name):
            yield from _below(name)
        else:
            yield name


def storage_of(named: Sequence[str]) -> StorageOptions | None:
    """Return the options for `predict`: URLs of arguments are read, and no others.

    Other people may write a list on standard input, so its URLs are never requested.
    """
    if _STREAM not in named:
        return {}
    for url in filter(is_url, named):
        raise InvalidParameterError(
            f"PHOTO must not be a URL together with -, got {shown_url(url)!r}; run the command "
            "once for each",
            code="conflict",
            parameter="PHOTO",
        )
    return None


def _in_parts(paths: Iterator[str]) -> Iterator[list[str]]:
    while part := list(islice(paths, _AT_ONCE)):
        yield part


def _listed() -> Iterator[str]:
    """Yield the lines of standard input as paths, which may contain any bytes."""
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None or os.name == "nt":
        yield from (line.rstrip("\r\n") for line in sys.stdin)
    else:
        yield from (os.fsdecode(line.rstrip(b"\r\n")) for line in raw)


def _at(url: str) -> Iterator[str]:
    """Yield a photo by URL, or the photos of a folder in the order of their names."""
    place = as_location(url, "PHOTO")
    if isinstance(place, RemoteFile) and place.suffix not in READ_SUFFIXES:
        yield from photo_urls(place, "PHOTO")
    else:
        yield url


def _below(folder: str) -> Iterator[str]:
    """Yield the photos of a folder and its subfolders, in the order of their names."""
    found = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if suffix_of(name) in READ_SUFFIXES and not name.startswith("."):
                found += 1
                yield os.path.join(place, name)
    if not found:
        raise InvalidParameterError(
            f"PHOTO must be a photo ({READ_NAMES}) or a folder of photos, got the folder "
            f"{folder!r} without any; "
            "check the path",
            code="empty",
            parameter="PHOTO",
        )


def _json_lines(parts: Iterable[Predictions], top: int) -> tuple[int, int]:
    total = failed = 0
    for part in parts:
        for row, best in zip(plain_rows(part), part.top(top), strict=True):
            if top > 1:
                row["top"] = [[name, significant(share)] for name, share in best]
            say_json(row, indent=None)
            failed += row["error"] is not None
        total += len(part)
        sys.stdout.flush()
    return total, failed


def _csv(parts: Iterable[Predictions], _top: int) -> tuple[int, int]:
    total = failed = 0
    settle_for_programs()
    sys.stdout.writelines(csv_lines([COLUMNS]))
    for part in parts:
        sys.stdout.writelines(csv_lines(row.values() for row in plain_rows(part)))
        failed += sum(error is not None for error in part.errors)
        total += len(part)
        sys.stdout.flush()
    return total, failed


def _table(parts: Iterable[Predictions], _top: int) -> tuple[int, int]:
    # An edge device may lack it (see the how-to about exports), and needs no tables.
    import_package("rich", purpose="--format table", pip="rich, or pass --format csv")
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("photo", "label", "confidence", "decision", "", box=None, pad_edge=False)
    total = failed = 0
    for part in parts:
        for one in part:
            share = "" if one.error else f"{one.confidence:.3f}"
            # Text, because rich would read brackets in a string as markup.
            cells = (one.id, one.label, share, one.decision, one.error)
            table.add_row(*(Text(printable(cell or "")) for cell in cells))
            failed += one.error is not None
        total += len(part)
    # Files and pipes get whole lines, never cut or wrapped.
    width = None if sys.stdout.isatty() else 100_000
    if total:
        Console(file=sys.stdout, width=width).print(table)
    return total, failed
