"""Photos and classifiers by what the command line names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from shelfvision.data import Dataset
from shelfvision.errors import BundleNotFoundError, InvalidParameterError, StorageError
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
    """Return the dataset that a folder or a manifest holds."""
    place = Path(chosen.dataset)
    on_error: OnError = getattr(chosen, "on_error", "raise")
    rows = dict(chosen.where) | (where or {})
    if not _is_manifest(place):
        if rows or chosen.group_column:
            raise InvalidParameterError(
                f"--where and --group-column are for manifests, but {str(place)!r} is a folder"
            )
        return Dataset.from_directory(
            place, class_names=class_names, image_size=image_size, resize=resize, on_error=on_error
        )
    return Dataset.from_manifest(
        place,
        path_column=chosen.path_column,
        label_column=chosen.label_column,
        group_column=chosen.group_column,
        where=rows or None,
        class_names=class_names,
        image_size=image_size,
        resize=resize,
        on_error=on_error,
    )


def _is_manifest(place: Path) -> bool:
    return place.is_file() or place.suffix.lower() == ".csv"


def model_of(path: str, sha256: str | None = None) -> Model:
    """Return the classifier of a bundle, or the predictor of an exported file."""
    kind = Classifier.load if is_bundle(path) else Predictor
    return kind(path, expected_sha256=sha256)


def require_place(path: str | None, option: str) -> None:
    """Refuse a place that cannot be written to, before minutes are spent on what goes there."""
    if path is None:
        return
    place = Path(path)
    if place.is_dir():
        raise InvalidParameterError(f"{option} {path!r} is a folder; name a file")
    above = next(folder for folder in place.absolute().parents if folder.exists())
    if not above.is_dir():
        raise InvalidParameterError(
            f"{option} {path!r} cannot be written, for {str(above)!r} is no folder; choose another"
        )
    if not os.access(above, os.W_OK):
        raise StorageError(
            f"{option} {path!r} cannot be written: no permission to write in {str(above)!r}; "
            "allow it, or choose another place"
        )


def is_bundle(path: str) -> bool:
    """Tell whether a file is one that Classifier.save wrote, or some other one."""
    try:
        with Path(path).open("rb") as file:
            return file.read(9)[8:] == b"{"
    except FileNotFoundError as error:
        raise BundleNotFoundError(f"there is no file {path!r}; check the path") from error
    except IsADirectoryError as error:
        raise InvalidParameterError(
            f"{path!r} is a folder, not the file of a classifier; check the order of arguments"
        ) from error
