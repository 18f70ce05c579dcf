"""Decode each photo once to find corrupted ones, for ``on_error="skip"`` and `Dataset.verify`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._validation import counted, one_of
from shelfvision.data.table import PhotoTable, taken
from shelfvision.errors import DataError, PhotoError
from shelfvision.protocols import OnError


def verified(table: PhotoTable, on_error: OnError) -> PhotoTable:
    """Return the rows that can be decoded, or raise the error of the first that cannot."""
    one_of("on_error", on_error, ("raise", "skip"))
    bad = _unreadable(table)
    if bad and on_error == "raise":
        raise next(iter(bad.values()))
    return _without(table, bad) if bad else table


def _unreadable(table: PhotoTable) -> dict[int, PhotoError]:
    """Return the error of each row that cannot be decoded, in the order of the rows."""
    failed: dict[int, PhotoError] = {}
    with progress("Reading photos", len(table)) as advance:

        def attempt(position: int) -> None:
            try:
                table.source.read(int(table.rows[position]))
            except PhotoError as error:
                failed[position] = error
            advance()

        in_threads(attempt, len(table), workers=getattr(table.source, "workers", None))
    return dict(sorted(failed.items()))


def _without(table: PhotoTable, bad: dict[int, PhotoError]) -> PhotoTable:
    """Return the other rows; list these in `skipped`."""
    if len(bad) == len(table):
        first = next(iter(bad.values()))
        raise DataError(
            f"all of {counted(len(table), 'photo')} failed to decode; the first error: {first}",
            code="unreadable",
        )
    good = np.ones(len(table), dtype=np.bool_)
    good[list(bad)] = False
    failed = [SkippedFile(table.ids[row], str(error), error.code) for row, error in bad.items()]
    return replace(taken(table, good), skipped=SkippedFiles((*table.skipped, *failed)))
