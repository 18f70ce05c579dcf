"""``drift``: compare photos in operation with the profile of a classifier."""

from __future__ import annotations

import argparse

from shelfvision._cli._drift._tables import (
    OPTIONAL,
    SCORES,
    Columns,
    asked_columns,
    csv_columns,
    has_parquet,
    header_of,
    listed_places,
    parquet_columns,
)
from shelfvision._cli._photos import is_bundle, model_of, require_place
from shelfvision._cli._predict import photo_paths, storage_of
from shelfvision._cli._say import complain, say, say_json
from shelfvision._validation import as_path, counted
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation import Drift, drift
from shelfvision.inference import inspect
from shelfvision.predictions import Profile

FOUND = 3
"""The exit status if there is drift."""


def run(chosen: argparse.Namespace) -> int:
    """Print the checks, and return 3 if there is drift."""
    require_place(chosen.output, "--output", chosen.file, *chosen.photos, chosen.metadata)
    found = _of_scores(chosen) or _of_photos(chosen)
    if chosen.json:
        say_json(found.to_dict())
    else:
        say(found)
    if chosen.output:
        found.save(chosen.output)
        complain(f"saved the checks as {chosen.output!r}")
    return FOUND if found.drifted else 0


def _of_scores(chosen: argparse.Namespace) -> Drift | None:
    """Return the drift of a table of scores; None if the argument is not a table of scores."""
    if len(chosen.photos) != 1:
        return None
    place = chosen.photos[0]
    if place.lower().endswith(".parquet") or has_parquet(place):
        as_path(place, "DATA")
        columns = parquet_columns(place, chosen)
    elif place.lower().endswith(".csv") and set(SCORES) <= set(header_of(place, chosen)):
        needed = {**dict.fromkeys(SCORES), **asked_columns(chosen)}
        columns = csv_columns(place, needed, chosen, OPTIONAL)
    else:
        return None
    return _compared(columns, _profile_of(chosen), chosen)


def _of_photos(chosen: argparse.Namespace) -> Drift:
    """Return the drift of photos, which are predicted first."""
    columns: Columns = {}
    paths = list(chosen.photos)
    if len(paths) == 1 and paths[0].lower().endswith(".csv"):
        needed = {chosen.path_column: "path_column", **asked_columns(chosen)}
        columns = csv_columns(paths[0], needed, chosen)
        paths = listed_places(paths[0], columns[chosen.path_column])
        columns = {**columns, "id": list(paths)}
    else:
        if chosen.group_column or (chosen.by and not chosen.metadata):
            option = "--group-column" if chosen.group_column else "--by"
            raise InvalidParameterError(
                f"{option} names a column of a CSV manifest, got photos; pass a manifest with the "
                "columns path and the others",
                code="conflict",
                parameter=option,
            )
        paths = list(photo_paths(paths))
    model = model_of(chosen.file, chosen.sha256)
    complain(f"predicting {counted(len(paths), 'photo')}")
    found = model.predict(
        paths, on_error="skip", quality=True, storage_options=storage_of(chosen.photos)
    )
    scores: Columns = {
        "id": list(found.ids),
        "label": list(found.labels),
        "confidence": list(found.confidences),
        "decision": list(found.decisions),
        "error": list(found.errors),
        **{name: list(column) for name, column in (found.quality or {}).items()},
    }
    return _compared({**columns, **scores}, found.profile, chosen)


def _compared(columns: Columns, profile: Profile | None, chosen: argparse.Namespace) -> Drift:
    if profile is None:
        raise DataError(
            f"FILE must have a profile, got {chosen.file!r} without one; train it again, or run "
            "shelfvision calibrate with validation photos",
            code="no-profile",
            parameter="FILE",
        )
    metadata = None
    if chosen.metadata:
        given = [name for name in asked_columns(chosen) if name not in columns]
        metadata = csv_columns(chosen.metadata, dict.fromkeys(("id", *given)), chosen)
    return drift(
        columns,
        by=chosen.by or None,
        metadata=metadata,
        groups=chosen.group_column,
        profile=profile,
        checks=chosen.check or None,
        alpha=chosen.alpha,
        min_effect=chosen.min_effect,
        min_photos=chosen.min_photos,
        correction=chosen.correction,
    )


def _profile_of(chosen: argparse.Namespace) -> Profile | None:
    """Return the profile of a file; the model of a bundle is not loaded."""
    if is_bundle(chosen.file):
        return inspect(chosen.file, expected_sha256=chosen.sha256).profile
    return model_of(chosen.file, chosen.sha256).profile
