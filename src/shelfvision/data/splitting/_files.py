"""Splits on disk: manifests that save one, and the text lists that data sets come with."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._csv import read_table
from shelfvision._identifiers import clean_name
from shelfvision._storage import atomic_writer
from shelfvision._storage.text_files import read_lines
from shelfvision._text import csv_cell, from_csv_cell
from shelfvision._validation import as_path
from shelfvision.data._dataset import Dataset
from shelfvision.data.splitting.leaks import PARTS
from shelfvision.errors import SplitError

LEFT_OUT = ("dropped", "unlisted", "unplaced")
"""What a manifest says of photos in no part, so that it accounts for all of them."""

_COLUMNS = ("path", "label", "group", "split", "copy")
_DELIMITERS = " \t,;"
_LONGEST = 8192
"""As many characters of a line are read; paths are at most 4096 bytes long."""


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
    with atomic_writer(as_path(path)) as file:
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
    where = as_path(path, parameter)
    rows = SavedRows(
        path=where, ids=[], labels=[], splits=[], copies=[], lines=[], parameter=parameter
    )
    table = read_table(
        path,
        dict.fromkeys(_COLUMNS),
        what="the saved split",
        error=SplitError,
        has_encoding=False,
        parameter=parameter,
    )
    for line, cells in table.rows:
        _add_row(rows, cells, line)
    return rows


def _add_row(rows: SavedRows, cells: Mapping[str, str], line: int) -> None:
    # The dataset knows its groups itself; they are in the file for those who read it.
    photo, label, split, copy = (cells[name] for name in ("path", "label", "split", "copy"))
    if split not in PARTS + LEFT_OUT:
        raise SplitError(
            f"line {line} of {rows.path!r} puts {photo!r} into the part {split!r}, which is none "
            "of 'train', 'validation', 'test'; correct the line",
            code="unknown-name",
            parameter=rows.parameter,
        )
    if not (copy.isascii() and copy.isdigit() and len(copy) < 10):
        raise SplitError(
            f"line {line} of {rows.path!r} numbers a copy of {photo!r} {copy!r} instead of 0, 1, "
            "2, …; correct the line",
            code="not-in-range",
            parameter=rows.parameter,
        )
    rows.ids.append(from_csv_cell(photo))
    rows.labels.append(clean_name(from_csv_cell(label)))
    rows.splits.append(split)
    rows.copies.append(int(copy))
    rows.lines.append(line)


def find_rows(saved: SavedRows, dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return the row of the dataset that each saved row is, -1 where it has none."""
    table: dict[tuple[str, int], int] = {}
    for row, key in enumerate(zip(dataset.ids.tolist(), dataset.copies.tolist(), strict=True)):
        table.setdefault(key, row)
    keys = list(zip(saved.ids, saved.copies, strict=True))
    if any(key not in table for key in keys):
        # An archive or another system may have changed the Unicode form or the separators.
        same = _by_meaning(dict.fromkeys(dataset.ids.tolist()))
        keys = [
            key if key in table else (same.get(_meaning(key[0])) or key[0], key[1]) for key in keys
        ]
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
    path: str | os.PathLike[str],
    known: Mapping[str, Sequence[int]],
    *,
    parameter: str,
    encoding: str | None = None,
) -> npt.NDArray[np.int64]:
    """Return the rows, ascending, whose ids are on a text list, one a line."""
    path = as_path(path, parameter)
    # File names are bytes on Linux, and lists of them are made by tools that keep these.
    lines = read_lines(
        path,
        what="the list",
        encoding=encoding,
        error=SplitError,
        keep_bytes=True,
        parameter=parameter,
    )
    same = _by_meaning(known)
    rows: set[int] = set()
    for number, line in lines:
        photo = _known_prefix(line.strip()[:_LONGEST], known, same)
        if photo is None:
            raise _unknown_photo(line.strip(), number, path, known, parameter)
        rows.update(known[photo])
    if not rows:
        raise SplitError(
            f"the list {path!r} names no photo; give one with an id on every line",
            code="empty",
            parameter=parameter,
        )
    return np.array(sorted(rows), dtype=np.int64)


def _by_meaning(known: Iterable[str]) -> dict[str, str | None]:
    """Return ids by what they mean in any spelling; None where two mean the same."""
    found: dict[str, str | None] = {}
    for photo in known:
        key = _meaning(photo)
        found[key] = None if key in found else photo
    return found


def _meaning(photo: str) -> str:
    """Return a path in one Unicode form, with forward slashes and without a leading "./"."""
    return clean_name(photo.replace("\\", "/")).removeprefix("./")


def rows_by_id(dataset: Dataset) -> dict[str, list[int]]:
    """Return the rows of every id."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(dataset.ids.tolist()):
        rows.setdefault(name, []).append(row)
    return rows


def _known_prefix(
    words: str, known: Mapping[str, Sequence[int]], same: Mapping[str, str | None]
) -> str | None:
    """Return the id that a line starts with; what follows may be parted from it in any way."""
    # The longest first, because a name may contain spaces and commas.
    while words:
        for text in (words, words.strip("\"'")):
            if text in known:
                return text
            photo = same.get(_meaning(text))
            if photo is not None:
                return photo
        cut = max(words.rfind(delimiter) for delimiter in _DELIMITERS)
        words = words[: max(cut, 0)].rstrip(_DELIMITERS)
    return None


def _unknown_photo(
    words: str, number: int, path: str, known: Mapping[str, Sequence[int]], parameter: str
) -> SplitError:
    photo = words.split(maxsplit=1)[0][:200]
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


def _field(text: str) -> str:
    text = csv_cell(text)
    # Some readers skip spaces that begin a field, unless it is quoted.
    if text[:1] == " " or any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
