"""``compare``: decide whether a new classifier may replace the old one."""

from __future__ import annotations

import argparse
from typing import Final

from shelfvision._cli._photos import labelled_photos, model_of, require_place
from shelfvision._cli._say import complain, say, say_json
from shelfvision.evaluation import promotion

STATUS: Final = {"promote": 0, "keep": 4, "undecided": 5}
"""The exit status of each verdict."""


def run(chosen: argparse.Namespace) -> int:
    """Print the verdict and the differences, and return the status of the verdict."""
    require_place(chosen.output, "--output", chosen.old, chosen.new, chosen.dataset, chosen.boxes)
    old = model_of(chosen.old, chosen.old_sha256)
    new = model_of(chosen.new, chosen.new_sha256)
    # The new classifier reads the photos again at its own size.
    photos = labelled_photos(chosen, old)
    found = promotion(
        old,
        new,
        photos,
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
