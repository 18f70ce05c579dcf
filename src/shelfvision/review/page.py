"""The review page: one HTML file on which a person chooses the class of each photo.

The page needs no server and no network. It contains the predictions as JSON, a JPEG thumbnail of
each photo, a style sheet and scripts, which its content security policy allows by their hashes.
The photos are sorted by confidence, the lowest first. The browser keeps the answers under a digest
of ids, class names and probabilities, so that a page that is written again continues where the
first one ended. The download ``corrections.csv`` has the columns id, label, status and comment.

`review_page` takes plain values. `Predictions.save_review` and `Regions.save_review` collect them,
because this package is on a lower layer than theirs.

The size of a thumbnail is bounded: a page of 2,000 photos or more spends at most 12 KB on each,
a smaller page up to 24 MB on all of them and at most 48 KB on each.

Examples
--------
>>> import numpy as np
>>> photo = ReviewPhoto(pixels=np.zeros((8, 8, 3), np.uint8))
>>> page = review_page(["a.jpg"], ["can", "jar"], [[0.6, 0.4]], lambda row, side: photo)
>>> page.startswith("<!DOCTYPE html>")
True
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import identifier
from shelfvision._pages.html import render_template
from shelfvision._pages.thumbnails import thumbnail
from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision._text import csv_cell, shortened
from shelfvision._validation import as_integer, counted
from shelfvision.errors import DataError
from shelfvision.protocols import Image

LARGEST_SIDE = 640
"""The largest side of a thumbnail, in pixels."""
MOST_PHOTOS = 10_000
"""The maximum number of photos on a page."""

_SCRIPTS = ("review_text.js", "review_state.js", "review_view.js", "review_keys.js")
_PAGE_BYTES, _LEAST_BYTES, _MOST_BYTES = 24_000_000, 12_000, 48_000
_LONGEST_NAME, _LONGEST_ID = 300, 120

RelativeBox: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of the width and the height of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReviewPhoto:
    """The picture of one prediction, or the reason why there is none."""

    pixels: Image | None = None
    """RGB pixels, ``uint8``, shape (height, width, 3)."""
    box: RelativeBox | None = None
    """The product in the picture, if the picture shows its surroundings."""
    error: str | None = None
    """Why the photo cannot be read."""


ReadPhoto: TypeAlias = Callable[[int, int], ReviewPhoto]
"""Return the picture of a row; its longer side need not exceed the second argument, in pixels."""


def review_page(
    ids: Sequence[str],
    class_names: Sequence[str],
    probabilities: npt.ArrayLike,
    read: ReadPhoto,
    *,
    top: SupportsIndex = 5,
) -> str:
    """Return the page.

    Parameters
    ----------
    ids : sequence of str, length n
        The ids of the predictions.
    class_names : sequence of str, length k
        The class names, in the order of the columns.
    probabilities : array_like of float32, shape (n, k)
        One row per prediction; NaN for photos that could not be read.
    read : callable
        Called from several threads with the number of a row and the largest useful side, about in
        the order of the rows.
    top : int, default=5
        The number of classes to offer for each photo, at most 20.

    Returns
    -------
    str
        An HTML page.

    Raises
    ------
    DataError
        There are none, too many, or several predictions with one id.
    InvalidParameterError
        `top` is out of range.
    """
    most = as_integer("top", top, minimum=1, maximum=20)
    _require_reviewable(ids)
    rows = np.asarray(probabilities, dtype=np.float32)
    pictures = _pictures(read, len(ids))
    items = [
        {
            **_named(ids[row], _LONGEST_ID, keep_end=True),
            "g": _guesses(rows[row], most),
            **pictures[row],
        }
        for row in _least_confident_first(rows)
    ]
    return render_template(
        "review.html",
        title=f"Review of {counted_with_commas(len(ids))}",
        scripts=_SCRIPTS,
        review={
            "digest": review_digest(ids, class_names, rows),
            "classes": [_named(name, _LONGEST_NAME) for name in class_names],
            "items": items,
        },
    )


def review_digest(
    ids: Sequence[str], class_names: Sequence[str], probabilities: npt.NDArray[np.float32]
) -> str:
    """Return a text that names a review: the same predictions have the same one."""
    names = json.dumps([list(ids), list(class_names)]).encode()
    content = np.ascontiguousarray(probabilities, dtype="<f4").tobytes()
    return hashlib.sha256(len(names).to_bytes(8, "little") + names + content).hexdigest()[:32]


def counted_with_commas(count: int) -> str:
    """Return "1 prediction" or "2,000 predictions"."""
    return f"{count:,} {counted(count, 'prediction').partition(' ')[2]}"


def _require_reviewable(ids: Sequence[str]) -> None:
    if not len(ids):
        raise DataError(
            "a review page must have at least 1 prediction, got none; lower the bar for review",
            code="empty",
        )
    if len(ids) > MOST_PHOTOS:
        raise DataError(
            f"a review page must have at most {MOST_PHOTOS:,} predictions, got {len(ids):,}; save "
            f"several pages, the first of predictions[:{MOST_PHOTOS}]",
            code="too-large",
        )
    seen: dict[str, int] = {}
    for row, name in enumerate(ids):
        first = seen.setdefault(identifier(name), row)
        if first != row:
            raise DataError(
                "predictions must have different ids, because corrections name photos by id, got "
                f"{name!r} in rows {first} and {row}; predict paths or a Dataset with unique ids",
                code="duplicate",
            )


def _least_confident_first(rows: npt.NDArray[np.float32]) -> list[int]:
    # NaN, the photos that could not be read, sort last: there is nothing to see.
    order: list[int] = np.argsort(rows.max(axis=1), kind="stable").tolist()
    return order


def _guesses(row: npt.NDArray[np.float32], most: int) -> list[tuple[int, float]]:
    if np.isnan(row).any():
        return []
    best = np.argsort(-row, kind="stable")[:most]
    return [(int(number), round(float(row[number]), 4)) for number in best]


def _named(text: str, width: int, *, keep_end: bool = False) -> dict[str, object]:
    """Return the displayed text and, if it differs, the text for a cell of the corrections."""
    shown, cell = shortened(text, width, keep_end=keep_end), csv_cell(text)
    return {"n": shown} if shown == cell else {"n": shown, "c": cell}


def _pictures(read: ReadPhoto, count: int) -> list[dict[str, object]]:
    # Base64 writes 3 bytes as 4 letters.
    limit = min(_MOST_BYTES, max(_LEAST_BYTES, _PAGE_BYTES // count)) * 3 // 4
    pictures: list[dict[str, object]] = [{}] * count
    with progress("Reading photos", count) as advance:

        def fill(row: int) -> None:
            pictures[row] = _picture(read(row, LARGEST_SIDE), limit)
            advance()

        in_threads(fill, count)
    return pictures


def _picture(photo: ReviewPhoto, limit: int) -> dict[str, object]:
    if photo.pixels is None:
        return {} if photo.error is None else {"e": shortened(photo.error, _LONGEST_NAME)}
    small, file = thumbnail(photo.pixels, side=LARGEST_SIDE, most_bytes=limit)
    found: dict[str, object] = {
        "p": base64.b64encode(file).decode("ascii"),
        "w": small.shape[1],
        "h": small.shape[0],
    }
    if photo.box is not None:
        found["b"] = [round(edge, 4) for edge in photo.box]
    return found
