"""``export``: a classifier as a file for another runtime."""

from __future__ import annotations

import argparse
from pathlib import Path

from shelfvision._cli._photos import dataset_of, is_bundle, require_place
from shelfvision._cli._say import say, say_json
from shelfvision.errors import InvalidParameterError
from shelfvision.export import ExportFormat
from shelfvision.inference import Classifier

_FORMATS: dict[str, ExportFormat] = {
    ".onnx": "onnx",
    ".tflite": "litert",
    ".xml": "openvino",
    ".keras": "keras",
}


def run(chosen: argparse.Namespace) -> int:
    """Export, and tell how far the file says the same."""
    kind: ExportFormat | None = chosen.format or _FORMATS.get(Path(chosen.output).suffix)
    if kind is None:
        raise InvalidParameterError(
            f"{chosen.output!r} does not tell its format; end it in {', '.join(_FORMATS)}, or give "
            "--format"
        )
    if not is_bundle(chosen.file):
        raise InvalidParameterError(
            f"{chosen.file!r} is no bundle; export the file that train or Classifier.save wrote"
        )
    require_place(chosen.output, "OUT")
    classifier = Classifier.load(chosen.file, expected_sha256=chosen.sha256)
    photos = None
    if chosen.dataset:
        photos = dataset_of(
            chosen,
            image_size=classifier.image_size,
            resize=classifier.resize,
            class_names=classifier.class_names,
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
