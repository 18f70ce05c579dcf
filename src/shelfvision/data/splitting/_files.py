"""Splits on disk: manifests that save one, and the text lists that data sets come with."""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shelfvision._files import atomic_writer
from shelfvision._text import csv_cell, from_csv_cell
from shelfvision.data._dataset import Dataset
from shelfvision.data.splitting._leaks import PARTS
from shelfvision.errors import DatasetNotFoundError, SplitError

LEFT_OUT = ("dropped", "unlisted", "unplaced")
"""What a manifest says of photos in no part, so that it accounts for all of them."""

_COLUMNS = ("path", "label", "group", "split", "copy")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRows:
    """The rows of a manifest, in its order."""

    path: str
    ids: list[str]
    labels: list[str]
    splits: list[str]
    copies: list[int]
    lines: list[int]
    parameter: str
    """The argument that named the file."""


def write_split(path: str | os.PathLike[str], blocks: Iterable[tuple[str, Dataset]]) -> None:
    """Write the rows of every block under its name, atomically."""
    with atomic_writer(path) as file:
        file.write((",".join(_COLUMNS) + "\n").encode())
        for name, block in blocks:
            names = [_field(class_name) for class_name in block.class_names]
            columns = zip(block.ids, block.labels, block.groups, block.copies, strict=True)
            text = "".join(
                f"{_field(photo)},{names[label]},{_field(group)},{name},{copy}\n"
                for photo, label, group, copy in columns
            )
            file.write(text.encode())


def read_split(path: str | os.PathLike[str], *, parameter: str) -> SavedRows:
    """Read a manifest that `write_split` wrote, or one that a person edited."""
    where = os.fspath(path)
    rows = SavedRows(
        path=where, ids=[], labels=[], splits=[], copies=[], lines=[], parameter=parameter
    )
    text = _read_bytes(path, "the saved split", parameter).decode("utf-8-sig", "surrogateescape")
    # Not str.splitlines, which would also cut names at characters such as U+2028.
    reader = csv.reader(_lines(text), strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in _COLUMNS if column not in header]
        if missing:
            raise SplitError(
                f"{where!r} is not a saved split: it has no column {missing[0]!r}; give a file "
                "that Splits.save wrote",
                code="missing-column",
                parameter=parameter,
            )
        places = [header.index(column) for column in _COLUMNS]
        for fields in reader:
            if fields:
                _add_row(rows, fields, places, len(header), reader.line_num)
    except csv.Error as error:
        raise SplitError(
            f"{where!r} is not a saved split: line {reader.line_num} is not CSV ({error}); give "
            "a file that Splits.save wrote",
            code="not-csv",
            parameter=parameter,
        ) from error
    return rows


def _add_row(rows: SavedRows, fields: list[str], places: list[int], width: int, line: int) -> None:
    if len(fields) != width:
        raise SplitError(
            f"line {line} of {rows.path!r} has {len(fields)} fields instead of {width}; save the "
            "split again, or repair the line",
            code="wrong-length",
            parameter=rows.parameter,
        )
    # The dataset knows its groups itself; they are in the file for those who read it.
    photo, label, _, split, copy = (fields[place] for place in places)
    if split not in PARTS + LEFT_OUT:
        raise SplitError(
            f"line {line} of {rows.path!r} puts {photo!r} into the part {split!r}, which is none "
            "of 'train', 'validation', 'test'; correct the line",
            code="unknown-name",
            parameter=rows.parameter,
        )
    if not (copy.isascii() and copy.isdigit()):
        raise SplitError(
            f"line {line} of {rows.path!r} numbers a copy of {photo!r} {copy!r} instead of 0, 1, "
            "2, …; correct the line",
            code="not-in-range",
            parameter=rows.parameter,
        )
    rows.ids.append(from_csv_cell(photo))
    rows.labels.append(from_csv_cell(label))
    rows.splits.append(split)
    rows.copies.append(int(copy))
    rows.lines.append(line)


def find_rows(saved: SavedRows, dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return the row of the dataset that each saved row is, -1 where it has none."""
    table: dict[tuple[str, int], int] = {}
    for row, key in enumerate(zip(dataset.ids.tolist(), dataset.copies.tolist(), strict=True)):
        table.setdefault(key, row)
    keys = zip(saved.ids, saved.copies, strict=True)
    found = np.fromiter((table.get(key, -1) for key in keys), np.int64, len(saved.ids))
    _check_labels(saved, dataset, found)
    return found


def _check_labels(saved: SavedRows, dataset: Dataset, found: npt.NDArray[np.int64]) -> None:
    numbers = {name: number for number, name in enumerate(dataset.class_names)}
    labels = np.fromiter((numbers.get(name, -1) for name in saved.labels), np.int64, len(found))
    known = found >= 0
    changed = np.flatnonzero(known)[labels[known] != dataset.labels[found[known]]]
    if len(changed):
        first = int(changed[0])
        now = dataset.class_names[int(dataset.labels[found[first]])]
        raise SplitError(
            f"{saved.path!r} saved {saved.ids[first]!r} (line {saved.lines[first]}) as "
            f"{saved.labels[first]!r}, but the dataset has it as {now!r}, and {len(changed)} "
            "labels differ in all; give the dataset that was split, relabelled the same way, or "
            "split again",
            code="labels-differ",
            parameter=saved.parameter,
        )


def listed_rows(
    path: str | os.PathLike[str], known: Mapping[str, Sequence[int]], *, parameter: str
) -> npt.NDArray[np.int64]:
    """Return the rows, ascending, whose ids stand on a text list, one a line."""
    text = _read_bytes(path, "the list", parameter).decode("utf-8-sig", "surrogateescape")
    rows: set[int] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.strip(" \t\r")
        if words:
            photo = _known_prefix(words, known)
            if photo is None:
                raise _unknown_photo(words, number, os.fspath(path), known, parameter)
            rows.update(known[photo])
    if not rows:
        raise SplitError(
            f"the list {os.fspath(path)!r} names no photo; give one with an id on every line",
            code="empty",
            parameter=parameter,
        )
    return np.array(sorted(rows), dtype=np.int64)


def rows_by_id(dataset: Dataset) -> dict[str, list[int]]:
    """Return the rows of every id."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(dataset.ids.tolist()):
        rows.setdefault(name, []).append(row)
    return rows


def _known_prefix(words: str, known: Mapping[str, Sequence[int]]) -> str | None:
    # The longest first, because a name may contain spaces.
    while words not in known:
        cut = max(words.rfind(" "), words.rfind("\t"))
        if cut < 0:
            return None
        words = words[:cut].rstrip(" \t")
    return words


def _unknown_photo(
    words: str, number: int, path: str, known: Mapping[str, Sequence[int]], parameter: str
) -> SplitError:
    photo = words.split(maxsplit=1)[0]
    nearest = _nearest(photo, known)
    hint = (
        f"did you mean {nearest!r}" if nearest else f"its ids look like {next(iter(known), '')!r}"
    )
    return SplitError(
        f"line {number} of {path!r} names {photo!r}, which the dataset does not have; {hint}? "
        "Correct the list, or open the dataset at the folder that the list's names start from",
        code="unknown-id",
        parameter=parameter,
    )


def _nearest(photo: str, known: Mapping[str, Sequence[int]]) -> str | None:
    base = photo.rpartition("/")[2]
    same = [name for name in known if name.rpartition("/")[2] == base]
    # Comparing spellings is slow: not worth it for every name of a large dataset.
    pool = same or (list(known) if len(known) <= 5000 else [])
    close = difflib.get_close_matches(photo, pool, n=1, cutoff=0.0 if same else 0.6)
    return close[0] if close else None


def _read_bytes(path: str | os.PathLike[str], what: str, parameter: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise DatasetNotFoundError(
            f"{what} {os.fspath(path)!r} does not exist; check the path",
            code="not-found",
            parameter=parameter,
        ) from None
    except OSError as error:
        raise SplitError(
            f"{what} {os.fspath(path)!r} cannot be read: {error.strerror}; give a readable file",
            code="unreadable",
            parameter=parameter,
        ) from error


def _lines(text: str) -> Iterable[str]:
    for line in text.split("\n"):
        yield line + "\n"


def _field(text: str) -> str:
    text = csv_cell(text)
    # Some readers skip spaces that begin a field, unless it is quoted.
    if text[:1] == " " or any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
