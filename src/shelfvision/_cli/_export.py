"""``export``: write a classifier to a file for another runtime."""

from __future__ import annotations

import argparse

from shelfvision._cli._photos import dataset_of, is_bundle, require_place
from shelfvision._cli._say import say, say_json
from shelfvision._validation import one_of
from shelfvision.errors import InvalidParameterError
from shelfvision.export import ExportFormat
from shelfvision.export.exporting import SUFFIXES
from shelfvision.inference import Classifier


def run(chosen: argparse.Namespace) -> int:
    """Export the classifier and print the export report."""
    if chosen.format is not None:
        one_of("--format", chosen.format, SUFFIXES)
    kind = chosen.format or _format_of(chosen.output)
    if kind is None:
        raise InvalidParameterError(
            f"OUT must end in {', '.join(SUFFIXES.values())}, got {chosen.output!r}; "
            "rename it, or give --format",
            code="wrong-suffix",
            parameter="OUT",
        )
    if not is_bundle(chosen.file):
        raise InvalidParameterError(
            f"FILE must be a bundle, got {chosen.file!r}; pass the file that the train command or "
            "Classifier.save wrote",
            code="foreign-format",
            parameter="FILE",
        )
    require_place(chosen.output, "OUT")
    classifier = Classifier.load(chosen.file, expected_sha256=chosen.sha256)
    photos = None
    if chosen.dataset:
        photos = dataset_of(
            chosen,
            image_size=classifier.image_size,
            resize=classifier.resize,
        )
    report = classifier.export(
        chosen.output,
        format=kind,
        quantize=chosen.quantize,
        photos=photos,
        tolerance=chosen.tolerance,
    )
    if chosen.json:
        say_json(report.to_dict())
    else:
        say(report)
    return 0


def _format_of(path: str) -> ExportFormat | None:
    return next((name for name, suffix in SUFFIXES.items() if path.endswith(suffix)), None)
