"""Reads exported files: what kind they are, what they say about themselves, and their graph."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import dataclass
from typing import NoReturn
from xml.etree import ElementTree as ET

from shelfvision._storage import read_bounded
from shelfvision._storage.safetensors import MAX_FILE
from shelfvision._validation import as_path
from shelfvision.errors import BundleError, BundleNotFoundError
from shelfvision.export._card import ENTRY, MAX_CARD, Card
from shelfvision.export._onnx import onnx_metadata
from shelfvision.export._report import ExportFormat

CARD_FILE, LABELS_FILE = f"{ENTRY}.json", "labels.txt"
"""The members of the zip file that is appended to a LiteRT file."""
_MAX_TAIL = 2 * MAX_CARD
_END = 22  # bytes of the record that ends a zip file without a comment


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An exported file that was read and checked, not yet loaded into a runtime."""

    where: str
    """The file, for sentences."""
    format: ExportFormat
    """Which kind it is."""
    card: Card
    """What it says about itself."""
    graph: bytes
    """What the runtime takes."""
    weights: bytes = b""
    """Of an OpenVINO model: its second file."""
    sha256: str = ""
    """Of the file."""
    size: int = 0
    """Of the file, or of both."""


def read_export(path: str | os.PathLike[str]) -> Export:
    """Return an exported file, checked; no runtime is needed for it."""
    where = repr(as_path(path))
    data = _content(path)
    if format_of(data, where) != "openvino":
        return parse_export(data, where)
    beside = os.path.splitext(os.fspath(path))[0] + ".bin"
    return parse_export(data, where, _content(beside))


def _content(path: str | os.PathLike[str]) -> bytes:
    return read_bounded(
        path, MAX_FILE, error=BundleError, missing=BundleNotFoundError, parameter="path"
    )


def parse_export(data: bytes, where: str, weights: bytes = b"") -> Export:
    """Return the same from the bytes of a file and of the one beside it."""
    kind = format_of(data, where)
    if kind == "litert":
        graph, text = _litert_parts(data, where)
    elif kind == "openvino":
        graph, text = data, _openvino_text(data, where)
    else:
        graph, text = data, onnx_metadata(data, where).get(ENTRY, b"")
    if not text:
        _refuse(
            where, "it does not describe itself as Classifier.export's files do", "foreign-format"
        )
    card = Card.from_json(text, where)
    if kind == "openvino" and hashlib.sha256(weights).hexdigest() != card.weights_sha256:
        _refuse(where, "the .bin file beside it belongs to another one", "wrong-digest")
    return Export(
        where=where,
        format=kind,
        card=card,
        graph=graph,
        weights=weights,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data) + len(weights),
    )


def format_of(data: bytes, where: str) -> ExportFormat:
    """Tell the kind of a file by its first bytes."""
    if data[4:8] == b"TFL3":
        return "litert"
    if data.lstrip()[:5] in (b"<?xml", b"<net "):
        return "openvino"
    if data[:4] == b"PK\x03\x04":
        _refuse(where, "it is a .keras file, which only Keras can open", "foreign-format")
    if data[8:9] == b"{":
        _refuse(
            where,
            "it is a bundle of weights; load it with shelfvision.Classifier.load",
            "foreign-format",
        )
    if data[:1] == b"\x08":
        return "onnx"
    raise _refusal(where, "it is no ONNX, LiteRT or OpenVINO file", "foreign-format")


def appended_zip(card: Card) -> bytes:
    """Return what is appended to a LiteRT file, always the same bytes for the same card."""
    buffer = io.BytesIO()
    labels = "".join(f"{name}\n" for name in card.class_names)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in ((CARD_FILE, card.to_json()), (LABELS_FILE, labels)):
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def _litert_parts(data: bytes, where: str) -> tuple[bytes, bytes]:
    """Return the model of a LiteRT file and the card appended to it."""
    # Two members and no comment; a large directory is never parsed.
    end = data[-_END:]
    if end[:4] != b"PK\x05\x06" or end[8:12] != b"\x02\x00\x02\x00":
        return data, b""
    tail = data[-_MAX_TAIL:]
    try:
        with zipfile.ZipFile(io.BytesIO(tail)) as archive:
            members = archive.infolist()
            sound = [member.filename for member in members] == [CARD_FILE, LABELS_FILE] and all(
                member.compress_type == zipfile.ZIP_STORED for member in members
            )
            if not sound or members[0].file_size > MAX_CARD:
                _refuse(where, "what is appended to it is not as shelfvision writes it")
            start = len(data) - len(tail) + members[0].header_offset
            return data[:start], archive.read(members[0])
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, BundleError):
            raise
        raise _refusal(where, "what is appended to it is damaged") from error


def _openvino_text(data: bytes, where: str) -> bytes:
    """Return the card that stands in the run-time information of an OpenVINO model."""
    try:
        text = data.decode("utf-8")
        if "<!" in text:
            _refuse(
                where, "it declares a document type, which no OpenVINO file needs", "document-type"
            )
        root = ET.fromstring(text)  # noqa: S314  (no entities, as was checked)
    except (ET.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(where, "it is not the XML that it should be", "not-xml") from error
    entries = [element.get("value", "") for element in root.iterfind(f"rt_info/{ENTRY}")]
    return entries[0].encode() if len(entries) == 1 else b""


def _refusal(where: str, fault: str, code: str = "damaged") -> BundleError:
    return BundleError(
        f"{where} is no export that can be used: {fault}; give a file that Classifier.export wrote",
        code=code,
    )


def _refuse(where: str, fault: str, code: str = "damaged") -> NoReturn:
    raise _refusal(where, fault, code)
