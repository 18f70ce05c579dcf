"""``inspect``: what a file holds, without loading its model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import cast

from shelfvision._cli._photos import is_bundle
from shelfvision._cli._say import say, say_json
from shelfvision.export._reading import read_export
from shelfvision.inference._bundle import read_bundle
from shelfvision.inference._manifest import ENTRY

_MOST = 12


def run(chosen: argparse.Namespace) -> int:
    """Tell what a bundle's manifest or an exported file's card says."""
    facts = _of_bundle(chosen.file) if is_bundle(chosen.file) else _of_export(chosen.file)
    if chosen.json:
        say_json(facts)
        return 0
    for name, value in facts.items():
        say(f"{name:22} {_short(value)}")
    return 0


def _of_bundle(path: str) -> dict[str, object]:
    manifest, tensors = read_bundle(path)
    fields: dict[str, object] = json.loads(manifest.to_metadata("{}")[ENTRY])
    del fields["weights"]
    numbers = sum(tensor.size for tensor in tensors.values())
    return {"kind": "bundle", "tensors": len(tensors), "numbers": numbers} | fields


def _of_export(path: str) -> dict[str, object]:
    export = read_export(path)
    fields: dict[str, object] = json.loads(export.card.to_json())
    return {"kind": export.format, "bytes": export.size, "sha256": export.sha256} | fields


def _short(value: object) -> str:
    """Return a value in a line; long lists are cut."""
    if isinstance(value, list) and len(value) > _MOST:
        return f"{', '.join(map(str, value[:_MOST]))} and {len(value) - _MOST} more"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        pairs = cast("Mapping[str, object]", value)
        return ", ".join(f"{name} {_short(inner)}" for name, inner in pairs.items()) or "-"
    return "-" if value is None else str(value)
