"""Load the photos and classifiers that the arguments of a command name."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NoReturn, TypeAlias

from shelfvision._cli._say import complain
from shelfvision._photos.heic.opening import PIP_LINE
from shelfvision._storage import RemoteFile, as_location, read_start, suffix_of_location
from shelfvision._urls import is_url
from shelfvision._validation import as_path, counted
from shelfvision.data import Dataset
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    InvalidParameterError,
    StorageError,
)
from shelfvision.export import Predictor
from shelfvision.inference import Classifier
from shelfvision.protocols import OnError, Resize

Model: TypeAlias = Classifier | Predictor


def dataset_of(
    chosen: argparse.Namespace,
    *,
    image_size: tuple[int, int] = (100, 100),
    resize: Resize = "stretch",
    class_names: tuple[str, ...] | None = None,
    where: dict[str, str] | None = None,
) -> Dataset:
    """Return the dataset of a folder or a manifest."""
    place = as_location(chosen.dataset, "PHOTOS")
    on_error: OnError = getattr(chosen, "on_error", "raise")
    rows = dict(chosen.where) | (where or {})
    if not is_manifest(place):
        if rows or chosen.group_column or chosen.encoding:
            option = (
                "--where" if rows else "--group-column" if chosen.group_column else "--encoding"
            )
            raise InvalidParameterError(
                f"{option} is for CSV manifests, got the folder {str(place)!r}; leave it out, or "
                "name a manifest",
                code="conflict",
                parameter=option,
            )
        return Dataset.from_directory(
            chosen.dataset,
            class_names=class_names,
            image_size=image_size,
            resize=resize,
            on_error=on_error,
        )
    return Dataset.from_manifest(
        chosen.dataset,
        path_column=chosen.path_column,
        label_column=chosen.label_column,
        group_column=chosen.group_column,
        where=rows or None,
        class_names=class_names,
        encoding=chosen.encoding,
        image_size=image_size,
        resize=resize,
        on_error=on_error,
    )


def labelled_photos(chosen: argparse.Namespace, model: Model) -> Dataset:
    """Return photos of one product each, or the crops of annotated boxes, for a classifier."""
    require_boxes_alone(chosen)
    photos = _labelled_photos(chosen, model)
    report_skipped(photos, boxes=chosen.boxes is not None)
    return photos


def _labelled_photos(chosen: argparse.Namespace, model: Model) -> Dataset:
    if chosen.boxes is None:
        # All classes of the dataset are loaded, so that those the classifier lacks are refused.
        return dataset_of(chosen, image_size=model.image_size, resize=model.resize)
    rule = model.preprocessing
    return Dataset.from_boxes(
        chosen.boxes,
        images=chosen.dataset,
        context=rule.context,
        shape=rule.shape,
        image_size=rule.image_size,
        resize=rule.resize,
        on_error=chosen.on_error,
    )


def report_skipped(photos: Dataset, *, boxes: bool) -> None:
    """Print how many files, or photos and boxes, are not in the dataset, and why."""
    counts = photos.skipped.counts
    if not counts:
        return
    number = sum(counts.values())
    what = f"{number} of photos and boxes" if boxes else counted(number, "file")
    reasons = ", ".join(f"{code} {count}" for code, count in counts.items())
    complain(f"left out {what} ({reasons})" + ("" if boxes else "; audit lists them"))
    if "needs-heif" in counts:
        complain(f"to read HEIC photos, run: {PIP_LINE}")


def require_boxes_alone(chosen: argparse.Namespace) -> None:
    """Refuse options for manifests beside --boxes, and options for boxes without it."""
    manifest = {
        "--split-column": getattr(chosen, "split_column", None),
        "--group-column": chosen.group_column,
        "--where": chosen.where,
        "--encoding": chosen.encoding,
    }
    crops = {
        "--context": getattr(chosen, "context", 0.0),
        "--shape": getattr(chosen, "shape", "box") != "box",
    }
    if chosen.boxes is not None:
        as_path(chosen.dataset, "PHOTOS")
    refused = crops if chosen.boxes is None else manifest
    for option, given in refused.items():
        if given:
            fault = "needs --boxes" if chosen.boxes is None else "is not for --boxes"
            raise InvalidParameterError(
                f"{option} {fault}, got {given!r}; leave it out", code="conflict", parameter=option
            )


def is_manifest(place: str | RemoteFile) -> bool:
    """Return whether an argument is a CSV manifest, not a folder."""
    local = isinstance(place, str) and os.path.isfile(place)
    return local or suffix_of_location(place) == ".csv"


def model_of(path: str, sha256: str | None = None) -> Model:
    """Return the classifier of a bundle, or the predictor of an exported file."""
    kind = Classifier.load if is_bundle(path) else Predictor
    return kind(path, expected_sha256=sha256)


def require_place(path: str | None, option: str, *read: str | None) -> None:
    """Raise if a file cannot be written, before minutes are spent on its content.

    A file that the same command reads is never replaced.
    """
    if path is None:
        return
    place = Path(path)
    if is_url(path):
        # The check of the arguments has opened the storage already.
        if path in read:
            _refuse_same_file(path, option)
        return
    if any(one is not None and _same_file(place, one) for one in read):
        _refuse_same_file(path, option)
    if place.is_dir():
        raise InvalidParameterError(
            f"{option} must be a file, got the folder {path!r}; name a file",
            code="not-a-file",
            parameter=option,
        )
    above = next(folder for folder in place.absolute().parents if folder.exists())
    if not above.is_dir():
        raise InvalidParameterError(
            f"{option} {path!r} cannot be written, because {str(above)!r} is a file; choose "
            "another place",
            code="not-a-folder",
            parameter=option,
        )
    if not os.access(above, os.W_OK):
        raise StorageError(
            f"{option} {path!r} cannot be written: no permission to write in {str(above)!r}; "
            "allow it, or choose another place",
            code="permission",
            parameter=option,
        )


def _refuse_same_file(path: str, option: str) -> NoReturn:
    raise InvalidParameterError(
        f"{option} must not be a file that the command reads, got {path!r}; choose another name",
        code="conflict",
        parameter=option,
    )


def _same_file(place: Path, other: str) -> bool:
    try:
        return place.samefile(other)
    except (OSError, ValueError):
        return False


def is_bundle(path: str) -> bool:
    """Return whether a file is a bundle, as Classifier.save writes it."""
    if os.path.isdir(path):
        raise InvalidParameterError(
            f"FILE must be a classifier, got the folder {path!r}; check the order of arguments",
            code="not-a-file",
            parameter="FILE",
        )
    start = read_start(
        as_location(path, "FILE"),
        9,
        what="the classifier",
        error=BundleError,
        missing=BundleNotFoundError,
        parameter="FILE",
    )
    return start[8:] == b"{"
