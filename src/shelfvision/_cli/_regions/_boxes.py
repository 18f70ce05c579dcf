"""Boxes of shelf photos on the command line: from a file of annotations, or from a detector."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from unicodedata import normalize

from shelfvision._cli._photos import Model
from shelfvision._validation import as_path, counted, listed
from shelfvision.boxes import Boxes, read_boxes
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.export import Detector
from shelfvision.regions import Regions

_OPTIONS = {"layout": "layout", "detector_confidence": "min_confidence", "tile": "tile"}
"""The parameter of `Detector` for each option."""


def has_shelves(chosen: argparse.Namespace) -> bool:
    """Return whether the photos show shelves, not one product each."""
    return chosen.boxes is not None or chosen.detector is not None


def require_box_options(chosen: argparse.Namespace) -> None:
    """Raise for options of boxes that contradict each other, before a model is loaded."""
    if chosen.boxes is not None and chosen.detector is not None:
        raise InvalidParameterError(
            "--boxes and --detector must not both be given; leave one of them out",
            code="conflict",
            parameter="--boxes",
        )
    given = next((name for name in _OPTIONS if getattr(chosen, name) is not None), None)
    if given is not None and chosen.detector is None:
        option = f"--{given.replace('_', '-')}"
        raise InvalidParameterError(
            f"{option} is for --detector, got no detector; leave it out",
            code="conflict",
            parameter=option,
        )
    if has_shelves(chosen):
        for photo in getattr(chosen, "photos", ()):
            as_path(photo, "PHOTO")


def detector_of(chosen: argparse.Namespace) -> Detector:
    """Return the detector with the settings of its options."""
    given = {name: getattr(chosen, option) for option, name in _OPTIONS.items()}
    return Detector(
        chosen.detector, **{name: value for name, value in given.items() if value is not None}
    )


def classified_shelves(
    model: Model, paths: Sequence[str], chosen: argparse.Namespace
) -> dict[str, Regions]:
    """Return the classified boxes of each shelf photo.

    A detector finds no box on an empty shelf. A file of annotations without any box for these
    photos is refused, because it probably belongs to other photos.
    """
    if chosen.detector is not None:
        detector = detector_of(chosen)
        return {path: model.predict_regions(path, detector) for path in paths}
    boxes = boxes_of_photos(read_boxes(chosen.boxes), paths)
    if not any(map(len, boxes.values())):
        raise DataError(
            f"--boxes must give at least one box, got none in {counted(len(paths), 'photo')}; "
            "name the file of these photos",
            code="empty",
            parameter="--boxes",
        )
    return {path: model.predict_regions(path, boxes[path]) for path in paths}


def boxes_of_photos(annotated: Mapping[str, Boxes], paths: Sequence[str]) -> dict[str, Boxes]:
    """Return the boxes of each photo: those whose name is the end of the photo's path.

    ``a/1.jpg`` is the name of ``shop/a/1.jpg`` and not of ``shop/b/1.jpg``. Names are compared in
    Unicode NFC.
    """
    found: dict[str, Boxes] = {}
    taken: dict[str, str] = {}
    composed = {normalize("NFC", name): boxes for name, boxes in annotated.items()}
    for path in paths:
        parts = PurePath(normalize("NFC", path)).parts
        ends = ["/".join(parts[place:]) for place in range(len(parts))]
        name = next((end for end in ends if end in composed), None)
        if name is None:
            raise DataError(
                f"--boxes must have the photo {path!r}, got {listed(annotated)}; pass photos that "
                "the annotations name",
                code="missing-photos",
                parameter="--boxes",
            )
        if taken.setdefault(name, path) != path:
            raise DataError(
                f"--boxes has one photo {name!r}, which fits {taken[name]!r} and {path!r}; pass "
                "one of them, or annotate them with their folders",
                code="ambiguous",
                parameter="--boxes",
            )
        found[path] = composed[name]
    return found
