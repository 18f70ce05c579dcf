"""Read exported files: detect the format, check the card and return the graph.

`read_export` takes a path, `parse_export` takes bytes. Both return a checked `Export` and need no
runtime; `shelfvision._runtime.sessions` loads the export into one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from shelfvision._runtime.card import Card
from shelfvision._runtime.formats import FORMATS
from shelfvision._runtime.formats.format import (
    Export,
    Files,
    Format,
    export_refusal,
    path_beside,
    refuse_export,
)
from shelfvision._storage import RemoteFile, as_location, read_bounded
from shelfvision._storage.safetensors import MAX_FILE
from shelfvision.errors import BundleError, BundleNotFoundError
from shelfvision.protocols import Location

__all__ = ["Export", "parse_export", "read_export"]


def read_export(path: Location | RemoteFile) -> Export:
    """Return the checked content of an exported file; this needs no runtime."""
    place = as_location(path)
    where = repr(str(place))
    data = _content(place)
    kind = _format_of(data, where, FORMATS.values())
    beside = b"" if kind.beside is None else _content(path_beside(place, kind.beside))
    return _parsed(kind, Files(data, beside), where)


def _content(path: str | RemoteFile) -> bytes:
    return read_bounded(
        path, MAX_FILE, error=BundleError, missing=BundleNotFoundError, parameter="path"
    )


def parse_export(
    files: Files, where: str, formats: Collection[Format] = tuple(FORMATS.values())
) -> Export:
    """Return the checked content from the bytes of a file and of its second file."""
    return _parsed(_format_of(files.data, where, formats), files, where)


def _parsed(kind: Format, files: Files, where: str) -> Export:
    data, beside = files
    graph, text = kind.read(data, where)
    if not text:
        refuse_export(
            where, "it has no card, which Classifier.export writes to every file", "foreign-format"
        )
    card = Card.from_json(text, where)
    if card.quantize is not None and card.quantize not in kind.quantize:
        refuse_export(where, f"{kind.title} files are not quantized to {card.quantize!r}")
    if kind.beside is not None and hashlib.sha256(beside).hexdigest() != card.weights_sha256:
        refuse_export(where, f"the {kind.beside} file beside it has another digest", "wrong-digest")
    return Export(
        where=where,
        format=kind,
        card=card,
        graph=graph,
        beside=beside,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data) + len(beside),
    )


def _format_of(data: bytes, where: str, formats: Collection[Format]) -> Format:
    """Return the format of a file, which its first bytes identify."""
    for kind in formats:
        if kind.recognizes(data):
            return kind
    if data[:4] == b"PK\x03\x04":
        refuse_export(where, "it is a .keras file, which only Keras can open", "foreign-format")
    if data[8:9] == b"{":
        refuse_export(
            where,
            "it is a bundle of weights; load it with shelfvision.Classifier.load",
            "foreign-format",
        )
    *most, last = [kind.title for kind in formats]
    raise export_refusal(where, f"its format is not {', '.join(most)} or {last}", "foreign-format")
