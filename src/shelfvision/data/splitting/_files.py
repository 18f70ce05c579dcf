"""Read and write splits: CSV manifests of `Splits.save`, and published text lists of photo ids."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._csv import read_columns
from shelfvision._identifiers import clean_name
from shelfvision._storage import RemoteFile, as_location, atomic_writer
from shelfvision._storage.text_files import read_lines
from shelfvision._text import csv_cell, from_csv_cell
from shelfvision.data._dataset import Dataset
from shelfvision.data.splitting.leaks import PARTS
from shelfvision.errors import SplitError
from shelfvision.protocols import Location

LEFT_OUT = ("dropped", "unlisted", "unplaced")
"""The split column of photos that are in no set; a manifest lists all photos."""

_SPLITS = frozenset(PARTS + LEFT_OUT)
_COLUMNS = ("path", "label", "group", "split", "copy")
_DELIMITERS = " \t,;"
_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_/:. -]*[A-Za-z0-9_/:.-])?")
"""Text that needs neither quotes nor an apostrophe in a CSV file, and has one spelling as a path.

Nearly all ids match, so this fast check avoids the slow path."""
_LONGEST = 8192
"""The number of characters that are read of a line; paths have at most 4096 bytes."""


_Key: TypeAlias = str | tuple[str, int]
"""The key of a row: its id, and for a copy also its number."""


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


def write_split(path: Location, blocks: Iterable[tuple[str, Dataset]]) -> None:
    """Write the rows of each block with its name as their split, atomically."""
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


def read_split(path: Location, *, parameter: str) -> SavedRows:
    """Read a manifest that `write_split` wrote, or one that a person edited."""
    place = as_location(path, parameter)
    where = str(place)
    lines, cells = read_columns(
        place, _COLUMNS, what="the saved split", error=SplitError, parameter=parameter
    )
    # Groups come from the dataset; the group column is for people who read the file.
    photos, labels, splits = cells["path"], cells["label"], cells["split"]
    numbers = {text: _copy_number(text) for text in set(cells["copy"])}
    if None in numbers.values() or not set(splits) <= _SPLITS:
        raise _faulty(where, lines, cells, parameter)
    names = {text: clean_name(from_csv_cell(text)) for text in set(labels)}
    return SavedRows(
        path=where,
        ids=[from_csv_cell(photo) for photo in photos],
        labels=[names[label] for label in labels],
        splits=splits,
        copies=[numbers[text] or 0 for text in cells["copy"]],
        lines=lines,
        parameter=parameter,
    )


def _copy_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _faulty(
    path: str, lines: Sequence[int], cells: Mapping[str, Sequence[str]], parameter: str
) -> SplitError:
    """Return the error for the first line with an invalid split or copy number."""
    rows = zip(lines, cells["path"], cells["split"], cells["copy"], strict=True)
    line, photo, split, copy = next(
        row for row in rows if row[2] not in _SPLITS or _copy_number(row[3]) is None
    )
    if split not in _SPLITS:
        return SplitError(
            f"the split column must be 'train', 'validation' or 'test', got {split!r} for "
            f"{photo!r} in line {line} of {path!r}; correct the line",
            code="unknown-name",
            parameter=parameter,
        )
    return SplitError(
        f"the copy column must be 0, 1, 2, …, got {copy!r} for {photo!r} in line {line} of "
        f"{path!r}; correct the line",
        code="not-in-range",
        parameter=parameter,
    )


def find_rows(saved: SavedRows, dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return the dataset row of each saved row, -1 where there is none."""
    table: dict[_Key, int] = {}
    for row, key in enumerate(_keys(dataset.ids.tolist(), dataset.copies.tolist())):
        table.setdefault(key, row)
    keys = _keys(saved.ids, saved.copies)
    rows = [table.get(key, -1) for key in keys]
    lost = [place for place, row in enumerate(rows) if row < 0]
    if lost:
        # An archive or another system may have changed the Unicode form or the separators.
        wanted = {_meaning(saved.ids[place]) for place in lost}
        same = _by_meaning(dict.fromkeys(dataset.ids.tolist()), wanted)
        for place in lost:
            photo = same.get(_meaning(saved.ids[place]))
            if photo is not None:
                [key] = _keys([photo], [saved.copies[place]])
                rows[place] = table.get(key, -1)
    found = np.array(rows, dtype=np.int64)
    _check_labels(saved, dataset, found)
    return found


def _keys(ids: Sequence[str], copies: Sequence[int]) -> list[_Key]:
    """Return the unique keys of rows: the id of an original, id and number of a copy."""
    return [(photo, copy) if copy else photo for photo, copy in zip(ids, copies, strict=True)]


def _check_labels(saved: SavedRows, dataset: Dataset, found: npt.NDArray[np.int64]) -> None:
    numbers = {name: number for number, name in enumerate(dataset.class_names)}
    labels = np.array([numbers.get(name, -1) for name in saved.labels], dtype=np.int64)
    known = found >= 0
    changed = np.flatnonzero(known)[labels[known] != dataset.labels[found[known]]]
    if len(changed):
        first = int(changed[0])
        now = dataset.class_names[int(dataset.labels[found[first]])]
        raise SplitError(
            f"the labels of {saved.path!r} must match the dataset, got {len(changed)} that differ: "
            f"{saved.ids[first]!r} (line {saved.lines[first]}) is {saved.labels[first]!r} in the "
            f"file and {now!r} in the dataset; pass the dataset that was split, relabelled the "
            "same way, or split again",
            code="labels-differ",
            parameter=saved.parameter,
        )


def rows_of_list(
    path: Location | RemoteFile,
    known: Mapping[str, Sequence[int]],
    *,
    parameter: str,
    encoding: str | None = None,
) -> npt.NDArray[np.int64]:
    """Return the rows, ascending, whose ids are on a text list with one id per line."""
    place = as_location(path, parameter)
    where = str(place)
    # File names are bytes on Linux, and the tools that write such lists keep these bytes.
    lines = read_lines(
        place,
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
            raise _unknown_photo(line.strip(), number, where, known, parameter)
        rows.update(known[photo])
    if not rows:
        raise SplitError(
            f"the list {where!r} must name photos, got none; pass a list with one id per line",
            code="empty",
            parameter=parameter,
        )
    return np.array(sorted(rows), dtype=np.int64)


def _by_meaning(
    known: Iterable[str], wanted: Collection[str] | None = None
) -> dict[str, str | None]:
    """Return ids by their normalized path; None where two ids have the same one.

    If `wanted` is given, only these normalized paths are included.
    """
    found: dict[str, str | None] = {}
    for photo in known:
        key = photo if _PLAIN.fullmatch(photo) else _meaning(photo)
        if wanted is None or key in wanted:
            found[key] = None if key in found else photo
    return found


def _meaning(photo: str) -> str:
    """Return a path in one Unicode form, with forward slashes and without a leading "./"."""
    return clean_name(photo.replace("\\", "/")).removeprefix("./")


def rows_by_id(dataset: Dataset) -> dict[str, list[int]]:
    """Return the rows of each id."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(dataset.ids.tolist()):
        rows.setdefault(name, []).append(row)
    return rows


def _known_prefix(
    words: str, known: Mapping[str, Sequence[int]], same: Mapping[str, str | None]
) -> str | None:
    """Return the id that a line starts with, whatever delimiter follows it."""
    # Longest prefix first, because a name may contain spaces and commas.
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
    # Fuzzy matching is slow, so large datasets are skipped.
    pool = same or (list(known) if len(known) <= 5000 else [])
    close = difflib.get_close_matches(photo, pool, n=1, cutoff=0.0 if same else 0.6)
    return close[0] if close else None


def _field(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    text = csv_cell(text)
    # Some readers skip spaces that begin a field, unless it is quoted.
    if text[:1] == " " or any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
