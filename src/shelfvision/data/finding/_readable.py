"""Decode each photo once to find corrupted ones, for ``on_error="skip"``."""

from __future__ import annotations

from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision.errors import PhotoError


def unreadable(source: FilePixels) -> dict[int, PhotoError]:
    """Return the error of each row that cannot be decoded, in the order of the rows."""
    failed: dict[int, PhotoError] = {}
    with progress("Reading photos", len(source)) as advance:

        def attempt(row: int) -> None:
            try:
                source.read(row)
            except PhotoError as error:
                failed[row] = error
            advance()

        in_threads(attempt, len(source))
    return dict(sorted(failed.items()))
