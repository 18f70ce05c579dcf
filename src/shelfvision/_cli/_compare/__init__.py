"""``compare``: decide whether a new classifier may replace the old one."""

from __future__ import annotations

import argparse
from typing import Final

from shelfvision._cli._photos import (
    Model,
    is_manifest,
    labelled_photos,
    model_of,
    require_place,
)
from shelfvision._cli._say import complain, say, say_json
from shelfvision._storage import as_location
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.evaluation import promotion

STATUS: Final = {"promote": 0, "keep": 4, "undecided": 5}
"""The exit status of each verdict."""


def run(chosen: argparse.Namespace) -> int:
    """Print the verdict and the differences, and return the status of the verdict."""
    _require_arguments(chosen)
    old = model_of(chosen.old, chosen.old_sha256)
    new = model_of(chosen.new, chosen.new_sha256)
    # The new classifier reads the photos again at its own size.
    photos = labelled_photos(chosen, old)
    found = promotion(
        old,
        new,
        photos,
        training=[_training_photos(chosen, place, old) for place in chosen.training],
        on_leak=chosen.on_leak,
        margin=chosen.margin,
        class_margin=chosen.class_margin,
        min_groups=chosen.min_groups,
        confidence_level=chosen.confidence_level,
    )
    if chosen.json:
        say_json(found.to_dict())
    else:
        say(found)
    if chosen.output:
        found.save(chosen.output)
        complain(f"saved the result as {chosen.output!r}")
    return STATUS[found.verdict]


def _require_arguments(chosen: argparse.Namespace) -> None:
    """Raise for arguments that cannot be used, before models are loaded."""
    read = (chosen.old, chosen.new, chosen.dataset, chosen.boxes, *chosen.training)
    require_place(chosen.output, "--output", *read)
    if chosen.training_where and (chosen.boxes or not any(map(_has_rows, chosen.training))):
        raise InvalidParameterError(
            "--training-where is for CSV manifests of --training, got "
            f"{chosen.training_where!r} without one; leave it out, or name a manifest",
            code="conflict",
            parameter="--training-where",
        )


def _training_photos(chosen: argparse.Namespace, place: str, model: Model) -> Dataset:
    """Return photos of one --training; only manifests have rows and columns to choose."""
    own: dict[str, object]
    if chosen.boxes is not None:
        own = {"boxes": place}
    elif _has_rows(place):
        own = {"dataset": place, "where": chosen.training_where}
    else:
        own = {"dataset": place, "where": [], "group_column": None, "encoding": None}
    return labelled_photos(argparse.Namespace(**vars(chosen) | own), model)


def _has_rows(place: str) -> bool:
    return is_manifest(as_location(place, "--training"))
