"""``evaluate``: how good a classifier is on labelled photos."""

from __future__ import annotations

import argparse

from shelfvision._cli._photos import dataset_of, model_of, require_place
from shelfvision._cli._say import complain, say, say_json
from shelfvision.evaluation import evaluate


def run(chosen: argparse.Namespace) -> int:
    """Judge a classifier, and write a page if asked."""
    require_place(chosen.html, "--html")
    model = model_of(chosen.file, chosen.sha256)
    # All folders and labels, so that `evaluate` refuses a class that the model does not know.
    photos = dataset_of(chosen, image_size=model.image_size, resize=model.resize)
    report = evaluate(model, photos)
    if chosen.json:
        say_json(report.to_dict())
    else:
        say(report)
    if chosen.html:
        report.save(chosen.html)
        complain(f"the report is in {chosen.html!r}")
    return 0
