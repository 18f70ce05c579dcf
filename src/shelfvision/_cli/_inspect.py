"""``inspect``: show the content of a file without loading its model."""

from __future__ import annotations

import argparse
import json

from shelfvision._cli._photos import is_bundle
from shelfvision._cli._say import say, say_json
from shelfvision._runtime.reading import Export, read_export
from shelfvision._storage.sealed import require_digest, trusted_digest
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
    width = max(map(len, facts))
    for name, value in facts.items():
        say(f"{name:{width}}  {in_one_line(value)}")
    return 0


def _facts(export: Export) -> dict[str, object]:
    fields: dict[str, object] = json.loads(export.card.to_json())
    return {"kind": export.format.name, "bytes": export.size, "sha256": export.sha256} | fields
