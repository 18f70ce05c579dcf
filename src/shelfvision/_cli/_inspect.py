"""``inspect``: show the content of a file without loading its model."""

from __future__ import annotations

import argparse
import json

from shelfvision._cli._photos import is_bundle
from shelfvision._cli._say import say, say_json
from shelfvision._runtime.reading import Export, read_export
from shelfvision._storage.sealed import require_digest, trusted_digest
from shelfvision._validation import counted
from shelfvision.inference import inspect
from shelfvision.inference.one_line import in_one_line


def run(chosen: argparse.Namespace) -> int:
    """Print the manifest of a bundle, or the card of an exported file."""
    if is_bundle(chosen.file):
        info = inspect(chosen.file, expected_sha256=chosen.sha256)
        if chosen.json:
            say_json({"kind": "bundle"} | info.to_dict())
        else:
            say(info)
        return 0
    export = read_export(chosen.file)
    require_digest(export.sha256, trusted_digest(chosen.sha256), export.where)
    facts = _facts(export)
    if chosen.json:
        say_json(facts)
        return 0
    rows = facts | _counts(export)
    width = max(map(len, rows))
    for name, value in rows.items():
        say(f"{name:{width}}  {in_one_line(value)}")
    return 0


def _facts(export: Export) -> dict[str, object]:
    fields: dict[str, object] = json.loads(export.card.to_json())
    return {"kind": export.format.name, "bytes": export.size, "sha256": export.sha256} | fields


def _counts(export: Export) -> dict[str, object]:
    """Return the number of photos in place of the values of all photos."""
    card = export.card
    counts: dict[str, object] = {}
    if card.profile is not None:
        counts["profile"] = f"of {counted(card.profile.n_photos, 'photo')}"
    if card.measured:
        counts["measured"] = f"scores of {counted(len(card.measured), 'photo')}"
    return counts
