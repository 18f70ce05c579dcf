"""``review``: write a page on which people correct the predictions for photos."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._cli._photos import model_of, require_place
from shelfvision._cli._predict import photo_paths
from shelfvision._cli._regions._boxes import classified_shelves, has_shelves, require_box_options
from shelfvision._cli._say import complain, say
from shelfvision._validation import as_integer, as_number, counted
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Predictions
from shelfvision.regions import Regions


def run(chosen: argparse.Namespace) -> int:
    """Predict photos and write the page; return 1 if there is nothing to review."""
    top = as_integer("--top", chosen.top, minimum=1, maximum=20)
    below = None if chosen.below is None else as_number("--below", chosen.below, maximum=1)
    require_box_options(chosen)
    paths = list(photo_paths(chosen.photos))
    require_place(chosen.output, "--output", chosen.file, *paths, chosen.boxes, chosen.detector)
    model = model_of(chosen.file, chosen.sha256)
    if has_shelves(chosen):
        shelves = list(classified_shelves(model, paths, chosen).values())
        return _review_boxes(shelves, chosen, below=below, top=top)
    found = model.predict(paths, on_error=chosen.on_error)
    rows = np.flatnonzero(_wanted(found, below, undecided=chosen.to_review))
    if not len(rows):
        complain(f"0 of {counted(len(found), 'prediction')} to review; no page is written")
        return 1
    found[rows].save_review(chosen.output, [paths[row] for row in rows], top=top)
    say(f"{chosen.output}: {len(rows)} of {counted(len(found), 'prediction')} to review")
    return 0


def _review_boxes(
    shelves: Sequence[Regions], chosen: argparse.Namespace, *, below: float | None, top: int
) -> int:
    """Write the page of the boxes to review, each in its surroundings."""
    total = sum(map(len, shelves))
    parts = [
        shelf[_wanted(shelf.predictions, below, undecided=chosen.to_review)] for shelf in shelves
    ]
    first, *others = sorted(parts, key=len, reverse=True)
    if not len(first):
        complain(f"0 of {counted(total, 'box')} to review; no page is written")
        return 1
    first.save_review(chosen.output, others=others, top=top)
    say(f"{chosen.output}: {sum(map(len, parts))} of {counted(total, 'box')} to review")
    return 0


def _wanted(found: Predictions, below: float | None, *, undecided: bool) -> npt.NDArray[np.bool_]:
    """Return which predictions to review: those that one of the options selects, or all."""
    failed = np.array([error is not None for error in found.errors], dtype=np.bool_)
    if undecided and len(found) and all(one is None for one in found.decisions[~failed]):
        raise InvalidParameterError(
            "--to-review needs a classifier with thresholds, got one without; select predictions "
            "with --below instead",
            code="conflict",
            parameter="--to-review",
        )
    if below is None and not undecided:
        return np.ones(len(found), dtype=np.bool_)
    wanted = failed.copy()
    if below is not None:
        # Comparisons with NaN are false.
        wanted |= found.confidences < below
    if undecided:
        wanted |= found.decisions == "review"
    return wanted
