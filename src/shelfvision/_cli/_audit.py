"""``audit``: report problems of a dataset before training."""

from __future__ import annotations

import argparse

from shelfvision._cli._photos import dataset_of, require_place
from shelfvision._cli._say import complain, say, say_json
from shelfvision.auditing import audit


def run(chosen: argparse.Namespace) -> int:
    """Print the audit report; return 1 if a problem breaks training or makes scores too high."""
    require_place(chosen.html, "--html")
    report = audit(dataset_of(chosen))
    if chosen.json:
        say_json(report.to_dict())
    else:
        say(report)
        if {"near-duplicate", "burst", "unreadable"} & {found.code for found in report}:
            complain(
                "train keeps near-duplicates and bursts in one set; with --on-error skip, it "
                "leaves out photos that cannot be read"
            )
    if chosen.html:
        report.save(chosen.html)
        complain(f"saved the report as {chosen.html!r}")
    return int(not report.ok)
