"""Recognize the format of a source by its name and the files in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shelfvision._photos.formats import suffix_of
from shelfvision._validation import listed
from shelfvision.boxes.sources._photo_files import files_below
from shelfvision.boxes.sources._voc_folder import VOC_SUFFIX
from shelfvision.boxes.sources._yolo_config import CONFIG_NAMES, YAML_SUFFIXES, is_label_file
from shelfvision.errors import DataError, DatasetNotFoundError

Kind: TypeAlias = Literal["COCO", "VOC", "YOLO"]

_NOT_COCO = frozenset({"notes.json"})
"""JSON files of other content: Label Studio writes this one beside YOLO labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSource:
    """A source in files."""

    kind: Kind
    """Its format."""
    files: tuple[str, ...]
    """The annotation files of a COCO dataset; else the file or folder that was given."""


def kind_of_source(path: str) -> FoundSource:
    """Return the format of a file or folder; refuse a folder with several formats."""
    if not os.path.exists(path):
        raise DatasetNotFoundError(
            f"source must exist, got {path!r}; check the path",
            code="not-found",
            parameter="source",
        )
    if os.path.isdir(path):
        return _of_folder(path)
    suffix = suffix_of(path)
    name = os.path.basename(path).casefold()
    if suffix == VOC_SUFFIX:
        return FoundSource(kind="VOC", files=(path,))
    if suffix in YAML_SUFFIXES or name in CONFIG_NAMES:
        return FoundSource(kind="YOLO", files=(path,))
    if suffix == ".txt":
        raise DataError(
            f"source must be a dataset, got the text file {path!r}; pass the folder with images/ "
            "and labels/, or read one file with Boxes.from_yolo",
            code="foreign-format",
            parameter="source",
        )
    return FoundSource(kind="COCO", files=(path,))


def _of_folder(path: str) -> FoundSource:
    found: dict[Kind, list[str]] = {}
    for name in files_below(path):
        kind = _kind_of_name(name)
        if kind is not None:
            found.setdefault(kind, []).append(name)
    if len(found) == 1:
        ((kind, names),) = found.items()
        files = [os.path.join(path, name) for name in sorted(names)]
        return FoundSource(kind=kind, files=tuple(files) if kind == "COCO" else (path,))
    if not found:
        raise _nothing_found(path)
    examples = listed(f"{kind} ({min(names)})" for kind, names in sorted(found.items()))
    raise DataError(
        f"source must have annotations of one format, got {path!r} with {examples}; pass the file "
        "or the folder of one",
        code="ambiguous",
        parameter="source",
    )


def _nothing_found(path: str) -> DataError:
    got = "without any; pass the folder or the file of the annotations, and the photos as images="
    if any(suffix_of(name) == ".txt" for name in files_below(path)):
        # YOLO labels are recognized by the name of their folder: labels/train of an export.
        got = "with text files outside labels/; pass the folder that contains images/ and labels/"
    return DataError(
        f"source must contain COCO JSON, PASCAL VOC XML or YOLO labels, got {path!r} {got}",
        code="empty",
        parameter="source",
    )


def _kind_of_name(path: str) -> Kind | None:
    """Return the format of an annotation file by its path, or None for other files."""
    name, suffix = path.rpartition("/")[2].casefold(), suffix_of(path)
    if suffix == VOC_SUFFIX:
        return "VOC"
    if suffix == ".json" and name not in _NOT_COCO:
        return "COCO"
    return "YOLO" if name in CONFIG_NAMES or is_label_file(path) else None
