"""``audit``: what is wrong with photos before you train."""

from __future__ import annotations

import argparse

from shelfvision._cli._photos import dataset_of, require_place
from shelfvision._cli._say import complain, say, say_json
from shelfvision.auditing import audit


def run(chosen: argparse.Namespace) -> int:
    """Tell what is wrong; 1 where something is that makes training fail or scores lie."""
    require_place(chosen.html, "--html")
    report = audit(dataset_of(chosen))
    if chosen.json:
        say_json(report.to_dict())
    else:
        say(report)
    if chosen.html:
        report.save(chosen.html)
        complain(f"the page is in {chosen.html!r}")
    return int(not report.ok)
