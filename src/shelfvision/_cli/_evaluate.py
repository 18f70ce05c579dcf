"""``evaluate``: measure a classifier on labelled photos."""

from __future__ import annotations

import argparse

from shelfvision._cli._photos import labelled_photos, model_of, require_place
from shelfvision._cli._say import complain, say, say_json
from shelfvision.evaluation import evaluate


def run(chosen: argparse.Namespace) -> int:
    """Print the evaluation report, and save it as HTML on request."""
    require_place(chosen.html, "--html", chosen.file)
    model = model_of(chosen.file, chosen.sha256)
    photos = labelled_photos(chosen, model)
    report = evaluate(model, photos, unknown=chosen.unknown)
    if chosen.json:
        say_json(report.to_dict())
    else:
        say(report)
    if chosen.html:
        report.save(chosen.html)
        complain(f"saved the report as {chosen.html!r}")
    return 0
